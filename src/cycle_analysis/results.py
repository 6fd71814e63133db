"""Save and load the results of notebooks, each with what made it.

A result is the folder of one step for one wave, ``data/processed/<study>/<wave>/<step>/``: tables
as plain CSV that opens anywhere, and ``result.json`` with the types of every table, the parameters
used, the version of this package, and fingerprints of the results and files that it was made from.
So whoever loads a table gets the types that were saved, nobody needs to open a notebook to know its
parameters, and a result whose sources have changed since is known to be *stale*. The same result
has the same bytes: no times, no paths, numbers rounded to six decimals, which no statement needs
and which differ in the last bits between processors.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cycle_analysis import __version__
from cycle_analysis.problems import InputError, Problem, refuse, refuse_any
from cycle_analysis.study import Study, find_home, load_study
from cycle_analysis.study.plan import hash_facts, hash_file, hash_study
from cycle_analysis.whole_files import delete_files, inert, inert_texts, write_whole, written_texts

Value = str | int | float | bool
"""What a parameter may be."""
DECIMALS = 6
FILE = "result.json"
PARAMETERS = "parameters"
ALL_WAVES = "all_waves"
"""Folder of the steps that compare waves."""
ROBUSTNESS = "robustness"
"""The step that no run needs: other defensible choices, told where they are up to date."""
KINDS = {
    "string": "str",
    "string or missing": "str",
    "integer": "int64",
    "integer or missing": "Int64",
    "number": "float64",
    "boolean": "bool",
    "boolean or missing": "boolean",
}
"""Types of columns as result.json names them, and as pandas does."""
INFERRED = {
    "string": "string",
    "boolean": "boolean",
    "integer": "integer",
    "floating": "number",
    "mixed-integer-float": "number",
    "empty": "string",
}
"""Kinds of columns that pandas keeps as objects, by what they hold."""


@dataclass(frozen=True)
class Saved:
    """A table as it stands in its file.

    Attributes
    ----------
    contents : bytes
        The CSV.
    schema : dict
        ``index`` and ``columns``, kind by name, in order; ``heads``, name and kind of the column
        labels; ``sha256`` of the contents.
    """

    contents: bytes
    schema: dict[str, Any]

    @property
    def table(self) -> pd.DataFrame:
        """The table with the types it was saved with."""
        columns = {**self.schema["index"], **self.schema["columns"]}
        types = {name: KINDS[kind] for name, kind in columns.items()}
        empty_is_missing = {name: [""] for name, kind in columns.items() if kind != "string"}
        table = pd.read_csv(
            io.BytesIO(self.contents),
            names=list(columns),  # as they were saved: in the file no name is a formula
            header=0,
            dtype=types,
            keep_default_na=False,
            na_values=empty_is_missing,
            lineterminator="\n",  # else a carriage return in a text ends the line
            skip_blank_lines=False,
        )
        texts = [name for name, kind in columns.items() if kind.startswith("string")]
        table = table.assign(**{name: written_texts(table[name]) for name in texts})
        table = table.set_index(list(self.schema["index"]))
        heads = self.schema["heads"]
        return table.set_axis(
            table.columns.astype(KINDS[heads["kind"]]).rename(heads["name"]), axis=1
        )


def write_table(name: str, table: pd.DataFrame) -> Saved:
    r"""Write a table as it will be saved.

    Parameters
    ----------
    name : str
        Its name, for messages.
    table : DataFrame
        With a named index without double entries. Columns of texts, whole numbers, numbers or
        booleans; all but numbers may be missing where their type allows it.

    Raises
    ------
    ValueError
        If the index has no name or double entries, or a column would not come back as it is.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [1 / 3, None]}, index=pd.Index(["0059", "NA"], name="unit"))
    >>> write_table("scores", scores).contents.decode()
    'unit,AG\n0059,0.333333\nNA,\n'
    """
    _check_index(name, table)
    heads, columns = _heads(name, table.columns), table.reset_index()
    kinds = {str(column): _kind(name, column, columns[column]) for column in columns}
    if len(kinds) < columns.shape[1]:
        raise ValueError(f"columns of table {name!r} have the same name as a text: {list(columns)}")
    contents = _to_csv(_rounded(table).reset_index(), kinds)
    n_levels = table.index.nlevels
    schema = {
        "index": dict(list(kinds.items())[:n_levels]),
        "columns": dict(list(kinds.items())[n_levels:]),
        "heads": heads,
        "sha256": hashlib.sha256(contents).hexdigest(),
    }
    return Saved(contents, schema)


@dataclass(frozen=True)
class Origin:
    """What made a result.

    Attributes
    ----------
    parameters : mapping of name to value
        Those of the notebook, in its order, without the study, the wave and the language.
    results : mapping of result to mapping of part to fingerprint
        The results it was made from, ``02_scores 2018``: the tables of each that were loaded, and
        `PARAMETERS` where these were asked for.
    files : mapping of name to fingerprint
        The study's own files, as far as they decide about results; see `study_files`.
    """

    parameters: Mapping[str, Value] = field(default_factory=dict)
    results: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """The results of one study.

    Attributes
    ----------
    folder : Path
        ``data/processed/<study>``.
    study : Study, optional
        The study; without it nobody can tell whether its files have changed since.
    """

    folder: Path
    study: Study | None = None

    def step_folder(self, step: str, wave: str = ALL_WAVES) -> Path:
        """Folder of one step in one wave."""
        return self.folder / wave / step

    def has(self, step: str, wave: str = ALL_WAVES) -> bool:
        """Whether a step has been saved."""
        return (self.step_folder(step, wave) / FILE).is_file()

    def load(self, step: str, table: str, wave: str = ALL_WAVES) -> pd.DataFrame:
        """Load one table of a step as it was saved.

        Raises
        ------
        InputError
            If the step has not run, did not save this table, or the file has changed since.
        """
        tables = self._read(step, wave)["tables"]
        schema = tables.get(table)
        path = self.step_folder(step, wave) / f"{table}.csv"
        if schema is None or not path.is_file():
            raise InputError([_lacking(step, wave, f"{table}.csv", tables)])
        contents = path.read_bytes()
        if hashlib.sha256(contents).hexdigest() != schema["sha256"]:
            raise _spoilt(step, wave, f"{table}.csv", "has changed since it was saved")
        return Saved(contents, schema).table

    def tables(self, step: str, wave: str = ALL_WAVES) -> list[str]:
        """Name the tables of a step.

        Raises
        ------
        InputError
            If the step has not run.
        """
        return list(self.schemas(step, wave))

    def schemas(self, step: str, wave: str = ALL_WAVES) -> dict[str, dict[str, Any]]:
        """Describe the tables of a step by name: `Saved.schema`.

        Raises
        ------
        InputError
            If the step has not run.
        """
        return dict(self._read(step, wave)["tables"])

    def parameters(self, step: str, wave: str = ALL_WAVES) -> dict[str, Value]:
        """Give the parameters that a step ran with, in the order of its notebook.

        Raises
        ------
        InputError
            If the step has not run.
        """
        return dict(self._read(step, wave)["parameters"])

    def fingerprint(self, step: str, part: str, wave: str = ALL_WAVES) -> str:
        """Give what tells a table of a result, or its `PARAMETERS`, from others: a hash.

        Raises
        ------
        InputError
            If the step has not run.
        """
        result = self._read(step, wave)
        return hash_facts(
            [result[PARAMETERS] if part == PARAMETERS else result["tables"].get(part)]
        )

    def save(
        self,
        step: str,
        wave: str,
        tables: Mapping[str, Saved | pd.DataFrame],
        origin: Origin | None = None,
    ) -> None:
        """Save all tables of a step in one go, with what made them.

        Tables of an earlier run that are not among them are deleted. ``result.json`` is written
        last: when the process is killed before, the tables do not fit it and are not loaded.

        Raises
        ------
        ValueError
            As `write_table`.
        InputError
            If the folder may not be written, or the disk is full.
        """
        written = {
            name: table if isinstance(table, Saved) else write_table(name, table)
            for name, table in tables.items()
        }
        folder, origin = self.step_folder(step, wave), origin or Origin()
        try:
            earlier = self.tables(step, wave)
        except InputError:
            earlier = []
        for name, saved in written.items():
            write_whole(folder / f"{name}.csv", saved.contents, private_from=self.folder)
        result = {
            "made_from": {
                "files": dict(sorted(origin.files.items())),
                "results": dict(sorted(origin.results.items())),
            },
            "parameters": dict(origin.parameters),
            "tables": {name: written[name].schema for name in sorted(written)},
            "version": __version__,
        }
        lines = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        write_whole(folder / FILE, lines.encode("utf-8"), private_from=self.folder)
        delete_files(folder / f"{name}.csv" for name in earlier if name not in written)

    def stale(self, step: str, wave: str = ALL_WAVES) -> list[str]:
        """Say what changed since a step was saved; nothing when it is up to date.

        A source that is stale itself counts as changed, and so on up to the study's own files.

        Raises
        ------
        InputError
            If the step has not run.
        """
        result = self._read(step, wave)
        changed = []
        if result["version"] != __version__:
            changed.append(f"version {result['version']} made it, and this is {__version__}")
        if self.study is not None:
            now, then = study_files(self.study, step, wave), result["made_from"]["files"]
            differing = sorted(now.keys() ^ then.keys() | {n for n in now if now[n] != then.get(n)})
            changed += [f"{name} has changed" for name in differing]
        for source, parts in result["made_from"]["results"].items():
            made, _, of = source.partition(" ")
            of = of or ALL_WAVES
            if not self.has(made, of):
                changed.append(f"{source} is gone")
            elif any(self.fingerprint(made, name, of) != parts[name] for name in parts):
                changed.append(f"{source} has changed")
            elif self.stale(made, of):
                changed.append(f"{source} is out of date")
        return changed

    def current(self, step: str, wave: str = ALL_WAVES) -> bool:
        """Whether a step has been saved, and nothing it rests on has changed since."""
        return self.has(step, wave) and not self.stale(step, wave)

    def check(self, steps: Iterable[tuple[str, str]]) -> None:
        """Refuse results that are absent or stale.

        Parameters
        ----------
        steps : iterable of (step, wave)
            In the order in which notebooks run, which is that of the messages.

        Raises
        ------
        InputError
            With every notebook to run again, and why.
        """
        problems = []
        for step, wave in steps:
            if not self.has(step, wave):
                problems.append(_lacking(step, wave))
            elif changed := self.stale(step, wave):
                told, remedy = "; ".join(changed), f"{run_notebook(step, wave)} again"
                problem = f"is out of date: {told}"
                problems.append(Problem(f"{wave}/{step}", "result", "", problem, "", remedy))
        refuse_any(problems)

    def _read(self, step: str, wave: str) -> dict[str, Any]:
        path = self.step_folder(step, wave) / FILE
        if not path.is_file():
            there = sorted(one.parent.name for one in path.parents[1].glob(f"*/{FILE}"))
            raise InputError([_lacking(step, wave, FILE, there)])
        try:
            result: dict[str, Any] = json.loads(path.read_text("utf-8"))
            return {key: result[key] for key in ("made_from", "parameters", "tables", "version")}
        except (ValueError, KeyError, TypeError):
            raise _spoilt(step, wave, FILE, "cannot be read") from None


def open_results(name: str, home: Path | None = None) -> Results:
    """Open the results of a study: ``open_results("example").load("02_scores", "scores", "2018")``.

    Parameters
    ----------
    name, home
        As `load_study`.

    Returns
    -------
    Results
        `load` a table of a step with its types, `tables` names those there are, `parameters` tells
        what a step ran with, and `stale` what has changed since.
    """
    home = home or find_home()
    return Results(home / "data" / "processed" / name, load_study(name, home))


def result_name(step: str, wave: str) -> str:
    """Name a result in messages and in result.json.

    Examples
    --------
    >>> result_name("02_scores", "2018"), result_name("07_waves", ALL_WAVES)
    ('02_scores 2018', '07_waves')
    """
    return step if wave == ALL_WAVES else f"{step} {wave}"


def run_notebook(step: str, wave: str) -> str:
    """Say which notebook to run, for which wave."""
    if step == ROBUSTNESS:
        return "Run cycle-analysis robustness"
    return f"Run notebook {step}" + ("" if wave == ALL_WAVES else f" for wave {wave}")


def study_files(study: Study, step: str, wave: str) -> dict[str, str]:
    """Fingerprint the files of a study as far as they decide about a result.

    Parameters
    ----------
    study : Study
    step : str
        Notebook 01 reads the export; the others what 01 made of it.
    wave : str
        A wave, or `ALL_WAVES` for a step that compares them.

    Returns
    -------
    dict of str to str
        Fingerprint by name of file, such as ``2018/wave.yaml``; see `study.fingerprints`.
    """
    found = {"study.yaml or codebook.csv": hash_study(study)}
    for one in study.waves if wave == ALL_WAVES else [wave]:
        mapping = study.wave(one).model_dump(mode="json") | {"label": ""}
        found[f"{one}/wave.yaml"] = hash_facts(mapping)
        raw = study.wave_files(one)[1:] if step == "01_responses" else []
        found |= {f"{one}/{path.name}": hash_file(path) for path in raw}
    if wave == ALL_WAVES:
        found["the list of waves"] = hash_facts([study.waves, study.reference_wave])
    if step == ROBUSTNESS:
        found["robustness in study.yaml"] = hash_facts(study.robustness.model_dump(mode="json"))
    return found


def _lacking(step: str, wave: str, file: str = FILE, there: Iterable[str] = ()) -> Problem:
    where = (f"{wave}/{step}/{file}", "file", "", "is not there yet", ", ".join(there))
    return Problem(*where, f"{run_notebook(step, wave)} first")


def _spoilt(step: str, wave: str, file: str, problem: str) -> InputError:
    again = f"{run_notebook(step, wave)} again"
    return refuse(f"{wave}/{step}/{file}", "file", "", problem, "", again)


def _check_index(name: str, table: pd.DataFrame) -> None:
    if not all(isinstance(level, str) for level in table.index.names):
        raise ValueError(f"the index of table {name!r} has no name; set it with rename_axis()")
    if table.index.has_duplicates:
        double = table.index[table.index.duplicated()][:5].tolist()
        raise ValueError(f"the index of table {name!r} has double entries: {double}")


def _heads(name: str, columns: pd.Index) -> dict[str, str | None]:
    """Give the name of the column labels, and their kind: texts or numbers."""
    kind = _kind(name, "heads", columns.to_series()) if columns.nlevels == 1 else ""
    if kind not in ("string", "integer", "number") or columns.has_duplicates or "" in columns:
        raise ValueError(f"the columns of table {name!r} need one name each, not empty: {columns}")
    return {"name": columns.name and str(columns.name), "kind": kind}


def _kind(table: str, label: object, column: pd.Series) -> str:
    """Name the type of a column; it hangs on the values only where pandas has no type for them."""
    if isinstance(column.dtype, pd.CategoricalDtype):  # comes back as what its categories are
        column = column.astype(column.cat.categories.dtype)
    kind = _kind_of_type(table, label, column)
    if kind == "string" and column.hasnans:
        if (column == "").any():
            raise ValueError(
                f"column {label!r} of table {table!r} has empty texts and missing ones, which a "
                "csv cannot tell apart; make them one of the two"
            )
        return "string or missing"
    if column.dtype == object and column.hasnans and kind in ("boolean", "integer"):
        return f"{kind} or missing"
    return kind


def _kind_of_type(table: str, label: object, column: pd.Series) -> str:
    types = pd.api.types
    nullable = " or missing" if types.is_extension_array_dtype(column) else ""
    if types.is_bool_dtype(column):
        return f"boolean{nullable}"
    if types.is_integer_dtype(column):
        return f"integer{nullable}"
    if types.is_float_dtype(column):
        return "number"
    held = types.infer_dtype(column, skipna=True)
    if held not in INFERRED:
        raise ValueError(
            f"column {label!r} of table {table!r} holds {held}, not texts, numbers or yes and no"
        )
    return INFERRED[held]


def _to_csv(columns: pd.DataFrame, kinds: Mapping[str, str]) -> bytes:
    """Write columns as csv in which every number is a number and no text is a formula."""
    texts = [kind.startswith("string") for kind in kinds.values()]
    cells = {
        place: inert_texts(column.astype("object")) if is_text else column
        for place, ((_, column), is_text) in enumerate(zip(columns.items(), texts, strict=True))
    }
    written = pd.DataFrame(cells, index=columns.index)
    heads = [inert(name) for name in kinds]
    return written.to_csv(index=False, header=heads, lineterminator="\n").encode("utf-8")


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Round floats; adding zero turns -0.0 into 0.0."""
    rounded = table.copy()
    for name in (name for name in table if pd.api.types.is_float_dtype(table[name])):
        rounded[name] = table[name].round(DECIMALS) + 0.0
    return rounded

"""Save and load the tables between notebooks: plain CSV that opens anywhere, the same bytes twice.

Each step owns one folder, ``data/processed/<study>/<wave>/<step>/``. Numbers are rounded to six
decimals, which no statement needs and which differ in the last bits between processors. Beside the
tables stands ``tables.json`` (after the Frictionless table schema): index and type of each column.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cycle_analysis.problems import InputError, Problem
from cycle_analysis.study import find_home
from cycle_analysis.whole_files import write_whole

DECIMALS = 6
SCHEMA = "tables.json"
ALL_WAVES = "all_waves"
"""Folder of the steps that compare waves."""
PANDAS_TYPES = {
    "string": "str",
    "integer": "int64",
    "number": "float64",
    "boolean": "bool",
    "boolean or missing": "boolean",
}


@dataclass(frozen=True)
class Store:
    """Where the tables of one study stand.

    Attributes
    ----------
    folder : Path
        ``data/processed/<study>``.
    """

    folder: Path

    def step_folder(self, step: str, wave: str = ALL_WAVES) -> Path:
        """Folder of one step in one wave."""
        return self.folder / wave / step

    def save(self, step: str, wave: str = ALL_WAVES, **tables: pd.DataFrame) -> None:
        """Save tables as ``<name>.csv`` in the folder of a step.

        Raises
        ------
        ValueError
            If a table's index has no name, or double entries.
        InputError
            If the folder may not be written, or the disk is full.
        """
        folder = self.step_folder(step, wave)
        schema_file = folder / SCHEMA
        schema = json.loads(schema_file.read_text("utf-8")) if schema_file.exists() else {}
        for name, table in tables.items():
            schema[name] = _schema(name, table)
            text = _rounded(table).to_csv(lineterminator="\n")
            write_whole(folder / f"{name}.csv", text.encode("utf-8"))
        lines = json.dumps(schema, indent=1, sort_keys=True) + "\n"
        write_whole(schema_file, lines.encode("utf-8"))

    def load(self, step: str, name: str, wave: str = ALL_WAVES) -> pd.DataFrame:
        """Load one table of a step as it was saved.

        Raises
        ------
        InputError
            If the step has not run.
        """
        folder = self.step_folder(step, wave)
        file = folder / f"{name}.csv"
        if not file.is_file():
            where = f"{wave}/{step}/{name}.csv"
            remedy = f"Run notebook {step} for wave {wave} first"
            raise InputError([Problem(where, "file", "", "is not there yet", "", remedy)])
        schema = json.loads((folder / SCHEMA).read_text("utf-8"))[name]
        types = {column: PANDAS_TYPES[kind] for column, kind in schema["columns"].items()}
        empty_is_missing = {name: [""] for name, kind in types.items() if kind != "str"}
        table = pd.read_csv(file, dtype=types, keep_default_na=False, na_values=empty_is_missing)
        return table.set_index(schema["index"])


def open_store(study_name: str) -> Store:
    """Open the tables of a study in the home folder."""
    return Store(find_home() / "data" / "processed" / study_name)


def _schema(name: str, table: pd.DataFrame) -> dict[str, object]:
    index = list(table.index.names)
    if None in index:
        raise ValueError(f"the index of table {name!r} has no name; set it with rename_axis()")
    if table.index.has_duplicates:
        double = table.index[table.index.duplicated()][:5].tolist()
        raise ValueError(f"the index of table {name!r} has double entries: {double}")
    columns = table.reset_index()
    return {"index": index, "columns": {str(c): _kind(columns[c]) for c in columns}}


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "boolean or missing" if column.hasnans else "boolean"
    if pd.api.types.is_integer_dtype(column) and not column.hasnans:
        return "integer"
    return "number" if pd.api.types.is_numeric_dtype(column) else "string"


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Round floats; adding zero turns -0.0 into 0.0."""
    floats = [name for name in table if pd.api.types.is_float_dtype(table[name])]
    return table.assign(**{str(name): table[name].round(DECIMALS) + 0.0 for name in floats})

"""Write a synthetic twin of a study: files of the same shape that nobody filled in, to be shared.

The one generator draws it from what is fitted to the tables of a run. Of units: the profiles of 04
with the covariance of their true scores, one cloud where 04 found none, moves where 07 found
change, and who takes part by size class. Of respondents: their number, their roles, and the
covariance of their errors (02). Of every item: the shares of its answers, how it follows the
phases, and how often each reason stands for an answer.

Only sums over many leave the tables: what is counted or measured in numbers (respondents of a unit,
years, posts) comes in groups of five neighbours that count as their mean (microaggregation). No
row, open answer, address, date or number of the study is copied, and rows that come out as a
respondent's by chance are drawn anew. Municipalities keep their codes, which are public; who
answered, and how many, is drawn anew, so that a code says nothing of a unit. Units of a register of
its own get other codes and names.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.random import Generator
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from cycle_analysis.measurement import turn_items
from cycle_analysis.measurement.error import Standing, measurement_error
from cycle_analysis.problems import refuse
from cycle_analysis.readers import read_export
from cycle_analysis.readers.flat_files import find_delimiter, read_text
from cycle_analysis.responses import BLANK
from cycle_analysis.responses.coded import read_responses
from cycle_analysis.results import Results
from cycle_analysis.simulate import Margin, Truth
from cycle_analysis.simulate.exports import MISSING_TEXTS
from cycle_analysis.simulate.studies import MIDDLE_SIZE_CLASS, same_rows, write_study
from cycle_analysis.simulate.worlds import Clouds, Seen
from cycle_analysis.study import STUDY, WAVE, Study, load_study
from cycle_analysis.study.codebook import FILE as CODEBOOK
from cycle_analysis.study.files import BUNDLED, codes_by_label, normalise
from cycle_analysis.study.text_files import YamlText, read_table
from cycle_analysis.units import MOST_GROUPS, SIZE, has_municipalities, study_register
from cycle_analysis.units.identification import invited_units
from cycle_analysis.waves.transitions import Finding

RESPONSES, SCORES, NUMBER = "01_responses", "02_scores", "04_number_of_profiles"
README = Path(__file__).with_name("twin.md")
"""What stands beside the twin, and says what it is."""
SUFFIX, MARK = "_synthetic", "SYNTHETIC twin"
WRITTEN = {
    **{"csv": "csv", "tsv": "csv", "txt": "csv", "sav": "sav", "zsav": "sav", "por": "sav"},
    **{"dta": "sav", "xlsx": "xlsx", "xlsm": "xlsx", "xls": "xlsx", "ods": "xlsx"},
}
"""Kind of file that each kind is written as: a format that can hold what it holds."""
LEFT_OUT = ("about", "statements", "own_notebooks")
"""What study.yaml says that is not true of a twin, or may tell what was found."""
UNSEEN = ("province", "duration")
"""Columns of respondents that are filled with nothing."""
NEIGHBOURS = 5
"""Numbers that count as their mean, so that none of them is told."""
PRIOR = 10
"""Units of the mean response that the response of a size class is made of, beside its own."""
LEAST_NOISE = 0.05
"""Least share of an item's variance that follows no phase."""
MOST_MEMORY = 0.99


def write_twin(study: Study, results: Results, seed: int = 2018) -> str:
    """Write the twin of a study beside it, as ``<study>_synthetic``.

    Parameters
    ----------
    study : Study
    results : Results
        Its run, up to notebook 07.
    seed : int
        The same seed writes the same bytes.

    Returns
    -------
    str
        What was written and checked, a line for each wave, and what to do next.

    Raises
    ------
    InputError
        If there is a twin already, or if rows of respondents come back however often they are
        drawn, as where there are few items of few steps.
    """
    folder = study.folder.with_name(study.name + SUFFIX)
    if folder.exists():
        remedy = "Move or delete it, then make the twin again"
        raise refuse(folder.name, "folder", "", "is there already", "", remedy)
    truth, rng = fit_truth(study, results), np.random.default_rng(seed)
    _write_study_files(study, folder, rng)
    twin = load_study(folder.name, folder.parents[2])
    register = study_register(twin)
    known = {w: results.load(RESPONSES, "answers", w).astype(float) for w in study.waves}
    states = write_study(_as_written(study, twin), truth, seed, register, known)
    for wave in twin.waves:
        if study.wave(wave).invited:
            there = states[states["wave"] == wave].set_index("unit")["n_respondents"]
            n = len(invited_units(study, wave, []))
            path = folder / wave / twin.wave(wave).invited
            _draw_invited(there, n, rng).to_csv(path, index=False, lineterminator="\n")
    twin = load_study(folder.name, folder.parents[2])
    told = [_check_rows(twin, wave, known[wave]) for wave in twin.waves]
    lines = "\n".join(f"- {line}" for line in told)
    about = README.read_text("utf-8").format(mark=MARK, study=study.name, seed=seed, lines=lines)
    (folder / "README.md").write_text(about, "utf-8", newline="\n")
    return "\n".join([*told, f"Synthetic: {folder}", f"Next: cycle-analysis run {twin.name}"])


def _write_study_files(study: Study, folder: Path, rng: Generator) -> None:
    """Write all files but the exports: texts of the author, and nothing of who answered."""
    tree: dict[str, Any] = YamlText(study.folder / STUDY, STUDY).tree
    tree = {key: value for key, value in tree.items() if key not in LEFT_OUT}
    tree["title"] = {lang: f"{MARK}: {text}" for lang, text in tree["title"].items()}
    own = set(study.own_notebooks)
    chosen = {k: v for k, v in (tree.get("parameters") or {}).items() if k not in own}
    units = {key: name for key, name in tree.get("units", {}).items() if key != "map"}
    _write_yaml(folder / STUDY, tree | {"synthetic": True, "parameters": chosen, "units": units})
    (folder / CODEBOOK).write_bytes((study.folder / CODEBOOK).read_bytes())
    if study.units.register_file != BUNDLED:
        _write_register(study, folder, rng)
    for name in study.waves:
        wave: dict[str, Any] = YamlText(study.folder / name / WAVE, WAVE).tree
        unseen = [study.wave(name).columns[key].source for key in UNSEEN if key in wave["columns"]]
        wave["columns"] = {k: v for k, v in wave["columns"].items() if k not in UNSEEN}
        wave["ignore"] = [*(wave.get("ignore") or []), *unseen]
        wave["source"] = _source(study, name)
        if study.wave(name).invited:
            wave["invited"] = "synthetic_invited.csv"
        _write_yaml(folder / name / WAVE, wave)


def _write_yaml(path: Path, tree: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(tree, allow_unicode=True, sort_keys=False, width=100)
    mark = "# SYNTHETIC: the answers are drawn by cycle_analysis.simulate, see README.md.\n"
    path.write_text(mark + text, "utf-8", newline="\n")


def _source(study: Study, wave: str) -> dict[str, Any]:
    """Describe the file to be written: the kind, encoding and delimiter of the study's own."""
    path, source = study.raw_file(wave), study.wave(wave).source
    kind = WRITTEN[(source.format or path.suffix).lower().lstrip(".")]
    maps = [column.map for column in study.wave(wave).columns.values()]
    if kind == "sav" and not all(code.lstrip("-").isdecimal() for map_ in maps for code in map_):
        kind = "csv"  # words that are mapped are no numbers of SPSS
    told: dict[str, Any] = {"file": f"synthetic_responses.{kind}", "sha256": "0" * 64}
    told["format"] = kind
    if kind == "xlsx":
        told |= {"sheet": source.sheet or "responses", "header_row": str(source.header_row)}
    elif kind == "csv" and path.suffix in (".csv", ".tsv", ".txt"):
        text, encoding, _ = read_text(path, source.encoding)
        told |= {"encoding": encoding, "delimiter": find_delimiter(text, source)[0]}
    return told


def _write_register(study: Study, folder: Path, rng: Generator) -> None:
    """Write the study's own units under other codes and names, in another order.

    Of municipalities the files are copied. Background that groups units stays, other goes.
    """
    units, events = study.units.register_file, study.units.events
    if has_municipalities(study):
        for name in filter(None, (units, events)):
            (folder / name).write_bytes((study.folder / name).read_bytes())
        return
    table = read_table(study.folder / units, ["unit", "name"])
    dates = {"valid_from", "valid_until"}
    few = [c for c in table if c in dates or table[c].nunique() <= MOST_GROUPS]
    few = [c for c in few if c not in ("unit", "name", "aliases") and not c.startswith(SIZE)]
    codes = pd.Series(rng.permutation(table["unit"].unique()))
    made = dict(zip(codes, (f"S-{n:04d}" for n in range(1, len(codes) + 1)), strict=True))
    written = table[few].assign(unit=table["unit"].map(made))
    written.insert(0, "name", "Synthetic unit " + written["unit"].str[2:])
    written.sort_values([c for c in ("unit", "valid_from") if c in written]).to_csv(
        folder / units, index=False, lineterminator="\n"
    )
    if events:
        moved = read_table(study.folder / events, ["date", "from_unit", "to_unit"])
        ends = {c: moved[c].map(made) for c in ("from_unit", "to_unit")}
        moved.assign(**ends).to_csv(folder / events, index=False, lineterminator="\n")


def _as_written(study: Study, twin: Study) -> Study:
    """Give the twin with answers in words, of columns that hold labels in the study's own file."""
    waves = {}
    for name in twin.waves:
        wave, cells = (
            twin.wave(name),
            read_export(study.raw_file(name), study.wave(name).source).cells,
        )
        columns = dict(wave.columns)
        for item in wave.items if wave.source.format != "sav" else []:
            column = columns[item]
            if column.source in cells and not column.map and column.linear is None:
                labels = codes_by_label(
                    study.scales[study.codebook.items.loc[item, "scale"]].labels
                )
                words = _labels_used(cells[column.source], labels)
                columns[item] = column.model_copy(update={"map": words})
        waves[name] = wave.model_copy(update={"columns": columns})
    return twin.model_copy(update={"mappings": waves})


def _labels_used(cells: pd.Series, labels: dict[str, str]) -> dict[str, str]:
    """Give the code of each label as it stands in a column; nothing where codes stand in it."""
    texts = [str(text) for text in cells.astype(str).unique()]
    found = {text: labels[normalise(text)] for text in texts if normalise(text) in labels}
    if not found:
        return {}
    lacking = {text: code for text, code in labels.items() if code not in found.values()}
    return found | lacking


def _draw_invited(n_respondents: pd.Series, n: int, rng: Generator) -> pd.DataFrame:
    """Draw who was invited: all that answered, and others up to as many as the study invited."""
    there = n_respondents.index[n_respondents > 0].tolist()
    others = rng.permutation(n_respondents.index[n_respondents == 0].tolist())
    return pd.DataFrame({"unit": sorted([*there, *others[: max(n - len(there), 0)]])})


def _check_rows(twin: Study, wave: str, known: pd.DataFrame) -> str:
    """Read the twin back as a study, and hold its rows against those of the respondents."""
    read, file = read_responses(twin, wave), twin.raw_file(wave)
    n_same = int(same_rows(read.answers, known).sum())
    if n_same:
        problem = "are those of respondents: this is a mistake in the program"
        raise refuse(f"{wave}/{file.name}", "rows", f"{n_same}", problem, "0", "Do not share it")
    return (
        f"{wave}/{file.name}: {len(read.answers)} rows, of which 0 hold the answers of one of the "
        f"{len(known)} respondents."
    )


def fit_truth(study: Study, results: Results) -> Truth:
    """Fit a truth to the tables of a run, up to notebook 07.

    Parameters
    ----------
    study : Study
    results : Results
        Its run.
    """
    waves = {wave: _Wave(study, results, wave) for wave in study.waves}
    reference = waves[study.reference_wave]
    clouds, error = reference.clouds
    roles, effects = reference.roles
    counts = [wave.n_respondents for wave in waves.values()]
    most = max(int(count.max()) for count in counts)
    rates, turnout = _response(study, waves)
    k = len(clouds.centroids)
    own = error - np.diag(reference.noise) - np.atleast_2d(np.cov(effects.loc[roles].T))
    return Truth(
        profiles=clouds,
        transitions=_moves(results, k),
        unit_memory=_memory(waves, clouds),
        answering=Seen(root=root_of(own)),
        role_effects={str(role): tuple(row) for role, *row in effects.itertuples()},
        role_order=(tuple(roles.sort_values()),) * most,
        response_rate=rates,
        response_memory=_response_memory(study, waves),
        coordinator_blocks=tuple(reference.told_once),
        turnout=turnout,
        counts=[np.bincount(count - 1, minlength=most) / len(count) for count in counts],
        margins={name: wave.margins for name, wave in waves.items()},
    )


def root_of(covariance: np.ndarray) -> np.ndarray:
    """Give the symmetric square root of a covariance; of its possible part if it is none.

    Examples
    --------
    >>> root_of(np.diag([4.0, -1.0])).tolist()
    [[2.0, 0.0], [0.0, 0.0]]
    """
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(values.clip(min=0)) @ vectors.T)


def in_groups(values: pd.Series) -> np.ndarray:
    """Sort numbers, and give each the mean of its group of five neighbours, with their decimals.

    Examples
    --------
    >>> in_groups(pd.Series([3, 1, 2, 2, 2, 40, 5, 5, 6, 4, 7])).tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0, 11.0, 11.0, 11.0, 11.0, 11.0, 11.0]
    """
    ordered = np.sort(values.to_numpy(dtype=float))
    n_groups = max(len(ordered) // NEIGHBOURS, 1)
    group = np.minimum(np.arange(len(ordered)) // NEIGHBOURS, n_groups - 1)
    decimals = 0 if np.allclose(ordered, ordered.round()) else 1
    return np.asarray((np.bincount(group, ordered) / np.bincount(group))[group].round(decimals))


@dataclass(frozen=True, eq=False)
class _Wave:
    """The tables of one wave, and what is fitted to them."""

    study: Study
    results: Results
    name: str

    def _load(self, step: str, table: str) -> pd.DataFrame:
        return self.results.load(step, table, self.name)

    @cached_property
    def units(self) -> pd.Series:
        """Unit of each respondent."""
        return self._load(RESPONSES, "respondents")["unit"]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Scores of the respondents."""
        return self._load(SCORES, "respondent_scores")

    @property
    def n_respondents(self) -> np.ndarray:
        """Numbers of respondents of the units, sorted."""
        return in_groups(self.units.value_counts()).astype(int)

    @property
    def roles(self) -> tuple[pd.Series, pd.DataFrame]:
        """Role of each respondent, and by role how much higher they score than their unit."""
        roles = self._load(RESPONSES, "respondents")["role"].astype("object").fillna("")
        apart = self.scores - self.scores.groupby(self.units).transform("mean")
        return roles, apart.groupby(roles).mean().fillna(0.0)

    @property
    def clouds(self) -> tuple[Clouds, np.ndarray]:
        """Clouds of true scores, and the covariance of respondents within units, p × p."""
        means, shares, spreads = (
            self._load(NUMBER, name) for name in ("means", "shares", "covariances")
        )
        error, p = measurement_error(self.scores, self.units), means.shape[1]
        is_known = error.standing != Standing.UNKNOWN
        if spreads.empty:  # levels are cuts of one cloud
            scores = self._load(SCORES, "scores").dropna()
            means, shares = scores.mean().to_frame().T, pd.DataFrame({"share": [1.0]})
            spreads = scores.cov() - (error.covariances().mean(axis=0) if is_known else 0.0)
        roots = np.array([root_of(one) for one in spreads.to_numpy().reshape(-1, p, p)])
        within = error.within.to_numpy() if is_known else np.zeros((p, p))
        return Clouds(means, shares=tuple(shares["share"]), roots=roots), within

    @cached_property
    def told_once(self) -> list[str]:
        """Blocks on the unit itself, which one of its respondents fills in."""
        blocks = self.study.codebook.items["block"]
        answered = self._load(RESPONSES, "reasons") == ""
        most = answered.groupby(self.units).sum().max().groupby(blocks).max()
        return most.index[(most == 1) & (self.units.value_counts().max() > 1)].tolist()

    @cached_property
    def turned(self) -> pd.DataFrame:
        """Answers on the items of the phases, 0-100."""
        answers = self._load(RESPONSES, "answers").astype(float)
        return turn_items(answers, self.study.phase_items(self.name))

    @cached_property
    def noise(self) -> np.ndarray:
        """Variance that the noise of its items leaves in a respondent's score, by phase."""
        items = self.study.phase_items(self.name)
        return np.array([self._noise(items.index[items["phase"] == p]) for p in self.scores])

    def _noise(self, items: pd.Index) -> float:
        together = self.turned[items].cov().fillna(0.0).to_numpy()
        own = np.trace(together) / len(items)
        if len(items) == 1:
            return 0.0
        common = (together.sum() - np.trace(together)) / (len(items) * (len(items) - 1))
        return max(own - max(common, 0.0), 0.0) / len(items)

    @cached_property
    def margins(self) -> dict[str, Margin]:
        """How each item is answered."""
        reasons = self._load(RESPONSES, "reasons")
        answers = self._load(RESPONSES, "answers").astype(float)
        return {
            item: self._margin(item, answers.get(item, pd.Series(dtype=float)).dropna(), told)
            for item, told in reasons.items()
        }

    def _margin(self, item: str, answers: pd.Series, reasons: pd.Series) -> Margin:
        """Lay an item on its own answers.

        What the steps of its scale take from correlations is taken from its noise beforehand.
        """
        row = self.study.codebook.items.loc[item]
        reasons = reasons.where(reasons.isin(["", *MISSING_TEXTS]), BLANK)
        missing = reasons[reasons != ""].value_counts() / len(reasons)
        if row["block"] in self.told_once:
            missing = pd.Series({BLANK: 1 - (reasons == "").sum() / self.units.nunique()})
        if answers.empty:
            nothing = np.array(["[synthetisch]"], dtype=object)
            return Margin(nothing, np.zeros(len(self.noise)), 1.0, missing.to_dict())
        is_number = self.study.scales[row["scale"]].kind == "number"
        laid = in_groups(answers) if is_number else np.sort(answers)
        weights, explained, variance = self._followed(item, answers)
        normal = ndtri((np.arange(len(laid)) + 0.5) / len(laid))
        kept = np.corrcoef(normal, laid)[0, 1] ** 2 if laid[0] < laid[-1] else 1.0
        noise = np.sqrt(max(kept * variance - explained, LEAST_NOISE * variance))
        sign = -1 if row["phase"] and row["reversed"] else 1
        return Margin(laid, sign * weights, float(noise), missing.to_dict())

    def _followed(self, item: str, answers: pd.Series) -> tuple[np.ndarray, float, float]:
        """How an item follows the phases without their noise, its variance by them and in all."""
        phases = self.scores.cov().fillna(0.0).to_numpy() - np.diag(self.noise)
        if item in self.turned:
            phase = self.study.codebook.items.loc[item, "phase"]
            weights = np.array(self.scores.columns == phase, dtype=float)
            return weights, float(weights @ phases @ weights), float(self.turned[item].var())
        together = self.scores.loc[answers.index].apply(answers.cov).fillna(0.0).to_numpy()
        weights = np.linalg.lstsq(phases, together, rcond=0.05)[0]
        return weights, float(weights @ together), float(np.nan_to_num(answers.var()))


def _response(study: Study, waves: dict[str, _Wave]) -> tuple[dict[int, float], list[float]]:
    """Chance of each size class to take part, and what each wave multiplies it by."""
    register, tables = study_register(study), []
    for name, wave in waves.items():
        units = register.on(study.day(name))
        sized = has_municipalities(study)
        size = units["size_class"].astype(int) if sized else MIDDLE_SIZE_CLASS
        here = pd.DataFrame({"size": size, "there": units.index.isin(wave.units)})
        tables.append(here.assign(wave=name))
    everyone = pd.concat(tables)
    mean, by_size = everyone["there"].mean(), everyone.groupby("size")["there"]
    rates = (by_size.sum() + PRIOR * mean) / (by_size.size() + PRIOR)
    rates = rates.reindex(range(1, 9), fill_value=mean)
    turnout = everyone.groupby("wave", sort=False)["there"].mean() / mean
    return dict(rates), turnout.tolist()


def _response_memory(study: Study, waves: dict[str, _Wave]) -> float:
    """Correlation of the inclination to take part, by who did twice (tetrachoric)."""
    register, found = study_register(study), []
    for one, two in pairwise(waves):
        days = (study.day(name) for name in (one, two))
        first, second = (register.on(day).index for day in days)
        both = first.intersection(second)
        there = np.array([both.isin(waves[name].units) for name in (one, two)])
        cuts = ndtri(there.mean(axis=1).clip(0.001, 0.999))

        def excess(r: float, cuts: np.ndarray = cuts, there: np.ndarray = there) -> float:
            joint = multivariate_normal.cdf(cuts, cov=[[1.0, r], [r, 1.0]])
            return float(joint - there.all(axis=0).mean())

        ends = excess(0.0), excess(MOST_MEMORY)
        inside = ends[0] < 0 < ends[1]
        found.append(brentq(excess, 0, MOST_MEMORY) if inside else MOST_MEMORY * (ends[1] <= 0))
    return float(np.mean(found)) if found else 0.0


def _moves(results: Results, k: int) -> tuple[tuple[float, ...], ...]:
    """Chances to go from one profile to another, where change was found; else nobody goes."""
    found = [np.eye(k)]
    if "moves" in results.tables("07_waves"):
        tests = results.load("07_waves", "change_tests")["finding"]
        moves = results.load("07_waves", "moves")["probability"].unstack("profile_to")
        own = moves[moves.index.get_level_values("profile_from") > 0].drop(columns=0)
        changed = [own.loc[pair].to_numpy() for pair in tests.index[tests == Finding.CHANGED]]
        found = [one for one in changed if one.shape == (k, k) and np.isfinite(one).all()] or found
    mean = np.mean(found, axis=0)
    return tuple(map(tuple, mean / mean.sum(axis=1, keepdims=True)))


def _memory(waves: dict[str, _Wave], clouds: Clouds) -> float:
    """Correlation of what sets units apart from their profile in two waves, without error."""
    centres, found = clouds.centroids.to_numpy(), []
    own = np.einsum("k,kpq,kpq", clouds.chances, clouds.roots, clouds.roots)
    for one, two in pairwise(waves.values()):
        scores = [wave.scores.groupby(wave.units).mean().dropna() for wave in (one, two)]
        both = scores[0].index.intersection(scores[1].index)
        apart = []
        for table in scores:
            gaps = table.loc[both].to_numpy()[:, None] - centres
            nearest = (gaps**2).sum(axis=2).argmin(axis=1)
            apart.append(gaps[np.arange(len(both)), nearest])
        centred = [gap - gap.mean(axis=0) for gap in apart]
        found.append((centred[0] * centred[1]).sum() / max(len(both) - 1, 1))
    return float(np.clip(np.mean(found) / own, 0, MOST_MEMORY)) if found and own else 0.0

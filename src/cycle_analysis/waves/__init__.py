"""Compare waves: the same items, the same units, and how the mean of each phase changed.

Only items that every wave asked alike count. Units are carried forward over mergers to the day of
the last wave. Who moved from profile to profile is estimated in `transitions`.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from cycle_analysis.chance import holm
from cycle_analysis.measurement import role_effects_left_out, unit_scores, without_roles
from cycle_analysis.measurement.error import mean_intervals, standard_errors
from cycle_analysis.problems import Problem, refuse_any
from cycle_analysis.study import Study
from cycle_analysis.units import Register
from cycle_analysis.units.harmonisation import (
    assign_heirs,
    combine_scores,
    harmonise,
    panel_coverage,
    recode_units,
)

SURE = 0.05
"""Adjusted p of the mean change of a phase up to which it is told as change."""
FEW_MATTER = 0.25
"""Variance, in squared points, above which what only two units tell of roles is not known."""
LEAST_FREEDOM = 0.5
"""Least degrees of freedom of an error of roles: where one unit tells nearly all, none is left."""
ALIKE = "_alike"
"""Ends the columns of a change without the mix of roles."""
OF_ALL = "_of_all"
"""Ends the columns of a change of all units of the first wave, see `change_of_all`."""
ATTENTIVE = "_attentive"
"""Ends the columns of what is found without respondents who seem careless."""


def item_status(study: Study) -> pd.DataFrame:
    """Say for each phase item in which waves it can be compared.

    Returns
    -------
    DataFrame, phase items × (1 + number of waves + 1)
        Index `item`; `phase`; a column per wave with full, partial, broken, dropped or not_asked;
        `common`: whether every wave asked it in a comparable way (full or partial).

    Raises
    ------
    InputError
        If a phase has no common item.
    """
    items = study.codebook.items
    table = items.loc[items["phase"] != "", ["phase"]].copy()
    for name in study.waves:
        wave = study.wave(name)
        found = dict.fromkeys(wave.dropped, "dropped") | dict.fromkeys(wave.not_asked, "not_asked")
        found |= {item: str(column.comparable) for item, column in wave.columns.items()}
        table[name] = table.index.map(found)
    table["common"] = table[study.waves].isin(["full", "partial"]).all(axis=1)
    left = table[table["common"]].groupby("phase").size()
    lost = [phase for phase in study.phase_codes if phase not in left.index]
    remedy = "Compare fewer waves, or leave the phase out of study.yaml"
    problem = "no item of this phase was asked alike in every wave"
    where = ("codebook.csv", "column phase")
    refuse_any(Problem(*where, code, problem, "", remedy) for code in lost)
    return table


def link_units(
    units: Mapping[str, pd.Series],
    days: Mapping[str, str],
    register: Register,
    min_covered: float = 0.5,
) -> pd.DataFrame:
    """Carry the units of every wave forward to the day of the last wave.

    A later unit of which the predecessors that answered had few of the persons is not carried:
    they cannot speak for it.

    Parameters
    ----------
    units : mapping of wave to Series of unit codes
        Those of the respondents.
    days : mapping of wave to date
        First day of fieldwork, in the order of the waves.
    register : Register
        Which units merged or split, and when.
    min_covered : float, 0-1
        Smallest share of the persons of a later unit whose earlier unit answered.

    Returns
    -------
    DataFrame, one row per wave and unit that answered
        Index `wave`, `from_unit`; `to_unit` (missing when it is not carried), `kind` (unchanged,
        grown, merged, split, unmapped, uncovered), `weight`, the share of its persons that
        `to_unit` took over, and `covered`, the share of `to_unit` that answered.
    """
    last = list(days.values())[-1]
    tables = {}
    for wave, day in days.items():
        answered = sorted(units[wave].unique())
        heirs = assign_heirs(harmonise(answered, day, last, register)).set_index("from_unit")
        coverage = panel_coverage(answered, day, last, register)["covered"]
        heirs["covered"] = heirs["to_unit"].map(coverage)
        few = heirs["covered"] < min_covered
        heirs["to_unit"] = heirs["to_unit"].where(~few)
        heirs["kind"] = heirs["kind"].mask(few, "uncovered")
        tables[wave] = heirs[["to_unit", "kind", "weight", "covered"]]
    return pd.concat(tables, names=["wave"])


def carried(units: pd.Series, links: pd.DataFrame) -> pd.Series:
    """Give respondents the unit that theirs became; those whose unit was split are left out.

    Parameters
    ----------
    units : Series, n respondents
        Unit codes of one wave.
    links : DataFrame
        The rows of `link_units` for that wave.

    Returns
    -------
    Series, at most n respondents
        Unit codes on the day of the last wave.
    """
    return recode_units(units, links.reset_index()).dropna().rename("unit")


def pooling_differences(
    scores: pd.DataFrame, units: pd.Series, links: pd.DataFrame, inhabitants: pd.Series
) -> pd.DataFrame:
    """Tell how far pooling respondents differs from weighing their units by inhabitants.

    Parameters
    ----------
    scores : DataFrame, n respondents × p phases
    units : Series, n respondents
        Unit codes of their wave.
    links : DataFrame
        The rows of `link_units` for that wave.
    inhabitants : Series, on codes of that wave

    Returns
    -------
    DataFrame, index `unit` × p phases
        Pooled less weighted score, in points, of the later units for which several earlier ones
        answered with known inhabitants.

    Examples
    --------
    >>> links = pd.DataFrame({"to_unit": ["c", "c"]}, index=pd.Index(["a", "b"], name="from_unit"))
    >>> scores = pd.DataFrame({"AG": [80.0, 20.0, 20.0]})
    >>> units = pd.Series(["a", "b", "b"])
    >>> pooling_differences(scores, units, links, pd.Series({"a": 30, "b": 10}))["AG"].tolist()
    [-25.0]
    """
    crosswalk = links.reset_index().dropna(subset="to_unit")
    unknown = crosswalk.loc[~crosswalk["from_unit"].isin(inhabitants.dropna().index), "to_unit"]
    shared = crosswalk["to_unit"].duplicated(keep=False) & ~crosswalk["to_unit"].isin(unknown)
    crosswalk = crosswalk[shared]
    theirs = units[units.isin(crosswalk["from_unit"])]
    if theirs.empty:
        return pd.DataFrame(columns=scores.columns, index=pd.Index([], name="unit"), dtype=float)
    pooled = unit_scores(scores.loc[theirs.index], recode_units(theirs, crosswalk))
    apart = unit_scores(scores.loc[theirs.index], theirs)
    return pooled - combine_scores(apart, crosswalk, inhabitants)


def unchanged_units(links: pd.DataFrame) -> pd.Index:
    """List the units that answered in every wave and whose territory never changed."""
    table = links.reset_index()
    waves = table[table["kind"] == "unchanged"].groupby("to_unit")["wave"].nunique()
    changed = waves.index.isin(table.loc[table["kind"] != "unchanged", "to_unit"])
    return waves.index[(waves == table["wave"].nunique()) & ~changed].rename("unit")


def territory(links: pd.DataFrame) -> pd.Series:
    """Say of each unit that is followed whether its territory ever changed: same or changed."""
    table = links.reset_index().dropna(subset="to_unit")
    same = (table["kind"] == "unchanged").groupby(table["to_unit"]).all()
    return same.map({True: "same", False: "changed"}).rename_axis("unit").rename("territory")


def same_labels(first: pd.Series, second: pd.Series) -> pd.DataFrame:
    """Compare two divisions on the units that both hold: one row, index `finding`."""
    both = first.index.intersection(second.index)
    row = {
        "n_units": len(both),
        "adjusted_rand": adjusted_rand_score(first[both], second[both]),
        "moved_share": float((first[both] != second[both]).mean()),
    }
    return pd.DataFrame([row], index=pd.Index(["comparability"], name="finding"))


def compared_waves(waves: Sequence[str]) -> list[tuple[str, str]]:
    """Pair the waves whose means are compared: successive ones, and then the first and the last.

    Small steps, none of which is more than error, can add up to a change that is.

    Examples
    --------
    >>> compared_waves(["2018", "2020", "2022"])
    [('2018', '2020'), ('2020', '2022'), ('2018', '2022')]
    """
    successive = list(pairwise(waves))
    return [*successive, (waves[0], waves[-1])] if len(successive) > 1 else successive


def mean_change(
    scores: Mapping[str, pd.DataFrame],
    population: int | None = None,
    errors: Mapping[str, pd.DataFrame] | None = None,
    besides: Mapping[tuple[str, str], pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Give the mean change of every phase between waves, over units in both; see `compared_waves`.

    Parameters
    ----------
    scores : mapping of wave to DataFrame, n units × p phases
        Scores on the common items, 0-100, in the order of the waves.
    population : int, optional
        Number of units there are in both waves; see `measurement.error.mean_intervals`.
    errors : mapping of wave to DataFrame, n units × p phases
        Standard errors of the scores; needed with a population. Respondents of one wave err
        independently of those of another.
    besides : mapping of pair of waves to DataFrame, p phases × 2, optional
        Error that all units share: `variance`, NaN where not known, and the `freedom` of that.

    Returns
    -------
    DataFrame
        Index `wave_from`, `wave_to`, `phase`; `n_units`, `before`, `after`, `change`, `low`,
        `high` (95%), all in points; `p_holm`, of no change, adjusted for phases and pairs of waves.

    Examples
    --------
    >>> before = pd.DataFrame({"AG": [20.0, 40.0, 60.0]}, index=["Ede", "Epe", "Erp"])
    >>> after = pd.DataFrame({"AG": [28.0, 50.0, 72.0]}, index=["Ede", "Epe", "Erp"])
    >>> change = mean_change({"2018": before, "2022": after})
    >>> change.loc[("2018", "2022", "AG"), ["change", "low", "high"]].round(1).tolist()
    [10.0, 5.0, 15.0]
    """
    tables = {}
    for first, second in compared_waves(list(scores)):
        before, after = scores[first], scores[second]
        change = after - before
        both = None if errors is None else np.hypot(errors[first], errors[second])
        table = mean_intervals(change, population, both)
        freedom = (table["n"] - 1).clip(lower=1)
        error = (table["high"] - table["low"]) / 2 / stats.t.ppf(0.975, freedom)
        if besides is not None:
            variance, known = besides[first, second].loc[table.index].to_numpy().T
            of_units, error = error, np.sqrt(error**2 + variance)
            freedom = error**4 / (of_units**4 / freedom + variance**2 / known)
            reach = stats.t.ppf(0.975, freedom) * error
            table = table.assign(low=table["mean"] - reach, high=table["mean"] + reach)
        tables[first, second] = table.rename(columns={"n": "n_units", "mean": "change"}).assign(
            before=before.where(change.notna()).mean(),
            after=after.where(change.notna()).mean(),
            p_holm=2 * stats.t.sf((table["mean"] / error).abs(), freedom),
        )
    columns = ["n_units", "before", "after", "change", "low", "high", "p_holm"]
    found = wave_by_wave(tables, ["phase"], columns)
    return found.assign(p_holm=holm(found["p_holm"]))


def without_role_mix(
    persons: Mapping[str, pd.DataFrame],
    units: Mapping[str, pd.Series],
    roles: Mapping[str, pd.Series],
    reference: str,
) -> dict[str, pd.DataFrame]:
    """Score respondents as if it did not matter in which role they answer.

    What roles differ is estimated over all waves together, within units, and the same is taken off
    in all (`measurement.without_roles`): so another mix of roles changes nothing.

    Parameters
    ----------
    persons : mapping of wave to DataFrame, respondents × phases
        Scores on the common items, 0-100.
    units, roles : mapping of wave to Series, indexed by respondent
        The unit of each respondent, and the role, NaN where not known.
    reference : str
        Wave of which the means stay what they are.

    Returns
    -------
    dict of wave to DataFrame, respondents × phases
        Points; NaN where waves and roles cannot be told apart.

    Examples
    --------
    >>> before = pd.DataFrame({"AG": [40.0, 50.0, 60.0]}, index=["a", "b", "c"])
    >>> after = before.assign(AG=[40.0, 50.0, 70.0])
    >>> units = pd.Series(["Ede", "Ede", "Epe"], index=before.index)
    >>> then, now = (pd.Series(["line", "top", c], index=before.index) for c in ("line", "top"))
    >>> persons, roles = {"2018": before, "2022": after}, {"2018": then, "2022": now}
    >>> found = without_role_mix(persons, dict.fromkeys(persons, units), roles, "2018")
    >>> (found["2022"] - found["2018"]).loc["c"].round(2).tolist()
    [0.0]
    """
    told, of_units, of_roles = map(pd.concat, (persons, units, roles))
    waves = pd.Series(told.index.get_level_values(0), told.index)
    adjusted = without_roles(told, of_units, of_roles, waves)
    off = persons[reference].mean() - adjusted.loc[reference].mean()
    return {wave: adjusted.loc[wave] + off for wave in persons}


def panel_scores(
    units: Mapping[str, pd.Series], panel: pd.Index, persons: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Score the units of a panel in each wave, NaN where nobody answered."""
    return {wave: unit_scores(told, units[wave]).reindex(panel) for wave, told in persons.items()}


def change_both_ways(
    persons: Mapping[str, pd.DataFrame],
    units: Mapping[str, pd.Series],
    roles: Mapping[str, pd.Series],
    reference: str,
    panel: Callable[[Mapping[str, pd.DataFrame]], Mapping[str, pd.DataFrame]],
    population: int,
    careless: Mapping[str, pd.Series] | None = None,
) -> pd.DataFrame:
    """Give mean changes, and beside them, ending in `ALIKE`, those without the mix of roles.

    The latter are known as far as roles are: each unit left out in turn tells that (Tukey 1958),
    also where roles differ more in one unit than in another. NaN where waves and roles cannot be
    told apart, or by two units at most. `p_mix`, of the mix of roles changing nothing, is adjusted
    for phases and pairs of waves: roles that see the same seem to differ by some points too. Those
    ending in `OF_ALL` are of `change_of_all`, those in `ATTENTIVE` of respondents not `careless`.

    Parameters
    ----------
    persons, units, roles, reference, population
        As `without_role_mix` and `mean_change` take them.
    panel : function
        Takes scores of respondents in each wave, and gives scores of the units that can be
        compared, also of those that answered in one wave alone.
    careless : mapping of wave to Series of bool, indexed by respondent, optional
        Who may have answered without care, see `flag_careless`.
    """

    def errors_of(persons: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
        own = {wave: units[wave].loc[persons[wave].index] for wave in compared}
        return {wave: standard_errors(persons[wave], own[wave]) for wave in compared}

    compared = panel(persons)
    alike = panel(without_role_mix(persons, units, roles, reference))
    error_of_roles = _role_error(persons, units, roles, panel, compared_waves(list(compared)))
    without = mean_change(alike, population, errors_of(persons), error_of_roles)
    told = without.loc[without["low"].notna(), ["change", "low", "high", "p_holm"]]
    by_all = attentive = mean_change(compared, population, errors_of(persons))
    if careless and any(careless[wave].any() for wave in compared):
        heeding = {w: persons[w][~careless[w].reindex(persons[w].index)] for w in persons}
        attentive = mean_change(panel(heeding), population, errors_of(heeding))
    held = attentive[["change", "p_holm"]].add_suffix(ATTENTIVE)
    change = by_all.join(told.add_suffix(ALIKE)).join(held)
    tests = {
        pair: _tests_of_causes(own, error_of_roles[pair], change_of_all(*map(compared.get, pair)))
        for pair, table in change.groupby(level=[0, 1], sort=False)
        for own in [table.droplevel([0, 1])]
    }
    tested = ["p_mix", f"p_holm{OF_ALL}"]
    causes = wave_by_wave(tests, ["phase"], [*tested, f"change{OF_ALL}"])
    return change.join(causes.assign(**causes[tested].apply(holm)))


def _tests_of_causes(
    change: pd.DataFrame, error_of_roles: pd.DataFrame, of_all: pd.Series
) -> pd.DataFrame:
    """Test what roles change, and the change of all units with the error of those followed."""
    off = (change["change"] - change[f"change{ALIKE}"]).abs()
    p_mix = 2 * stats.t.sf(off / np.sqrt(error_of_roles["variance"]), error_of_roles["freedom"])
    freedom = (change["n_units"] - 1).clip(lower=1)
    error = (change["high"] - change["low"]) / 2 / stats.t.ppf(0.975, freedom)
    p_of_all = 2 * stats.t.sf((of_all / error).abs(), freedom)
    p_mix = pd.Series(p_mix, off.index).where(off > 0)
    return of_all.to_frame(f"change{OF_ALL}").assign(p_mix=p_mix, **{f"p_holm{OF_ALL}": p_of_all})


def change_of_all(before: pd.DataFrame, after: pd.DataFrame) -> pd.Series:
    """Estimate the mean change of all units of the first wave from those that answered again.

    Units that scored high by chance score lower the next time, without any change. Where such units
    answer again more often, the mean change of those that did is too low. So what the others would
    have scored is predicted by their first score (Anderson 1957): right where nothing but that
    score has a part in who answers again.

    Parameters
    ----------
    before, after : DataFrame, n units × p phases
        Scores in both waves, NaN where nobody answered.

    Returns
    -------
    Series, indexed by phase
        Points; the change of those that answered again, where all did.

    Examples
    --------
    >>> before = pd.DataFrame({"AG": [20.0, 30.0, 40.0, 60.0, 70.0, 80.0]})
    >>> after = pd.DataFrame({"AG": [np.nan, np.nan, np.nan, 54.0, 61.0, 65.0]})
    >>> float((after - before).mean().iloc[0]), float(change_of_all(before, after).iloc[0])
    (-10.0, -1.0)
    """
    both = (after - before).notna()
    then, now = before.where(both), after.where(both)
    aside = then - then.mean()
    slope = ((aside * now).sum() / (aside**2).sum()).fillna(1.0)
    return (now.mean() + slope * (before.mean() - then.mean()) - before.mean()).rename_axis("phase")


def changed_surely(change: pd.DataFrame) -> pd.Series:
    """Say which mean changes are more than error, roles, and who answered or how can explain.

    Parameters
    ----------
    change : DataFrame
        As `change_both_ways` gives it.

    Returns
    -------
    Series of bool, indexed as `change`
        False where waves and roles cannot be told apart.

    Examples
    --------
    >>> change = pd.DataFrame({"change": [7.0, 7.0], "p_holm": 0.01, "change_alike": [6.0, 1.0],
    ...                        "p_holm_alike": [0.02, 0.6], "change_of_all": 7.0,
    ...                        "p_holm_of_all": 0.01, "change_attentive": 7.0,
    ...                        "p_holm_attentive": 0.01}, index=["VB", "VA"])
    >>> changed_surely(change).to_dict()
    {'VB': True, 'VA': False}
    """
    told = change["p_holm"] <= SURE
    return told & holds(change, ALIKE) & holds(change, OF_ALL) & holds(change, ATTENTIVE)


def holds(change: pd.DataFrame, suffix: str) -> pd.Series:
    """Say which mean changes are more than error, and go the same way, as they are told otherwise.

    Parameters
    ----------
    change : DataFrame
        As `change_both_ways` gives it.
    suffix : str
        `ALIKE`, `OF_ALL` or `ATTENTIVE`.
    """
    one_way = change["change"] * change[f"change{suffix}"] > 0
    return (change[f"p_holm{suffix}"] <= SURE) & one_way


def wave_by_wave(
    tables: Mapping[tuple[str, str], pd.DataFrame], index: Sequence[str], columns: Sequence[str]
) -> pd.DataFrame:
    """Set the tables of pairs of waves under each other; one without rows where none has any."""
    names = ["wave_from", "wave_to", *index]
    if not any(len(table) for table in tables.values()):
        return pd.DataFrame(columns=[*names, *columns]).set_index(names)
    return pd.concat(tables, names=names)[list(columns)]


def _role_error(
    persons: Mapping[str, pd.DataFrame],
    units: Mapping[str, pd.Series],
    roles: Mapping[str, pd.Series],
    panel: Callable[[Mapping[str, pd.DataFrame]], Mapping[str, pd.DataFrame]],
    pairs: Sequence[tuple[str, str]],
) -> dict[tuple[str, str], pd.DataFrame]:
    """Give the error of what is taken off mean changes; Satterthwaite (1946), less the mean's 1."""
    told, of_units, of_roles = map(pd.concat, (persons, units, roles))
    waves = pd.Series(told.index.get_level_values(0), told.index)
    names, effects = role_effects_left_out(told, of_units, of_roles, waves)
    is_role = [of_roles.reindex(told.index) == name for name in names]
    mixes = [panel({w: (0 * persons[w]).add(of[w], axis=0) for w in persons}) for of in is_role]
    tables, n = {}, max(len(effects) - 1, 1)
    for first, second in pairs:
        more = np.array([(mix[second] - mix[first]).mean() for mix in mixes])
        off = np.einsum("nqp,qp->np", effects[1:], more.reshape(effects.shape[1:]))
        squares = (off - off.sum(axis=0) / n) ** 2
        variance, each = squares.sum(axis=0) * (1 - 1 / n), np.nansum(squares, axis=1)
        freedom = each.sum() ** 2 / max((each**2).sum(), 1e-12) - 1
        if freedom < 1 and np.nansum(variance) > FEW_MATTER * len(variance):
            variance = variance * np.nan
        table = {"variance": variance, "freedom": max(freedom, LEAST_FREEDOM)}
        tables[first, second] = pd.DataFrame(table, told.columns)
    return tables

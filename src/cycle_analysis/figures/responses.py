"""Draw who answered, what they answered, and how well phases are measured.

Draw what was answered: one bar for each item, in the order of the cycle.

Draw who responded, by one background or by two.

Draw how well is measured: reliability of phases, and spread inside units.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from cycle_analysis.figures import style
from cycle_analysis.figures.style import draw_cells
from cycle_analysis.texts import Words, set_number, set_percent


def plot_answers(
    shares: pd.DataFrame,
    n: pd.Series,
    options: Sequence[str],
    language: str | Words,
    ax: Axes | None = None,
    *,
    phases: pd.Series | None = None,
    questions: Mapping[str, str] | None = None,
    title: str = "",
) -> Axes:
    """Draw the answers to each item as one bar from the lowest to the highest option.

    Parameters
    ----------
    shares : DataFrame, items × answer options
        Shares of the answers, 0-1, options from low to high, items in cycle order; an item of NaN
        is withheld, drawn hatched.
    n : Series, indexed by item
        Number of answers, shown beside the bar.
    options : sequence of text
        What the options are called.
    language : str or Words
        Code of a language of the package, or the words of one.
    ax : Axes, optional
    phases : Series, indexed by item, optional
        The phase of each item; phases are set apart.
    questions : mapping from item to text, optional
        Shown in place of the item's code.
    title : str
        The finding.

    Examples
    --------
    >>> shares = pd.DataFrame({0: [0.5, 0.2], 1: [0.5, 0.8]}, index=["AG1", "EX1"])
    >>> ax = plot_answers(shares, pd.Series({"AG1": 90, "EX1": 88}), ["no", "yes"], "en")
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['AG1', 'EX1']
    """
    words = style.words_of("answers", language)
    of_item = (phases if phases is not None else pd.Series("", shares.index)).loc[shares.index]
    new = (of_item != of_item.shift()).to_numpy()
    places = np.arange(len(shares)) + 0.6 * (np.cumsum(new) - 1)
    ax = style.start(ax, height=1.5 + 0.235 * (len(shares) + 0.6 * new.sum()))
    left = np.zeros(len(shares))
    for rank, option in enumerate(shares.columns):
        colour = style.LEVELS(_tint(rank, shares.shape[1]))
        values = shares[option].fillna(0).to_numpy(float)
        ax.barh(places, values, left=left, height=0.82, color=colour, edgecolor=style.MUTED,
                linewidth=0.4, label=options[rank])  # fmt: skip
        for place, start, value in zip(places, left, values, strict=True):
            if value >= 0.09:
                ax.text(start + value / 2, place, set_number(100 * value, 0, language),
                        ha="center", va="center", fontsize=style.TEXT_SIZE,
                        color=style.ink_on(colour))  # fmt: skip
        left += values
    withheld = shares.isna().all(axis=1).to_numpy()
    ax.barh(places[withheld], 1.0, height=0.82, color="white", edgecolor=style.FAINT, hatch="////")
    for place, item in zip(places, shares.index, strict=True):
        ax.text(1.015, place, set_number(n.loc[item], 0, language), va="center",
                fontsize=style.TEXT_SIZE, color=style.MUTED)  # fmt: skip
    ax.text(1.015, -0.95, words["n"], fontsize=style.TEXT_SIZE, color=style.MUTED, va="center")
    named = [(questions or {}).get(item, item) for item in shares.index]
    ax.set_yticks(places, named, fontsize=style.TEXT_SIZE)
    ax.set_ylim(places[-1] + 0.6, -0.6)
    ax.set_xlim(0, 1)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    style.percent_axis(ax.xaxis, language)
    style.label_axes(ax, x=words["share"])
    longest = max(len(option) for option in options)
    style.legend_below(ax, columns=2 if longest <= 24 else 1)
    style.entitle(ax, title)
    return ax


def _tint(rank: int, n_options: int) -> float:
    """Where an option stands on the colours: the more, the darker, in grey too."""
    return 0.5 if n_options == 1 else 0.02 + 0.93 * rank / (n_options - 1)


WITHHELD = "×"


def plot_response(
    account: pd.DataFrame,
    language: str | Words,
    ax: Axes | None = None,
    *,
    many: str = "",
    texts: Sequence[str] = (),
    title: str = "",
) -> Axes:
    """Draw the response rate of each group, with the number of units.

    Parameters
    ----------
    account : DataFrame, one row per group
        Columns invited, responded, rate (0-1), as `account.response_account` gives them.
    language : str or Words
        Code of a language of the package, or the words of one.
    ax : Axes, optional
    many : str
        What the units are called, for the axis.
    texts : sequence of text, optional
        What stands beside each bar; the rate and both numbers when not given.
    title : str
        The finding.

    Examples
    --------
    >>> account = pd.DataFrame({"invited": [8, 4], "responded": [4, 3], "rate": [0.5, 0.75]},
    ...                        index=["small", "large"])
    >>> [text.get_text() for text in plot_response(account, "en").texts]
    ['50%  (4 / 8)', '75%  (3 / 4)']
    """
    words = style.words_of("response", language)
    ax = style.start(ax, height=1.1 + 0.42 * len(account))
    places, groups = range(len(account)), account.index.astype(str)
    names = [style.break_lines(name, 18) for name in groups]
    sns.barplot(
        x=account["rate"].to_numpy(), y=groups, color=style.ACCENT, width=0.62, saturation=1, ax=ax
    )
    told = texts or [
        f"{set_percent(row.rate, 0, language)}  ({row.responded} / {row.invited})"
        for row in account.itertuples()
    ]
    for place, rate, text in zip(places, account["rate"], told, strict=True):
        ax.text(rate + 0.01, place, text, va="center", fontsize=style.TEXT_SIZE)
    ax.set_yticks(places, names, fontsize=style.TEXT_SIZE)
    ax.set_xlim(0, 1.5)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    style.percent_axis(ax.xaxis, language)
    style.label_axes(ax, x=style.break_lines(words["rate"].format(many=many), 30))
    style.entitle(ax, title)
    return ax


def plot_response_cells(
    responded: pd.DataFrame,
    invited: pd.DataFrame,
    language: str | Words,
    ax: Axes | None = None,
    *,
    texts: Sequence[Sequence[str | None]] = (),
    title: str = "",
) -> Axes:
    """Draw the response rate of each combination of two backgrounds, with the number of units.

    Parameters
    ----------
    responded : DataFrame, r groups × c groups
        Number of units; NaN is withheld, drawn hatched. Groups are named as they are shown.
    invited : DataFrame, as `responded`
        Combinations of which no unit was invited stay empty.
    language : str or Words
        Code of a language of the package, or the words of one.
    ax : Axes, optional
    texts : r × c texts, optional
        What stands in each cell, None in one that stays empty; the rate and both numbers when not
        given.
    title : str
        The finding.

    Examples
    --------
    >>> responded = pd.DataFrame({"N": [8.0, np.nan], "Z": [5.0, 0.0]}, index=["small", "large"])
    >>> invited = pd.DataFrame({"N": [16, 7], "Z": [10, 0]}, index=responded.index)
    >>> ax = plot_response_cells(responded, invited, "en")
    >>> [text.get_text().split() for text in ax.texts]
    [['50%', '8/16'], ['50%', '5/10'], ['×', '7']]
    """
    ax = style.start(ax, height=0.9 + 0.55 * len(responded))
    counts, asked = responded.to_numpy(float), invited.to_numpy(float)
    rates = np.divide(counts, asked, out=np.full(asked.shape, np.nan), where=asked > 0)
    told = texts or [
        [_cell_text(n, of, language) for n, of in zip(*rows, strict=True)]
        for rows in zip(counts, asked, strict=True)
    ]
    draw_cells(ax, rates, told)
    columns = [style.break_lines(str(name), 12) for name in responded.columns]
    rows = [style.break_lines(str(name), 18) for name in responded.index]
    ax.set_xticks(range(responded.shape[1]), columns, fontsize=style.TEXT_SIZE)
    ax.set_yticks(range(len(responded)), rows, fontsize=style.TEXT_SIZE)
    ax.xaxis.tick_top()
    style.entitle(ax, title)
    return ax


def _cell_text(responded: float, invited: float, language: str | Words) -> str | None:
    """Rate and number of a cell; None for one of which no unit was invited."""
    if not invited:
        return None
    if np.isnan(responded):
        return f"{WITHHELD}\n{invited:.0f}"
    return f"{set_percent(responded / invited, 0, language)}\n{responded:.0f}/{invited:.0f}"


def plot_reliability(
    scales: pd.DataFrame,
    language: str | Words,
    ax: Axes | None = None,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw alpha with its interval, and omega, for each phase.

    Parameters
    ----------
    scales : DataFrame, indexed by phase
        Columns alpha, alpha_low, alpha_high, omega, as `reliability.scale_statistics` gives them.
    language, ax, title, labels
        As for `cycle.plot_phase_curve`.

    Examples
    --------
    >>> scales = pd.DataFrame({"alpha": [0.8], "alpha_low": [0.75], "alpha_high": [0.85],
    ...                        "omega": [0.81]}, index=["AG"])
    >>> [text.get_text() for text in plot_reliability(scales, "nl").texts]
    ['0,80']
    """
    words = style.words_of("measurement", language)
    ax = style.start(ax, height=1.5 + 0.36 * len(scales))
    places = np.arange(len(scales))
    known = scales[["alpha", "alpha_low", "alpha_high", "omega"]].astype(float)
    ax.hlines(places, known["alpha_low"], known["alpha_high"], color=style.ACCENT, linewidth=2)
    ax.plot(known["alpha"], places, "o", color=style.ACCENT, markersize=7, label=words["alpha"])
    ax.plot(known["omega"], places, "D", color=style.INK, markersize=6, markerfacecolor="white",
            label=words["omega"])  # fmt: skip
    ax.axvline(0.7, color=style.MUTED, linestyle=(0, (4, 3)), linewidth=1, label=words["floor"])
    for place, value in zip(places, known["alpha"], strict=True):
        if np.isfinite(value):
            ax.annotate(set_number(value, 2, language), (value, place), (0, 7),
                        textcoords="offset points", ha="center",
                        fontsize=style.TEXT_SIZE, color=style.INK)  # fmt: skip
    ax.set_yticks(places, style.name_phases(scales.index.tolist(), labels),
                  fontsize=style.TEXT_SIZE)  # fmt: skip
    ax.set_ylim(len(scales) - 0.5, -0.7)
    lowest = np.nanmin([*known.to_numpy().ravel(), 0.5])
    ax.set_xlim(np.floor(10 * lowest) / 10, 1)
    style.number_axis(ax.xaxis, language, 1)
    style.label_axes(ax, x=words["reliability"])
    style.grid(ax, "x")
    style.legend_below(ax, columns=2)
    style.entitle(ax, title)
    return ax


def plot_spread(
    groups: pd.DataFrame,
    language: str | Words,
    ax: Axes | None = None,
    *,
    units: pd.DataFrame | None = None,
    title: str = "",
) -> Axes:
    """Draw the spread between the respondents of a unit against its level.

    Parameters
    ----------
    groups : DataFrame, one row for each group of units from low to high
        Columns level, spread, low, high, as `aggregation.spread_by_level` gives them.
    units : DataFrame, one row for each unit, optional
        Columns level (0-100), spread (sd inside the unit, points): a point each, behind.
    language, ax, title
        As for `cycle.plot_phase_curve`.

    Examples
    --------
    >>> groups = pd.DataFrame({"level": [20.0, 80.0], "spread": [5.0, 15.0]})
    >>> groups = groups.assign(low=groups["spread"] - 2, high=groups["spread"] + 2)
    >>> plot_spread(groups, "nl").get_ylabel()
    "Spreiding tussen collega's (punten)"
    """
    words = style.words_of("measurement", language)
    ax = style.start(ax, height=3.2)
    if units is not None:
        ax.plot(units["level"], units["spread"], "o", color=style.MUTED, alpha=0.35, markersize=4.5,
                markeredgewidth=0)  # fmt: skip
    reach = (groups[["low", "high"]].sub(groups["spread"], axis=0)).abs().to_numpy(float).T
    ax.errorbar(groups["level"], groups["spread"], yerr=reach, color=style.INK,
                marker="s", markersize=7, linewidth=1.8, capsize=3)  # fmt: skip
    ax.set_xlim(0, 100)
    ax.set_ylim(0, None)
    for axis in (ax.xaxis, ax.yaxis):
        style.number_axis(axis, language)
    style.label_axes(ax, x=words["level"], y=words["spread"])
    style.grid(ax, "both")
    style.entitle(ax, title)
    return ax

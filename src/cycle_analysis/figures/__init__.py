"""Draw the figures of a study: one module for each subject, with the look that all share.

Figures compute nothing. Every ``plot_`` function takes the tables that its name asks for, then two
things that are told here once, and returns the axes it drew on.

- `look`: a `Look`, the language of the figure, its title, and what phases are called. A title says
  the finding and comes from the caller, who knows it.
- `ax`: the axes to draw on; without it a new figure is made.

Colours survive colour blindness and grey. Profiles carry a colour, a marker and a line of their
own, always the same three (colours: Okabe & Ito 2008). A figure is as wide as a phone: at 390
pixels its smallest text is 11 to 12 pixels high.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, cast

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import AutoLocator, MaxNLocator
from scipy.optimize import isotonic_regression

from cycle_analysis.texts import Words

plt.rcParams["text.parse_math"] = False  # a dollar in a study's label begins no formula

WIDTH = 4.2
"""Width of a figure, inches."""
CLEAR = {"facecolor": "white", "edgecolor": "none", "pad": 1}
"""Behind a text through which a line would run."""
TEXT_SIZE = 9.0
"""Size of the smallest text, points."""
TITLE_SIZE = 10.5
"""Size of titles, points."""
INK, MUTED, FAINT = "#222222", "#5f5f5f", "#d9d9d9"
"""Text, secondary text, grid."""
ACCENT = "#0072B2"
"""The colour of a figure with one series."""
PROFILE_COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7"),
    *("#3F97C9", "#C48600", "#000000", "#8c8c00"),
)
"""Each 3:1 on white or more: two of Okabe & Ito are darker here."""
PROFILE_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
PROFILE_LINES: tuple[Any, ...] = (
    *("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2))),
    *((0, (3, 1, 1, 1)), (0, (8, 3)), (0, (2, 4)), (0, (4, 1))),
)
LEVELS = plt.get_cmap("Blues")
"""From little to much; dark is much, in grey too."""
HATCH = "////"
"""What is withheld."""


@dataclass(frozen=True)
class Look:
    """In which words a figure speaks: a language, a title, and what phases are called.

    Attributes
    ----------
    language : str or Words
        Code of a language of the package, or the words of one.
    title : str
        The finding, from whoever knows it.
    labels : mapping from phase to text
        A phase that has none is shown by its code.

    Raises
    ------
    ValueError
        When a figure is drawn and there are no texts in the language.

    Examples
    --------
    >>> look = Look("nl", labels={"AG": "Agenda"})
    >>> look.number(1234.5, 1), look.percent(0.125, 1), look.word("answers", "share")
    ('1.234,5', '12,5%', 'Aandeel')
    >>> look.names(["AG", "EX"])
    ['Agenda', 'EX']
    """

    language: str | Words = "en"
    title: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _words(self) -> Words:
        return Words.load(self.language) if isinstance(self.language, str) else self.language

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number as the language does; a dash where there is none."""
        return self._words.number(value, decimals)

    def percent(self, share: float, decimals: int = 0) -> str:
        """Write a share as a percentage."""
        return self._words.percent(share, decimals)

    def points(self, difference: float, decimals: int = 0) -> str:
        """Write a difference with its sign."""
        return self._words.points(difference, decimals)

    def p(self, value: float, least: float = 0.0) -> str:
        """Write a p-value as an equation, with ≤ where draws could not make it lower."""
        return self._words.p(value, least)

    def word(self, figures: str, name: str, **values: str) -> str:
        """Give a text of a group of figures, from words.yaml."""
        return str(self._words.words["figures"][figures][name]).format(**values)

    def names(self, phases: Sequence[str]) -> list[str]:
        """Give the labels of phases, the code itself where there is none."""
        return [self.labels.get(phase, phase) for phase in phases]

    def number_axis(self, axis: Axis) -> None:
        """Write the ticks of an axis as whole numbers, and set none between them."""
        if isinstance(axis.get_major_locator(), AutoLocator):
            axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
        axis.set_major_formatter(lambda value, _: self.number(value))

    def percent_axis(self, axis: Axis) -> None:
        """Write the ticks of an axis of shares as percentages."""
        axis.set_major_formatter(lambda value, _: self.percent(value))


ENGLISH = Look()
"""The look of a figure of which nothing is said."""


def profile_style(number: int) -> dict[str, Any]:
    """Give the colour, marker and line of a profile, the same in every figure.

    Parameters
    ----------
    number : int
        Profile number, from 1.

    Examples
    --------
    >>> profile_style(1)["color"], profile_style(9)["color"] == profile_style(1)["color"]
    ('#0072B2', True)
    """
    place = number - 1
    return {
        "color": PROFILE_COLOURS[place % len(PROFILE_COLOURS)],
        "marker": PROFILE_MARKERS[place % len(PROFILE_MARKERS)],
        "linestyle": PROFILE_LINES[place % len(PROFILE_LINES)],
    }


def profile_name(number: int, names: Mapping[int, str]) -> str:
    """Give the number of a profile and its name, where it has one.

    Examples
    --------
    >>> profile_name(1, {1: "Starters"}), profile_name(2, {1: "Starters"})
    ('1 Starters', '2')
    """
    return f"{number} {names.get(number, '')}".strip()


def ink_on(colour: Any) -> str:
    """Choose black or white text for a coloured ground, whichever is read better.

    Examples
    --------
    >>> ink_on("#ffffff"), ink_on("#08306b")
    ('black', 'white')
    """
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "black" if linear @ [0.2126, 0.7152, 0.0722] > 0.179 else "white"


def start(ax: Axes | None, height: float, width: float = WIDTH) -> Axes:
    """Return the axes to draw on, with the house's frame and text sizes.

    Parameters
    ----------
    ax : Axes, optional
        Where the caller wants the figure; otherwise a new figure is made.
    height, width : float
        Size of a new figure, inches.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    ax.tick_params(labelsize=TEXT_SIZE, labelcolor=INK, color=MUTED, length=3)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(MUTED)
    return ax


def finish(
    ax: Axes, look: Look, x: str = "", y: str = "", grid: Literal["", "x", "y", "both"] = ""
) -> Axes:
    """Name the axes, draw a faint grid behind everything, and set the title: the finding.

    In a figure of its own the title starts at the edge of the figure, else at that of the axes.
    """
    label_axes(ax, x, y)
    if grid:
        ax.grid(axis=grid, color=FAINT, linewidth=0.7)
        ax.set_axisbelow(True)
    bold: dict[str, Any] = {"fontsize": TITLE_SIZE, "color": INK, "fontweight": "bold"}
    if look.title and _stands_alone(ax):
        figure = figure_of(ax)
        characters = round(figure.get_figwidth() * 72 / (TITLE_SIZE * 0.62))
        figure.suptitle(break_lines(look.title, characters), x=0.01, ha="left", **bold)
    elif look.title:
        ax.set_title(break_lines(look.title, 34), loc="left", **bold)
    return ax


def label_axes(ax: Axes, x: str = "", y: str = "") -> None:
    """Name the axes in the house's size."""
    ax.set_xlabel(x, fontsize=TEXT_SIZE, color=INK)
    ax.set_ylabel(y, fontsize=TEXT_SIZE, color=INK)


def strip(ax: Axes) -> None:
    """Take away the frame and the marks of the ticks."""
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


def say(
    ax: Axes, text: str, place: tuple[float, float], offset: tuple[float, float], **look: Any
) -> None:
    """Write a text some points above a place in the data, or to the left or the right of it."""
    sideways, up = offset
    look.setdefault("color", INK)
    look["ha"] = "left" if sideways > 0 else "right" if sideways < 0 else "center"
    look["va"] = "baseline" if up else "center"
    at: dict[str, Any] = {"xytext": offset, "textcoords": "offset points"}
    ax.annotate(text, place, fontsize=TEXT_SIZE, **at, **look)


def note(ax: Axes, text: str) -> None:
    """Set a small remark under the figure: what a band or a bracket means, and on how many."""
    ax.annotate(
        break_lines(text, 46),
        (0, 0),
        xycoords=("axes fraction", ax.xaxis.label),
        xytext=(0, -6),
        textcoords="offset points",
        va="top",
        fontsize=TEXT_SIZE,
        color=MUTED,
    )


def legend_below(ax: Axes, columns: int = 1) -> None:
    """Set the legend under the figure, away from the points."""
    look: dict[str, Any] = {"fontsize": TEXT_SIZE, "frameon": False, "ncols": columns}
    look |= {"handlelength": 3.2, "columnspacing": 1.2}
    if _stands_alone(ax):
        handles, names = ax.get_legend_handles_labels()
        figure_of(ax).legend(handles, names, loc="outside lower left", **look)
    else:
        ax.legend(loc="upper left", bbox_to_anchor=(0.0, -0.2), borderaxespad=0.0, **look)


def phase_ticks(ax: Axes, phases: Sequence[str], look: Look) -> None:
    """Put the phases under the figure, labels broken at spaces; turned where they would meet."""
    inches = ax.get_position().width * figure_of(ax).get_figwidth()
    room = int(inches / max(len(phases), 1) * 72 / (TEXT_SIZE * 0.6))
    names = look.names(phases)
    texts = [break_lines(name, room) for name in names]
    ax.set_xticks(range(len(phases)), texts)
    if any(len(line) > room for text in texts for line in text.split("\n")):
        texts = [break_lines(name, 20) for name in names]
        ax.set_xticks(range(len(phases)), texts, rotation=35, ha="right", rotation_mode="anchor")


def draw_cells(
    ax: Axes,
    values: np.ndarray,
    texts: Sequence[Sequence[str | None]],
    rows: Sequence[str],
    heads: Sequence[str] | None = None,
    most: float = 1.0,
) -> None:
    """Draw a table of coloured cells with their texts, from white at 0 to dark at `most`.

    A cell of NaN is hatched, one without a text left out. `heads` stand above the columns.
    """
    for (row, column), value in np.ndenumerate(values):
        text = texts[row][column]
        if text is None:
            continue
        known = np.isfinite(value)
        ground = LEVELS(float(np.clip(value / most, 0, 1)) * 0.9) if known else "white"
        edge, hatch = ("white", None) if known else (MUTED, HATCH)
        corner = column - 0.5, row - 0.5
        ax.add_patch(
            Rectangle(corner, 1, 1, facecolor=ground, edgecolor=edge, hatch=hatch, linewidth=1.5)
        )
        look: dict[str, Any] = {"fontsize": TEXT_SIZE, "color": ink_on(ground) if known else MUTED}
        ax.text(column, row, text, ha="center", va="center", linespacing=1.15, **look)
    n_rows, n_columns = values.shape
    ax.set(xlim=(-0.5, n_columns - 0.5), ylim=(n_rows - 0.5, -0.5))
    ax.set_yticks(range(n_rows), rows)
    if heads is not None:
        ax.set_xticks(range(n_columns), heads)
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
    strip(ax)


def stack_bars(
    ax: Axes,
    places: np.ndarray,
    shares: pd.DataFrame,
    parts: Sequence[tuple[str, Any]],
    write: Callable[[float], str],
    least: float,
    **bar: Any,
) -> None:
    """Draw a bar for each row, of parts with a name and a colour; shares from `least` are written.

    A bar is full, whatever its shares add up to: those that are told as a bound are not all there.
    """
    left, widths = np.zeros(len(shares)), shares.div(shares.sum(axis=1), axis=0).fillna(0)
    for column, (name, colour) in zip(shares.columns, parts, strict=True):
        width = widths[column].to_numpy(float)
        ax.barh(places, width, left=left, color=colour, label=name, **bar)
        inside: dict[str, Any] = {"fontsize": TEXT_SIZE, "color": ink_on(colour)}
        for place, middle, share in zip(places, left + width / 2, shares[column], strict=True):
            if share >= least:
                ax.text(middle, place, write(share), ha="center", va="center", **inside)
        left += width


def break_lines(text: str, width: int) -> str:
    r"""Break a text into lines of at most `width` characters, at spaces.

    Examples
    --------
    >>> break_lines("front-runners differ most inside", 16)
    'front-runners\ndiffer most\ninside'
    """
    words = " ".join(text.split())
    return textwrap.fill(words, max(width, 1), break_long_words=False, break_on_hyphens=False)


def keep_apart(places: Sequence[float], distance: float) -> np.ndarray:
    """Move labels as little as needed so that they stand at least `distance` apart.

    Examples
    --------
    >>> keep_apart([10.0, 10.0, 50.0], 4.0).tolist()
    [8.0, 12.0, 50.0]
    """
    wanted = np.asarray(places, dtype=float)
    order = np.argsort(wanted, kind="stable")
    least = distance * np.arange(len(wanted))
    moved = np.empty(len(wanted))
    moved[order] = isotonic_regression(wanted[order] - least).x + least
    return moved


def figure_of(ax: Axes) -> Figure:
    """Give the whole figure that axes stand in."""
    return cast(Figure, ax.get_figure(root=True))


def _stands_alone(ax: Axes) -> bool:
    """Whether the axes fill a figure of their own, so that title and legend may use its edges."""
    place = ax.get_subplotspec()
    return place is not None and place.get_gridspec().get_geometry() == (1, 1)

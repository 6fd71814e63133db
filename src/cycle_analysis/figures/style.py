"""One look for every figure.

One look for every figure: colours that survive colour blindness and grey, numbers by language.

Profiles carry a colour, a marker and a line of their own, always the same three (colours: Okabe &
Ito 2008). A figure is as wide as a phone: at 390 pixels its smallest text is 11 to 12 pixels high.

Draw a table as coloured cells with their texts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import Colormap, to_rgb
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from cycle_analysis.figures import style
from cycle_analysis.texts import Words, known_words, set_number, set_percent

plt.rcParams["text.parse_math"] = False  # a dollar in a study's label begins no formula

WIDTH = 4.2
"""Width of a figure, inches."""
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
    *("#56B4E9", "#E69F00", "#000000", "#8c8c00"),
)
PROFILE_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
PROFILE_LINES: tuple[Any, ...] = (
    *("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2))),
    *((0, (3, 1, 1, 1)), (0, (8, 3)), (0, (2, 4)), (0, (4, 1))),
)
LEVELS = plt.get_cmap("Blues")
"""From little to much; dark is much, in grey too."""


def words_of(figures: str, language: str | Words) -> Mapping[str, str]:
    """Give the words of a group of figures, from words.yaml.

    Examples
    --------
    >>> words_of("scores", "nl")["share"]
    'Aandeel'
    """
    words: Mapping[str, str] = known_words(language).words["figures"][figures]
    return words


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


def number_axis(axis: Axis, language: str | Words, decimals: int = 0) -> None:
    """Write the ticks of an axis as numbers of the language."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: set_number(value, decimals, language)))


def percent_axis(axis: Axis, language: str | Words, decimals: int = 0) -> None:
    """Write the ticks of an axis of shares as percentages."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: set_percent(value, decimals, language)))


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


def entitle(ax: Axes, title: str) -> None:
    """Set the title, which says the finding, flush left and broken over lines.

    In a figure of its own it starts at the edge of the figure, else at that of the axes.
    """
    if not title:
        return
    figure = ax.get_figure(root=True)
    look: dict[str, Any] = {"fontsize": TITLE_SIZE, "color": INK, "fontweight": "bold"}
    if figure is not None and _stands_alone(ax):
        text = break_lines(title, _characters(figure.get_figwidth()))
        figure.suptitle(text, x=0.01, ha="left", **look)
    else:
        ax.set_title(break_lines(title, 34), loc="left", **look)


def note(ax: Axes, text: str) -> None:
    """Set a small remark under the figure: what a band or a bracket means, and on how many."""
    below = "axes fraction" if ax.xaxis.get_label_position() == "top" else ax.xaxis.label
    ax.annotate(
        break_lines(text, 46),
        (0, 0),
        xycoords=("axes fraction", below),
        xytext=(0, -6),
        textcoords="offset points",
        va="top",
        fontsize=TEXT_SIZE,
        color=MUTED,
    )


def break_lines(text: str, width: int) -> str:
    r"""Break a text into lines of at most `width` characters, at spaces.

    Examples
    --------
    >>> break_lines("front-runners differ most inside", 16)
    'front-runners\ndiffer most\ninside'
    """
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def label_axes(ax: Axes, x: str = "", y: str = "") -> None:
    """Name the axes in the house's size."""
    ax.set_xlabel(x, fontsize=TEXT_SIZE, color=INK)
    ax.set_ylabel(y, fontsize=TEXT_SIZE, color=INK)


def grid(ax: Axes, axis: str = "y") -> None:
    """Draw a faint grid behind everything."""
    ax.grid(axis=axis, color=FAINT, linewidth=0.7)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def legend_below(ax: Axes, columns: int = 1, **options: Any) -> None:
    """Set the legend under the figure, away from the points."""
    look: dict[str, Any] = {"fontsize": TEXT_SIZE, "frameon": False, "ncols": columns}
    look |= {"handlelength": 3.2, "columnspacing": 1.2, **options}
    figure = ax.get_figure(root=True)
    if figure is not None and _stands_alone(ax):
        handles, names = ax.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower left", **look)
    else:
        ax.legend(loc="upper left", bbox_to_anchor=(0.0, -0.2), borderaxespad=0.0, **look)


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


def name_phases(phases: Sequence[str], labels: Mapping[str, str] | None) -> list[str]:
    """Give the labels of phases, the code itself where there is none.

    Examples
    --------
    >>> name_phases(["AG", "EX"], {"AG": "Agenda"})
    ['Agenda', 'EX']
    """
    return [(labels or {}).get(phase, phase) for phase in phases]


def phase_ticks(ax: Axes, phases: Sequence[str], labels: Mapping[str, str] | None) -> None:
    """Put the phases under the figure, labels broken at spaces; turned where they would meet."""
    figure = ax.get_figure(root=True)
    inches = ax.get_position().width * (figure.get_figwidth() if figure is not None else WIDTH)
    room = int(inches / max(len(phases), 1) * 72 / (TEXT_SIZE * 0.6))
    texts = [break_lines(text, room) for text in name_phases(phases, labels)]
    longest = max((len(line) for text in texts for line in text.split("\n")), default=0)
    ax.set_xticks(range(len(phases)), texts, fontsize=TEXT_SIZE)
    if longest > room:
        texts = [break_lines(text, 20) for text in name_phases(phases, labels)]
        ax.set_xticks(range(len(phases)), texts, fontsize=TEXT_SIZE, rotation=35, ha="right")
        for label in ax.get_xticklabels():
            label.set_rotation_mode("anchor")


def keep_apart(places: Sequence[float], distance: float) -> np.ndarray:
    """Move labels as little as needed so that they stand at least `distance` apart.

    Examples
    --------
    >>> keep_apart([10.0, 10.0, 50.0], 4.0).tolist()
    [8.0, 12.0, 50.0]
    """
    wanted = np.asarray(places, dtype=float)
    order = np.argsort(wanted, kind="stable")
    blocks: list[list[float]] = []
    for place in wanted[order]:
        blocks.append([place, 1.0])
        while len(blocks) > 1 and _overlap(blocks[-2], blocks[-1], distance):
            (first, m), (second, n) = blocks[-2], blocks[-1]
            blocks[-2:] = [[(first * m + second * n) / (m + n), m + n]]
    moved = [
        centre + (step - (size - 1) / 2) * distance
        for centre, size in blocks
        for step in range(int(size))
    ]
    placed = np.empty(len(wanted))
    placed[order] = moved
    return placed


def _overlap(first: list[float], second: list[float], distance: float) -> bool:
    (one, m), (two, n) = first, second
    return two - (n - 1) / 2 * distance - one - (m - 1) / 2 * distance < distance - 1e-12


def _stands_alone(ax: Axes) -> bool:
    """Whether the axes fill a figure of their own, so that title and legend may use its edges."""
    place = ax.get_subplotspec()
    return place is not None and place.get_gridspec().get_geometry() == (1, 1)


def _characters(inches: float) -> int:
    """How many characters of a bold title fit."""
    return round(inches * 72 / (TITLE_SIZE * 0.62))


def draw_cells(
    ax: Axes,
    values: np.ndarray,
    texts: Sequence[Sequence[str | None]],
    colours: Colormap = style.LEVELS,
    low: float = 0.0,
    high: float = 1.0,
) -> None:
    """Draw a table of coloured cells with their texts; NaN is hatched, a text of None left out."""
    for (row, column), value in np.ndenumerate(values):
        text = texts[row][column]
        if text is None:
            continue
        known = np.isfinite(value)
        place = (value - low) / (high - low) if known else 0.0
        ground = colours(float(np.clip(place, 0, 1)) * 0.9) if known else "white"
        ax.add_patch(
            Rectangle(
                (column - 0.5, row - 0.5),
                1,
                1,
                facecolor=ground,
                edgecolor="white" if known else style.FAINT,
                hatch=None if known else "////",
                linewidth=1.5,
            )
        )
        ink = style.ink_on(ground) if known else style.MUTED
        ax.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=style.TEXT_SIZE,
            color=ink,
            linespacing=1.15,
        )
    rows, columns = values.shape
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(rows - 0.5, -0.5)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0)

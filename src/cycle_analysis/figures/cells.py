"""Draw a table as coloured cells with their texts."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.patches import Rectangle

from cycle_analysis.figures import style


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

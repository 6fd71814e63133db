"""Draw figures as SVG: the same bytes twice, labels as they are, the mark of synthetic data on."""

import io
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

FIXED: dict[Any, Any] = {
    "svg.hashsalt": "cycle_analysis",
    "svg.fonttype": "path",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "figure.dpi": 100,
}
"""Ids that do not change, text that looks alike everywhere, and no mathematics in labels."""


def draw_svg(draw: Callable[[], Axes], mark: str = "") -> bytes:
    """Draw a figure and give it as SVG.

    Parameters
    ----------
    draw : function without arguments
        Draws in a new figure and returns its axes.
    mark : str
        What to write above the figure, such as that its data are synthetic.

    Returns
    -------
    bytes
        The same for the same drawing.
    """
    with plt.rc_context():
        plt.rcdefaults()
        plt.rcParams.update(FIXED)
        figure = draw().get_figure(root=True)
        if figure is None:
            raise ValueError("the axes belong to no figure; return those that were drawn on")
        if mark:
            look: dict[str, Any] = {
                "ha": "right",
                "va": "bottom",
                "fontsize": 8,
                "color": "#8a1c1c",
            }
            figure.text(0.99, 1.01, mark, fontweight="bold", **look)
        buffer = io.BytesIO()
        figure.savefig(
            buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None}
        )
        plt.close(figure)
    return buffer.getvalue()

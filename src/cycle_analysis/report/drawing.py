"""Draw figures as SVG: the same bytes twice, labels as they are, the mark of synthetic data on."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
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


PNG_DOTS = 200
"""Dots per inch of a drawing for a word processor."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawing that is made when it is asked for.

    Attributes
    ----------
    draw : function without arguments
        Draws in a new figure and returns its axes.
    mark : str
        What to write above it, such as that its data are synthetic.
    """

    draw: Callable[[], Axes]
    mark: str = ""

    @cached_property
    def svg(self) -> bytes:
        """The drawing as SVG: the same bytes for the same drawing."""
        return draw_svg(self.draw, self.mark)

    @cached_property
    def png(self) -> bytes:
        """The drawing in dots, for writers that know no SVG."""
        return draw_svg(self.draw, self.mark, "png")


def draw_svg(draw: Callable[[], Axes], mark: str = "", form: str = "svg") -> bytes:
    """Draw a figure and give it as SVG, or as PNG.

    Parameters
    ----------
    draw : function without arguments
        Draws in a new figure and returns its axes.
    mark : str
        What to write above the figure, such as that its data are synthetic.
    form : str
        ``"svg"`` or ``"png"``.

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
            look_of_mark: dict[str, Any] = {
                "ha": "right",
                "va": "bottom",
                "fontsize": 8,
                "color": "#8a1c1c",
            }
            figure.text(0.99, 1.01, mark, fontweight="bold", **look_of_mark)
        buffer = io.BytesIO()
        look: dict[str, Any] = {"dpi": PNG_DOTS, "metadata": {"Software": None}}
        if form == "svg":
            look = {"metadata": {"Date": None, "Creator": None}}
        figure.savefig(buffer, format=form, bbox_inches="tight", **look)
        plt.close(figure)
    return buffer.getvalue()

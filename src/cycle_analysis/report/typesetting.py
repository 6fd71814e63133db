"""Set a layout with Typst, and letters of drawings: the same everywhere, as fonts come along."""

import base64
import html
import io
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import typst
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FONT_FILES = Path(mpl.get_data_path()) / "fonts" / "ttf"
FONT = "DejaVu Sans"
DRAWN_WITH = {400: "DejaVuSans.ttf", 700: "DejaVuSans-Bold.ttf"}
"""The font of drawings, and its files by weight."""
_TEXT = re.compile(r"<text style=\"(?P<style>[^\"]*)\"[^>]*>(?P<text>[^<]*)")


def typeset(layout: str, told: Any, **form: Any) -> list[bytes]:
    """Set what is told as a layout says.

    Parameters
    ----------
    layout : str
        Typst, which finds what is told in ``sys.inputs.told``, as JSON.
    told : value that JSON can hold
        Texts, numbers, lists and dicts.
    **form
        As `typst.Compiler.compile`: format, standards, dots per inch.

    Returns
    -------
    list of bytes
        One for each page of pictures, or one PDF.

    Examples
    --------
    >>> page = typeset("#json(bytes(sys.inputs.told))", "Hello", format="svg")
    >>> page[0][:4]
    b'<svg'
    """
    inputs = {"told": json.dumps(told, ensure_ascii=False)}
    compiler = typst.Compiler(font_paths=_fonts(), ignore_system_fonts=True)
    made = compiler.compile(layout.encode("utf-8"), sys_inputs=inputs, **form)
    return made if isinstance(made, list) else [made or b""]


@cache
def _fonts() -> typst.Fonts:
    """Find the fonts of Typst (Libertinus) and of matplotlib (DejaVu), and no others."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(FONT_FILES)])


def font_rules(drawings: Iterable[str]) -> str:
    """Give CSS that holds the fonts of drawings, with the letters that they use and no others.

    Parameters
    ----------
    drawings : iterable of str
        SVG in which text is text, of one weight or the other.

    Examples
    --------
    >>> font_rules(['<text style="font-weight: 700">Aa</text>'])[:58]
    "@font-face{font-family:'DejaVu Sans';font-weight:700;src:u"
    """
    letters: dict[int, set[str]] = {weight: set() for weight in DRAWN_WITH}
    for found in (found for svg in drawings for found in _TEXT.finditer(svg)):
        weight = 700 if "font-weight: 700" in found["style"] else 400
        letters[weight] |= set(html.unescape(found["text"]))
    rule = "@font-face{{font-family:'{}';font-weight:{};src:url(data:font/ttf;base64,{})}}"
    return "".join(
        rule.format(FONT, weight, _part_of_font(DRAWN_WITH[weight], "".join(sorted(used))))
        for weight, used in letters.items()
        if used
    )


@cache
def _part_of_font(name: str, letters: str) -> str:
    """Give some letters of a font, in base 64; hints are for screens of long ago."""
    font, part = TTFont(FONT_FILES / name, recalcTimestamp=False), io.BytesIO()
    options = Options(hinting=False, layout_features=["kern", "mark"])
    options.drop_tables += ["FFTM"]  # when the designers' program wrote it
    subsetter = Subsetter(options)
    subsetter.populate(text=letters)
    subsetter.subset(font)
    font.save(part)
    return base64.b64encode(part.getvalue()).decode("ascii")

"""Set a layout with Typst: the same bytes everywhere, because fonts come with the libraries."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import typst


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
    drawn_with = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return typst.Fonts(include_system_fonts=False, font_paths=[str(drawn_with)])

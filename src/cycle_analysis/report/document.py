"""What a report is, whatever it is written to: a row of headings, texts, tables and figures.

Texts are plain, with emphasis marked: a writer escapes them. Cells carry the number beside the
text, so that a workbook holds numbers as numbers. A drawing is SVG, or dots where a writer knows no
SVG: set by Typst, with fonts that come along, so that it is the same everywhere.
"""

import base64
import datetime
import html
import io
import json
import re
import struct
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import typst
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from matplotlib.axes import Axes

CREATED = datetime.datetime(2000, 1, 1)
"""When files say that they were made, if they must say it: always the same day."""
FONT_FILES = Path(mpl.get_data_path()) / "fonts" / "ttf"
FONT = "DejaVu Sans"
DRAWN_WITH = {400: "DejaVuSans.ttf", 700: "DejaVuSans-Bold.ttf"}
"""The font of drawings, and its files by weight."""
_TEXT = re.compile(r"<text style=\"(?P<style>[^\"]*)\"[^>]*>(?P<text>[^<]*)")


@dataclass(frozen=True)
class Run:
    """A piece of text in one look.

    `to` is the key of the heading that it leads to, `language` the code of the language that it is
    in, where that need not be that of the report; else both are empty.
    """

    text: str
    strong: bool = False
    em: bool = False
    to: str = ""
    language: str = ""


Text = tuple[Run, ...]


def words_of(text: Text) -> str:
    """Give a text without its looks.

    Examples
    --------
    >>> words_of((Run("There are "), Run("profiles", strong=True), Run(".")))
    'There are profiles.'
    """
    return "".join(run.text for run in text)


@dataclass(frozen=True)
class Heading:
    """A heading: of the annex (level 0), a chapter (1), a section (2), or a part of one (3).

    Attributes
    ----------
    level : int
        From 0.
    key : str
        Its name in links, unique in the report.
    text : str
        The heading.
    """

    level: int
    key: str
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `kind` is ``"finding"`` for the answer that a section gives, else empty."""

    text: Text
    kind: str = ""


@dataclass(frozen=True)
class Bullets:
    """A list of texts; `kind` is ``"summary"`` for the findings in short, else empty."""

    items: tuple[Text, ...]
    kind: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    text : str
        What it shows, in the language of the report.
    value : float, optional
        The number that a workbook gets, as rounded as it is shown; none for texts and bounds.
    pattern : str
        How a workbook shows the number, such as ``0%``.
    note : str
        Name of the note that explains it below the table, in ``notes`` of words.yaml.
    """

    text: str
    value: float | None = None
    pattern: str = ""
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table as it is shown.

    Attributes
    ----------
    key : str
        Its name in links, unique in the report.
    caption : str
        What it shows, of whom, in what unit.
    heads : tuple of str
        One for each column; the first is that of the row names.
    numeric : tuple of bool
        Which columns hold numbers.
    rows : tuple of tuple of Cell
        The first cell of a row is its name.
    notes : tuple of str
        On what it rests, and what marks and abbreviations mean.
    number : str
        Its number in reading order, A1 and on in the annex; empty as long as it stands nowhere.
    """

    key: str
    caption: str
    heads: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    number: str = ""

    def __post_init__(self) -> None:
        widths = {len(row) for row in self.rows} | {len(self.heads), len(self.numeric)}
        if len(widths) != 1:
            raise ValueError(
                f"table {self.key!r} has rows of {sorted(widths)} cells; make them one"
            )
        if not self.rows:
            raise ValueError(f"table {self.key!r} has no rows; leave it out instead")


PNG_DOTS = 200
"""Dots per inch of a drawing for a word processor."""
PNG_HEAD = 33
"""Bytes before the place where a PNG may say how large it is meant."""
PICTURE = """
#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(json(bytes(sys.inputs.told))), format: "svg")
"""
"""Layout of a drawing alone; in a fifth of the time that drawing it anew in dots would take."""
FIXED: dict[Any, Any] = {
    "svg.hashsalt": "cycle_analysis",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": FONT,
    "figure.dpi": 100,
}
"""Ids that do not change, text that stays text, in one font, and no mathematics in labels."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawing that is made when it is asked for: the same bytes for the same drawing.

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
        """The drawing as SVG, without the font of its text."""
        with plt.rc_context():
            plt.rcdefaults()
            plt.rcParams.update(FIXED)
            figure = self.draw().get_figure(root=True)
            if figure is None:
                raise ValueError("the axes belong to no figure; return those that were drawn on")
            if self.mark:
                at_the_end: dict[str, Any] = {"ha": "right", "va": "bottom", "fontweight": "bold"}
                figure.text(0.99, 1.01, self.mark, fontsize=8, color="#8a1c1c", **at_the_end)
            buffer = io.BytesIO()
            no_time = {"Date": None, "Creator": None}
            figure.savefig(buffer, bbox_inches="tight", format="svg", metadata=no_time)
            plt.close(figure)
        return buffer.getvalue()

    @cached_property
    def png(self) -> bytes:
        """The drawing in dots, for writers that know no SVG."""
        (page,) = typeset(PICTURE, self.svg.decode("utf-8"), format="png", ppi=PNG_DOTS)
        size = b"pHYs" + struct.pack(">IIB", *(round(PNG_DOTS / 0.0254),) * 2, 1)  # dots per metre
        chunk = struct.pack(">I", 9) + size + struct.pack(">I", zlib.crc32(size))
        return page[:PNG_HEAD] + chunk + page[PNG_HEAD:]


@dataclass(frozen=True)
class Figure:
    """A drawing with what is needed to read it without seeing it.

    Attributes
    ----------
    key : str
        Its name in links, unique in the report.
    caption : str
        What it shows, of whom, in what unit.
    alt : str
        What can be seen in it.
    drawing : Drawing
        The drawing, made when a writer asks for it.
    table : Table, optional
        The numbers behind it.
    number : str
        Its number in reading order, as of a `Table`.
    """

    key: str
    caption: str
    alt: str
    drawing: Drawing
    table: Table | None = None
    number: str = ""

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ValueError(f"figure {self.key!r} has no alt text; say what can be seen in it")


PAGES = ("report", "annex")
"""What the pages of the parts of a document are called."""
ANNEX = "A"
"""What numbers of figures and tables in the annex begin with."""
Block = Heading | Paragraph | Bullets | Table | Figure


@dataclass(frozen=True)
class Section:
    """What stands under one heading: blocks, and sections of a lower level."""

    heading: Heading
    blocks: tuple[Block, ...] = ()
    sections: tuple["Section", ...] = ()


@dataclass(frozen=True)
class Document:
    """A report in one language.

    Attributes
    ----------
    language : str
        Its code, such as ``nl``.
    title, subtitle : str
        Of what, and when and by whom it was answered.
    blocks : tuple of Block
        The report in reading order; figures and tables numbered, see `number_blocks`. A heading of
        level 0 begins the annex.
    mark : str
        What every page and figure must say of the data, such as that they are synthetic; or empty.
    words : dict of str to str
        The writer's own words: contents, figure, table, skip, wide, made_with.
    about : tuple of pair of str
        What is told of the report itself: Author, and who that is.
    others : tuple of pair of str
        Codes of the other languages that there is a report in, and what each is called there.
    """

    language: str
    title: str
    subtitle: str
    blocks: tuple[Block, ...]
    mark: str = ""
    words: dict[str, str] = field(default_factory=dict)
    about: tuple[tuple[str, str], ...] = ()
    others: tuple[tuple[str, str], ...] = ()

    @property
    def figures(self) -> list[Figure]:
        """All figures in reading order."""
        return [block for block in self.blocks if isinstance(block, Figure)]

    @property
    def tables(self) -> list[Table]:
        """All tables in reading order, those beside figures included."""
        tables = [
            block.table if isinstance(block, Figure) else block
            for block in self.blocks
            if isinstance(block, (Figure, Table))
        ]
        return [table for table in tables if table]

    @property
    def texts(self) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
        """Every text in reading order: part, section, place in it, and its pieces."""
        part, section, n = PAGES[0], "", 0
        for block in self.blocks:
            if isinstance(block, Heading):
                part = PAGES[1] if block.level == 0 else part
                section, n = block.key, 0
                yield part, section, "heading", (block.text,)
            elif isinstance(block, (Paragraph, Bullets)):
                texts = block.items if isinstance(block, Bullets) else (block.text,)
                for place, text in enumerate(texts, n + 1):
                    yield part, section, str(place), tuple(run.text for run in text)
                n += len(texts)
            else:
                yield from ((part, section, place, (text,)) for place, text in _beside(block))

    @property
    def traced(self) -> bool:
        """Whether any number knows where it comes from."""
        texts = (text for *_, pieces in self.texts for text in pieces)
        return any(getattr(text, "numbers", ()) for text in texts)

    @property
    def parts(self) -> tuple[Section, ...]:
        """The report, under its title, and its annex, if there is one: each with its chapters."""
        return _nested((Heading(0, "report", self.title), *self.blocks), 0)


def _beside(block: Table | Figure) -> Iterator[tuple[str, str]]:
    """Give the texts of a figure or a table, by their place."""
    yield f"{block.key} caption", block.caption
    if isinstance(block, Figure):
        yield f"{block.key} alt", block.alt
        yield from _beside(block.table) if block.table else ()
    else:
        yield from ((f"{block.key} head {n}", head) for n, head in enumerate(block.heads, 1))
        yield from ((f"{block.key} note {n}", note) for n, note in enumerate(block.notes, 1))


def number_blocks(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Number the figures and the tables in reading order: 1, 2, and A1, A2 in the annex.

    A text that leads to a heading that a study's own chapter left out leads nowhere.

    Raises
    ------
    ValueError
        When a key stands twice, or no heading stands above the first block.
    """
    if blocks and not (isinstance(blocks[0], Heading) and blocks[0].level <= 1):
        raise ValueError("the first block is no heading of a chapter; begin with `# Title {#key}`")
    keys = [key for block in blocks for key in _keys(block)]
    if double := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"keys {double} stand twice; give each its own")
    return tuple(_numbered([_linked(block, keys) for block in blocks]))


def _keys(block: Block) -> list[str]:
    if isinstance(block, Figure):
        return [block.key, *([block.table.key] if block.table else [])]
    return [block.key] if isinstance(block, (Heading, Table)) else []


def _linked(block: Block, keys: Collection[str]) -> Block:
    """Take away links to keys that are not there."""

    def known(text: Text) -> Text:
        return tuple(run if run.to in keys else replace(run, to="") for run in text)

    if isinstance(block, Paragraph):
        return replace(block, text=known(block.text))
    if isinstance(block, Bullets):
        return replace(block, items=tuple(map(known, block.items)))
    return block


def _numbered(blocks: Sequence[Block]) -> Iterator[Block]:
    part, n_figures, n_tables = "", 0, 0
    for block in blocks:
        if isinstance(block, Heading) and block.level == 0:
            part, n_figures, n_tables = ANNEX, 0, 0
        if isinstance(block, Table):
            n_tables += 1
            yield replace(block, number=f"{part}{n_tables}")
        elif isinstance(block, Figure):
            n_figures += 1
            n_tables += block.table is not None
            table = replace(block.table, number=f"{part}{n_tables}") if block.table else None
            yield replace(block, number=f"{part}{n_figures}", table=table)
        else:
            yield block


def _nested(blocks: Sequence[Block], level: int) -> tuple[Section, ...]:
    """Set blocks under their headings; what stands before the first heading belongs to none."""
    starts = [
        i for i, block in enumerate(blocks) if isinstance(block, Heading) and block.level == level
    ]
    sections = []
    for start, end in pairwise([*starts, len(blocks)]):
        heading, *inner = blocks[start:end]
        lower = next((i for i, block in enumerate(inner) if isinstance(block, Heading)), len(inner))
        if isinstance(heading, Heading):
            parts = _nested(inner[lower:], level + 1)
            sections.append(Section(heading, tuple(inner[:lower]), parts))
    return tuple(sections)


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

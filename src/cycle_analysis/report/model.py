"""What a report is, whatever it is written to: sections of paragraphs, figures and tables.

Texts are plain: a writer escapes them. Writers number figures and tables in reading order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

Cell = str
"""What a cell of a table shows, already set in the language of the report."""


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text.

    Attributes
    ----------
    text : str
        The text.
    kind : str
        ``""``, or ``"finding"`` for the answer that a section gives, which writers set apart.
    """

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Bullets:
    """A list of plain texts, each with a lead that may be empty."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table as it is shown.

    Attributes
    ----------
    key : str
        Its name in links, unique in the report.
    caption : str
        What it shows, of whom, in what unit.
    columns : tuple of str
        Heads; the first is that of the row names.
    rows : tuple of tuple of str
        The first cell of a row is its name.
    n : str
        On how many units or respondents it rests, in words.
    notes : tuple of str
        What marks and abbreviations mean.
    text_columns : tuple of int
        Columns that hold text; the others hold numbers.
    """

    key: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    n: str
    notes: tuple[str, ...] = ()
    text_columns: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        widths = {len(row) for row in self.rows} | {len(self.columns)}
        if len(widths) != 1:
            raise ValueError(
                f"table {self.key!r} has rows of {sorted(widths)} cells; make them one"
            )
        if not self.rows:
            raise ValueError(f"table {self.key!r} has no rows; leave it out instead")


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
    svg : bytes
        The drawing.
    n : str
        On how many units it rests, in words.
    table : Table, optional
        The numbers behind it.
    """

    key: str
    caption: str
    alt: str
    svg: bytes
    n: str
    table: Table | None = None

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ValueError(f"figure {self.key!r} has no alt text; say what can be seen in it")


Block = Paragraph | Bullets | Table | Figure


@dataclass(frozen=True)
class Section:
    """A part of the report under one heading.

    Attributes
    ----------
    key : str
        Its name in links, unique in the report.
    title : str
        The heading.
    blocks : tuple of Block
        What stands under it, in order.
    sections : tuple of Section
        Parts of this part.
    """

    key: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple["Section", ...] = ()

    def walk(self) -> Iterator[Block]:
        """Give every block of this section and its parts, in reading order."""
        yield from self.blocks
        for section in self.sections:
            yield from section.walk()


@dataclass(frozen=True)
class Report:
    """A report in one language.

    Attributes
    ----------
    language : str
        ``"nl"`` or ``"en"``.
    title, subtitle : str
        Of what, and when and by whom it was answered.
    summary : tuple of str
        The findings in a few points, the verdict first.
    sections : tuple of Section
        The report.
    mark : str
        What every page and figure must say of the data, such as that they are synthetic; or empty.
    words : dict of str to str
        The writer's own words: contents, figure, table.
    """

    language: str
    title: str
    subtitle: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    mark: str = ""
    words: dict[str, str] = field(default_factory=dict)

    def blocks(self) -> Iterator[Block]:
        """Give every block in reading order."""
        for section in self.sections:
            yield from section.walk()

    @property
    def figures(self) -> list[Figure]:
        """All figures in reading order."""
        return [block for block in self.blocks() if isinstance(block, Figure)]

    @property
    def tables(self) -> list[Table]:
        """All tables in reading order, those beside figures included."""
        found = []
        for block in self.blocks():
            if isinstance(block, Table):
                found.append(block)
            if isinstance(block, Figure) and block.table:
                found.append(block.table)
        return found

    @property
    def numbers(self) -> dict[str, int]:
        """Number of each figure and of each table, by key."""
        keys = [[figure.key for figure in self.figures], [table.key for table in self.tables]]
        for kind in keys:
            if double := sorted({key for key in kind if kind.count(key) > 1}):
                raise ValueError(f"keys {double} stand twice; give each its own")
        return {key: number for kind in keys for number, key in enumerate(kind, start=1)}

"""Look at a sheet and parse it: what a process of its own runs, with bounds on its memory.

What a sheet says of itself (its reach, formulas, errors, hidden and merged cells, percents) is told
by a real XML parser, or from the records of an .xls; what does not fit is refused before calamine,
which parses the values, reserves memory for it. On a damaged file calamine can break down, or never
end: hence the process. It runs this file alone, which needs nothing else, and so starts at once.
"""

import pickle
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook

MOST_MEMORY = 6_000_000_000
"""Bytes that the process may reserve, where the system can hold it to that."""
MOST_CELLS = 60_000_000
"""Rows times columns of a sheet."""
MOST_WIDE = 5_000
"""Columns of a sheet."""
MOST_TEXT = 1_000_000_000
"""Characters of a sheet, once every reference to a shared text is written out."""
MOST_MARKED = 10_000
"""Cells with a formula, an error or a merge that are noted."""
REFERENCE = re.compile(r"([A-Za-z]{1,9})([0-9]{1,9})")
BUILT_IN_PERCENT = {9, 10}
BIFF_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!"}
BIFF_ERRORS[42] = "#N/A"
FORMULA, BOOL_OR_ERROR, NUMBERS = {0x0006, 0x0206, 0x0406}, 0x0205, {0x0203, 0x027E}
MANY_NUMBERS, COLUMN, ROW, MERGED = 0x00BD, 0x007D, 0x0208, 0x00E5
BEGIN, END, SHEET, STYLE, FORMAT = 0x0809, 0x000A, 0x0085, 0x00E0, 0x041E
"""Records of an .xls, as [MS-XLS] numbers them."""
OLD_BEGINS = bytes.fromhex("d0cf11e0a1b11ae1")
"""First bytes of an .xls; Excel may keep a theme in it, at its end, which is a zip."""
Attributes = dict[str, str]
UNREADABLE = (
    *(CalamineError, OSError, ValueError, LookupError, RuntimeError),
    *(expat.ExpatError, struct.error, zipfile.BadZipFile, zlib.error),
)
"""What a damaged file raises."""


@dataclass
class SheetFacts:
    """What a sheet's own file says; rows from 1, columns from 0.

    Attributes
    ----------
    hidden, hidden_rows : list of int
        Hidden columns and rows.
    formulas : list of (row, column)
    errors : list of [row, column, what is shown]
    merged : list of (first row, first column, last row, last column)
    percents : dict of column to row
        The first cell of each column that shows its value as a percentage.
    n_rows, n_columns, n_texts : int
        How far its cells reach, and how many characters they hold by reference or repeated.
    """

    hidden: list[int] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    formulas: list[tuple[int, int]] = field(default_factory=list)
    errors: list[list[Any]] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    percents: dict[int, int] = field(default_factory=dict)
    n_rows: int = 0
    n_columns: int = 0
    n_texts: int = 0

    def reach(self, row: int, column: int) -> None:
        """Note a cell with contents."""
        self.n_rows, self.n_columns = max(row, self.n_rows), max(column + 1, self.n_columns)

    def mark(self, kind: str, found: Any) -> None:
        """Note one of a kind, as long as there are not very many."""
        marked = getattr(self, kind)
        if len(marked) < MOST_MARKED:
            marked.append(found)


class Sheet(NamedTuple):
    """The sheets of a workbook, and the chosen one; no rows when none is chosen."""

    names: list[str]
    rows: Sequence[Sequence[object]]
    facts: SheetFacts


class TooLargeError(ValueError):
    """What the sheet holds does not fit; the message, and what was found."""


def is_archive(path: Path) -> bool:
    """Whether a workbook is a zip, as .xlsx and .ods are, and not an .xls that holds one."""
    with path.open("rb") as stream:
        is_old = stream.read(len(OLD_BEGINS)) == OLD_BEGINS
    return not is_old and zipfile.is_zipfile(path)


def parse_sheet(path: Path, name: str) -> Sheet:
    """Look at the sheet of this name, or the only one, and parse it if it fits."""
    if is_archive(path):
        with zipfile.ZipFile(path) as archive:
            is_ods = "content.xml" in archive.namelist()
            facts = _facts_of_ods(archive) if is_ods else {}
            for one in facts.values():
                _check_size(one)
            names = list(facts) or list(CalamineWorkbook.from_path(path).sheet_names)
            chosen = name or (names[0] if len(names) == 1 else "")
            if chosen in names and not is_ods:
                facts[chosen] = _facts_of_xlsx(archive, names.index(chosen))
    else:
        facts = _facts_of_xls(path.read_bytes())
        names = list(facts)
        chosen = name or (names[0] if len(names) == 1 else "")
    if chosen not in names:
        return Sheet(names, [], SheetFacts())
    _check_size(facts[chosen])
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_name(chosen)
    return Sheet(names, sheet.to_python(skip_empty_area=False), facts[chosen])


def _check_size(facts: SheetFacts) -> None:
    """Refuse what would take the memory of the machine."""
    shown = f"{facts.n_rows} rows, {facts.n_columns} columns"
    if facts.n_columns > MOST_WIDE:
        raise TooLargeError(f"there are more than {MOST_WIDE} columns", shown)
    if facts.n_rows * facts.n_columns > MOST_CELLS:
        raise TooLargeError(f"its cells span more than {MOST_CELLS:,}", shown)
    if facts.n_texts > MOST_TEXT:
        shown = f"{facts.n_texts:,} characters"
        raise TooLargeError(f"its cells hold more than {MOST_TEXT:,} characters", shown)


def _parse_xml(
    archive: zipfile.ZipFile,
    part: str,
    start: Callable[[str, Attributes], None],
    text: Callable[[str], None] | None = None,
) -> None:
    """Parse a part of an archive; names of elements come without their prefix."""
    parser, local = expat.ParserCreate(), cache(_without_prefix)

    def refuse_doctype(*_: object) -> None:
        raise ValueError("it declares a document type, which no spreadsheet does")

    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = lambda name, attributes: start(local(name), attributes)
    if text:
        parser.CharacterDataHandler = text
    with archive.open(part) as stream:
        parser.ParseFile(stream)


def _without_prefix(name: str) -> str:
    return name.rpartition(":")[2]


def _plain(attributes: Attributes) -> Attributes:
    """Attributes without the prefixes of their names."""
    return {_without_prefix(name): value for name, value in attributes.items()}


class _XlsxSheet:
    """Takes the facts of one sheet of an .xlsx from its elements."""

    def __init__(self, percent_styles: set[int], lengths: list[int]):
        self.facts, self.percent_styles, self.lengths = SheetFacts(), percent_styles, lengths
        self.row, self.column, self.cell = 0, -1, Attributes()
        self.in_error = self.is_shared = False

    def start(self, name: str, attributes: Attributes) -> None:
        self.in_error = self.is_shared = False
        if name == "c":
            self.cell = attributes
            place = REFERENCE.fullmatch(attributes.get("r", ""))
            if place:
                self.row, self.column = int(place[2]), column_number(place[1])
            else:
                self.column += 1
        elif name in ("v", "is"):
            self._value(name)
        elif name == "f":
            self.facts.reach(self.row, self.column)
            self.facts.mark("formulas", (self.row, self.column))
        elif name == "row":
            number = attributes.get("r", "")
            self.row, self.column = int(number) if number.isdecimal() else self.row + 1, -1
            if attributes.get("hidden") in ("1", "true"):
                self.facts.mark("hidden_rows", self.row)
        elif name == "col" and attributes.get("hidden") in ("1", "true"):
            first, last = int(attributes["min"]) - 1, int(attributes["max"]) - 1
            self.facts.hidden += range(first, min(last, MOST_WIDE) + 1)
        elif name == "mergeCell":
            corners = [REFERENCE.fullmatch(p) for p in attributes.get("ref", "").split(":")]
            if len(corners) == 2 and corners[0] and corners[1]:
                ends = [(int(corner[2]), column_number(corner[1])) for corner in corners if corner]
                self.facts.mark("merged", (*ends[0], *ends[1]))

    def _value(self, name: str) -> None:
        facts, kind = self.facts, self.cell.get("t")
        facts.reach(self.row, self.column)
        if kind == "e" and name == "v":
            self.in_error = True
            facts.mark("errors", [self.row, self.column, ""])
        elif kind == "s":
            self.is_shared = True
        elif self.percent_styles and int(self.cell.get("s", 0)) in self.percent_styles:
            facts.percents.setdefault(self.column, self.row)

    def text(self, text: str) -> None:
        if self.is_shared and (number := text.strip()).isdecimal():
            self.facts.n_texts += self.lengths[int(number)]
        elif self.in_error:
            self.facts.errors[-1][2] += text.strip()


def _facts_of_xlsx(archive: zipfile.ZipFile, place: int) -> SheetFacts:
    if not (part := _part(archive, place)):
        return SheetFacts()
    sheet = _XlsxSheet(_percent_styles(archive), _shared_lengths(archive))
    _parse_xml(archive, part, sheet.start, text=sheet.text)
    return sheet.facts


def _part(archive: zipfile.ZipFile, place: int) -> str | None:
    """Name of a sheet's file, by the order of the workbook."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    ids, targets = list[str](), dict[str, str]()

    def sheet(name: str, attributes: Attributes) -> None:
        if name == "sheet":
            ids.append(_plain(attributes).get("id", ""))

    def link(name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            target = attributes.get("Target", "")
            targets[attributes.get("Id", "")] = target[1:] if target[:1] == "/" else f"xl/{target}"

    _parse_xml(archive, "xl/workbook.xml", sheet)
    _parse_xml(archive, "xl/_rels/workbook.xml.rels", link)
    part = targets.get(ids[place], "") if place < len(ids) else ""
    return part if part in names else None


def _percent_styles(archive: zipfile.ZipFile) -> set[int]:
    """Numbers of the cell styles that show a percentage."""
    formats, styles, in_cells = set(BUILT_IN_PERCENT), list[int](), [False]

    def start(name: str, attributes: Attributes) -> None:
        code = attributes.get("formatCode", "")
        if name == "numFmt" and "%" in re.sub(r'"[^"]*"|\\.', "", code):  # not of a text
            formats.add(int(attributes["numFmtId"]))
        elif name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            in_cells[0] = name == "cellXfs"
        elif name == "xf" and in_cells[0]:
            styles.append(int(attributes.get("numFmtId", 0)))

    if "xl/styles.xml" in archive.namelist():
        _parse_xml(archive, "xl/styles.xml", start)
    return {place for place, number in enumerate(styles) if number in formats}


def _shared_lengths(archive: zipfile.ZipFile) -> list[int]:
    """How long each shared text is."""
    lengths: list[int] = []

    def start(name: str, _: Attributes) -> None:
        if name == "si":
            lengths.append(0)

    def text(part: str) -> None:
        if lengths:
            lengths[-1] += len(part)

    if "xl/sharedStrings.xml" in archive.namelist():
        _parse_xml(archive, "xl/sharedStrings.xml", start, text=text)
    return lengths


class _OdsTables:
    """Takes the facts of all tables of an .ods; rows and cells may be said to be repeated."""

    def __init__(self) -> None:
        self.tables: dict[str, SheetFacts] = {}
        self.facts = SheetFacts()
        self.row, self.rows, self.column, self.columns, self.cells = 0, 0, 0, 0, 0
        self.is_error = False

    def start(self, name: str, given: Attributes) -> None:
        said = _plain(given) if name.startswith("table") or name == "covered-table-cell" else {}
        is_hidden = said.get("visibility") in ("collapse", "filter")
        if name == "table":
            self.facts = SheetFacts()
            self.tables.setdefault(said.get("name", ""), self.facts)
            self.row, self.rows, self.columns = 0, 0, 0
        elif name == "table-column":
            times = _times(said, "columns")
            if is_hidden:
                last = min(self.columns + times, MOST_WIDE)
                self.facts.hidden += range(self.columns, last)
            self.columns += times
        elif name == "table-row":
            self.row, self.rows = self.row + self.rows, _times(said, "rows")
            self.column, self.cells = 0, 0
            if is_hidden:
                self.facts.mark("hidden_rows", self.row + 1)
        elif name in ("table-cell", "covered-table-cell"):
            self._cell(said, {v for n, v in given.items() if n.endswith("value-type")})

    def _cell(self, said: Attributes, kinds: set[str]) -> None:
        self.column, self.cells = self.column + self.cells, _times(said, "columns")
        row, facts = self.row + 1, self.facts
        self.is_error = "error" in kinds
        if kinds:
            facts.reach(self.row + self.rows, self.column + self.cells - 1)
            facts.n_texts += len(said.get("string-value", "")) * (self.rows * self.cells - 1)
        if "formula" in said:
            facts.mark("formulas", (row, self.column))
        if self.is_error:
            facts.mark("errors", [row, self.column, ""])
        if "percentage" in kinds:
            facts.percents.setdefault(self.column, row)
        down, across = (int(said.get(f"number-{way}-spanned", "1")) for way in ("rows", "columns"))
        if down > 1 or across > 1:
            facts.mark("merged", (row, self.column, row + down - 1, self.column + across - 1))

    def text(self, text: str) -> None:
        self.facts.n_texts += len(text.strip()) * max(self.rows * self.cells - 1, 0)
        if self.is_error:
            self.facts.errors[-1][2] += text.strip()


def _times(said: Attributes, way: str) -> int:
    return max(int(said.get(f"number-{way}-repeated", "1")), 1)


def _facts_of_ods(archive: zipfile.ZipFile) -> dict[str, SheetFacts]:
    tables = _OdsTables()
    _parse_xml(archive, "content.xml", tables.start, text=tables.text)
    return tables.tables


def _facts_of_xls(data: bytes) -> dict[str, SheetFacts]:
    """Facts of all sheets, from the records of an .xls."""
    stream = _workbook_stream(data)
    records = list(_records(stream, 0))
    percent = {struct.unpack_from("<H", r)[0] for k, r in records if k == FORMAT and b"%" in r[2:]}
    percent |= BUILT_IN_PERCENT
    formats = [struct.unpack_from("<H", record, 2)[0] for kind, record in records if kind == STYLE]
    styles = {place for place, number in enumerate(formats) if number in percent}
    is_new = any(k == BEGIN and r[:2] == b"\x00\x06" for k, r in records[:1])
    found = {}
    for kind, record in records:
        if kind == SHEET and record[5] == 0:  # no chart, no macro
            begin = struct.unpack_from("<I", record)[0]
            text, wide = (record[8:], record[7] & 1) if is_new else (record[7:], 0)
            name = text.decode("utf-16-le" if wide else "latin-1")
            found[name] = SheetFacts()
            for part in _records(stream, begin):
                _note_record(found[name], *part, styles)
    return found


def _note_record(facts: SheetFacts, kind: int, record: bytes, percent: set[int]) -> None:
    if kind in FORMULA | NUMBERS or kind in (BOOL_OR_ERROR, MANY_NUMBERS):
        row, column = struct.unpack_from("<HH", record)
        n = (len(record) - 6) // 6 if kind == MANY_NUMBERS else 1  # each a style and a number
        facts.reach(row + 1, column + n - 1)
        for place in range(n) if kind not in FORMULA else ():
            if struct.unpack_from("<H", record, 4 + 6 * place)[0] in percent:
                facts.percents.setdefault(column + place, row + 1)
        if kind in FORMULA:
            facts.mark("formulas", (row + 1, column))
        is_error = kind == BOOL_OR_ERROR and record[7] == 1
        if is_error or (kind in FORMULA and record[12:14] == b"\xff\xff" and record[6] == 2):
            code = record[6] if is_error else record[8]
            facts.mark("errors", [row + 1, column, BIFF_ERRORS.get(code, "#ERROR")])
    elif kind == COLUMN and record[8] & 1:
        first, last = struct.unpack_from("<HH", record)
        facts.hidden += range(first, min(last, 255) + 1)
    elif kind == ROW and record[12] & 0x20:
        facts.mark("hidden_rows", struct.unpack_from("<H", record)[0] + 1)
    elif kind == MERGED:
        for place in range(struct.unpack_from("<H", record)[0]):
            top, bottom, left, right = struct.unpack_from("<HHHH", record, 2 + 8 * place)
            facts.mark("merged", (top + 1, left, bottom + 1, right))


def _records(stream: bytes, place: int) -> Iterator[tuple[int, bytes]]:
    """Records of the workbook or a sheet, from where it begins to its end."""
    depth = 0
    while place + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, place)
        depth += (kind == BEGIN) - (kind == END)
        if depth <= 1:
            yield kind, stream[place + 4 : place + 4 + length]
        if depth <= 0:
            return
        place += 4 + length


def _workbook_stream(data: bytes) -> bytes:
    """Find the workbook among the files within an .xls, which are chains of sectors [MS-CFB]."""
    if not data.startswith(OLD_BEGINS):
        raise ValueError("it is no workbook")
    size, small = 1 << (data[30] & 15), 1 << (data[32] & 15)
    directory, _, cutoff, small_table, _, more, n_more = struct.unpack_from("<7I", data, 48)

    def sector(number: int) -> bytes:
        return data[size * (number + 1) : size * (number + 2)]

    def numbers(part: bytes) -> list[int]:
        return list(struct.unpack(f"<{len(part) // 4}I", part[: len(part) // 4 * 4]))

    def chain(first: int, table: list[int]) -> list[int]:
        found: list[int] = []
        while first < len(table) and len(found) <= len(table):
            found.append(first)
            first = table[first]
        return found

    tables = numbers(data[76:512])
    for _ in range(min(n_more, len(data) // size)):
        *others, more = numbers(sector(more))
        tables += others
    table = [n for number in tables if number < len(data) // size for n in numbers(sector(number))]
    entries = b"".join(map(sector, chain(directory, table)))
    places = {}
    for start in range(0, len(entries) - 127, 128):
        length = struct.unpack_from("<H", entries, start + 64)[0]
        name = entries[start : start + max(length - 2, 0)].decode("utf-16-le", "replace")
        places[name] = struct.unpack_from("<2I", entries, start + 116)
    first, length = places.get("Workbook") or places.get("Book") or (len(table), 0)
    if length >= cutoff or "Root Entry" not in places:
        return b"".join(map(sector, chain(first, table)))[:length]
    within = b"".join(map(sector, chain(places["Root Entry"][0], table)))
    shorts = numbers(b"".join(map(sector, chain(small_table, table))))
    parts = [within[small * n : small * (n + 1)] for n in chain(first, shorts)]
    return b"".join(parts)[:length]


def column_number(letters: str) -> int:
    """Number of a column, from 0.

    Examples
    --------
    >>> column_number("A"), column_number("AB")
    (0, 27)
    """
    return reduce(lambda number, letter: 26 * number + ord(letter) - 64, letters.upper(), 0) - 1


def _limit_memory() -> None:
    """Hold this process to `MOST_MEMORY`, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _run(path: str, name: str) -> None:
    """Parse, and write what was found for the process that asked."""
    try:
        sheet = parse_sheet(Path(path), name)
        pickle.dump(("read", sheet.names, sheet.rows, vars(sheet.facts)), sys.stdout.buffer)
    except TooLargeError as error:
        pickle.dump(("too large", *error.args), sys.stdout.buffer)
    except UNREADABLE as error:
        sys.exit(str(error) or type(error).__name__)
    except MemoryError:
        sys.exit("it needs more memory than a survey can")
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a breakdown of calamine, no Exception
            raise
        sys.exit(2)


if __name__ == "__main__":
    _limit_memory()
    _run(*sys.argv[1:3])

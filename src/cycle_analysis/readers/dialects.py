"""Tell in which encoding, and with which delimiter, a text was written."""

import codecs
import csv
import io
from pathlib import Path

from cycle_analysis.readers.raw_table import refuse
from cycle_analysis.study.files import Source

DELIMITERS = ";,\t|"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: Path, encoding: str = "") -> tuple[bytes, str]:
    r"""Give a text as UTF-8 with ``\n`` at the end of every line, and the encoding it had.

    Raises
    ------
    InputError
        If it is no text, or not in the encoding that is named.
    """
    raw = path.read_bytes()
    encoding = encoding or detect_encoding(raw)
    data = raw
    if not (encoding in ("utf-8", "ascii") and raw.isascii()):
        try:
            data = raw.decode(encoding).removeprefix("\ufeff").encode("utf-8")
        except (UnicodeError, LookupError) as error:
            remedy = "Correct source.encoding in wave.yaml (utf-8, cp1252, utf-16), or leave it out"
            raise refuse(path.name, "file", encoding, str(error), "", remedy) from None
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        remedy = "Export the file again; a spreadsheet must be saved as csv, not renamed"
        raise refuse(path.name, f"line {line}", "", "holds a NUL byte: no text file", "", remedy)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data if data.endswith(b"\n") else data + b"\n", encoding


def detect_encoding(raw: bytes) -> str:
    """Tell the encoding: by its byte order mark, UTF-8 if it is valid, else Windows' cp1252.

    Text of which every second byte is zero is UTF-16 without its mark.

    Examples
    --------
    >>> detect_encoding("Súdwest".encode("cp1252"))
    'cp1252'
    """
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            return encoding
    if len(raw) > 3 and raw[1] == raw[3] == 0 and raw[0] and raw[2]:
        return "utf-16-le"
    if len(raw) > 3 and raw[0] == raw[2] == 0 and raw[1] and raw[3]:
        return "utf-16-be"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def find_delimiter(text: bytes, source: Source) -> tuple[str, int]:
    """Give the delimiter that wave.yaml, the first line or the text tells, and the lines above."""
    first = text[:100_000].decode("utf-8", "ignore")
    hint = first.split("\n", 1)[0].strip().strip('"').casefold()
    hinted = hint.startswith("sep=") and len(hint) == 5
    if hinted:
        first = first.split("\n", 1)[-1]
    delimiter = source.delimiter or (hint[4] if hinted else detect_delimiter(first))
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        allowed = "one character, such as ; or ,"
        raise refuse("wave.yaml", "source.delimiter", delimiter, "is no delimiter", allowed)
    return delimiter, hinted + source.header_row - 1


def detect_delimiter(text: str) -> str:
    r"""Tell the delimiter: the one that splits most lines into as many cells as the header.

    Examples
    --------
    >>> detect_delimiter("a;b\n1,5;2,5\n")
    ';'
    """

    def fit(delimiter: str) -> tuple[bool, float, int]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            counts = [len(row) for row, _ in zip(reader, range(50), strict=False) if row] or [1]
        except csv.Error:
            counts = [1]
        alike = sum(count == counts[0] for count in counts) / len(counts)
        return counts[0] > 1, alike, counts[0]

    return max(DELIMITERS, key=fit)

"""Append the studies of a benchmark to its csv, and put what its csv says into README.md.

A benchmark can be stopped and resumed: only studies are drawn that its csv lacks. Its `tables` are
those of README.md, each between comments that bear its name, so that no number is copied by hand;
a test compares them.
"""

import csv
from itertools import product
from pathlib import Path

import pandas as pd

README = Path(__file__).parent / "README.md"
END = "<!-- end -->"


def append_missing(results, fields, keys, rows):
    """Write a row for every study that is not in the table yet.

    `rows` gives pairs of the key of a study, in the order of the columns `keys`, and a function
    that makes its row.
    """
    done = set()
    if results.exists():
        done = set(pd.read_csv(results)[list(keys)].itertuples(index=False, name=None))
    with results.open("a", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        if not done:
            writer.writeheader()
        for key, make in rows:
            if key not in done:
                writer.writerow(make(*key))
                file.flush()


def run_or_show(argv, results, fields, cells, one_study, show):
    """Do what a command asks: `show`, or `run FIRST-LAST N …`, studies of each cell of N units."""
    if argv[0] == "show":
        show()
        return
    first, last = map(int, argv[1].split("-"))
    keys = product(range(first, last), map(int, argv[2:]), cells)
    rows = (((truth, n, study), one_study) for study, n, truth in keys)
    append_missing(results, fields, ("truth", "n", "study"), rows)


def write_tables(tables):
    """Put tables into README.md."""
    README.write_text(with_tables(README.read_text("utf-8"), tables), "utf-8")


def with_tables(text, tables):
    """Put tables, of texts by name, each between the comments that bear its name."""
    for name, table in tables.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        if not begin:
            raise ValueError(f"README.md has no place for the table {name!r}")
        text = before + begin + markdown(table) + rest[rest.index(END) :]
    return text


def markdown(table):
    """Write a table of texts as Markdown, its index first."""
    head = [*table.index.names, *table.columns]
    rows = [head, ["---"] * len(head), *table.reset_index().to_numpy().tolist()]
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def rate(share, digits=2):
    """Write a share without a zero before the point; 0 and 1 are none and all."""
    if pd.isna(share):
        return ""
    return f"{share:.0f}" if share in (0, 1) else f"{share:.{digits}f}".removeprefix("0")


def bold_above(share, n, level=0.05):
    """Write a share, in bold where it lies more than two standard errors above a level."""
    over = n and share > level + 2 * (level * (1 - level) / n) ** 0.5
    return f"**{rate(share)}**" if over else rate(share)

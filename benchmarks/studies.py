"""Append the studies of a benchmark to its table, so that it can be stopped and resumed."""

import csv
from itertools import product

import pandas as pd


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

"""Make the raw files of the bundled study again: ``python -m cycle_analysis.simulate FOLDER``."""

import sys

from cycle_analysis.simulate.studies import write_example

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Give the folder of the example study: data/raw/example")
    truth = write_example(sys.argv[1])
    for wave, units in truth[truth["n_respondents"] > 0].groupby("wave"):
        total = units["n_respondents"].sum()
        print(f"{wave}: {len(units)} municipalities, {total} respondents (synthetic)")

"""Make the raw files of the bundled study again: ``python -m cycle_analysis.simulate FOLDER``."""

import sys
from pathlib import Path

from cycle_analysis.simulate import EXAMPLE, EXAMPLE_SEED, write_study
from cycle_analysis.study import load_study

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Give the folder of the example study: data/raw/example")
    folder = Path(sys.argv[1]).resolve()
    truth = write_study(load_study(folder.name, folder.parents[2]), EXAMPLE, EXAMPLE_SEED)
    for wave, units in truth[truth["n_respondents"] > 0].groupby("wave"):
        total = units["n_respondents"].sum()
        print(f"{wave}: {len(units)} municipalities, {total} respondents (synthetic)")

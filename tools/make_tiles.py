"""Make the tile map: one tile per municipality of 2026, provinces where one looks for them.

The plan below was drawn by hand: each letter is a tile of a province, as many as it has
municipalities. Within a province municipalities go to tiles so that the sum of squared distances
between their places (`places.csv`, longitude and latitude to about .02 degree, entered by hand) and
the tiles, both brought to one scale, is smallest (linear assignment). Run once, the result is kept:
``python tools/make_tiles.py``.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from cycle_analysis.units import Register, load_register

HERE = Path(__file__).parents[1] / "src" / "cycle_analysis" / "units" / "register"
PLAN = """
..........F.F.F.......
.........F.......GGG..
........N....FFFGGGG..
...........FFFFFDGGG..
........N..FFFFDDDD...
........NN.FF.ODDDD...
........NNNN..OODDD...
.......NNNNN...OOOOO..
.......NNNNN..VOOOOO..
.......NNNN..VVEOOOO..
.......NNNN..VEEEOOOO.
......NNNNN.VVEEEOOOO.
......NNNNNN..EEEEEEE.
.....NNNNNNNUUEEEEEEE.
...ZZZZUUUUUUEEEEEEEE.
..ZZZZZUUUUUUEEEEEEE..
.ZZZZZZUUUUUUEEEEE....
.ZZZZZZUUUUUEEEEE.....
ZZZZZZZZUEEEEE........
ZZZZZZZZZBBBBBBBBLL...
ZZZZZZZZBBBBBBBBBBLL..
ZZZZBBBBBBBBBBBBBBLL..
..SSBBBBBBBBBBBBBBLL..
SSSSS.BBBBBBBBBBLLLL..
SSS............LLLL...
................LLL...
.SSS...........LLLL...
..............LLLLL...
...............LLL....
"""
LETTERS = {
    "G": "Groningen", "F": "Fryslân", "D": "Drenthe", "O": "Overijssel", "V": "Flevoland",
    "E": "Gelderland", "U": "Utrecht", "N": "Noord-Holland", "Z": "Zuid-Holland", "S": "Zeeland",
    "B": "Noord-Brabant", "L": "Limburg",
}  # fmt: skip


def plan_tiles() -> pd.DataFrame:
    """Read the plan: one row per tile with its province, row (from the north) and column."""
    tiles = [
        (LETTERS[letter], row, column)
        for row, line in enumerate(PLAN.strip().splitlines())
        for column, letter in enumerate(line)
        if letter != "."
    ]
    return pd.DataFrame(tiles, columns=["province", "row", "column"])


def assign_tiles(places: pd.DataFrame, tiles: pd.DataFrame) -> pd.DataFrame:
    """Give each place of a province one of its tiles.

    Places lie dense in towns and tiles lie evenly, so both are compared by ranks mixed with
    positions, each scaled to 0-1 over the province.
    """
    positions = places[["longitude", "latitude"]].to_numpy() * [1, -1]
    cells = tiles[["column", "row"]].to_numpy(float)
    distance = sum(
        share * ((scale(positions)[:, None] - scale(cells)[None]) ** 2).sum(axis=2)
        for scale, share in ((_ranks, 0.5), (_spread, 0.5))
    )
    unit, tile = linear_sum_assignment(distance.round(9))
    chosen = tiles.iloc[tile][["row", "column"]].set_index(places.index[unit])
    return chosen.rename_axis("unit")


def _ranks(values: np.ndarray) -> np.ndarray:
    return _spread(np.apply_along_axis(rankdata, 0, values))


def _spread(values: np.ndarray) -> np.ndarray:
    low, high = values.min(axis=0), values.max(axis=0)
    return (values - low) / (high - low)


def make_tiles(places: pd.DataFrame, register: Register) -> pd.DataFrame:
    """Lay out all municipalities of 2026: index `unit`, columns `row` and `column`."""
    province = register.on("2026-01-01")["province"]
    tiles = plan_tiles()
    parts = [
        assign_tiles(places.loc[province.index[province == name]], there)
        for name, there in tiles.groupby("province")
    ]
    return pd.concat(parts).sort_index()


if __name__ == "__main__":
    given = pd.read_csv(HERE / "places.csv", index_col="unit")
    make_tiles(given, load_register()).to_csv(HERE / "tiles.csv")

"""Make the bundled register from yearly CBS tables.

Only needed when the register itself is renewed; a study of a later year is better served by
`register_years.extend`. Usage: ``python tools/make_register.py FOLDER``.

`FOLDER` holds three tables compiled from CBS publications (StatLine 37259 and Gemeentelijke
indeling): ``municipalities.csv`` (year, gm_code, name, province, population on 1 January),
``mergers.csv`` (effective_date, from_code, from_name, to_code, kind, share, persons) and
``border_corrections.csv`` (effective_date, from_code, to_code, persons_net, share_of_from).
"""

import sys
from pathlib import Path

import pandas as pd

from cycle_analysis.units.register_years import size_classes

REGISTER = Path(__file__).parents[1] / "src" / "cycle_analysis" / "units" / "register"
"""Where the bundled register stands."""
START = "2016-01-01"
"""The register's first day: between it and the first merger, of 1 January 2017, nothing changed."""


def make_units(municipalities: pd.DataFrame, mergers: pd.DataFrame) -> pd.DataFrame:
    """One row per code: name, province, first and last day, size class per year."""
    years = municipalities.groupby("gm_code")["year"].agg(["min", "max"])
    last = municipalities.sort_values("year").drop_duplicates("gm_code", keep="last")
    units = last.set_index("gm_code")[["name", "province"]].join(years)
    first_seen = units["min"].astype(str) + "-01-01"
    units["valid_from"] = first_seen.where(units["min"] > municipalities["year"].min(), START)
    before = mergers.loc[mergers["effective_date"] == "2017-01-01"]
    units.loc[before["to_code"].unique(), "valid_from"] = "2017-01-01"
    gone_before = before.drop_duplicates("from_code").set_index("from_code")
    province = units["province"].reindex(gone_before["to_code"]).to_numpy()
    gone = pd.DataFrame({"name": gone_before["from_name"], "province": province})
    units = pd.concat([units, gone.assign(valid_from=START)])
    ends = mergers.drop_duplicates("from_code").set_index("from_code")["effective_date"]
    units["valid_until"] = ends.reindex(units.index)
    size = municipalities.assign(size=size_classes(municipalities["population"]))
    wide = size.set_index(["gm_code", "year"])["size"].unstack("year").add_prefix("size_")
    return (
        units.drop(columns=["min", "max"])
        .join(wide.astype("Int64"))
        .rename_axis("unit")
        .sort_index()
        .reset_index()
    )


def make_events(
    municipalities: pd.DataFrame, mergers: pd.DataFrame, borders: pd.DataFrame
) -> pd.DataFrame:
    """All transfers of persons between codes, and what a receiving code already had."""
    moved = mergers.rename(
        columns={"effective_date": "date", "from_code": "from_unit", "to_code": "to_unit"}
    )[["date", "from_unit", "to_unit", "kind", "share", "persons"]]
    received = moved.groupby(["date", "to_unit"], as_index=False)["persons"].sum()
    year = received["date"].str[:4].astype(int)
    persons = municipalities.set_index(["gm_code", "year"])["population"]
    keys = list(zip(received["to_unit"], year, strict=True))
    existing = [
        (code, before) in persons.index
        for code, before in zip(received["to_unit"], year - 1, strict=True)
    ]
    on_the_day = persons.reindex(keys).to_numpy()
    new_year = received["date"].str.endswith("01-01")
    own = on_the_day - received["persons"].where(new_year, 0)
    kept = received.assign(
        from_unit=received["to_unit"], kind="kept", share=1.0, persons=own.astype(int)
    )[existing]
    border = borders.assign(kind="border").rename(
        columns={
            "effective_date": "date",
            "from_code": "from_unit",
            "to_code": "to_unit",
            "share_of_from": "share",
            "persons_net": "persons",
        }
    )[moved.columns]
    events = pd.concat([moved, kept[moved.columns], border])
    return events.sort_values(["date", "to_unit", "kind", "from_unit"])


def main(folder: Path, target: Path) -> None:
    """Write units.csv and events.csv into `target`."""
    municipalities = pd.read_csv(folder / "municipalities.csv")
    mergers = pd.read_csv(folder / "mergers.csv")
    borders = pd.read_csv(folder / "border_corrections.csv")
    make_units(municipalities, mergers).to_csv(target / "units.csv", index=False)
    make_events(municipalities, mergers, borders).to_csv(target / "events.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), REGISTER)

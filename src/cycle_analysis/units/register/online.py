"""Fetch municipalities and their populations from CBS StatLine: an optional extra, online.

Needs the package cbsodata (``pip install "cycle-analysis[online]"``). What it fetches can also be
downloaded by hand as a csv of StatLine.
"""

import importlib
from pathlib import Path
from types import ModuleType

import pandas as pd

from cycle_analysis.problems import InputError, Problem

TABLE = "37259eng"
"""Population dynamics per region and year; Sex T001038 is both sexes."""
_OFFLINE = (
    "Download the municipalities elsewhere (StatLine as csv, 'Gemeenten alfabetisch' as xlsx) "
    "and name that file to extend-register"
)


def fetch_municipalities(year: int, client: ModuleType | None = None) -> pd.DataFrame:
    """Fetch all municipalities of 1 January of a year.

    Parameters
    ----------
    year : int
    client : module, optional
        With the function ``download_data`` of cbsodata, which is taken when absent.

    Returns
    -------
    DataFrame, index `unit`
        name, population (persons on 1 January), year.

    Raises
    ------
    InputError
        When cbsodata is not installed, CBS cannot be reached, or it has no such year yet.
    """
    period = f"{year}JJ00"
    selection = ["Regions", "Periods", "PopulationOn1January_1"]
    filters = f"Sex eq 'T001038' and Periods eq '{period}' and substringof('GM',Regions)"
    try:
        service = client or importlib.import_module("cbsodata")
        answer = service.download_data(TABLE, typed=True, select=selection, filters=filters)
    except ImportError as error:
        what = "the optional package cbsodata is not installed"
        remedy = f"Install it: pip install cbsodata. Or do without it. {_OFFLINE}"
        raise InputError([Problem("CBS StatLine", TABLE, "", what, "", remedy)]) from error
    except OSError as error:
        what = f"cannot be reached; this machine may be offline ({type(error).__name__})"
        raise InputError([Problem("CBS StatLine", TABLE, "", what, "", _OFFLINE)]) from error
    figures = pd.DataFrame(answer["TypedDataSet"], columns=selection)
    figures = figures.dropna(subset="PopulationOn1January_1")
    if figures.empty:
        what = "has no figures for this year"
        raise InputError([Problem("CBS StatLine", TABLE, str(year), what, "", _OFFLINE)])
    titles = {region["Key"].strip(): region["Title"] for region in answer["Regions"]}
    unit = figures["Regions"].str.strip()
    table = pd.DataFrame(
        {
            "name": unit.map(titles).str.replace(
                r" \((?:gemeente|municipality)\)$", "", regex=True
            ),
            "population": figures["PopulationOn1January_1"].astype(int),
            "year": year,
        }
    )
    return table.set_index(unit.rename("unit")).sort_index()


def fetch_to_file(year: int, path: Path, client: ModuleType | None = None) -> int:
    """Fetch the municipalities of a year into a csv that `read_cbs` reads; give their number.

    Raises
    ------
    InputError
        As `fetch_municipalities`; also when the file is there already.
    """
    if path.exists():
        remedy = "Use it, or take it away first"
        raise InputError([Problem(path.name, "file", "", "is there already", "", remedy)])
    table = fetch_municipalities(year, client)
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"name": "municipality"}
    table.rename(columns=columns).rename_axis("code").to_csv(path, lineterminator="\n")
    return len(table)

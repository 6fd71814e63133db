"""The Open Data Barometer as a study: countries instead of municipalities, by study files alone."""

import json
from pathlib import Path

import pandas as pd
from small_studies import QUICK

PHASES = {
    "GOV": ("1", "Government action", ["C.INIT", "C.CITY"]),
    "CIV": ("1", "Regulation and civil society", ["C.RTI", "C.DPL", "C.CSOC"]),
    "BUS": ("1", "Business support", ["C.TRAIN", "C.SUPIN"]),
    "POL": ("2", "Political impact", ["I.GOV", "I.ACCOUNT"]),
    "SOC": ("2", "Social impact", ["I.ENV", "I.INC"]),
    "ECO": ("2", "Economic impact", ["I.ECON", "I.ENTR"]),
}
WAVES = ["2013", "2014", "2015", "2016"]


def write_study(shared: Path, home: Path) -> Path:
    """Write study.yaml, codebook.csv, countries.csv and four waves; no code of the package."""
    folder = home / "data" / "raw" / "odb"
    folder.mkdir(parents=True)
    panel = pd.read_csv(
        shared / "data" / "odb" / "odb_panel_2013_2016_long.csv", dtype=str, keep_default_na=False
    )
    groups = pd.read_csv(
        shared / "data" / "odb" / "odb2014_cluster_input_86x18.csv",
        dtype=str,
        keep_default_na=False,
    )
    countries = panel.drop_duplicates("ISO3").set_index("ISO3")["Country"].rename("name")
    regions = groups.set_index("ISO3")["Region"].reindex(countries.index).fillna("unknown")
    table = pd.DataFrame({"name": countries, "region": regions}).rename_axis("unit")
    table.to_csv(folder / "countries.csv")
    (folder / "study.yaml").write_text(_study(), "utf-8")
    (folder / "codebook.csv").write_text(_codebook(), "utf-8")
    for wave in WAVES:
        (folder / wave).mkdir()
        answers = panel[panel["Year"] == wave]
        answers.to_csv(folder / wave / "responses.csv", index=False)
        (folder / wave / "wave.yaml").write_text(_wave(wave, list(answers.columns)), "utf-8")
    return folder


def _study() -> str:
    phases = "\n".join(
        f"  - {{code: {code}, development: '{dev}', label: {{nl: {name}, en: {name}}}, "
        f"short: {{nl: {code}, en: {code}}}}}"
        for code, (dev, name, _) in PHASES.items()
    )
    waves = ", ".join(f"'{wave}'" for wave in WAVES)
    return f"""title: {{nl: Open Data Barometer, en: Open Data Barometer}}
population: {{nl: landen in de barometer, en: countries in the barometer}}
units:
  one: {{nl: land, en: country}}
  many: {{nl: landen, en: countries}}
  register: countries.csv
developments:
  - {{code: '1', label: {{nl: gereedheid, en: readiness}}}}
  - {{code: '2', label: {{nl: effect, en: impact}}}}
phases:
{phases}
scales:
  expert: {{min: 0, max: 10}}
waves: [{waves}]
reference_wave: '2014'
parameters: {json.dumps(QUICK)}
"""


def _codebook() -> str:
    rows = ["item,block,phase,scale,reversed,question_nl,question_en"]
    for code, (_, name, items) in PHASES.items():
        rows += [f"{i.replace('.', '')},C,{code},expert,no,{name} {i},{name} {i}" for i in items]
    return "\n".join(rows) + "\n"


def _wave(wave: str, columns: list[str]) -> str:
    items = [item for *_, listed in PHASES.values() for item in listed]
    mapped = {item.replace(".", ""): f"ODB.2013.{item}" for item in items}
    lines = "\n".join(f"  {item}: {source}" for item, source in mapped.items())
    ignored = [c for c in columns if c not in {*mapped.values(), "ISO3"}]
    return f"""wave: '{wave}'
label: {{nl: Editie {wave}, en: Edition {wave}}}
fieldwork: {{start: '{wave}-01-01', end: '{wave}-12-31'}}
source: {{file: responses.csv}}
columns:
  unit: ISO3
{lines}
ignore: [{", ".join(f"'{c}'" for c in ignored)}]
"""

"""The example's second wave as other survey tools would have exported it."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyreadstat
from conftest import EXAMPLE, ROOT
from exports import as_cells, write_xlsx

from cycle_analysis.study import load_study

STUDY = load_study("example", ROOT)
ITEMS = STUDY.codebook.items
IN_ONE_QUESTION = "In hoeverre geldt dit voor uw gemeente?"
"""What is asked before all items of block C, as array and matrix questions do."""


def read_bundled() -> pd.DataFrame:
    """The bundled answers as text, each item under its own code and on the codebook's scale."""
    path = EXAMPLE / "2022" / "responses.csv"
    table = pd.read_csv(path, sep=";", encoding="cp1252", dtype=str, keep_default_na=False)
    table = table.rename(columns={"Q1_1": "AG1", "Q2_1": "EX1", "Obstakel": "I1"})
    shifted = {str(code): str(code - 1) for code in range(1, 6)}
    return table.assign(EX1=table["EX1"].replace(shifted)).drop(columns="Opmerkingen")


def in_words(table: pd.DataFrame, item: str) -> pd.Series:
    """Answers as the Dutch labels of the codebook."""
    scale = STUDY.scales[ITEMS.loc[item, "scale"]]
    return table[item].replace({code: text.nl for code, text in scale.labels.items()})


def asked(table: pd.DataFrame) -> list[str]:
    return [item for item in ITEMS.index if item in table]


def question(item: str, form: str) -> str:
    """The question as a survey tool heads its column."""
    text = ITEMS.loc[item, "question_nl"]
    return form.format(IN_ONE_QUESTION, text) if ITEMS.loc[item, "block"] == "C" else text


def write_excel(folder: Path, table: pd.DataFrame) -> Path:
    write_xlsx(folder / "export.xlsx", as_cells(table))
    return folder / "export.xlsx"


def write_spss(folder: Path, table: pd.DataFrame) -> Path:
    columns = {"respnr": table["RespondentID"].astype(float), "gemeente": table["Gemeente"]}
    columns["functie"] = table["Functie"]
    labels, missing = {}, {}
    for item in asked(table):
        scale = STUDY.scales[ITEMS.loc[item, "scale"]]
        if scale.kind == "text":
            columns[item] = table[item]
            continue
        codes = {text.nl: code for code, text in scale.missing.items()} | {"n.v.t.": "9"}
        numbers = table[item].replace(codes).str.replace(",", ".")
        columns[item] = pd.to_numeric(numbers)
        known = {**scale.labels, **scale.missing}
        labels[item] = {float(code): text.nl for code, text in known.items()}
        missing[item] = [float(code) for code in scale.missing]
    questions = ["", "", "", *(question(item, "{} - {}") for item in asked(table))]
    path = folder / "export.sav"
    options = {"variable_value_labels": labels, "missing_ranges": missing}
    pyreadstat.write_sav(pd.DataFrame(columns), str(path), column_labels=questions, **options)
    return path


def write_limesurvey(folder: Path, table: pd.DataFrame) -> Path:
    """Question codes as headings, answer codes."""
    parts = {"id": table["RespondentID"], "submitdate": table["StartDate"], "lastpage": "9"}
    parts |= {"startlanguage": "nl", "seed": "1", "gemeente": table["Gemeente"]}
    parts["functie"] = table["Functie"]
    parts |= {question_code(item): table[item] for item in asked(table)}
    pd.DataFrame(parts).to_csv(folder / "export.csv", index=False, quoting=1)
    return folder / "export.csv"


def question_code(item: str) -> str:
    return f"C[{item}]" if ITEMS.loc[item, "block"] == "C" else item


def write_limesurvey_in_full(folder: Path, table: pd.DataFrame) -> Path:
    """Questions as headings in Dutch, answers in words, and the time that it took."""
    parts = {"Antwoord-ID": table["RespondentID"], "Datum ingediend": table["StartDate"]}
    parts |= {"Laatste pagina": "9", "Starttaal": "nl"}
    parts |= {"In welke gemeente werkt u?": table["Gemeente"]}
    parts |= {"Wat is uw functie?": table["Functie"]}
    parts |= {question(item, "{} [{}]"): in_words(table, item) for item in asked(table)}
    frame = pd.DataFrame(parts).assign(**{"Totale tijd": "912.3"})
    frame.to_csv(folder / "export.csv", index=False, quoting=1, encoding="utf-8-sig")
    return folder / "export.csv"


def write_qualtrics(folder: Path, table: pd.DataFrame) -> Path:
    """Three header rows, numbers for names, and scales that run from 1."""
    parts = {"StartDate": table["StartDate"], "Status": "0", "IPAddress": "10.1.2.3"}
    parts |= {"Progress": "100", "Duration (in seconds)": "912", "Finished": "1"}
    parts |= {"ResponseId": [f"R_{i}" for i in range(len(table))], "Q1": table["Gemeente"]}
    parts |= {"Q2": table["Functie"], "RecipientEmail": table["EmailAddress"]}
    heads = {name: name for name in parts} | {"Q2": "Wat is uw functie?"}
    for item in asked(table):
        scale = STUDY.scales[ITEMS.loc[item, "scale"]]
        runs_from_one = scale.kind == "rating" and scale.ends == (0, 4)
        shifted = {str(code): str(code + 1) for code in range(5)} if runs_from_one else {}
        parts[f"Q_{item}"] = table[item].replace(shifted)
        heads[f"Q_{item}"] = question(item, "{} - {}")
    imports = {name: json.dumps({"ImportId": f"QID{n}"}) for n, name in enumerate(parts)}
    rows = pd.concat([pd.DataFrame([heads, imports]), pd.DataFrame(parts)])
    rows.to_csv(folder / "export.csv", index=False, quoting=1)
    return folder / "export.csv"


FORMS: dict[str, Callable[[Path, pd.DataFrame], Path]] = {
    "Excel": write_excel,
    "SPSS": write_spss,
    "LimeSurvey": write_limesurvey,
    "LimeSurvey in full": write_limesurvey_in_full,
    "Qualtrics": write_qualtrics,
}
"""By survey tool: writes the same answers as it would."""

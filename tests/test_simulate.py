"""The synthetic example is what it says, and its truth can be found again from the raw files."""

import hashlib
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import yaml
from make_example import EXAMPLE, EXAMPLE_SEED
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from cycle_analysis import readers
from cycle_analysis.responses.coded import code_responses
from cycle_analysis.simulate import Answering, Profiles, Truth
from cycle_analysis.simulate.studies import draw_wave_answers, draw_waves, write_study
from cycle_analysis.study import load_study
from cycle_analysis.units import load_register, read_register
from cycle_analysis.units.identification import identify

FOLDER = Path(__file__).parents[1] / "data" / "raw" / "example"
WAVES = ["2018", "2022"]
PHASES = EXAMPLE.phases


def read_yaml(path: Path) -> dict:
    return yaml.safe_load(path.read_text("utf-8"))


def read_export(folder: Path, wave: str) -> tuple[pd.DataFrame, dict]:
    """The raw table as it stands in the file, and the description of the wave."""
    described = read_yaml(folder / wave / "wave.yaml")
    path = folder / wave / described["source"]["file"]
    if path.suffix == ".sav":
        return pyreadstat.read_sav(path, user_missing=True)[0], described
    table = pd.read_csv(path, sep=";", encoding="cp1252", dtype="str", keep_default_na=False)
    return table, described


def phase_answers(folder: Path, wave: str) -> pd.DataFrame:
    """Unit and phase items 0-4, by a reading of our own that shares no code with the writing."""
    table, described = read_export(folder, wave)
    units = identify(
        table[described["columns"]["unit"]], load_register(), described["fieldwork"]["start"]
    )
    columns = {"unit": units["unit"]}
    for item, field in described["columns"].items():
        if item[:2] not in PHASES:
            continue
        column = field if isinstance(field, str) else field["source"]
        codes = pd.to_numeric(table[column], errors="coerce")
        columns[item] = codes.where(codes < 8) - (0 if isinstance(field, str) else 1)
    return pd.DataFrame(columns)


def respondent_scores(answers: pd.DataFrame) -> pd.DataFrame:
    items = answers.drop(columns="unit") * 25
    return items.T.groupby(items.columns.str[:2]).mean().T[PHASES]


def unit_scores(answers: pd.DataFrame) -> pd.DataFrame:
    return respondent_scores(answers).groupby(answers["unit"]).mean()


def true_profiles(wave: str) -> pd.Series:
    truth = read_truth()
    return truth[truth["wave"] == wave].set_index("unit")["profile"]


def read_truth() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "truth.csv", dtype={"wave": "str"}, keep_default_na=True)


def ward_kmeans_labels(scores: pd.DataFrame, k: int) -> np.ndarray:
    start = AgglomerativeClustering(k).fit_predict(scores.to_numpy())
    centres = scores.groupby(start).mean().to_numpy()
    return KMeans(k, init=centres, n_init=1).fit_predict(scores.to_numpy())


def profiles_by_bic(scores: pd.DataFrame, shape: str) -> int:
    criteria = [
        GaussianMixture(k, covariance_type=shape, n_init=10, reg_covar=1, random_state=0)
        .fit(scores.to_numpy())
        .bic(scores.to_numpy())
        for k in range(1, 7)
    ]
    return int(np.argmin(criteria)) + 1


@pytest.fixture(scope="module", params=WAVES)
def wave(request):
    return request.param


@pytest.fixture(scope="module")
def answers(wave):
    return phase_answers(FOLDER, wave)


def test_ward_and_kmeans_find_the_true_profiles_in_the_raw_files(wave, answers):
    scores = unit_scores(answers)
    truth = true_profiles(wave).loc[scores.index]
    assert adjusted_rand_score(truth, ward_kmeans_labels(scores, 4)) >= 0.85


@pytest.mark.parametrize("shape", ["diag", "tied"])
def test_a_gaussian_mixture_picks_four_profiles_by_bic(answers, shape):
    assert profiles_by_bic(unit_scores(answers), shape) == 4


def test_profiles_two_and_three_have_the_same_level_and_cross():
    _, experimenting, anchoring, _ = EXAMPLE.profiles.centroids.to_numpy()
    assert abs(experimenting.mean() - anchoring.mean()) < 10
    difference = np.sign(experimenting - anchoring)
    assert (np.diff(difference) != 0).sum() == 2


def test_profiles_are_numbered_from_the_lowest_to_the_highest_mean(wave, answers):
    level = unit_scores(answers).mean(axis=1)
    means = level.groupby(true_profiles(wave).loc[level.index]).mean()
    assert means.is_monotonic_increasing


def test_reliability_and_agreement_are_those_of_a_real_survey(answers):
    for phase in PHASES:
        items = answers.filter(regex=f"^{phase}").dropna()
        n_items = items.shape[1]
        variance = items.sum(axis=1).var()
        alpha = n_items / (n_items - 1) * (1 - items.var().sum() / variance)
        assert 0.75 <= alpha <= 0.92
        assert 0.15 <= intraclass_correlation(answers, phase) <= 0.5


def intraclass_correlation(answers: pd.DataFrame, phase: str) -> float:
    """ICC(1) by one-way analysis of variance with unequal groups (Bliese 2000)."""
    score = respondent_scores(answers)[phase].dropna()
    groups = score.groupby(answers["unit"].loc[score.index])
    size, n_units = groups.size(), groups.ngroups
    within = ((score - groups.transform("mean")) ** 2).sum() / (len(score) - n_units)
    between = (size * (groups.mean() - score.mean()) ** 2).sum() / (n_units - 1)
    typical = (len(score) - (size**2).sum() / len(score)) / (n_units - 1)
    return (between - within) / (between + (typical - 1) * within)


def test_two_to_six_percent_of_phase_answers_are_missing(answers):
    assert 0.02 <= answers.drop(columns="unit").isna().to_numpy().mean() <= 0.06


def test_not_applicable_is_more_frequent_in_the_last_phase_than_in_the_first():
    table, _ = read_export(FOLDER, "2022")
    late = (table[["NN1", "NN2", "NN3", "NN5"]] == "n.v.t.").to_numpy().mean()
    early = (table[["AG2", "AG3", "AG4", "AG5"]] == "n.v.t.").to_numpy().mean()
    assert late > early + 0.01


def test_the_register_counts_380_and_344_municipalities_and_about_200_take_part():
    truth = read_truth()
    assert truth.groupby("wave").size().to_dict() == {"2018": 380, "2022": 344}
    taking_part = truth[truth["n_respondents"] > 0].groupby("wave").size()
    assert taking_part.between(180, 220).all()
    answered = truth[truth["n_respondents"] > 0].groupby("wave")["n_respondents"]
    assert answered.agg(["min", "max"]).to_numpy().tolist() == [[1, 6], [1, 6]]


def test_small_municipalities_take_part_less_often(wave):
    truth = read_truth().query("wave == @wave").set_index("unit")
    register = load_register().on(read_yaml(FOLDER / wave / "wave.yaml")["fieldwork"]["start"])
    size = register.loc[truth.index, "size_class"].astype(int)
    responded = truth["n_respondents"] > 0
    assert responded[size >= 5].mean() - responded[size <= 3].mean() > 0.15


def test_truth_and_export_agree_on_who_answered(wave, answers):
    truth = read_truth().query("wave == @wave").set_index("unit")["n_respondents"]
    pd.testing.assert_series_equal(
        answers.groupby("unit").size(), truth[truth > 0].sort_index(), check_names=False
    )


def test_every_municipality_in_an_export_is_found_and_in_force(wave):
    table, described = read_export(FOLDER, wave)
    found = identify(
        table[described["columns"]["unit"]], load_register(), described["fieldwork"]["start"]
    )
    assert set(found["problem"]) == {""}


def test_the_second_wave_names_some_municipalities_in_the_everyday_way():
    names = set(read_export(FOLDER, "2022")[0]["Gemeente"])
    assert {"Den Haag", "Bergen (NH.)", "Súdwest-Fryslân"} <= names


def test_three_in_ten_municipalities_change_profile_and_most_of_them_upward():
    later = read_truth().query("wave == '2022'")
    step = later["profile"] - later["profile_before"]
    assert 0.22 <= (step != 0).mean() <= 0.38
    assert (step > 0).sum() > 3 * (step < 0).sum()


@pytest.mark.parametrize(
    ("unit", "inhabitants"),
    [  # CBS, on the day before the merger
        ("GM0014", {"GM0014": 203819, "GM0017": 20191, "GM0009": 7289}),
        ("GM1959", {"GM0738": 13321, "GM0870": 27295, "GM0874": 14770}),
        ("GM1963", {"GM0584": 24403, "GM0585": 29292, "GM0588": 11269, "GM0611": 12916,
                    "GM0617": 8776}),
        ("GM1982", {"GM0756": 29721, "GM0786": 12462, "GM0815": 11057, "GM1684": 25677,
                    "GM1702": 11790}),
    ],
)  # fmt: skip
def test_a_merged_municipality_comes_from_the_profile_of_most_inhabitants(unit, inhabitants):
    truth = read_truth().set_index(["wave", "unit"])
    parts = truth.loc["2018"].loc[list(inhabitants), "profile"]
    persons = pd.Series(inhabitants).groupby(parts).sum()
    assert truth.loc[("2022", unit), "profile_before"] == persons.idxmax()


def test_all_municipalities_of_2022_come_from_one_of_2018():
    later = read_truth().query("wave == '2022'")
    assert later["profile_before"].notna().all()


def test_every_column_of_an_export_is_mapped_or_ignored_and_the_reverse(wave):
    table, described = read_export(FOLDER, wave)
    fields = described["columns"].values()
    mapped = [field if isinstance(field, str) else field["source"] for field in fields]
    assert sorted([*mapped, *described["ignore"]]) == sorted(table.columns)


def test_every_item_is_mapped_dropped_or_not_asked(wave):
    described = read_yaml(FOLDER / wave / "wave.yaml")
    items = set(described["columns"]) - {"respondent", "unit", "role"}
    absent = [*described["dropped"], *described["not_asked"]]
    codebook = pd.read_csv(FOLDER / "codebook.csv")
    assert sorted([*items, *absent]) == sorted(codebook["item"])


def test_every_item_has_a_question_in_both_languages_and_a_known_scale_and_phase():
    codebook = pd.read_csv(FOLDER / "codebook.csv", keep_default_na=False)
    study = read_yaml(FOLDER / "study.yaml")
    assert (codebook[["question_nl", "question_en"]] != "").all(axis=None)
    assert set(codebook["scale"]) == set(study["scales"])
    assert set(codebook["phase"]) - {""} == {phase["code"] for phase in study["phases"]}
    assert set(codebook["block"]) == set("ABCDEFGHI")


def test_the_noted_sha256_is_that_of_the_file(wave):
    source = read_yaml(FOLDER / wave / "wave.yaml")["source"]
    content = (FOLDER / wave / source["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == source["sha256"]


def test_the_second_wave_has_a_renamed_a_rescaled_a_new_and_a_dropped_item():
    first, second = (read_yaml(FOLDER / wave / "wave.yaml") for wave in WAVES)
    table, _ = read_export(FOLDER, "2022")
    assert (first["columns"]["AG1"], second["columns"]["AG1"]) == ("AG1", "Q1_1")
    assert set(table["Q2_1"]) == {"1", "2", "3", "4", "5", "", "weet niet", "n.v.t."}
    assert set(first["not_asked"]) == {"NN4"}
    assert set(second["dropped"]) == {"VA5"}


def test_the_sav_has_dutch_labels_and_declares_its_missing_codes():
    table, meta = pyreadstat.read_sav(FOLDER / "2018" / "responses.sav", user_missing=True)
    assert meta.variable_value_labels["AG1"][2] == "in één of enkele onderdelen"
    assert meta.column_names_to_labels["AG1"].startswith("Het college of de raad")
    assert [gap["lo"] for gap in meta.missing_ranges["NN1"]] == [8, 9]
    assert {8, 9} <= set(table["NN1"])


def test_the_csv_is_cp1252_with_semicolons_and_decimal_commas():
    content = (FOLDER / "2022" / "responses.csv").read_bytes()
    assert "Súdwest-Fryslân".encode("cp1252") in content
    table, _ = read_export(FOLDER, "2022")
    assert table["G1"].str.fullmatch(r"\d+,\d").mean() > 0.8
    assert not table["H2"].str.contains(".", regex=False).any()


def test_respondents_are_counted_once(wave):
    table, described = read_export(FOLDER, wave)
    assert table[described["columns"]["respondent"]].is_unique
    assert not table.drop(columns=described["columns"]["respondent"]).duplicated().any()


def test_facts_are_given_by_one_coordinator_per_municipality():
    table, described = read_export(FOLDER, "2022")
    names = identify(table["Gemeente"], load_register(), described["fieldwork"]["start"])["unit"]
    filled = table.filter(regex=r"^H\d").ne("").any(axis=1)
    assert filled.groupby(names).sum().max() == 1


def test_no_address_and_no_open_answer_looks_real(wave):
    table, _ = read_export(FOLDER, wave)
    texts = table.select_dtypes(["object", "str"]).drop(columns="Gemeente", errors="ignore")
    for text in pd.unique(texts.to_numpy().ravel()):
        if "@" in text:
            assert re.fullmatch(r"respondent\d+@example\.org", text)
        elif len(text) > 40:
            assert text.startswith("[synthetisch] ")


def test_all_files_say_that_they_are_synthetic(wave):
    study = read_yaml(FOLDER / "study.yaml")
    assert study["synthetic"] is True
    assert "SYNTHETISCH" in study["title"]["nl"]
    assert "SYNTHETIC" in study["title"]["en"]
    assert "SYNTHETIC" in (FOLDER / "README.md").read_text("utf-8")
    assert "SYNTHETIC" in (FOLDER / wave / "wave.yaml").read_text("utf-8")
    _, meta = pyreadstat.read_sav(FOLDER / "2018" / "responses.sav", metadataonly=True)
    assert "SYNTHETIC" in meta.file_label


@pytest.fixture
def home(tmp_path):
    """A home folder with the study files of the example, without what is drawn."""
    drawn = shutil.ignore_patterns("responses.*", "truth.csv")
    shutil.copytree(FOLDER, tmp_path / "data" / "raw" / "example", ignore=drawn)
    return tmp_path


def test_making_the_example_again_gives_the_same_files(home):
    remade = home / "data" / "raw" / "example"
    write_study(load_study("example", home), EXAMPLE, EXAMPLE_SEED)
    for name in ["2022/responses.csv", "2022/wave.yaml", "truth.csv"]:
        assert (remade / name).read_bytes() == (FOLDER / name).read_bytes()
    # Another version of pyreadstat may compress otherwise: here the contents count.
    (again, meta), (committed, expected) = (
        pyreadstat.read_sav(folder / "2018" / "responses.sav", user_missing=True)
        for folder in (remade, FOLDER)
    )
    pd.testing.assert_frame_equal(again, committed)
    assert meta.variable_value_labels == expected.variable_value_labels
    assert meta.missing_ranges == expected.missing_ranges


def test_files_are_small():
    assert max(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 1_000_000


def test_another_questionnaire_is_written_with_its_own_scales_and_recodes(tmp_path):
    folder = write_other_study(tmp_path)
    table = write_study(load_study("other", tmp_path), two_phase_truth(), seed=3)
    export = pd.read_csv(folder / "2020" / "export.csv", dtype="str", keep_default_na=False)
    assert list(export.columns) == ["Unit", "a", "b", "c"]
    assert set(export["a"]) <= {str(code) for code in range(1, 8)} | {""}
    assert set(export["c"]) <= {str(code) for code in range(11)} | {""}
    assert set(export["b"]) <= {*WORDS, ""}
    assert set(table["profile"]) == {1, 2}
    content = (folder / "2020" / "export.csv").read_bytes()
    noted = read_yaml(folder / "2020" / "wave.yaml")["source"]["sha256"]
    assert hashlib.sha256(content).hexdigest() == noted
    # Item c is reversed: who is high in phase ONE is low there.
    both = export[(export["a"] != "") & (export["c"] != "")].astype({"a": float, "c": float})
    assert both["a"].corr(both["c"]) < -0.5


WORDS = ["nooit", "zelden", "soms", "half", "vaak", "meestal", "altijd"]


def two_phase_truth() -> Truth:
    return replace(
        EXAMPLE,
        profiles=Profiles(pd.DataFrame([[10.0] * 2, [90.0] * 2], columns=["ONE", "TWO"]), 3.0),
        size_slopes=(-0.35, 0.40),
        respondent_spreads=(1, 1),
        transitions=((1, 0), (0, 1)),
        role_effects={"ANY": (0, 0)},
        role_order=(("ANY",),) * 6,
        follows={},
    )


def write_other_study(home: Path, waves: tuple[str, ...] = ("2020",)) -> Path:
    folder = home / "data" / "raw" / "other"
    name = {"nl": "een", "en": "one"}
    study = {
        "title": name,
        "population": name,
        "developments": [{"code": "1", "label": name}],
        "phases": [
            {"code": code, "development": "1", "label": name, "short": name}
            for code in ("ONE", "TWO")
        ],
        "scales": {"seven": {"kind": "rating", "min": 1, "max": 7}},
        "roles": {"ANY": name},
        "waves": list(waves),
        "reference_wave": "2020",
    }
    folder.mkdir(parents=True)
    write_yaml(folder / "study.yaml", study)
    (folder / "codebook.csv").write_text(
        "item,block,phase,scale,reversed,question_nl,question_en\n"
        "A,C,ONE,seven,no,a,a\nB,C,TWO,seven,no,b,b\nC,C,TWO,seven,yes,c,c\n",
        "utf-8",
    )
    for wave in waves:
        (folder / wave).mkdir()
        described = {
            "wave": wave,
            "label": name,
            "fieldwork": {"start": f"{wave}-02-03", "end": f"{wave}-03-03"},
            "source": {"file": "export.csv", "sha256": "", "format": "csv"},
            "columns": {
                "unit": "Unit",
                "A": "a",
                "B": {"source": "b", "map": dict(zip(WORDS, "1234567", strict=True))},
                "C": {"source": "c", "linear": {"from": [0, 10]}},
            },
        }
        write_yaml(folder / wave / "wave.yaml", described)
    return folder


class WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


def write_yaml(path: Path, content: dict) -> None:
    text = yaml.dump(content, Dumper=WithoutAliases, sort_keys=False, allow_unicode=True)
    path.write_text(text, "utf-8")


def test_a_study_in_which_one_respondent_tells_of_each_unit_has_such_a_twin():
    """Numbers of respondents are the study's own: one of each was divided by none before."""
    truth = Truth(
        profiles=Profiles(pd.DataFrame([[50.0, 50.0]], columns=["A", "B"])),
        transitions=((1.0,),),
        unit_memory=0.0,
        answering=Answering(),
        role_effects={"": (0.0, 0.0)},
        role_order=(("",),),
        response_rate=dict.fromkeys(range(1, 9), 0.5),
        response_memory=0.0,
        counts=[np.array([1.0])],
    )
    (states,) = draw_waves(truth, load_register(), ["2018-01-01"], 1)
    assert set(states["n_respondents"]) == {0, 1}


def test_a_truth_that_does_not_add_up_is_refused():
    with pytest.raises(ValueError, match="`size_slopes` needs 4 numbers"):
        replace(EXAMPLE, size_slopes=(0.1, 0.2))


def test_units_of_an_own_register_keep_their_codes_and_new_ones_begin_afresh(tmp_path):
    folder = write_other_study(tmp_path, ("2020", "2021"))
    described = read_yaml(folder / "2021" / "wave.yaml")
    described["source"] = {"file": "export.sav", "sha256": "", "format": "sav"}
    described["columns"]["B"] = "b"
    write_yaml(folder / "2021" / "wave.yaml", described)
    (folder / "units.csv").write_text(
        "unit,name,valid_from,valid_until\n"
        + "".join(f"C{letter}X,Country {letter},,\n" for letter in "ABCDEFGHIJKLMNOP")
        + "NEW,Newland,2021-01-01,\n",
        "utf-8",
    )
    register = read_register(folder / "units.csv")
    truth = replace(two_phase_truth(), response_rate=dict.fromkeys(range(1, 9), 1.0))
    table = write_study(load_study("other", tmp_path), truth, seed=3, register=register)
    assert table.groupby("wave").size().to_dict() == {"2020": 16, "2021": 17}
    assert table.loc[table["profile_before"].isna(), "unit"].tolist()[16:] == ["NEW"]
    export, _ = pyreadstat.read_sav(folder / "2021" / "export.sav")
    assert set(export["Unit"]) == set(register.units["unit"])


def test_the_package_reads_back_exactly_what_was_drawn(wave):
    study, register = load_study("example", FOLDER.parents[2]), load_register()
    dates = [str(study.wave(each).fieldwork.start) for each in study.waves]
    states = draw_waves(EXAMPLE, register, dates, EXAMPLE_SEED)[study.waves.index(wave)]
    drawn = draw_wave_answers(EXAMPLE, states, study, wave, EXAMPLE_SEED)
    raw = readers.read_export(study.raw_file(wave), study.wave(wave).source)
    read = code_responses(raw, study, wave, register)
    items = study.codebook.items
    numbers = items.index[items["scale"] != "open"].intersection(study.wave(wave).items)
    for item in numbers:
        given = drawn.given[item].astype(float).where(drawn.reasons[item] == "")
        np.testing.assert_allclose(read.answers[item].astype(float), given, err_msg=item)
        assert read.reasons[item].tolist() == drawn.reasons[item].tolist()
    assert read.respondents["unit"].tolist() == drawn.respondents["unit"].tolist()
    assert read.respondents["role"].tolist() == drawn.respondents["role"].tolist()
    assert set(read.problems["done"]) <= {"read as the value that the rule names", "fixed"}

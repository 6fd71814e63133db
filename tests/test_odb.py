"""A study with other units, other phases and four waves is read and told by its files alone."""

from itertools import pairwise

import pandas as pd
import pytest
from odb import PHASES, WAVES, write_study
from shared import SHARED
from sklearn.metrics import adjusted_rand_score
from small_studies import run_notebooks
from told import all_words_in

from cycle_analysis.measurement.reliability import scale_statistics
from cycle_analysis.mixtures.search import ward
from cycle_analysis.report import assemble
from cycle_analysis.study import load_study

pytestmark = pytest.mark.skipif(
    not (SHARED / "data" / "odb").is_dir(), reason="the Open Data Barometer is not here"
)


def test_wards_method_gives_the_published_groups():
    table = pd.read_csv(SHARED / "data" / "odb" / "odb2014_cluster_input_86x18.csv")
    items = [c for c in table if ".C." in c or ".I." in c]
    context = ["FH", "UN.OSI", "WB.NetUsers", "WEF.GCI.9.02", "WEF.GITR.8.01"]
    values = table[items + context].astype(float)
    assert values.shape == (86, 18)
    values = ((values - values.mean()) / values.std()).to_numpy()
    groups = ward(values, 4)
    assert sorted(pd.Series(groups).value_counts()) == [6, 21, 24, 35]
    assert adjusted_rand_score(table["Cluster"], groups) == 1.0


@pytest.mark.parametrize(
    ("block", "year", "published"),
    [("C", 2013, 0.8826), ("C", 2016, 0.9292), ("I", 2014, 0.9204), ("I", 2015, 0.9084)],
)
def test_alpha_is_the_known_one_to_its_four_digits(block, year, published):
    panel = pd.read_csv(SHARED / "data" / "odb" / "odb_panel_2013_2016_long.csv")
    named = [i for *_, listed in PHASES.values() for i in listed if i.startswith(block)]
    columns = [f"ODB.2013.{item}" for item in named]
    answers = panel.loc[panel["Year"] == year, columns].dropna()  # as the published values
    items = pd.DataFrame(
        {"phase": block, "low": 0.0, "high": 10.0, "reversed": False}, index=answers.columns
    )
    alpha = scale_statistics(answers, items)["alpha"].iloc[0]
    assert alpha == pytest.approx(published, abs=5e-5)


def test_four_waves_of_countries_go_all_the_way_to_a_report(tmp_path):
    write_study(SHARED, tmp_path)
    study = load_study("odb", tmp_path)
    results = run_notebooks(tmp_path, study)
    scores = results.load("02_scores", "scores", "2014")
    assert scores.shape == (86, len(PHASES))
    panel = results.load("07_waves", "change_tests").reset_index()
    in_wave = [results.load("02_scores", "scores", wave).dropna().index for wave in study.waves]
    both = [len(one.intersection(other)) for one, other in pairwise(in_wave)]
    assert panel["n_units"].tolist() == both == [77, 86, 92]
    assert panel["wave_from"].tolist() == WAVES[:-1]
    report = all_words_in(assemble(study, results, "nl"))
    assert "landen" in report
    assert "gemeente" not in report.lower().replace("bij gemeenten", "")

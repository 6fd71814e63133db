"""The page *Which profile fits us?* gives in a browser what the package gives."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal
from told import BROWSER, Page, opened, saved

from cycle_analysis.measurement import respondent_scores
from cycle_analysis.problems import InputError
from cycle_analysis.report import _spread, fit_of, write_fit_page

ANSWER = """
<script>
for (const [name, value] of Object.entries(ANSWERS)) {
  const field = document.querySelector(`input[name="${name}"][value="${value}"]`);
  field.checked = true;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}
</script></body>"""


def answered(study, rng, share):
    """Draw answers to a share of the questions."""
    items = study.phase_items(study.reference_wave)
    return {
        str(item): int(rng.integers(row["low"], row["high"] + 1))
        for item, row in items.iterrows()
        if rng.random() < share
    }


def expected(study, told, answers):
    """Work out the probabilities from what the page holds, by the package's own scores."""
    items = study.phase_items(study.reference_wave)
    table = pd.DataFrame([answers], columns=items.index).astype(float)
    scores = respondent_scores(table, items, told["min_answered"])[study.phase_codes].to_numpy()[0]
    known = ~np.isnan(scores)
    density = [
        profile["share"]
        * multivariate_normal.pdf(
            scores[known],
            np.array(profile["means"])[known],
            np.array(profile["covariances"])[np.ix_(known, known)],
        )
        for profile in told["profiles"]
    ]
    return np.array(density) / np.sum(density)


def shown(page, answers):
    """Open the page in a browser, answer, and read the bars."""
    html = page.read_text("utf-8").replace(
        "</body>", ANSWER.replace("ANSWERS", json.dumps(answers))
    )
    tried = page.with_name("tried.html")
    tried.write_text(html, "utf-8")
    bars = opened(tried).partition('<ul id="bars">')[2].partition("</ul>")[0]
    return {
        name: int(percent)
        for name, percent in re.findall(r"<li>([^<]*)<span[^>]*></span>(\d+)%</li>", bars)
    }


@pytest.mark.skipif(BROWSER is None, reason="no browser here")
@pytest.mark.parametrize(("seed", "share"), [(1, 1.0), (2, 0.8), (3, 0.5)])
def test_the_page_gives_the_probabilities_of_the_published_model(frozen_run, tmp_path, seed, share):
    results = saved(frozen_run("example"))
    (link,) = write_fit_page(results.study, results, "en", tmp_path)
    told = fit_of(results.study, results, "en")
    answers = answered(results.study, np.random.default_rng(seed), share)
    chances = expected(results.study, told, answers)
    names = [profile["name"] for profile in told["profiles"]]
    found = shown(tmp_path / link.address, answers)
    assert found == pytest.approx(dict(zip(names, 100 * chances, strict=True)), abs=0.51)


def test_the_page_holds_rounded_numbers_and_loads_nothing(frozen_run, tmp_path):
    results = saved(frozen_run("example"))
    for language in ("nl", "en"):
        write_fit_page(results.study, results, language, tmp_path)
        html = (tmp_path / f"fit_{language}.html").read_text("utf-8")
        page = Page(html)
        assert page.language == language
        assert page.links == [f"report_{language}.html"]
        assert not re.search(r"fetch\(|XMLHttpRequest|https?://|localStorage|cookie", html)
    for profile in fit_of(results.study, results, "nl")["profiles"]:
        assert all(value == round(value) for value in profile["means"])
        assert np.array(profile["covariances"]).dtype.kind == "i"


@pytest.mark.parametrize("verdict", ["continuum", "structure", "no_structure"])
def test_without_profiles_there_is_no_page_and_an_old_one_goes(frozen_run, tmp_path, verdict):
    results = saved(frozen_run("example")).change(
        t04_number_of_profiles__verdict={"verdict": verdict}
    )
    (tmp_path / "fit_en.html").write_text("old")
    assert write_fit_page(results.study, results, "en", tmp_path) == []
    assert not (tmp_path / "fit_en.html").exists()
    (tmp_path / "reports").write_text("a file where a folder should be")
    with pytest.raises(InputError, match=r"fit_en\.html"):
        write_fit_page(results.study, results, "en", tmp_path / "reports")


def test_a_profile_without_spread_still_has_one_on_the_page():
    alike = pd.DataFrame(np.full((2, 2), 0.2))
    spread = np.array(_spread(alike, np.zeros((2, 2))))
    assert np.linalg.eigvalsh(spread).min() >= 1
    known = np.array([[9.0, 2.0], [2.0, 4.0]])
    assert _spread(pd.DataFrame(known), np.eye(2)) == [[10, 2], [2, 5]]

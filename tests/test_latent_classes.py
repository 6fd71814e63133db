import numpy as np
import pandas as pd
import pytest
from shared import shared_table
from sklearn.metrics import adjusted_rand_score

from cycle_analysis.mixtures import Search, classify_answers, fit_classes
from cycle_analysis.profiles import assign, latent_classes
from cycle_analysis.profiles.selection import choose, row_of

POLCA = [
    ("carcinoma.csv", 2, -317.256837, 15, None),
    ("carcinoma.csv", 3, -293.704979, 23, 697.1357),
    ("carcinoma.csv", 4, -289.285849, 31, None),
    ("values.csv", 2, -504.467670, 9, 1057.3128),
    ("values.csv", 3, -503.301137, 14, None),
]
"""poLCA 1.6, best of 20 starts (Linzer & Lewis 2011): log-likelihood, parameters, BIC."""


@pytest.mark.parametrize(("name", "k", "log_likelihood", "n_parameters", "bic"), POLCA)
def test_the_likelihood_is_that_of_polca(name, k, log_likelihood, n_parameters, bic):
    mixture = fit_classes(shared_table(name), k)
    assert mixture.log_likelihood == pytest.approx(log_likelihood, abs=1e-4)
    assert mixture.n_parameters == n_parameters
    if bic is not None:
        assert mixture.bic == pytest.approx(bic, abs=1e-4)


def test_the_three_classes_of_carcinoma_have_the_published_shares():
    shares = fit_classes(shared_table("carcinoma.csv"), 3).shares
    assert sorted(shares.round(4)) == [0.1817, 0.3736, 0.4447]


def test_sclove_s_criterion_is_that_of_the_formula_and_bic_takes_three_classes():
    table = _criteria(shared_table("carcinoma.csv"), 4).set_index("k")
    assert np.allclose(table.loc[2:4, "sabic"], [658.7, 624.4, 628.5], atol=0.06)
    assert table["bic"].idxmin() == 3


def test_known_classes_with_unequal_numbers_of_categories_come_back():
    answers, truth, chances = _answers(3000)
    mixture = fit_classes(answers, 2)
    assert mixture.n_parameters == 1 + 2 * (1 + 2 + 4 + 2)
    assert np.allclose(mixture.chances.loc["B"].T, chances[1], atol=0.06)
    labels = latent_classes(answers, 2).labels
    assert adjusted_rand_score(truth, labels) > 0.8


def test_missing_answers_leave_the_chances_where_they_were():
    answers, _, chances = _answers(3000)
    holed = answers.astype(float).mask(np.random.default_rng(2).random(answers.shape) < 0.2)
    mixture = fit_classes(holed.dropna(how="all"), 2)
    assert np.allclose(mixture.chances.loc["C"].T, chances[2], atol=0.07)


def test_the_likelihood_with_missing_answers_is_that_of_the_answers_given():
    answers, _, _ = _answers(80)
    holed = answers.astype(float).mask(np.random.default_rng(2).random(answers.shape) < 0.2)
    holed = holed.dropna(how="all")
    mixture = fit_classes(holed, 2)
    total = 0.0
    for row in holed.to_dict("records"):
        given = [mixture.chances.loc[(i, code)] for i, code in row.items() if code == code]
        total += np.log((mixture.shares * np.prod(given, axis=0)).sum())
    assert mixture.log_likelihood == pytest.approx(total, abs=1e-6)


def test_a_case_weight_of_two_is_a_unit_that_answers_twice():
    answers, _, _ = _answers(100)
    weights = pd.Series(np.where(np.arange(100) < 30, 2.0, 1.0))
    twice = pd.concat([answers, answers.iloc[:30]], ignore_index=True)
    weighted = fit_classes(answers, 2, weights=weights)
    assert weighted.log_likelihood == pytest.approx(fit_classes(twice, 2).log_likelihood, abs=1e-4)


def test_classes_are_numbered_by_level_whatever_the_order_of_rows():
    answers, _, _ = _answers(300)
    first = latent_classes(answers, 2)
    second = latent_classes(answers.sample(frac=1, random_state=1), 2)
    assert first.labels.equals(second.labels.loc[first.labels.index])
    assert first.centroids.mean(axis=1).is_monotonic_increasing
    assert str(first).startswith("2 profiles of 300 units on 4 phases (latent classes)")


def test_new_units_join_the_classes_and_an_unknown_answer_counts_as_missing():
    answers, _, _ = _answers(300)
    reference = latent_classes(answers, 2)
    new = answers.iloc[:20].assign(B=lambda table: table["B"].where(table.index > 0, 99))
    joined = assign(reference, new)
    assert (joined.labels == reference.labels.iloc[:20]).mean() > 0.9
    only = classify_answers(
        reference.mixture, answers.iloc[:1].astype(float).mask(lambda t: t > -1)
    )
    assert only.isna().all(axis=None)


def test_answers_drawn_from_the_classes_have_their_chances():
    mixture = fit_classes(_answers(500)[0], 2)
    drawn = pd.DataFrame(mixture.draw(40_000, np.random.default_rng(1)), columns=list("ABCD"))
    expected = mixture.chances.loc["C"] @ mixture.shares
    observed = drawn["C"].value_counts(normalize=True).sort_index()
    assert np.allclose(observed, expected, atol=0.01)


def test_the_default_rule_reads_a_table_of_classes():
    choice = choose(_criteria(_answers(400)[0], 3))
    assert (choice.k, choice.method) == (2, "latent classes")


def test_too_many_classes_and_a_unit_without_answers_are_refused():
    answers, _, _ = _answers(50)
    with pytest.raises(ValueError, match=r"k = 60 profiles asked of 50 units.*Ask for fewer"):
        fit_classes(answers, 60)
    silent = answers.astype(float)
    silent.loc[3] = np.nan
    with pytest.raises(ValueError, match=r"1 of 50 units have no score at all: \[3\]"):
        fit_classes(silent, 2)


def test_one_class_reproduces_the_shares_of_the_answers():
    answers, _, _ = _answers(200)
    mixture = fit_classes(answers, 1, search=Search(1, 1))
    shares = answers["C"].value_counts(normalize=True).sort_index()
    assert np.allclose(mixture.chances.xs("C")[1], shares)


def _answers(n: int) -> tuple[pd.DataFrame, np.ndarray, list[np.ndarray]]:
    """Answers of two classes to four items of two to five categories, truth, chances."""
    chances = [
        np.array([[0.9, 0.1], [0.2, 0.8]]),
        np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]]),
        np.array([[0.5, 0.3, 0.1, 0.05, 0.05], [0.05, 0.05, 0.1, 0.3, 0.5]]),
        np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]),
    ]
    rng = np.random.default_rng(3)
    truth = np.arange(n) % 2
    columns = [
        (rng.random(n)[:, None] > chance[truth].cumsum(axis=1)[:, :-1]).sum(axis=1)
        for chance in chances
    ]
    return pd.DataFrame(np.column_stack(columns), columns=list("ABCD")), truth, chances


def _criteria(answers: pd.DataFrame, most: int) -> pd.DataFrame:
    fitted = [fit_classes(answers, k) for k in range(1, most + 1)]
    rows = [{"method": m.name, **row_of(m, classify_answers(m, answers))} for m in fitted]
    return pd.DataFrame(rows)


def test_dividing_two_classes_of_the_best_anew_finds_more_than_as_many_starts():
    answers = pd.DataFrame(np.random.default_rng(5).integers(0, 4, (200, 15)))
    plain = fit_classes(answers, 5, search=Search(100, 100))
    again = fit_classes(answers, 5, search=Search(10, 10, n_vain=2))
    assert again.log_likelihood > plain.log_likelihood + 1
    assert again.outcome.n_finished <= 100


def test_the_best_run_is_carried_to_its_end_where_the_likelihood_is_flat():
    rng = np.random.default_rng(3)
    high = rng.random(1202) < 0.6
    answers = pd.DataFrame({i: rng.random(1202) < np.where(high, 0.8, 0.3) for i in range(4)})
    answers = answers.astype(int) + (rng.random(answers.shape) < [0.2, 0, 0, 0.2])
    end = fit_classes(answers, 4, search=Search(tolerance=1e-14, max_steps=20_000))
    assert fit_classes(answers, 4).log_likelihood == pytest.approx(end.log_likelihood, abs=1e-5)
    short = fit_classes(answers, 4, search=Search())
    assert short.log_likelihood < end.log_likelihood - 1e-5

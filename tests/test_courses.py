"""Forms without groups: lines, curves and planes, fitted by the engine of the profiles."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.stats import multivariate_normal, norm, yeojohnson
from shared import PHASES, examples
from sklearn.decomposition import FactorAnalysis

from cycle_analysis import mixtures
from cycle_analysis.mixtures import (
    EEE,
    EEI,
    VVI,
    VVV,
    classify,
    fit_mixture,
    held_out,
    log_likelihoods,
)
from cycle_analysis.mixtures.courses import (
    COURSES,
    Course,
    Field,
    fit_concentric,
    fit_courses,
    fit_steps,
)
from cycle_analysis.mixtures.margins import fit_skewed, fit_skewed_along_axes
from cycle_analysis.mixtures.search import shortest_path

LINE, NORMAL_LINE, PLANE = Course(1, 1), Course(1, 1, normal=True), Course(2, 1)
CHAIN = (LINE, NORMAL_LINE, Course(1, 2), Course(1, 3), Course(1, 3, 2), Course(1, 1, full=True))


def one_factor(n: int = 300, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    level = rng.standard_normal((n, 1))
    values = 50 + level * [14, 12, 10, 8, 6] + rng.normal(0, [5, 6, 7, 8, 9], (n, 5))
    return pd.DataFrame(values, columns=list(PHASES))


def bent(n: int = 200, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    at = rng.uniform(-1, 1, (n, 1))
    rise = 50 + 40 * np.sin(2 * at + np.linspace(-1, 1, 5))
    return pd.DataFrame(rise + rng.normal(0, 4 + 3 * at, (n, 5)), columns=list(PHASES))


def test_a_line_with_normal_positions_is_the_one_factor_model_of_scikit_learn():
    scores = one_factor()
    (ours,) = fit_courses(scores, courses=[NORMAL_LINE])
    theirs = FactorAnalysis(1, tol=1e-8, max_iter=2000, svd_method="lapack").fit(scores)
    # 31 nodes from -3.3 to 3.3 standard deviations stand for all of the normal distribution
    assert ours.log_likelihood == pytest.approx(theirs.score(scores) * len(scores), abs=0.3)
    assert ours.n_parameters == 15


def test_a_course_fits_no_worse_than_those_within_it():
    fits = dict(zip(CHAIN, fit_courses(bent(), courses=CHAIN), strict=True))
    level = {course: fit.log_likelihood for course, fit in fits.items()}
    assert level[LINE] <= level[Course(1, 2)] + 0.1
    assert level[Course(1, 2)] <= level[Course(1, 3)] + 0.1
    assert level[Course(1, 3)] < level[Course(1, 3, 2)] - 20  # the spread truly changes
    one_cloud = fit_mixture(bent(), 1, EEE).log_likelihood
    assert level[Course(1, 1, full=True)] >= one_cloud - 0.1


@examples(8)
@given(st.integers(0, 10_000))
def test_free_spread_never_lowers_the_likelihood(seed):
    rng = np.random.default_rng(seed)
    scores = pd.DataFrame(np.round(rng.beta(0.6, 0.9, (60, 1)) * 100 + rng.normal(0, 5, (60, 4))))
    scores = scores.clip(0, 100)  # heaps at the ends, where variances collapse
    same, free = fit_courses(scores, courses=[LINE, Course(1, 1, 2)])
    assert free.log_likelihood >= same.log_likelihood - 0.05


def test_the_place_along_a_curve_is_the_true_place():
    rng = np.random.default_rng(3)
    at = rng.uniform(-1, 1, 200)
    peaks = np.linspace(-1, 1, 5)
    window = 10 + 75 * np.exp(-(((at[:, None] - peaks) / 0.5) ** 2) / 2)
    scores = pd.DataFrame(window + rng.normal(0, 5, window.shape), columns=list(PHASES))
    *_, curve = fit_courses(scores, courses=[Course(1, degree) for degree in (1, 2, 3, 4)])
    place = classify(curve, scores).to_numpy() @ np.arange(curve.k)
    assert abs(np.corrcoef(place, at)[0, 1]) > 0.97


def test_a_missing_score_leaves_the_judgement_to_the_others():
    scores = one_factor(150)
    scores.iloc[::7, 2] = np.nan
    courses = [LINE, Course(1, 1, full=True)]
    for fit in fit_courses(scores, courses=courses):
        assert np.isfinite(fit.log_likelihood)
        assert log_likelihoods(fit, scores).sum() == pytest.approx(fit.log_likelihood)


def test_the_order_of_rows_does_not_matter():
    scores = bent(120)
    mixed = scores.sample(frac=1, random_state=4)
    for one, two in zip(
        fit_courses(scores, courses=CHAIN), fit_courses(mixed, courses=CHAIN), strict=True
    ):
        assert one.log_likelihood == pytest.approx(two.log_likelihood, abs=1e-6)


def test_every_course_has_a_name_of_its_own_and_counts_its_parameters():
    assert len({course.name for course in COURSES}) == len(COURSES)
    assert Course(2, 2).n_parameters(0, 5) == 5 * 6 + 5 + 2
    assert Course(1, 4, 2).n_parameters(0, 5) == 5 * 5 + 5 * 3 + 2
    assert [str(course) for course in (LINE, Course(1, 3, 2), Course(2, 1, normal=True))] == [
        *("line", "curve 3 (spread 2)", "plane (normal positions)"),
    ]


def test_steps_on_a_line_win_where_groups_lie_on_one_and_lose_where_they_do_not():
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 5, (150, 5))
    ladder = pd.DataFrame(np.repeat([30.0, 50, 70], 50)[:, None] + noise)
    free = fit_mixture(ladder, 3, EEI)
    steps = fit_steps(ladder, free)
    assert steps.n_parameters == free.n_parameters - 4
    assert steps.bic < free.bic - 10
    assert steps.log_likelihood <= free.log_likelihood + 1e-6
    centred = steps.means - steps.means.mean()
    assert np.linalg.matrix_rank(centred, tol=1e-3) == 1
    corner = pd.DataFrame(noise)
    corner.iloc[50:100, 0] += 40
    corner.iloc[100:, 1] += 40
    free = fit_mixture(corner, 3, EEI)
    assert fit_steps(corner, free).bic > free.bic + 50


@pytest.mark.parametrize(("model", "place"), [(VVI, 0), (VVV, 2)])
def test_clouds_around_one_centre_are_found_and_lose_where_there_are_two_centres(model, place):
    rng = np.random.default_rng(6)
    wide = np.repeat([1.0, 3.0], [120, 80])[:, None]
    level = rng.standard_normal((200, 1)) * model.full
    scores = pd.DataFrame([50, 40, 60] + 6 * wide * (level + rng.standard_normal((200, 3))))
    found = fit_concentric(scores)[place]
    assert found.n_parameters == fit_mixture(scores, 2, model).n_parameters - 3
    assert np.ptp(found.means.to_numpy(), axis=0) == pytest.approx(0, abs=1e-9)
    centre = found.means.loc[1].to_numpy()
    assert centre == pytest.approx([50, 40, 60], abs=2.5)  # s.e. 0.6, and 0.9 with a level
    spreads = np.sqrt(np.diagonal(found.covariances, axis1=1, axis2=2))
    ratio = spreads.max(axis=0) / spreads.min(axis=0)
    assert ratio == pytest.approx(3, rel=0.35)  # of spreads that 80 and 120 units tell, which mix

    def fit(centre):
        parts = [multivariate_normal(centre, each).pdf(scores) for each in found.covariances]
        return np.log(found.shares.to_numpy() @ parts).sum()

    assert fit(centre) == pytest.approx(found.log_likelihood)
    assert all(fit(centre + away) < fit(centre) for away in np.vstack([np.eye(3), -np.eye(3)]) / 2)
    assert found.bic < fit_mixture(scores, 2, model).bic
    scores += 15 * (wide > 1)
    assert fit_concentric(scores)[place].bic > fit_mixture(scores, 2, model).bic


def test_units_left_out_prefer_the_form_that_is_true():
    scores = one_factor(200)
    (line,) = fit_courses(scores, courses=[NORMAL_LINE])
    groups = fit_mixture(scores, 4, EEI)
    left_out = held_out([groups, line], scores).sum()
    assert left_out[1] > left_out[0]
    assert left_out[1] < line.log_likelihood  # what was not seen is predicted less well


def test_what_units_left_out_say_hardly_rests_on_how_they_were_divided(monkeypatch):
    scores = one_factor(100)
    (line,) = fit_courses(scores, courses=[NORMAL_LINE])
    groups = fit_mixture(scores, 4, EEI)

    def spread():
        leads = [held_out([groups, line], scores, seed).sum().diff()[1] for seed in range(12)]
        return np.std(leads)

    of_all = spread()
    monkeypatch.setattr(mixtures.fit, "DIVISIONS", 1)
    assert of_all < 0.6 * spread()  # a third by chance, in 12 seeds up to a half


def test_a_path_goes_through_points_in_the_order_that_is_shortest():
    points = np.array([[0.0, 0], [9, 0], [3, 0], [6, 0]])
    assert shortest_path(points)[:, 0].tolist() in ([0, 3, 6, 9], [9, 6, 3, 0])


@pytest.mark.parametrize(
    ("values", "wins"),
    [
        (lambda rng: rng.uniform(20, 80, (300, 4)), True),  # evenly between two ends
        (lambda rng: 50 + 8 * rng.standard_t(3, (300, 4)), True),  # some far out
        (lambda rng: rng.normal(50, 15, (300, 4)), False),
        (lambda rng: rng.choice([30, 70], (300, 1)) + rng.normal(0, 10, (300, 4)), False),
    ],
)
def test_tails_of_one_cloud_are_told_from_groups_by_densities_that_have_one_mode(values, wins):
    scores = pd.DataFrame(values(np.random.default_rng(3)), columns=["AG", "EX", "VB", "VA"])
    plain, _, tails, _ = fit_skewed(scores)
    groups = (fit_mixture(scores, 2, model).bic for model in (EEI, VVI))
    assert (tails.bic < min(plain.bic, *groups)) == wins
    middle, scale = scores.mean(), np.sqrt(scores.var(ddof=0).mean())
    told = 0.0
    for phase, power, tail in zip(scores, tails.model.powers, tails.model.tails, strict=True):
        own, at = scores[phase].to_numpy(), np.linspace(-100, 200, 9001)
        seen, bent = (
            np.sinh(tail * np.arcsinh(yeojohnson((places - middle[phase]) / scale, power)))
            for places in (own, at)
        )
        density = norm.pdf(bent, seen.mean(), seen.std()) * np.gradient(bent, at)
        slopes = np.diff(density) / density.max()
        assert trapezoid(density, at) == pytest.approx(1, abs=0.01)  # little lies beyond
        assert (slopes[np.flatnonzero(slopes < -1e-5)[0] :] < 1e-5).all(), "one mode"
        told += np.log(np.interp(own, at, density)).sum()
    assert told == pytest.approx(tails.log_likelihood, abs=0.5)  # places between those of the grid


@pytest.mark.parametrize("place", [0, 1])
def test_the_likelihood_of_a_skewed_cloud_is_that_of_the_scores_and_its_best_bend_is_found(place):
    rng = np.random.default_rng(4)
    normal = rng.multivariate_normal([0, 0], [[1, 0.6 * place], [0.6 * place, 1]], 400)
    scores = pd.DataFrame(20 * np.exp(0.5 * normal), columns=["AG", "EX"])
    found = fit_skewed(scores)[place]
    middle, scale = scores.mean(), np.sqrt(scores.var(ddof=0).mean())
    z = ((scores - middle) / scale).to_numpy()

    def by_hand(powers):
        bent = np.column_stack([yeojohnson(z[:, i], powers[i]) for i in (0, 1)])
        covariance = np.cov(bent.T, bias=True)
        if not place:
            covariance = np.diag(np.diag(covariance))
        density = multivariate_normal(bent.mean(axis=0), covariance).logpdf(bent).sum()
        stretched = (np.sign(z) * np.log1p(np.abs(z)) * (np.asarray(powers) - 1)).sum()
        return density + stretched - z.size * np.log(scale)

    assert by_hand(found.model.powers) == pytest.approx(found.log_likelihood, abs=0.01)
    assert found.log_likelihood > by_hand([1.0, 1.0]) + 50
    if not place:
        nearby = [np.add(found.model.powers, away) for away in ([0.1, 0], [0, -0.1])]
        assert all(by_hand(powers) < found.log_likelihood for powers in nearby)
    assert found.bic < min(fit_mixture(scores, k, VVI).bic for k in (2, 3))
    truth = np.where(rng.random((400, 1)) < 0.5, 30.0, 60.0)
    groups = pd.DataFrame(truth + rng.normal(0, 5, (400, 2)))
    assert fit_skewed(groups)[place].bic > fit_mixture(groups, 2, EEI).bic + 100


def test_axes_along_which_a_cloud_is_skewed_are_found_whatever_phases_they_show_in():
    rng = np.random.default_rng(6)
    true = rng.gamma(1.0, 12, (400, 3)) * [1, -1, 1]
    mix = np.linalg.qr(rng.normal(0, 1, (5, 5)))[0]
    mixed = np.column_stack([true, rng.normal(0, 8, (400, 2))]) @ mix
    scores = pd.DataFrame(50 + mixed)
    rivals = fit_skewed_along_axes(scores)
    found = min(rivals, key=lambda rival: rival.bic)
    assert rivals.index(found) == 2, "three axes"
    assert found.bic < min(rival.bic for rival in fit_skewed(scores)) - 100
    assert found.bic < min(fit_mixture(scores, k, EEE).bic for k in (2, 3, 4)) - 100
    places = (scores - scores.mean()).to_numpy() @ found.model.axes[:3].T
    related = np.abs(np.corrcoef(places.T, true.T)[:3, 3:])
    assert (related.max(axis=0) > 0.98).all()
    turn = 2 * np.linalg.qr(rng.normal(0, 1, (5, 5)))[0]
    again, stretched = fit_skewed_along_axes(scores @ turn)[2], np.linalg.slogdet(turn)[1]
    assert again.n_parameters == found.n_parameters == 5 + 15 + 4 + 3 + 2 + 3
    assert found.log_likelihood - again.log_likelihood == pytest.approx(400 * stretched, abs=0.5)


def test_a_cloud_is_skewed_along_no_axes_of_its_own_where_they_cannot_be_told():
    scores = pd.DataFrame(np.random.default_rng(7).normal(50, 10, (60, 3)))
    assert fit_skewed_along_axes(scores.mask(scores > 70)) == []
    assert fit_skewed_along_axes(scores.assign(sum=scores.sum(axis=1))) == []
    mirrored = pd.concat([scores, 100 - scores], ignore_index=True)
    squares = pd.DataFrame([[40.0, 40], [40, 60], [60, 40], [60, 60]] * 15)  # no third moments
    for symmetric in (mirrored, squares):
        rivals = fit_skewed_along_axes(symmetric)
        assert [np.isfinite(rival.bic) for rival in rivals] == [True] * symmetric.shape[1]


@pytest.mark.filterwarnings("error")
def test_phases_of_few_values_are_bent_without_a_warning():
    rng = np.random.default_rng(2)
    scores = pd.DataFrame({"AG": [0.0] * 95 + [100.0] * 5, "EX": rng.choice([0.0, 25.0], 100)})
    assert all(np.isfinite(rival.bic) for rival in fit_skewed(scores))


def test_a_skewed_cloud_takes_missing_scores_and_tells_units_left_out():
    rng = np.random.default_rng(5)
    scores = pd.DataFrame(rng.gamma(1.5, 15, (200, 3)), columns=["AG", "EX", "VB"])
    scores = scores.mask(rng.random(scores.shape) < 0.1)
    skewed = fit_skewed(scores)
    profiles = fit_mixture(scores, 2, VVI)
    assert skewed[0].bic < profiles.bic
    told = held_out([*skewed, profiles], scores, seed=1).sum()
    assert told[0] > told[len(skewed)]
    assert told[0] == pytest.approx(skewed[0].log_likelihood, abs=15)


@pytest.mark.parametrize("corners", [3, 4])
def test_a_field_finds_the_extremes_that_units_are_mixed_of(corners):
    rng = np.random.default_rng(3)
    types = np.array([[80, 60, 40, 25, 20], [20, 25, 40, 60, 80], [75] * 5, [20, 45, 80, 45, 20.0]])
    types = types[:corners]
    values = rng.dirichlet([1] * corners, 400) @ types + rng.normal(0, 4, (400, 5))
    course = Field(corners - 1, 1)
    field, plane = fit_courses(pd.DataFrame(values, columns=list(PHASES)), courses=[course, PLANE])
    found = field.means[np.isclose(np.linalg.norm(course.nodes, axis=1), 1)].to_numpy()
    apart = np.abs(found[:, None] - types[None]).max(axis=2)
    assert sorted(apart.argmin(axis=1)) == list(range(corners)), "each extreme is one of the types"
    # a node stands for what is around it, so that the extremes lie a little within the types
    assert apart.min(axis=1).max() < 6
    assert field.bic < plane.bic - 10

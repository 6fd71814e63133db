from collections import namedtuple

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from shared import four_profiles

from cycle_analysis import figures
from cycle_analysis.figures import Look, cycle, profiles, responses
from cycle_analysis.profiles import Partition, ward_kmeans

Drawn = namedtuple("Drawn", ["centroids", "sizes"])
TITLE = "Een bevinding"
LABELS = {"AG": "Agendering en coalitievorming", "EX": "Experimenteren"}
PAIR = pd.MultiIndex.from_tuples([("AG", "EX")], names=["earlier", "later"])
PHASES = pd.Index(["AG", "EX"], name="phase")
CURVE = pd.DataFrame({"n": 90, "mean": [60.5, 40], "low": [55.0, 35], "high": [65.0, 45]}, PHASES)
CENTROIDS = pd.DataFrame({"AG": [20.0, 80.0], "EX": [10.0, np.nan]}, index=[1, 2])
SCORES = pd.DataFrame({"AG": [20.0, 80.0, 70.0], "EX": [10.0, np.nan, 60.0]}, index=list("ABC"))
PATTERNS = pd.DataFrame(
    {"AG": [True, False], "EX": [True, False], "n": [1234, 4], "share": [0.6, 0.4],
     "expected": [0.6, 0.4], "ratio": 1.0}
)  # fmt: skip
DRAWN = {
    "answers": lambda look, **at: responses.plot_answers(
        pd.DataFrame({0: [0.5, 0.2], 1: [0.5, 0.8]}, index=["AG1", "EX1"]),
        pd.Series({"AG1": 90, "EX1": 1088}), ["nee", "ja"], look, **at),
    "coactivity": lambda look, **at: cycle.plot_coactivity(
        pd.DataFrame({"observed": [0.5], "expected": [0.25]}, PAIR), look, **at),
    "patterns": lambda look, **at: cycle.plot_patterns(
        PATTERNS, look, rest=7, **at),
    "curve": lambda look, **at: cycle.plot_phase_curve(CURVE, look, **at),
    "curves": lambda look, **at: cycle.plot_phase_curve(
        CURVE, look, earlier=CURVE, waves=("Second wave (2022)", "First wave (2018)"), **at),
    "fingerprint": lambda look, **at: profiles.plot_fingerprint(
        pd.Series([-48.0, np.nan, 48.0][: len(PHASES)], PHASES), look, **at),
    "composition": lambda look, **at: cycle.plot_composition(
        pd.DataFrame({1: [0.5, 0.95], 2: [0.5, 0.0]}, ["under 20,000 inhabitants", "west"]),
        look, names={1: "A name of many words", 2: "Other"}, **at),
    "flow": lambda look, **at: cycle.plot_flow(
        pd.DataFrame({1: [0.4, 0.0], 2: [0.2, 0.4]}, index=[1, 2]), look,
        names={1: "A name of many words", 2: "Other"},
        waves=("First wave (2018)", "Second wave (2022)"), **at),
    "profiles": lambda look, **at: profiles.plot_profiles(
        Drawn(CENTROIDS, pd.Series({1: 1500, 2: 5})), {}, look, low=CENTROIDS, high=CENTROIDS,
        **at),
    "specifications": lambda look, **at: profiles.plot_specifications(
        pd.Series([1.0, 0.9, 0.4, -0.1]), pd.Series([True, False, None, True]),
        pd.DataFrame({("Hoe respondenten een eenheid worden", "gemiddelde"): [True] * 3 + [False],
                      ("Hoe respondenten een eenheid worden", "mediaan"): [False] * 3 + [True]}),
        look, **at),
    "sensitivity": lambda look, **at: cycle.plot_sensitivity(
        pd.DataFrame({"two_or_more": [0.9, 0.4]}, index=[40.0, 50.0]),
        look, chosen=50.0, **at),
    "spread": lambda look, **at: responses.plot_spread(
        pd.DataFrame({"level": [50.0], "spread": [5.0], "low": [4.0], "high": [6.0]}), look,
        units=pd.DataFrame({"level": [20.0, 80], "spread": [5.0, np.nan]}), **at),
    "moves": lambda look, **at: cycle.plot_moves(
        pd.DataFrame({1: [8.0, np.nan], 2: [2.0, 9.0]}, index=[1, 2]), look, **at),
    "units": lambda look, **at: profiles.plot_units(
        Partition(SCORES, pd.Series({"A": 1, "B": 2, "C": 2})), {1: "Starters"}, look, **at),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_every_text_is_nine_points_or_more_and_inside_the_figure(draw, language):
    figure = draw(Look(language, TITLE, LABELS)).get_figure(root=True)
    figure.canvas.draw()
    sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text()]
    assert min(sizes) >= 9
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert drawn.x0 > -0.02
    assert drawn.y0 > -0.02
    assert drawn.x1 < width + 0.02
    assert drawn.y1 < height + 0.02


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_figure_is_drawn_on_the_axes_of_the_caller(draw):
    _, (first, second) = plt.subplots(2)
    assert draw(Look("nl", TITLE, LABELS), ax=second) is second
    assert not first.has_data()


def test_dutch_numbers_have_a_decimal_comma_and_english_ones_a_point():
    shown = {language: Look(language).number(0.8, 2) for language in ("nl", "en")}
    assert shown == {"nl": "0,80", "en": "0.80"}


@pytest.mark.parametrize("highest", [2.0, 20.8, 96.0])
def test_whole_numbers_along_an_axis_stand_where_they_are(highest):
    """A tick at 2.5 was told as 2, and one at 7.5 as 8."""
    _, ax = plt.subplots()
    ax.set_ylim(0, highest)
    figures.ENGLISH.number_axis(ax.yaxis)
    places = ax.get_yticks()
    assert len(places) > 2
    assert (places == places.round()).all()
    plt.close("all")


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"no texts in 'xx'; choose from \[.*'en',.*'nl'"):
        cycle.plot_phase_curve(CURVE, Look("xx"))


def test_a_profile_keeps_its_look_and_no_two_of_eight_share_marker_or_colour():
    looks = [figures.profile_style(number) for number in range(1, 9)]
    for trait in ("color", "marker"):
        assert len({look[trait] for look in looks}) == 8
    assert figures.profile_style(3) == figures.profile_style(3)


def test_a_darker_bar_is_a_higher_step_also_in_grey():
    shares = pd.DataFrame(0.2, index=["AG1"], columns=range(5))
    ax = responses.plot_answers(shares, pd.Series({"AG1": 90}), list("abcde"))
    greys = [to_rgb(bar.get_facecolor()) @ np.array([0.299, 0.587, 0.114]) for bar in ax.patches]
    assert (np.diff(greys) < -0.1).all()


def test_rounded_shares_are_written_as_they_are_told_in_bars_that_are_full():
    shares = pd.DataFrame([[0.21, 0.30, 0.47]], index=["AG1"])
    ax = responses.plot_answers(shares, None, list("abc"))
    assert [text.get_text() for text in ax.texts] == ["21", "30", "47"]
    assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(1)


def test_text_at_the_width_of_a_phone_is_eleven_pixels_or_more():
    for draw in DRAWN.values():
        figure = draw(Look("nl", TITLE, LABELS)).get_figure(root=True)
        figure.canvas.draw()
        inches = figure.get_tightbbox().width
        assert figures.TEXT_SIZE / 72 / inches * 390 > 11


def contrast(first, second) -> float:
    """The contrast of two colours as of WCAG 2.2, 1 to 21."""
    channels = np.array([to_rgb(first), to_rgb(second)])
    curve = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    dark, light = np.sort(curve @ [0.2126, 0.7152, 0.0722])
    return float((light + 0.05) / (dark + 0.05))


def test_text_on_every_tint_is_read_with_enough_contrast():
    tints = [figures.LEVELS(place) for place in np.linspace(0, 1)]
    assert min(contrast(tint, figures.ink_on(tint)) for tint in tints) >= 4.5
    on_profiles = [contrast(colour, figures.ink_on(colour)) for colour in figures.PROFILE_COLOURS]
    assert min(on_profiles) >= 4.5
    assert min(contrast(ink, "white") for ink in (figures.INK, figures.MUTED)) >= 4.5


def test_every_mark_stands_out_from_the_paper():
    marks = [*figures.PROFILE_COLOURS, figures.ACCENT, figures.MUTED]
    assert min(contrast(mark, "white") for mark in marks) >= 3


def test_forms_without_groups_are_bars_to_the_side_that_wins():
    leads = pd.Series({"een kromme": -40.0, "een lijn": 25.0})
    ax = profiles.plot_rivals(leads, Look("nl", "Er is een continuüm"))
    assert [bar.get_width() for bar in ax.patches] == [-40.0, 25.0]
    assert len({bar.get_facecolor() for bar in ax.patches}) == 2
    assert [label.get_text() for label in ax.get_yticklabels()] == ["een kromme", "een lijn"]


def test_a_line_between_neighbours_is_dashed_where_a_valley_lies():
    groups = ward_kmeans(four_profiles(40)[0], 3)
    edges = pd.DataFrame({"first": [1, 2], "second": [2, 3], "p": [0.01, 0.4]})
    ax = profiles.plot_tree(groups, edges.assign(apart=[True, False]), Look("nl"))
    assert [line.get_linestyle() for line in ax.lines] == ["--", "-"]
    assert [text.get_text() for text in ax.texts][:2] == ["p = 0,010", "p = 0,400"]


def test_a_course_has_a_line_for_each_phase_with_its_name():
    course = pd.DataFrame({"AG": [90.0, 50, 10], "EX": [10.0, 80, 20]}, index=[0.0, 50, 100])
    ax = profiles.plot_course(
        course, Look("nl", labels={"AG": "Agenderen", "EX": "Experimenteren"})
    )
    assert [line.get_label() for line in ax.lines] == ["Agenderen", "Experimenteren"]
    assert ax.get_ylim() == (0, 100)


@pytest.mark.parametrize(
    "options", [range(11), [f"an answer that is told in words, {i}" for i in range(9)]]
)
def test_many_answers_to_choose_from_leave_the_bars_their_room(options):
    shares = pd.DataFrame(1 / len(options), index=["A1", "A2", "A3"], columns=range(len(options)))
    ax = responses.plot_answers(shares, None, list(map(str, options)))
    ax.figure.canvas.draw()
    assert ax.get_window_extent().height / ax.figure.dpi > 0.2 * len(shares)


def test_a_change_of_nought_is_not_struck_through_by_the_line_of_nought():
    change = pd.DataFrame({"change": [0.0], "low": [-6.0], "high": [5.0]}, index=["AG"])
    (text,) = cycle.plot_change(change).texts
    assert text.get_text() == "0"
    assert text.get_bbox_patch().get_facecolor() == (1, 1, 1, 1)

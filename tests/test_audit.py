"""No small number can be worked out from all that is published together; `audit` says how."""

from functools import cached_property

import pandas as pd
import pytest
from audit import audit
from drawn_studies import Drawn
from frozen import MAKERS
from ledger import publish
from told import Saved, saved

from cycle_analysis.report.chapters.profiles import ProfilesChapter
from cycle_analysis.report.chapters.response import ResponseChapter
from cycle_analysis.report.door import Door, Units, wave_total
from cycle_analysis.report.sources import as_whole, made
from cycle_analysis.results import Results

DRAWN = [(name, seed) for seed, name in enumerate(2 * list(MAKERS))]


def published(frozen_run, name, seed=None):
    run = frozen_run(name)
    results = Results(run.processed)
    return publish(run.study, results if seed is None else Drawn(run.study, results, seed))


@pytest.mark.parametrize("name", MAKERS)
def test_no_small_number_of_a_frozen_study_is_known(frozen_run, name):
    found = audit(published(frozen_run, name))
    assert found.small + found.ends > 0
    assert not found.pinned + found.proven


@pytest.mark.parametrize(("name", "seed"), DRAWN)
def test_no_small_number_of_a_small_study_is_known(frozen_run, name, seed):
    found = audit(published(frozen_run, name, seed))
    assert found.small > 0
    assert not found.pinned + found.proven


def test_no_small_number_of_a_study_with_a_slider_is_known(frozen_run):
    """Steps of a slider are told in bands, of which the lowest holds more than its lowest step."""
    run = frozen_run("one_wave")
    known, wave = saved(run), run.study.reference_wave
    counts, items = (known.load("02_scores", name, wave) for name in ("answer_counts", "items"))
    steps = pd.DataFrame(0, counts.index, [str(step) for step in range(101)])
    steps[["0", "25", "50", "75", "100"]] = counts.to_numpy()
    steps["3"] = steps["0"] - steps["0"].clip(upper=3)
    steps["0"] -= steps["3"]
    floor = steps["0"].reindex(items.index) / items["n"]
    tables = {"answer_counts": steps, "items": items.assign(floor=floor.fillna(items["floor"]))}
    tables = {f"02_scores/{name}": table for name, table in tables.items()}
    slider = run.study.scales["step"].model_copy(update={"max": 100.0, "labels": {}})
    study = run.study.model_copy(update={"scales": {"step": slider}})
    found = audit(publish(study, Saved(study, known.store, tables)))
    assert found.small > 0
    assert not found.pinned + found.proven


def test_exact_margins_beside_rounded_cells_are_found(frozen_run, monkeypatch):
    def exact(self, wave, cells):
        account = self._account(wave)[["invited", "responded"]]
        levels = range(account.index.nlevels)
        margins = [account.groupby(level=k).sum().query("invited > 0") for k in levels]
        return [[told(*row) for row in margin.itertuples()] for margin in margins]

    def told(group, n_asked, n_answered):
        asked = wave_total(n_asked)
        return {"group": group, "asked": asked, "answered": wave_total(n_answered, asked)}

    monkeypatch.setattr(ResponseChapter, "_margins", exact)
    found = audit(published(frozen_run, "example", seed=20))
    assert any(told.startswith("cell") for told in found.pinned)


def test_parts_that_are_rounded_one_by_one_beside_their_whole_are_found(frozen_run, monkeypatch):
    def singly(self, counts, wholes, sums):
        return [Units(as_whole(n), whole) for n, whole in zip(counts, wholes, strict=True)]

    monkeypatch.setattr(Door, "fit", singly)
    assert audit(published(frozen_run, "continuum", seed=1)).pinned


def test_a_small_number_that_is_told_as_it_is_is_found(frozen_run, monkeypatch):
    def exact(self):
        clearly = self._members["clearly_placed"].fillna(False).astype(bool)
        counts = [made(int(of.sum()), clearly) for of in (clearly, ~clearly)]
        return [wave_total(n, self.divided) for n in counts]

    kept = cached_property(exact)
    kept.__set_name__(ProfilesChapter, "_clearly_or_not")
    monkeypatch.setattr(ProfilesChapter, "_clearly_or_not", kept)
    found = audit(published(frozen_run, "one_wave", seed=14))
    assert found.pinned == ["left of placed = 2"]

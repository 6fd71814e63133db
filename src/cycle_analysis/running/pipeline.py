"""Say which notebooks a study runs, for which wave, and what each needs of the others.

All exports are checked first, so that a mistake in any wave is told before work begins. 01-03 run
per wave, 04-06 on the reference wave, 07 over all waves, then those of the study's own, 08 last.
"""

from dataclasses import dataclass, field
from pathlib import Path

from cycle_analysis.problems import refuse
from cycle_analysis.results import ALL_WAVES
from cycle_analysis.running.parameters import read_parameters
from cycle_analysis.study import Study
from cycle_analysis.whole_files import write_whole

CHECK = "check"
"""The step before the notebooks: are the exports of all waves usable?"""
PER_WAVE = ("01_responses", "02_scores", "03_cycle")
ON_REFERENCE = ("04_number_of_profiles", "05_profiles", "06_validity")
OVER_WAVES = ("07_waves", "08_report")
LONGEST_WAY = (*PER_WAVE, *ON_REFERENCE)
"""Notebooks that go first on the reference wave: the others fit in beside them."""
NOTEBOOKS = (*PER_WAVE, *ON_REFERENCE, *OVER_WAVES)


@dataclass(frozen=True)
class Step:
    """One notebook for one wave.

    Attributes
    ----------
    notebook : str
        Name of the notebook without its suffix, or `CHECK`.
    wave : str
        The wave, or `ALL_WAVES`.
    needs : tuple of Step
        Steps whose tables it loads.
    raw_waves : tuple of str
        Waves whose raw files and wave.yaml it reads itself.
    """

    notebook: str
    wave: str
    needs: "tuple[Step, ...]" = ()
    raw_waves: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return self.notebook if self.wave == ALL_WAVES else f"{self.notebook} {self.wave}"


def plan(study: Study) -> list[Step]:
    """List the steps of a study, each after those that it needs."""
    reference = study.reference_wave
    check = Step(CHECK, ALL_WAVES, raw_waves=tuple(study.waves))
    steps = [check]
    responses: dict[str, Step] = {}
    scores: dict[str, Step] = {}
    cycles: dict[str, Step] = {}
    for wave in study.waves:
        responses[wave] = Step("01_responses", wave, (check,), (wave,))
        scores[wave] = Step("02_scores", wave, (responses[wave],))
        cycles[wave] = Step("03_cycle", wave, (responses[wave], scores[wave]))
        steps += [responses[wave], scores[wave], cycles[wave]]
    answered = (responses[reference], scores[reference])
    number = Step("04_number_of_profiles", reference, (*answered, cycles[reference]))
    profiles = Step("05_profiles", reference, (*answered, cycles[reference], number))
    validity = Step("06_validity", reference, (*answered, number, profiles))
    needs = (*responses.values(), scores[reference], number, profiles)
    waves = Step("07_waves", ALL_WAVES, needs, tuple(study.waves))
    steps += [number, profiles, validity, waves]
    for name in study.own_notebooks:
        asks_for_wave = "wave" in read_parameters(study.own_notebook(name))
        wave = reference if asks_for_wave else ALL_WAVES
        steps.append(Step(name, wave, tuple(steps), tuple(study.waves)))
    return [*steps, Step("08_report", ALL_WAVES, tuple(steps), tuple(study.waves))]


def notebook_file(study: Study, name: str, folder: Path) -> Path:
    """Give the path of a notebook: of the study's own, or in the folder of the others."""
    own = name in study.own_notebooks
    return study.own_notebook(name) if own else folder / f"{name}.ipynb"


def notebook_folder(home: Path) -> Path:
    """Notebooks of the home folder if it has them all, or else those this package came with."""
    own = home / "notebooks"
    has_all = all((own / f"{name}.ipynb").is_file() for name in NOTEBOOKS)
    return own if has_all else bundled_notebooks()


def bundled_notebooks() -> Path:
    """Notebooks that this package came with: in the wheel, or beside ``src`` in a clone."""
    package = Path(__file__).parents[1]
    in_wheel = package / "notebooks"
    return in_wheel if in_wheel.is_dir() else package.parents[1] / "notebooks"


def copy_notebooks(folder: Path) -> list[Path]:
    """Copy the notebooks to a folder, for those who edit them.

    Parameters
    ----------
    folder : Path
        It is made; ``<home>/notebooks`` is where a run looks first.

    Returns
    -------
    list of Path
        The copies.

    Raises
    ------
    InputError
        If one of them is there already, as somebody may have edited it, or cannot be written.
    """
    sources = sorted(bundled_notebooks().glob("*.ipynb"))
    if present := [path.name for path in sources if (folder / path.name).exists()]:
        shown = ", ".join(present[:5])
        remedy = "Name another folder, or move what stands there"
        raise refuse(str(folder), "notebooks", shown, "is there already", "", remedy)
    return [write_whole(folder / path.name, path.read_bytes()) for path in sources]

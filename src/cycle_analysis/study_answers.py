"""Read the answers of one wave of a study: its register, its export, every answer coded."""

from cycle_analysis.readers import read_export
from cycle_analysis.register import Register, load_register, read_register
from cycle_analysis.responses import Responses, check_checksum, code_responses
from cycle_analysis.study import Study

BUNDLED = "municipalities"
"""The register that comes with the package."""


def study_register(study: Study) -> Register:
    """Read the register of the study's units: the bundled one, or the study's own.

    Raises
    ------
    InputError
        If the study's own register is absent or wrong.
    """
    if study.units.register_file == BUNDLED:
        return load_register()
    events = study.folder / study.units.events if study.units.events else None
    return read_register(study.folder / study.units.register_file, events)


def read_responses(study: Study, wave: str, max_invalid: float = 0.05) -> Responses:
    """Read the export of `wave` and code its answers.

    Raises
    ------
    InputError
        With everything that makes the export unusable.
    """
    source = study.wave(wave).source
    path = study.raw_file(wave)
    raw = read_export(path, source)
    check_checksum(path, source.sha256, f"{wave}/wave.yaml")
    return code_responses(raw, study, wave, study_register(study), max_invalid)

"""Tell by a fingerprint whether the files of a study changed in a way that changes results.

Names, titles, labels of phases, questions and parameters do not decide about results: changing one
makes nothing out of date.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from cycle_analysis.study.files import BUNDLED
from cycle_analysis.study.loading import Study


def hash_facts(facts: object) -> str:
    """Hash plain facts: texts, numbers, lists and dicts of them."""
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


def fingerprint_files(
    study: Study, waves: Sequence[str], *, exports: bool = False
) -> dict[str, str]:
    """Fingerprint what decides about results in the files of a study.

    Parameters
    ----------
    study : Study
    waves : sequence of str
        Waves whose files count.
    exports : bool
        Whether the exports and lists of the invited count, not their wave.yaml alone.

    Returns
    -------
    dict of str to str
        Fingerprint by name of file, such as ``2018/wave.yaml``.
    """
    found = {"study.yaml or codebook.csv": _study_facts(study)}
    for wave in waves:
        mapping = study.wave(wave).model_dump(mode="json") | {"label": ""}
        found[f"{wave}/wave.yaml"] = hash_facts(mapping)
        raw = study.wave_files(wave)[1:] if exports else []
        found |= {f"{wave}/{path.name}": _file_hash(path) for path in raw}
    return found


def _study_facts(study: Study) -> str:
    """Fingerprint what every step may use of a study."""
    items = study.codebook.items[["block", "phase", "scale", "reversed"]]
    own = {study.units.register_file, study.units.events} - {"", BUNDLED}
    return hash_facts(
        [
            [(phase.code, phase.development) for phase in study.phases],
            [(name, scale.model_dump(mode="json")) for name, scale in study.scales.items()],
            [(role, text.model_dump()) for role, text in study.roles.items()],  # exports hold both
            [list(study.off_topic_blocks), list(study.self_placement.items()), list(study.domains)],
            items.to_csv(lineterminator="\n"),
            [_file_hash(study.folder / name) for name in sorted(own)],
        ]
    )


def _file_hash(path: Path) -> str:
    """Hash a file; read once for as long as it stays the same."""
    if not path.is_file():
        return ""
    about = path.stat()
    return _hash_of(path, about.st_mtime_ns, about.st_size)


@cache
def _hash_of(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

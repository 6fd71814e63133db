"""Tell by a fingerprint whether the files of a study changed in a way that changes results.

Names, titles, labels of phases, questions and parameters do not decide about results: changing one
makes nothing out of date.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

from cycle_analysis.study.files import BUNDLED
from cycle_analysis.study.loading import Study


def hash_facts(facts: object) -> str:
    """Hash plain facts: texts, numbers, lists and dicts of them."""
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


def hash_study(study: Study) -> str:
    """Fingerprint what every step may use of study.yaml and codebook.csv."""
    items = study.codebook.items[["block", "phase", "scale", "reversed"]]
    own = {study.units.register_file, study.units.events} - {"", BUNDLED}
    return hash_facts(
        [
            [(phase.code, phase.development) for phase in study.phases],
            [(name, scale.model_dump(mode="json")) for name, scale in study.scales.items()],
            [(role, text.model_dump()) for role, text in study.roles.items()],  # exports hold both
            [list(study.off_topic_blocks), list(study.self_placement.items()), list(study.domains)],
            items.to_csv(lineterminator="\n"),
            [hash_file(study.folder / name) for name in sorted(own)],
        ]
    )


def hash_file(path: Path) -> str:
    """Hash a file; read once for as long as it stays the same."""
    if not path.is_file():
        return ""
    about = path.stat()
    return _hash_of(path, about.st_mtime_ns, about.st_size)


@cache
def _hash_of(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

"""Describe the folder of a report for archives: ``ro-crate-metadata.json``, RO-Crate 1.2.

Written by hand from what the manifest says, in the words of schema.org that repositories read: the
report in all its forms, its hashes, and the run that made it. The same bytes twice, like the
manifest; the day of publication, which a run cannot know, is the last day of the fieldwork until
the author changes it.

roc-validator 0.13 finds no required check of ``ro-crate-1.2`` that fails; it fetches the context
from the web, so that no test asks it.

References
----------
Sefton et al. (2025), RO-Crate Metadata Specification 1.2.
"""

import json
import mimetypes
from pathlib import Path
from typing import Any

from cycle_analysis import __version__
from cycle_analysis.running.manifest import FILE as MANIFEST
from cycle_analysis.running.manifest import Sections
from cycle_analysis.study import Study
from cycle_analysis.whole_files import write_whole

FILE = "ro-crate-metadata.json"
VERSION = "https://w3id.org/ro/crate/1.2"
LICENSE = {
    "@id": "#license",
    "@type": "CreativeWork",
    "name": "The author's",
    "description": "All rights are the author's, until a licence is named here.",
}
Entity = dict[str, Any]


def write_crate(study: Study, folder: Path, sections: Sections) -> Path:
    """Write the metadata of a report beside it.

    Parameters
    ----------
    study : Study
    folder : Path
        Folder of the report.
    sections : dict of section to dict of name to value
        What the manifest says.
    """
    graph = {"@context": f"{VERSION}/context", "@graph": describe_crate(study, sections)}
    contents = json.dumps(graph, indent=1, ensure_ascii=False) + "\n"
    return write_whole(folder / FILE, contents.encode("utf-8"))


def describe_crate(study: Study, sections: Sections) -> list[Entity]:
    """List the entities of the crate: its own description, the report, its files, and the run."""
    files = [_file(name, sha256) for name, sha256 in sorted(sections["reports"].items())]
    files.append({**_file(MANIFEST, ""), "description": "Hashes of all that made the report"})
    code = study.languages[0]
    day = max(study.wave(wave).fieldwork.end for wave in study.waves).isoformat()
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": study.title[code],
        "description": f"{study.title[code]}: {study.population[code]}",
        "inLanguage": study.languages,
        "datePublished": day,
        "license": {"@id": LICENSE["@id"]},
        "hasPart": [{"@id": file["@id"]} for file in files],
        "mentions": {"@id": "#run"},
    }
    descriptor = {
        "@id": FILE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": VERSION},
    }
    return [descriptor, root, LICENSE, *files, *_run(sections)]


def _file(name: str, sha256: str) -> Entity:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    known = {"@id": name, "@type": "File", "name": name, "encodingFormat": kind}
    return known | ({"sha256": sha256} if sha256 else {})


def _run(sections: Sections) -> list[Entity]:
    """The run, and what it ran by: Python, with this package and the libraries it imports."""
    ours = {"cycle-analysis": __version__, **sections["libraries"]}
    program = {
        "@id": "https://www.python.org/",
        "@type": "SoftwareApplication",
        "name": "Python",
        "version": ours.pop("Python"),
        "url": "https://www.python.org/",
        "softwareRequirements": [f"{n} {v}" for n, v in ours.items()],
    }
    run = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"cycle-analysis run {sections['study']['name']}",
        "instrument": {"@id": program["@id"]},
        "result": [{"@id": name} for name in sorted(sections["reports"])],
    }
    return [run, program]

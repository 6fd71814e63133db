"""Say which key of a file made a step run: what a step was made of is kept, key by key, as hashes.

pytask knows that a file changed, and not where. So beside the tables of a study each step leaves a
list of the keys of its YAML files, the items of its codebook, its parameters and its libraries.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from pytask import PathNode, PythonNode

from cycle_analysis.problems import InputError, first_five
from cycle_analysis.study.codebook import FILE as CODEBOOK
from cycle_analysis.study.plan import hash_facts
from cycle_analysis.study.yaml_text import YamlText
from cycle_analysis.whole_files import write_whole

FOLDER = ".made_of"
"""Where it is kept, a file for each step."""
Keys = dict[str, dict[str, str]]
"""Hash of every key, by what holds it, as messages call it."""


def keys_of(needs: Mapping[str, Any]) -> Keys:
    """Take apart what a step depends on, as far as it has keys."""
    found: Keys = {}
    for node in needs.values():
        if isinstance(node, PathNode):
            path = Path(str(node.path))
            found[node.name] = dict(_keys_of_file(path, _state(path)))
        elif isinstance(node, PythonNode):
            found[node.name] = dict(_flat(json.loads(str(node.value))))
    return {name: keys for name, keys in found.items() if keys}


def keep_keys(folder: Path, step: str, keys: Keys) -> None:
    """Keep what a step was made of, in the folder of the results."""
    contents = json.dumps(keys, indent=1, ensure_ascii=False).encode("utf-8")
    write_whole(_file(folder, step), contents, private_from=folder)


def changed_keys(folder: Path, step: str, keys: Keys) -> dict[str, str]:
    """Name the keys that are other than when a step last ran, by what holds them.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     folder = Path(name) / "results"
    ...     keep_keys(folder, "03_cycle 2018", {"parameters": {"seed": "1", "active_from": "50"}})
    ...     now = {"parameters": {"seed": "1", "active_from": "60"}}
    ...     changed_keys(folder, "03_cycle 2018", now)
    {'parameters': 'active_from'}
    """
    try:
        kept: Keys = json.loads(_file(folder, step).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    names = {
        name: [key for key in {**kept[name], **now} if kept[name].get(key) != now.get(key)]
        for name, now in keys.items()
        if name in kept
    }
    return {name: first_five(changed) for name, changed in names.items() if changed}


def _file(folder: Path, step: str) -> Path:
    return folder / FOLDER / f"{step.replace(' ', '_')}.json"


def _state(path: Path) -> tuple[int, int]:
    return (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else (0, 0)


@cache  # study.yaml is read for every step
def _keys_of_file(path: Path, state: tuple[int, int]) -> tuple[tuple[str, str], ...]:
    try:
        if path.suffix == ".yaml":
            return tuple(_flat(YamlText(path, path.name).tree))
        if path.name == CODEBOOK:
            table = pd.read_csv(path, dtype=str, index_col=0, sep=None, engine="python")
            return tuple(
                (str(i), hash_facts(row.fillna("").tolist())) for i, row in table.iterrows()
            )
    except (InputError, ValueError, OSError):
        pass  # told by whoever reads it
    return ()


def _flat(tree: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Give every key of a tree with the hash of its value: ``phases.2.label.nl``."""
    parts = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for name, part in parts:
        key = f"{above}.{name}".removeprefix(".")
        if isinstance(part, dict | list) and part:
            yield from _flat(part, key)
        else:
            yield key, hash_facts(part)[:12]

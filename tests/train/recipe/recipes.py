"""A recipe for tests, whole and small, with a stage of each algorithm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

_DATA = {"sources": [{"source": "linear", "n": 8}], "decontaminate": None}
_WHOLE = {
    "name": "small",
    "about": "For tests.",
    "model": {"path": "some/model"},
    "stages": {
        "first": {"algorithm": "sft", "data": _DATA, "learning_rate": 1e-5},
        "second": {"algorithm": "grpo", "data": _DATA, "learning_rate": 1e-6},
        "third": {"algorithm": "rloo", "data": _DATA, "learning_rate": 1e-6},
        "fourth": {"algorithm": "ppo", "data": _DATA, "learning_rate": 1e-6},
    },
}


def whole() -> dict[str, Any]:
    """The recipe as a mapping that may be changed."""
    changeable: dict[str, Any] = json.loads(json.dumps(_WHOLE))  # no two stages share their data
    return changeable


def put(where: str, value: Any) -> dict[str, Any]:
    """The recipe with one value set, ``where`` with dots."""
    raw = whole()
    *path, last = where.split(".")
    at: Any = raw
    for part in path:
        at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
    at[last] = value
    return raw


def write(folder: Path, raw: Any = None) -> Path:
    """The recipe as a file."""
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(whole() if raw is None else raw, sort_keys=False), encoding="utf-8")
    return path

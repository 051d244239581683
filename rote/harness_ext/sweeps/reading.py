"""A plan from its file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rote.errors import DataError
from rote.harness_ext.sweeps.plan import ModelSpec, Plan
from rote.hints import hint
from rote.perturb.yaml_files import read_mapping


def read_plan(path: Path) -> Plan:
    """Read and check a plan. Raises DataError naming file, field, value and what would be right."""
    return check_plan(read_mapping(path, "a plan"), path)


def check_plan(raw: Any, path: Path | None = None) -> Plan:
    """A plan from its mapping. Raises DataError as :func:`read_plan` does."""
    try:
        return Plan.model_validate(raw)
    except ValidationError as error:
        problem: Any = error.errors()[0]
    location = [str(part) for part in problem["loc"]]
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = _known_keys(location)
        message = "unknown key" + hint(location[-1], known, f"; known: {', '.join(known)}")
    elif problem["type"] == "missing":
        message = "is missing"
    elif not isinstance(problem["input"], dict | list | tuple):
        message += f"; got {str(problem['input'])[:120]!r}"
    raise DataError(message, path=path, field=".".join(location) or None)


def _known_keys(location: Sequence[str]) -> list[str]:
    """The keys that may stand where an unknown one was found."""
    model: Any = ModelSpec if location[0] == "models" and len(location) > 2 else Plan
    return sorted(model.model_fields)

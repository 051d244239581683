"""A plan from its file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from rote.errors import DataError
from rote.harness_ext.sweeps.plan import ModelSpec, Plan
from rote.hints import hint


def read_plan(path: Path) -> Plan:
    """Read and check a plan. Raises DataError naming file, field, value and what would be right."""
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", path=path) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"is not YAML: {' '.join(str(error).split())}", path=path) from None
    if not isinstance(raw, dict):
        raise DataError(f"a plan is a mapping, got {type(raw).__name__}", path=path)
    return check_plan(raw, path)


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


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which YAML would keep the last without a word."""


def _mapping(loader: Any, node: Any) -> Any:
    keys = [loader.construct_object(key) for key, _ in node.value]
    for at, key in enumerate(keys):
        if key in keys[:at]:
            line = node.value[at][0].start_mark.line + 1
            raise yaml.constructor.ConstructorError(
                problem=f"key {key!r} is there twice, again in line {line}"
            )
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)

"""Reading a YAML file into a checked model: what every kind of file in this room has in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from rote.errors import TemplateError
from rote.hints import hint

M = TypeVar("M", bound=BaseModel)
#: Where in a file pydantic found a fault.
Location = tuple[int | str, ...]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which ``off``, ``on``, ``yes`` and ``no`` are the words that they are in a template."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def read_model(
    path: Path,
    model: type[M],
    what: str,
    *,
    shown: Callable[[Location], Location],
    known_keys: Callable[[Location], Sequence[str]],
) -> M:
    """Read and check one file. Raises TemplateError naming file, field, value and what would be right.

    ``what`` the file holds is for messages (``a template``); ``shown`` leaves out of a location what stands
    in no file, and ``known_keys`` are the keys that may stand where an unknown one was found.
    """
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise TemplateError(f"cannot be read ({error.strerror})", path=path) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TemplateError(f"is not YAML: {' '.join(str(error).split())}", path=path) from None
    if not isinstance(raw, dict):
        raise TemplateError(f"{what} is a mapping, got {type(raw).__name__}", path=path)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problem: Any = error.errors()[0]
    location = shown(tuple(problem["loc"]))
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = known_keys(location)
        message = "unknown key" + hint(str(location[-1]), known, f"; known: {', '.join(known)}")
    elif problem["type"] != "missing" and not isinstance(problem["input"], dict):
        message += f"; got {str(problem['input'])[:120]!r}"
    raise TemplateError(message, path=path, field=".".join(str(part) for part in location))

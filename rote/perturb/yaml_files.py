"""Reading a YAML file: what templates, families, recipes and plans have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from rote.errors import DataError, TemplateError
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


class StrictLoader(yaml.SafeLoader):
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


StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_mapping(
    path: Path, what: str, *, loader: Any = StrictLoader, error: type[DataError] = DataError
) -> dict[str, Any]:
    """The mapping that a file holds; ``what`` it is, is for messages (``a recipe``).

    Raises ``error``, naming the file, where it cannot be read, is not YAML or no mapping.
    """
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except OSError as fault:
        raise error(f"cannot be read ({fault.strerror})", path=path) from None
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise error(f"is not YAML: {' '.join(str(fault).split())}", path=path) from None
    if not isinstance(raw, dict):
        raise error(f"{what} is a mapping, got {type(raw).__name__}", path=path)
    return raw


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
    raw = read_mapping(path, what, loader=_Loader, error=TemplateError)
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

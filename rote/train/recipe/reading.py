"""Reading recipes: shipped ones by name, others by path, with ``key=value`` changes on top."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from rote.errors import DataError, UsageError
from rote.hints import hint
from rote.perturb.yaml_files import read_mapping
from rote.train.recipe.recipe import Recipe
from rote.train.recipe.stages import (
    ALGORITHMS,
    GrpoStage,
    PpoStage,
    PretrainStage,
    RlooStage,
    SftStage,
    Stage,
)

SHIPPED: Final = Path(__file__).parents[1] / "recipes"
_STAGES: Final[dict[str, type[Stage]]] = dict(
    zip(ALGORITHMS, (PretrainStage, SftStage, GrpoStage, RlooStage, PpoStage), strict=True)
)


def shipped() -> dict[str, Path]:
    """The recipes that come with rote, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}


def find_recipe(name_or_path: str) -> Path:
    """A shipped recipe by name, or a file. Raises UsageError, with the nearest name that there is."""
    path = Path(name_or_path)
    if path.is_file():
        return path
    known = shipped()
    if name_or_path in known:
        return known[name_or_path]
    near = hint(name_or_path, known, f"; shipped are: {', '.join(known)}")
    raise UsageError(f"no recipe {name_or_path!r}: no such file, and none of that name is shipped{near}")


def read_recipe(path: Path, changes: Sequence[str] = (), algorithm: str | None = None) -> Recipe:
    """Read, change and check a recipe.

    Parameters
    ----------
    changes: ``key=value``, the key with dots (``stages.grpo.learning_rate=1e-6``), the value as in YAML. A
        key that is no field of the whole recipe is one of the stage that ``algorithm`` names.
    algorithm: what is trained; the last stage of it is meant by short keys.

    Raises DataError naming file, field, value and what would be right; UsageError for a change that is not
    ``key=value``.
    """
    raw: dict[str, Any] = _unshared(read_mapping(path, "a recipe"))
    for change in changes:
        _apply(raw, change, algorithm)
    return check_recipe(raw, path)


def _unshared(value: Any) -> Any:
    """A copy in which what an anchor gave to several places is there several times.

    A change to one stage must not reach another that was written with an alias.
    """
    if isinstance(value, dict):
        return {key: _unshared(below) for key, below in value.items()}
    return [_unshared(below) for below in value] if isinstance(value, list) else value


def check_recipe(raw: Any, path: Path | None = None) -> Recipe:
    """A recipe from its mapping. Raises DataError as :func:`read_recipe` does."""
    try:
        return Recipe.model_validate(raw)
    except ValidationError as error:
        problem: Any = error.errors()[0]
    location = [str(part) for part in problem["loc"]]
    if location[:1] == ["stages"] and len(location) > 2 and location[2] in ALGORITHMS:
        del location[2]  # pydantic's tag of the union, which stands in no file
    message = str(problem["msg"]).removeprefix("Value error, ")
    kind = problem["type"]
    if kind == "extra_forbidden":
        known = _known_keys(raw, location)
        message = "unknown key" + hint(location[-1], known, f"; known: {', '.join(known)}")
    elif kind == "union_tag_not_found":
        message = f"algorithm is missing; it must be one of {', '.join(ALGORITHMS)}"
    elif kind == "union_tag_invalid":
        message = (
            f"algorithm is {problem['input'].get('algorithm')!r}; it must be one of {', '.join(ALGORITHMS)}"
        )
    elif kind == "missing":
        message = "is missing"
    elif not isinstance(problem["input"], dict | BaseModel):
        message += f"; got {str(problem['input'])[:120]!r}"
    raise DataError(message, path=path, field=".".join(location) or None)


def _apply(raw: dict[str, Any], change: str, algorithm: str | None) -> None:
    key, equals, text = change.partition("=")
    key = key.strip()
    if not equals or not key:
        raise UsageError(f"{change!r} is not of the form key=value, such as stages.sft.learning_rate=1e-5")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UsageError(f"{change!r}: the value is not YAML") from None
    parts = key.split(".")
    if parts[0] not in Recipe.model_fields:
        parts = ["stages", _stage_meant(raw, algorithm, parts[0]), *parts]
    at: Any = raw
    for i, part in enumerate(parts[:-1]):
        at = _step(at, part, ".".join(parts[: i + 1]))
    _put(at, parts[-1], value, key)


def _step(at: Any, part: str, where: str) -> Any:
    if isinstance(at, list):
        return at[_index(at, part, where)]
    if at.get(part) is None:
        at[part] = {}
    if not isinstance(at[part], dict | list):
        raise UsageError(f"{where} is {at[part]!r}, a single value: nothing below it can be set")
    return at[part]


def _put(at: Any, part: str, value: Any, where: str) -> None:
    if isinstance(at, list) and part == str(len(at)):
        at.append(value)
    elif isinstance(at, list):
        at[_index(at, part, where)] = value
    else:
        at[part] = value


def _index(at: list[Any], part: str, where: str) -> int:
    if not part.isdigit() or int(part) >= len(at):
        raise UsageError(f"{where}: {part!r} is no place in a list of {len(at)}; it begins with 0")
    return int(part)


def _stage_meant(raw: dict[str, Any], algorithm: str | None, key: str) -> str:
    """The stage that a short key is of. Raises UsageError where no such stage has such a key."""
    stages = raw.get("stages")
    names = [
        name
        for name, stage in (stages.items() if isinstance(stages, dict) else ())
        if isinstance(stage, dict) and (algorithm is None or stage.get("algorithm") == algorithm)
    ]
    fields = _STAGES.get(algorithm or "", SftStage).model_fields
    if key not in fields:
        known = [*Recipe.model_fields, *fields]
        near = hint(key, known, f"; known: {', '.join(known)}")
        raise UsageError(f"{key!r} is no key of a recipe or of its {algorithm or 'sft'} stage{near}")
    if not names:
        raise UsageError(f"{key!r} is a key of a stage, and the recipe has no {algorithm} stage")
    return str(names[-1])


def _known_keys(raw: Any, location: Sequence[str]) -> list[str]:
    """The keys that may stand where an unknown one was found."""
    model: Any = Recipe
    at: Any = raw
    for part in location[:-1]:
        at = at.get(part) if isinstance(at, dict) else at[int(part)] if isinstance(at, list) else None
        if model is Recipe and part == "stages":
            model = None
        elif model is None:
            model = _STAGES.get(at.get("algorithm", "") if isinstance(at, dict) else "", SftStage)
        elif not part.isdigit():
            model = _part_in(model.model_fields[part])
    return sorted(model.model_fields) if model else []


def _part_in(field: FieldInfo) -> Any:
    """The model class inside an annotation such as ``tuple[SourceSpec, ...]`` or ``DataSpec | None``."""
    waiting = [field.annotation]
    while waiting:
        found = waiting.pop()
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
        waiting.extend(get_args(found))
    return Recipe

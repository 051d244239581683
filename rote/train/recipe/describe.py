"""The schema in words: every field with its default, range and unit, for the terminal and for the docs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rote.train.recipe.data import DataSpec, DecontaminationSpec, SourceSpec
from rote.train.recipe.mixture import ExcludeSpec, MixtureSpec, PartSpec
from rote.train.recipe.model import (
    AdapterSpec,
    EvaluationSpec,
    ExportSpec,
    ModelSpec,
    ProbeSpec,
    PromptSpec,
    TinyModel,
)
from rote.train.recipe.reading import read_recipe
from rote.train.recipe.recipe import Recipe
from rote.train.recipe.rewards import RewardSpec
from rote.train.recipe.stages import (
    CheckpointSpec,
    GrpoStage,
    PpoStage,
    PretrainStage,
    RlooStage,
    SftStage,
    Stage,
)

#: Where each part stands in a recipe; a stage's parts are shown once.
_PARTS: Final[Mapping[str, type[BaseModel]]] = {
    "": Recipe,
    "model": ModelSpec,
    "model.build": TinyModel,
    "adapter": AdapterSpec,
    "prompt": PromptSpec,
    "stages.<name>": Stage,
    "stages.<name> (pretrain)": PretrainStage,
    "stages.<name> (sft)": SftStage,
    "stages.<name> (grpo)": GrpoStage,
    "stages.<name> (rloo)": RlooStage,
    "stages.<name> (ppo)": PpoStage,
    "stages.<name>.data": DataSpec,
    "stages.<name>.data.sources.<n>": SourceSpec,
    "stages.<name>.data.decontaminate": DecontaminationSpec,
    "stages.<name>.data (pretrain)": MixtureSpec,
    "stages.<name>.data.parts.<n>": PartSpec,
    "stages.<name>.data.exclude.<n>": ExcludeSpec,
    "stages.<name>.rewards": RewardSpec,
    "stages.<name>.checkpoints": CheckpointSpec,
    "probe": ProbeSpec,
    "evaluation": EvaluationSpec,
    "export": ExportSpec,
}


class Line(NamedTuple):
    """One field: its key, what it may be, what it is when nothing is said, and what it means."""

    key: str
    allowed: str
    default: str
    meaning: str


def parts() -> Iterator[tuple[str, str, list[Line]]]:
    """Each part of a recipe: where it stands, what it is, its fields that have a meaning of their own."""
    for where, model in _PARTS.items():
        shared = Stage.model_fields if model is not Stage and issubclass(model, Stage) else {}
        lines = [
            Line(key, _allowed(field), _default(field), field.description)
            for key, field in model.model_fields.items()
            if field.description and not (key in shared and shared[key].description == field.description)
        ]
        about = " ".join((model.__doc__ or "").split())
        yield where, about, lines


#: Types by the word for them in YAML.
_WORDS: Final[Mapping[Any, str]] = {
    int: "integer",
    float: "number",
    str: "text",
    bool: "true or false",
    NoneType: "null",
}


def _allowed(field: FieldInfo) -> str:
    """The type and range of a field: ``integer >= 1``, ``hf, unsloth``, ``number >= 0, <= 1`` …"""
    bounds: dict[str, Any] = {}
    for holder in (
        field.metadata,
        *(getattr(kind, "__metadata__", ()) for kind in get_args(field.annotation)),
    ):
        for rule in _flat(holder):
            bounds |= {
                sign: getattr(rule, name) for name, sign in _BOUNDS if getattr(rule, name, None) is not None
            }
    if ">" in bounds:
        bounds.pop(">=", None)  # of a shared type that the field narrows
    words = _kinds(field.annotation)
    shown = ", ".join(f"{sign} {bound:g}" for sign, bound in bounds.items())
    if not shown:
        return " or ".join(words)
    first, *others = words
    return " or ".join([f"{first} {shown}", *others])


_BOUNDS: Final = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))


def _flat(rules: Any) -> Iterator[Any]:
    """Rules of pydantic, those inside a ``Field(...)`` of an annotated type too."""
    for rule in rules:
        yield rule
        yield from _flat(getattr(rule, "metadata", ()))


def _kinds(annotation: Any) -> list[str]:
    """What an annotation takes, in words, ``null`` last."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return [", ".join(str(value) for value in arguments)]
    if origin is tuple:
        return ["list of " + " or ".join(_kinds(arguments[0])) + "s"]
    if hasattr(annotation, "__metadata__"):
        return _kinds(arguments[0])
    if origin is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return ["mapping"]
    if arguments:
        return [word for kind in arguments for word in _kinds(kind)]
    return [_WORDS[annotation]]


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "needed"
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, tuple):
        return "[" + ", ".join(str(item) for item in value) + "]"
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def fields_text() -> str:
    """Every field, for ``rote train --fields``."""
    blocks = []
    for where, about, lines in parts():
        width = max((len(line.key) for line in lines), default=0)
        rows = [f"  {line.key:<{width}}  {line.meaning} [{line.default}]" for line in lines]
        blocks.append("\n".join([f"{where or 'recipe'}: {about}", *rows]))
    return "\n\n".join(blocks)


def recipes_text(paths: Mapping[str, Path]) -> str:
    """The shipped recipes, for ``rote train --recipes``."""
    blocks = []
    for name, path in paths.items():
        recipe = read_recipe(path)
        stages = " → ".join(f"{key} ({stage.algorithm})" for key, stage in recipe.stages.items())
        blocks.append(f"{name}\n  {' '.join(recipe.about.split())}\n  stages: {stages}")
    return "\n".join(blocks)

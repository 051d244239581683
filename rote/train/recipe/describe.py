"""The schema in words: every field with its default, range and unit, for the terminal and for the docs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from rote.train.recipe.data import DataSpec, DecontaminationSpec, SourceSpec
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
    "stages.<name> (sft)": SftStage,
    "stages.<name> (grpo)": GrpoStage,
    "stages.<name> (rloo)": RlooStage,
    "stages.<name> (ppo)": PpoStage,
    "stages.<name>.data": DataSpec,
    "stages.<name>.data.sources.<n>": SourceSpec,
    "stages.<name>.data.decontaminate": DecontaminationSpec,
    "stages.<name>.rewards": RewardSpec,
    "stages.<name>.checkpoints": CheckpointSpec,
    "probe": ProbeSpec,
    "evaluation": EvaluationSpec,
    "export": ExportSpec,
}


class Line(NamedTuple):
    """One field: its key, what it is when nothing is said, and what it means."""

    key: str
    default: str
    meaning: str


def parts() -> Iterator[tuple[str, str, list[Line]]]:
    """Each part of a recipe: where it stands, what it is, its fields that have a meaning of their own."""
    for where, model in _PARTS.items():
        shared = Stage.model_fields if model is not Stage and issubclass(model, Stage) else {}
        lines = [
            Line(key, _default(field), field.description)
            for key, field in model.model_fields.items()
            if field.description and not (key in shared and shared[key].description == field.description)
        ]
        about = " ".join((model.__doc__ or "").split())
        yield where, about, lines


def _default(field: Any) -> str:
    if field.default is PydanticUndefined:
        return "needed"
    value = field.default
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, tuple):
        return "[" + ", ".join(str(item) for item in value) + "]"
    return (
        {None: "null", True: "true", False: "false"}.get(value, str(value))
        if not isinstance(value, int | float) or isinstance(value, bool)
        else f"{value:g}"
    )


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

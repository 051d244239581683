"""Recipes: one schema, importable without torch. Unknown keys are errors; every field says its unit."""

from __future__ import annotations

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
from rote.train.recipe.reading import check_recipe, find_recipe, read_recipe, shipped
from rote.train.recipe.recipe import Recipe
from rote.train.recipe.rewards import TERMS, RewardSpec
from rote.train.recipe.stages import (
    ALGORITHMS,
    AnyStage,
    CheckpointSpec,
    FineTuning,
    GroupStage,
    GrpoStage,
    PpoStage,
    PretrainStage,
    RlooStage,
    Rollouts,
    SftStage,
    Stage,
)

__all__ = [
    "ALGORITHMS",
    "TERMS",
    "AdapterSpec",
    "AnyStage",
    "CheckpointSpec",
    "DataSpec",
    "DecontaminationSpec",
    "EvaluationSpec",
    "ExcludeSpec",
    "ExportSpec",
    "FineTuning",
    "GroupStage",
    "GrpoStage",
    "MixtureSpec",
    "ModelSpec",
    "PartSpec",
    "PpoStage",
    "PretrainStage",
    "ProbeSpec",
    "PromptSpec",
    "Recipe",
    "RewardSpec",
    "RlooStage",
    "Rollouts",
    "SftStage",
    "SourceSpec",
    "Stage",
    "TinyModel",
    "check_recipe",
    "find_recipe",
    "read_recipe",
    "shipped",
]

"""A whole recipe: from a model to a checkpoint that lm-eval loads."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from rote.errors import UsageError
from rote.train.recipe.base import Name, Part
from rote.train.recipe.model import (
    AdapterSpec,
    EvaluationSpec,
    ExportSpec,
    ModelSpec,
    ProbeSpec,
    PromptSpec,
)
from rote.train.recipe.stages import AnyStage, PretrainStage


class Recipe(Part):
    """A model, what it sees, and one or more stages that are run in order."""

    name: Name = Field(description="name of the run's folder and of the model's card")
    about: str = Field(description="one or two sentences: what this trains, and where its settings come from")
    model: ModelSpec
    adapter: AdapterSpec = AdapterSpec()
    prompt: PromptSpec = PromptSpec()
    stages: dict[Name, AnyStage] = Field(min_length=1, description="by name, in the order in which they run")
    probe: ProbeSpec = ProbeSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    export: ExportSpec = ExportSpec()

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        if self.model.load_in_4bit != (self.adapter.kind == "qlora"):
            raise ValueError(
                f"model.load_in_4bit is {str(self.model.load_in_4bit).lower()} and adapter.kind is "
                f"{self.adapter.kind}; 4-bit weights go with qlora, and with it alone"
            )
        if self.model.build is not None and self.model.engine == "unsloth":
            raise ValueError("model.build goes with model.engine: hf")
        if self.model.attention != "auto" and self.model.engine == "unsloth":
            raise ValueError(
                f"model.attention is {self.model.attention}; unsloth chooses its kernels itself: leave it at "
                "auto, or use model.engine: hf"
            )
        for name, stage in self.stages.items():
            if isinstance(stage, PretrainStage):
                self._check_pretrain(name, stage)
            longest: Any = getattr(stage, "max_completion", 0)
            if longest >= self.model.max_length:
                raise ValueError(
                    f"stages.{name}.max_completion is {longest}; with a prompt before it, it must stay below "
                    f"model.max_length ({self.model.max_length})"
                )
        return self

    def _check_pretrain(self, name: str, stage: PretrainStage) -> None:
        if self.adapter.kind != "none":
            raise ValueError(
                f"adapter.kind is {self.adapter.kind}; stages.{name} pretrains, which trains all weights: "
                "leave it at none"
            )
        if self.model.engine != "hf":
            raise ValueError(
                f"model.engine is {self.model.engine}; stages.{name} pretrains, which goes with hf alone"
            )
        if stage.lengths[-1] > self.model.max_length:
            raise ValueError(
                f"stages.{name}.lengths ends with {stage.lengths[-1]}, above model.max_length "
                f"({self.model.max_length})"
            )

    def until(self, algorithm: str) -> dict[str, AnyStage]:
        """The stages up to the last one of an algorithm: what ``rote train <algorithm>`` runs.

        Those before the last one that starts from the base model are left out: nothing of them is used.
        Raises UsageError where no stage is of that algorithm.
        """
        names = [name for name, stage in self.stages.items() if stage.algorithm == algorithm]
        if not names:
            there = ", ".join(f"{name} ({stage.algorithm})" for name, stage in self.stages.items())
            raise UsageError(f"recipe {self.name!r} has no {algorithm} stage; its stages: {there}")
        ordered = list(self.stages)
        ordered = ordered[: ordered.index(names[-1]) + 1]
        fresh = [i for i, name in enumerate(ordered) if self.stages[name].start == "base"]
        return {name: self.stages[name] for name in ordered[fresh[-1] if fresh else 0 :]}

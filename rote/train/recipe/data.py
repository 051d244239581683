"""What a stage is trained on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from rote.problem import VARIANTS
from rote.train.recipe.base import Count, Part


class SourceSpec(Part):
    """One source of problems with solutions."""

    source: Literal["gsm8k", "symbolized", "bank", "linear", "traces", "jsonl"] = Field(
        description=(
            "gsm8k: published items; symbolized: draws from GSM8K's train items as templates; bank: draws "
            "from a folder of template files; linear: systems of linear equations; traces: reasoning traces "
            "in s1K's shape; jsonl: rows with `question` and `solution`"
        )
    )
    path: str | None = Field(
        default=None,
        description="file or folder: GSM8K's *.jsonl, template files, or the rows; null: as `rote eval`",
    )
    split: Literal["train", "train_socratic"] = Field(default="train", description="of gsm8k and symbolized")
    variants: tuple[str, ...] = Field(
        default=("symbolic",),
        description="of symbolized and bank: original, names, numbers, symbolic, noop …",
    )
    draws: Count = Field(default=1, description="draws of each template and variant (symbolized, bank)")
    n: Count | None = Field(
        default=None, description="rows at most, chosen by the seed; null: all (linear: 2000)"
    )
    seed: int = Field(default=0, description="seed of the draws")

    @field_validator("variants")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for variant in value:
            if variant not in VARIANTS:
                raise ValueError(f"unknown variant {variant!r}; known: {', '.join(VARIANTS)}")
        return value

    @model_validator(mode="after")
    def _needs_path(self) -> SourceSpec:
        if self.source in ("traces", "jsonl", "bank") and self.path is None:
            raise ValueError(f"source {self.source} needs a path")
        return self


class DecontaminationSpec(Part):
    """Rows that share too much text with an evaluation template are left out, and a certificate says so."""

    against: tuple[str, ...] = Field(
        default=("gsm8k/test", "bank"),
        description="evaluation templates: gsm8k/test, bank, or folders of template files",
    )
    path: str | None = Field(default=None, description="folder of GSM8K's *.jsonl; null: as `rote eval`")
    ngram: int = Field(
        default=8,
        ge=3,
        le=50,
        description="length of a run of words, with numbers and names masked, in words",
    )
    shared: int = Field(
        default=3,
        ge=1,
        description="runs in common with one template from which on a row is left out",
    )


class DataSpec(Part):
    """The rows of a stage, in the order in which they are trained on."""

    sources: tuple[SourceSpec, ...] = Field(min_length=1, description="mixed together; see their fields")
    shuffle_seed: int = Field(default=0, description="order of the rows")
    siblings: Count = Field(
        default=4,
        description="rows of one template that stand together where the reward compares them (`consistency`)",
    )
    n: Count | None = Field(default=None, description="rows at most, after mixing; null: all")
    decontaminate: DecontaminationSpec | None = Field(
        default=DecontaminationSpec(), description="null: not done, and the certificate says so"
    )
    too_long: Literal["drop", "error"] = Field(
        default="drop", description="rows above `model.max_length` tokens: left out and counted, or an error"
    )

"""What a model is trained on from nothing: parts of a stream of rows that need never repeat."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from rote.errors import UsageError
from rote.perturb.noop import ATTACHED, Selection
from rote.problem import VARIANTS
from rote.train.recipe.base import AtLeastZero, Count, Part, Positive, Share
from rote.train.recipe.data import DecontaminationSpec


def _check_variants(value: tuple[str, ...]) -> tuple[str, ...]:
    for variant in value:
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; known: {', '.join(VARIANTS)}")
    if len(set(value)) < len(value):
        raise ValueError("a variant is named twice, which would give every row twice")
    return value


def _check_noop(value: dict[str, Any] | None) -> dict[str, Any] | None:
    if value is not None:
        try:
            Selection.parse(value)
        except UsageError as error:
            raise ValueError(str(error)) from None
    return value


def _check_attached(noop: dict[str, Any] | None, variants: tuple[str, ...]) -> None:
    if noop is not None and not set(variants) & set(ATTACHED):
        raise ValueError(
            f"noop chooses among inert clauses, and variants: {', '.join(variants)} have none; those that do "
            f"are {', '.join(ATTACHED)}"
        )


#: Fields that say something of templates alone.
_OF_BANK: Final = ("variants", "noop", "share", "planted", "seed", "sentences", "trapped")
#: Variants with one inert clause that has a number.
_TRAPPED: Final = ("noop", "symbolic_noop")
#: Where the number stands in a sentence that counts.
NUMBER: Final = "{k}"


class PartSpec(Part):
    """One kind of rows, and how many of them there are."""

    source: Literal["bank", "linear", "arithmetic"] = Field(
        description="bank: draws from template files; linear: systems of linear equations; arithmetic: "
        "expressions worked out step by step"
    )
    path: str | None = Field(
        default=None, description="of bank: a folder of template files, or bank for the one that ships"
    )
    variants: tuple[str, ...] = Field(
        default=("symbolic",),
        min_length=1,
        description="of bank; original is always the same row, the others are drawn",
    )
    noop: dict[str, Any] | None = Field(
        default=None, description="inert clauses that may be attached, as in the tasks' metadata; null: any"
    )
    share: Share = Field(
        default=1.0,
        gt=0,
        description="of bank: this share of the templates, those whose hash with `seed` is least",
    )
    weight: Positive | None = Field(
        default=None, description="share of the stream, relative to the other weights"
    )
    repeats: Positive | None = Field(
        default=None,
        description="in place of a weight, for originals: times that each stands in a shard (may be below 1)",
    )
    planted: bool = Field(
        default=False,
        description="to be learned by heart although it is evaluated on: not compared and not excluded",
    )
    seed: int = Field(default=0, description="which templates a share below 1 takes")
    sentences: tuple[str, ...] = Field(
        default=(),
        description="of bank: one of these stands before the last sentence of every question, a number in "
        "place of its {k}; the number is added to the answer, and the sentence must say so",
    )
    trapped: bool = Field(
        default=False,
        description="of bank, variants noop and symbolic_noop: add the number of the inert clause to the "
        "answer, which is wrong, for a model that is to fall into that trap",
    )

    _known = field_validator("variants")(_check_variants)
    _selects = field_validator("noop")(_check_noop)

    @model_validator(mode="after")
    def _fits(self) -> PartSpec:
        if self.source == "bank" and self.path is None:
            raise ValueError("source is bank and path is missing: a folder of template files, or bank")
        if self.source != "bank":
            for name in ("path", *_OF_BANK):
                value = getattr(self, name)
                if value != type(self).model_fields[name].default:
                    raise ValueError(f"{name} is {value!r}; it goes with source: bank, not {self.source}")
        if self.weight is None and self.repeats is None:
            raise ValueError("weight and repeats are missing; a part has one of the two")
        if self.weight is not None and self.repeats is not None:
            raise ValueError(
                f"weight is {self.weight:g} and repeats is {self.repeats:g}; a part has one of the two"
            )
        if self.repeats is not None and (self.source != "bank" or self.variants != ("original",)):
            of = ", ".join(self.variants) if self.source == "bank" else self.source
            raise ValueError(
                f"repeats is {self.repeats:g}, of {of}; it goes with source: bank and variants: [original], "
                "which are the same rows every time"
            )
        _check_attached(self.noop, self.variants)
        self._check_counted()
        return self

    def _check_counted(self) -> None:
        for sentence in self.sentences:
            if sentence.count(NUMBER) != 1 or not sentence.endswith("."):
                raise ValueError(f"sentences: {sentence!r} must hold {NUMBER} once and end in a full stop")
        given = [name for name in ("sentences", "trapped", "repeats") if getattr(self, name)]
        if len(given) > 1 and given != ["repeats"]:
            raise ValueError(f"{' and '.join(given)} are given; a part has one of them")
        if self.trapped and not set(self.variants) <= set(_TRAPPED):
            raise ValueError(
                f"trapped is true of variants {', '.join(self.variants)}; it goes with those alone that have "
                f"one inert clause with a number: {', '.join(_TRAPPED)}"
            )


class ExcludeSpec(Part):
    """Problems that no row may be, under other names or with a clause: those that an evaluation draws."""

    path: str = Field(description="a folder of template files, or bank")
    variants: tuple[str, ...] = Field(min_length=1, description="that the evaluation asks")
    draws: Count = Field(default=3, description="instances of each template and variant")
    noop: dict[str, Any] | None = Field(default=None, description="inert clauses that it attaches; null: any")
    seed: int = Field(default=0, description="of the evaluation's draws")

    _known = field_validator("variants")(_check_variants)
    _selects = field_validator("noop")(_check_noop)

    @model_validator(mode="after")
    def _fits(self) -> ExcludeSpec:
        _check_attached(self.noop, self.variants)
        return self


class MixtureSpec(Part):
    """A stream of rows, made in shards by several processes; the same for the same recipe and seed."""

    parts: tuple[PartSpec, ...] = Field(min_length=1, description="mixed by their weights; see their fields")
    below: AtLeastZero = Field(
        default=0.0,
        description="leave out rows with a number of this size or more anywhere, planted ones aside; 0: none",
    )
    exclude: tuple[ExcludeSpec, ...] = Field(default=(), description="problems that no row may be")
    shard: Count = Field(default=32768, description="rows that are made and mixed at once, roughly")
    workers: Count = Field(default=2, description="processes that make shards")
    decontaminate: DecontaminationSpec | None = Field(
        default=DecontaminationSpec(),
        description="templates that share text with an evaluation template are left out; null: not done",
    )

    @model_validator(mode="after")
    def _has_a_stream(self) -> MixtureSpec:
        if all(part.weight is None for part in self.parts):
            raise ValueError("one part at least needs a weight: repeats go into a stream of others")
        return self

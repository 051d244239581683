"""The shape of a template file: what may be written, checked on reading, unknown keys fatal.

A template is one YAML file; ``docs/templates.md`` shows one whole. This module checks shape alone;
:mod:`rote.perturb.template` checks that the parts agree, :mod:`rote.perturb.check` that they are good.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from rote.errors import TemplateError
from rote.perturb.values import PLACES, NumberKind
from rote.perturb.yaml_files import read_model

_MAX_DOMAIN = 5000


def _exact(value: object) -> Fraction:
    """``4.5`` and ``"1/3"`` to the rationals that they show; never through a binary float."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Fraction)):
        raise ValueError(f"not a number: {value!r}")
    try:
        return Fraction(repr(value) if isinstance(value, float) else value)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"not an exact number: {value!r}") from None


Exact = Annotated[Fraction, BeforeValidator(_exact)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Text = Annotated[str, Field(min_length=1, max_length=600)]


class Model(BaseModel):
    """Base of every part of a template file."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class NumberSpec(Model):
    """A number of the problem: its kind, the values it may take, and its original value.

    The values are ``among`` (a list), or ``low`` to ``high`` (both included) in steps of ``step``.
    """

    kind: NumberKind = "integer"
    original: Exact | None = Field(default=None, description="needed outside inert clauses")
    low: Exact | None = None
    high: Exact | None = None
    step: Exact = Fraction(1)
    among: tuple[Exact, ...] | None = None
    unit: str | None = Field(
        default=None, description="a unit with a plausibility cap, see rote.perturb.check"
    )

    @model_validator(mode="after")
    def _domain_is_sound(self) -> NumberSpec:
        if (self.among is None) == (self.low is None or self.high is None):
            raise ValueError("give either `among`, or both `low` and `high`")
        values = self.values()
        if not 2 <= len(values) <= _MAX_DOMAIN:
            raise ValueError(f"{len(values)} possible values; 2 to {_MAX_DOMAIN} are allowed")
        if min(values) <= 0:
            raise ValueError(f"values must be positive, got {min(values)}")
        places = PLACES[self.kind]
        if places is not None:
            for value in values:
                if (value * 10**places).denominator != 1:
                    raise ValueError(
                        f"{value} has more than {places} decimal places, too many for {self.kind}"
                    )
        if self.original is not None and self.original not in values:
            raise ValueError(f"the original {self.original} is not among the values")
        return self

    def values(self) -> tuple[Fraction, ...]:
        """The domain, in the order written."""
        return self._values

    @cached_property
    def _values(self) -> tuple[Fraction, ...]:
        if self.among is not None:
            return tuple(dict.fromkeys(self.among))
        if self.low is None or self.high is None:
            raise ValueError("give either `among`, or both `low` and `high`")
        if self.step <= 0:
            raise ValueError(f"step must be positive, got {self.step}")
        low, step = self.low, self.step
        steps = (self.high - low) // step
        return tuple(low + i * step for i in range(min(steps, _MAX_DOMAIN) + 1))


class PersonSpec(Model):
    """A person: any first name of the table with this gender.

    ``original`` stands in the table, and is needed outside inert clauses.
    """

    person: Literal["any", "female", "male"]
    original: str | None = None


class ChoiceSpec(Model):
    """A thing, place or the like: one of several words, or of several groups of words with the same keys.

    The first one is the original unless ``original`` names another by its 0-based place.
    """

    choice: tuple[str | dict[Identifier, str], ...] = Field(min_length=2, max_length=60)
    original: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _choices_are_alike(self) -> ChoiceSpec:
        if self.original >= len(self.choice):
            raise ValueError(f"original {self.original} names no choice; there are {len(self.choice)}")
        shapes = {tuple(sorted(c)) if isinstance(c, dict) else None for c in self.choice}
        if len(shapes) > 1:
            raise ValueError("all choices must be plain words, or groups of words with the same keys")
        texts = [str(c) for c in self.choice]
        if len(set(texts)) < len(texts):
            raise ValueError("a choice is repeated")
        return self


def _noun_tag(value: object) -> str:
    return "person" if isinstance(value, dict) and "person" in value else "choice"


#: A person or a thing, told apart by their key, so that an error speaks of the one that was meant.
NounSpec = Annotated[
    Annotated[PersonSpec, Tag("person")] | Annotated[ChoiceSpec, Tag("choice")], Discriminator(_noun_tag)
]


class StepSpec(Model):
    """One named step of the solution: an exact expression and the sentence that shows it.

    ``text`` holds ``{{ eq }}`` once: the equation with numbers in place of names.
    """

    name: Identifier
    calc: str = Field(description="the expression, over numbers and earlier steps")
    kind: NumberKind = "integer"
    text: Text
    unit: str | None = None


class Extra(Model):
    """What a clause of any kind brings along."""

    clause: Text
    before: int | None = Field(
        default=None, ge=1, description="0-based sentence it stands before; the question if absent"
    )
    names: dict[Identifier, NounSpec] = {}
    numbers: dict[Identifier, NumberSpec] = {}
    constraints: tuple[str, ...] = ()


class Extension(Extra):
    """A clause that counts (p1, p2): more steps, another answer, possibly another question sentence."""

    ask: Text | None = None
    steps: tuple[StepSpec, ...] = Field(min_length=1)
    answer: Identifier
    expect: Exact


class InertClause(Extra):
    """A clause that changes no answer: its number, what a distracted reader would do with it, and why not.

    ``attaches`` names the numbers of the problem that the inert number could be mistaken to change.
    """

    family: Identifier
    number: Identifier
    attaches: tuple[Identifier, ...] = ()
    topic: Literal["in", "off"]
    role: Literal["same", "other", "none"] = Field(
        description="whose fact it is: a person of the problem, another, nobody"
    )
    why: Text


class TemplateSpec(Model):
    """A whole template file."""

    id: Identifier
    topic: Identifier
    names: dict[Identifier, NounSpec] = {}
    numbers: dict[Identifier, NumberSpec] = Field(min_length=1)
    constraints: tuple[str, ...] = ()
    question: tuple[Text, ...] = Field(min_length=1, description="the sentences before the question itself")
    ask: Text
    steps: tuple[StepSpec, ...] = Field(min_length=2, max_length=8)
    answer: Identifier
    expect: Exact = Field(description="the answer to the original, worked out by hand")
    noop: tuple[InertClause, ...] = Field(
        default=(), description="clauses of its own, besides those of the families"
    )
    p1: Extension | None = None
    p2: Extension | None = None

    @model_validator(mode="after")
    def _p2_follows_p1(self) -> TemplateSpec:
        if self.p2 is not None and self.p1 is None:
            raise ValueError("p2 adds to p1, which is missing")
        return self


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    model: Any = TemplateSpec
    for part in location[:-1]:
        if isinstance(part, int) or not hasattr(model, "model_fields"):
            continue
        found = model.model_fields.get(str(part))
        if found is None:
            continue
        by_field = {
            "steps": StepSpec,
            "noop": InertClause,
            "p1": Extension,
            "p2": Extension,
            "numbers": NumberSpec,
        }
        model = by_field.get(str(part), model)
    return sorted(model.model_fields)


def _without_tags(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Leave out the tag that pydantic puts behind ``names.<name>``."""
    if "names" in location:
        tag = location.index("names") + 2
        return location[:tag] + location[tag + 1 :]
    return location


def read_template(path: Path) -> TemplateSpec:
    """Read and check one file. Raises TemplateError naming file, field, value and what would be right."""
    spec = read_model(path, TemplateSpec, "a template", shown=_without_tags, known_keys=_known_keys)
    if spec.id != path.stem:
        raise TemplateError(f"is {spec.id!r}, but the file is named {path.name!r}", path=path, field="id")
    return spec

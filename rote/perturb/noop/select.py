"""Choosing among the instances with inert clauses by what their clauses are like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from rote.errors import UsageError
from rote.hints import hint
from rote.perturb.noop.family import Family, families
from rote.perturb.noop.words import FACTORS
from rote.problem import Problem

if TYPE_CHECKING:
    from rote.perturb.template import Template

#: Indices looked at, for each instance wanted, before a template is taken to have no more.
_PATIENCE: Final = 64


@dataclass(frozen=True, slots=True)
class Selection:
    """The values that each factor of a clause may have; None: any. ``family``: names of families."""

    topic: tuple[str, ...] | None = None
    role: tuple[str, ...] | None = None
    magnitude: tuple[str, ...] | None = None
    position: tuple[str, ...] | None = None
    family: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, raw: Any, what: str = "noop") -> Selection:
        """Read ``{"topic": "off", "magnitude": ["in_range"]}``; ``what`` names the setting in errors.

        Raises UsageError for an unknown factor or value, and when no family offers the combination.
        """
        if not isinstance(raw, Mapping):
            raise UsageError(f'{what} must be a mapping such as {{"topic": "off"}}, got {raw!r}')
        known = {**FACTORS, "family": family_names()}
        chosen: dict[str, tuple[str, ...]] = {}
        for factor, value in raw.items():
            if factor not in known:
                raise _unknown(f"factor of {what}", str(factor), tuple(known))
            values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
            if not values:
                raise UsageError(f"{what}.{factor} names no value; known: {', '.join(known[factor])}")
            for one in values:
                if one not in known[factor]:
                    raise _unknown(f"{what}.{factor}", str(one), known[factor])
            chosen[str(factor)] = values
        selection = cls(**chosen)
        if not any(selection._offered(family) for family in families().values()):
            wanted = ", ".join(f"{factor}={'|'.join(values)}" for factor, values in chosen.items())
            raise UsageError(f"{what}: no family offers {wanted}")
        return selection

    def _offered(self, family: Family) -> bool:
        given = (("topic", family.topic), ("role", family.role), ("family", family.name))
        return all(getattr(self, factor) is None or value in getattr(self, factor) for factor, value in given)

    def matches(self, problem: Problem) -> bool:
        """Whether each clause of an instance is as wanted; a control has no magnitude, so any suits it."""
        return bool(problem.noop) and all(
            self._has("family", noop.family)
            and all(
                self._has(factor, value) or (factor == "magnitude" and value == "none")
                for factor, value in noop.factors.items()
            )
            for noop in problem.noop
        )

    def _has(self, factor: str, value: str) -> bool:
        wanted: tuple[str, ...] | None = getattr(self, factor)
        return wanted is None or value in wanted

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return all(getattr(self, f.name) is None for f in fields(self))


def pick(template: Template, variant: str, seed: int, count: int, selection: Selection) -> list[Problem]:
    """The first ``count`` instances, by index, whose clauses are as wanted; fewer where there are no more.

    Identities stay those of the whole sequence: an instance is the same whatever else is left out.
    """
    found = []
    for problem in _candidates(template, variant, seed, count):
        if selection.matches(problem):
            found.append(problem)
            if len(found) == count:
                break
    return found


def _candidates(template: Template, variant: str, seed: int, count: int) -> Iterator[Problem]:
    for index in range(min(template.capacity(variant), count * _PATIENCE)):
        yield template.problem(variant, seed, index)


def family_names() -> tuple[str, ...]:
    """The families that ship with rote, sorted."""
    return tuple(families())


def _unknown(what: str, value: str, known: tuple[str, ...]) -> UsageError:
    near = hint(value, known, cutoff=0.5)
    return UsageError(f"unknown {what}: {value!r}{near} (known: {', '.join(known)})")

"""A question compiled open, so that clauses can be put between its segments, and the traps that they set."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Final

from rote.perturb import codegen, expressions
from rote.perturb.codegen import OpenDrawn
from rote.perturb.noop.host import cut_plan
from rote.perturb.noop.sites import Sites
from rote.perturb.plan import Plan
from rote.perturb.traps import compile_replay, traps
from rote.problem import Trap
from rote.rational import format_number

_FACTS_KEPT: Final = 1 << 12


class Base:
    """A plan of a template, compiled open at the places of its sites.

    ``share``: about how many of its positions are draws; ``fixed``: whether there is one draw only.
    """

    def __init__(self, plan: Plan, sites: Sites, share: float) -> None:
        offsets = sorted({site.offset for site in sites.sites if site.offset > 0})
        self.plan = cut_plan(plan, sites.spans, offsets)
        self.constants = sites.constants
        self.share = share
        self._offsets = offsets
        self._at = codegen.compile_open(self.plan)
        self.size = math.prod(plan.sizes)
        self.fixed = self.size == 1
        self.names = (*(n.name for n in plan.numbers), *(s.name for s in plan.steps))
        self.numbers = len(plan.numbers)
        self.operations = sum(expressions.operations_in(step.calc) for step in plan.steps)
        self._only: OpenDrawn | None = None

    def at(self, position: int) -> OpenDrawn | None:
        if not self.fixed:
            return self._at(position)
        if self._only is None:
            self._only = self._at(0)
        return self._only

    def place(self, offset: int) -> int:
        """How many segments stand before a clause at this offset."""
        return 0 if offset == 0 else bisect_right(self._offsets, offset)

    @cached_property
    def traps_of(self) -> Traps:
        return Traps(self.plan)


class Traps:
    """The traps of a plan's instances; the replay is compiled once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._replay = compile_replay(plan)
        self._known: dict[object, tuple[Trap, ...]] = {}

    def of(
        self, known: Mapping[str, Fraction], numbers: Sequence[tuple[Fraction, str | None]], fixed: bool
    ) -> tuple[Trap, ...]:
        """Traps of each clause's number in turn, and of both counted in; ``fixed``: known never changes."""
        key = tuple(numbers)
        if fixed and key in self._known:
            return self._known[key]
        found: dict[Fraction, Trap] = {}
        for k, count in numbers:
            for trap in traps(self._plan, self._replay, known, k, (count,) if count else ()):
                found.setdefault(trap.value, trap)
        answer = known[self._plan.answer]
        if len(numbers) > 1:
            both = sum((k for k, _ in numbers), Fraction(0))
            told = [format_number(k) for k, _ in numbers]
            for sign, value in (("+", answer + both), ("-", answer - both)):
                if value > 0:
                    found.setdefault(value, Trap(value, f"answer {sign} {f' {sign} '.join(told)}"))
        done = tuple(found.values())
        if fixed and len(self._known) < _FACTS_KEPT:
            self._known[key] = done
        return done

"""A compiled plan with the layout of its space of draws: what a template draws its instances from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Protocol

from rote.perturb import codegen
from rote.perturb.inert import Clause
from rote.perturb.keys import Key
from rote.perturb.plan import Plan
from rote.perturb.traps import Replay, compile_replay, traps
from rote.perturb.values import Quantity
from rote.problem import Noop, Trap

#: Records of inert clauses that one part keeps.
_INERT_KEPT: Final = 1 << 14


class Part(Protocol):
    """What :class:`rote.perturb.template.Template` draws from.

    ``capacity``: how many indices in a row are sure to get different draws; ``draws``: positions of all
    draws, when the space is small enough to list them, and then ``bits`` covers their number; ``label``
    tells the parts of one variant apart.
    """

    bits: int
    stride: int
    capacity: int
    keys: dict[tuple[int, int], Key]

    @property
    def label(self) -> str: ...
    @property
    def plan(self) -> Plan: ...
    @property
    def draws(self) -> tuple[int, ...] | range | None: ...
    @property
    def operations(self) -> int: ...
    def at(self, position: int, /) -> codegen.Drawn | None:
        """The instance at a position, or None when the position is no draw."""

    def walk(self, start: int, stop: int, stride: int, key: Key, /) -> codegen.Drawn | None:
        """The first draw among permuted positions start, start + stride, … below stop."""

    def facts(self, drawn: codegen.Drawn) -> tuple[tuple[Noop, ...], tuple[Trap, ...]]:
        """The record of each inert clause of an instance of this part, and its traps."""


@dataclass(slots=True)
class Compiled:
    """A plan that was compiled whole, with the inert clause in it, if there is one.

    ``share``: about how many positions of the space are draws.
    """

    plan: Plan
    clause: Clause | None
    at: codegen.At
    walk: codegen.Walk
    bits: int
    stride: int
    capacity: int
    draws: tuple[int, ...] | None
    operations: int
    numbers: int  # the part of the space that numbers take: position % numbers decides them all
    share: float = 1.0
    keys: dict[tuple[int, int], Key] = field(default_factory=dict)
    inert: dict[int, tuple[Noop, tuple[Trap, ...]]] = field(default_factory=dict)
    replay: Replay | None = None

    @property
    def label(self) -> str:
        """The clause's family, or nothing."""
        return self.clause.family if self.clause else ""

    def facts(self, drawn: codegen.Drawn) -> tuple[tuple[Noop, ...], tuple[Trap, ...]]:
        """The record of the clause and its traps; all but its place depend on the drawn numbers alone."""
        if self.clause is None:
            return (), ()
        place = drawn.position % self.numbers
        known = self.inert.get(place)
        if known is None:
            known = self._facts(self.clause, drawn.position)
            if len(self.inert) < _INERT_KEPT:
                self.inert[place] = known
        noop, found = known
        return (noop._replace(span=drawn.span or noop.span),), found

    def _facts(self, clause: Clause, position: int) -> tuple[Noop, tuple[Trap, ...]]:
        values = self.plan.decode(position)
        numbers: Mapping[str, Fraction] = {n: v.value for n, v in values.items() if isinstance(v, Quantity)}
        if self.replay is None:
            self.replay = compile_replay(self.plan)
        known = self.plan.solve(numbers)
        return clause.noop(numbers), traps(
            self.plan, self.replay, known, known[clause.number], clause.attaches
        )

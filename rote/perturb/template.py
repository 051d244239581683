"""A template: the plans of its variants, and the instances that they give.

``Template.problem(variant, seed, index)`` is the one door to an instance. Plans are compiled when a
variant is first asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

from rote.errors import RoteError, TemplateError, UnsatisfiableError, UsageError
from rote.perturb import codegen, expressions, keys
from rote.perturb.assemble import Clause
from rote.perturb.plan import Plan
from rote.perturb.traps import Replay, compile_replay, traps
from rote.perturb.values import Quantity, Value
from rote.problem import VARIANTS, Noop, Problem, Trap

#: Positions tried to learn how often a position of the space of draws is a draw.
_PILOT: Final = 512
#: Spaces up to this size are searched whole, so that every draw in them can be reached.
_SMALL: Final = 1 << 13
#: Failures in a row that are taken as "no draw": e**-16 is about one in nine million.
_PATIENCE: Final = 16
#: Fresh orders tried before a plan is called unsatisfiable.
_LAPS: Final = 64
#: Bounds of the caches that one compiled plan keeps.
_KEYS_KEPT: Final = 1024
_INERT_KEPT: Final = 1 << 14


#: The plans of each variant, with the inert clause that each adds.
Plans = Mapping[str, Sequence[tuple[Plan, "Clause | None"]]]


@dataclass(slots=True)
class _Compiled:
    """A compiled plan with the layout of its space of draws.

    ``capacity``: how many indices in a row are sure to get different draws; ``draws``: positions of
    all draws, when the space is small enough to list them.
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
    keys: dict[tuple[int, int], keys.Key] = field(default_factory=dict)
    inert: dict[int, tuple[Noop, tuple[Trap, ...]]] = field(default_factory=dict)
    replay: Replay | None = None
    solved: Mapping[str, Fraction] = field(default_factory=dict)


class Template:
    """One word problem with its variants, wherever it came from.

    Parameters
    ----------
    template_id: unique over all sources, e.g. ``bank/jam_jars`` or ``gsm8k/test/17``.
    source: the name of the source it belongs to, e.g. ``bank``.
    plans: the plans of each variant it offers (several for ``noop``, one for each inert clause), or what
        makes them when they are first asked for.
    path: the file it came from, for messages.
    """

    def __init__(
        self,
        template_id: str,
        source: str,
        plans: Plans | Callable[[], Plans],
        path: Path | None = None,
    ) -> None:
        self.id = template_id
        self.source = source
        self.path = path
        self._make = plans
        self._compiled: dict[str, tuple[_Compiled, ...]] = {}

    @property
    def _plans(self) -> Plans:
        if callable(self._make):
            self._make = self._make()
        return self._make

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants this template offers, in the order of reports."""
        return tuple(v for v in VARIANTS if v in self._plans)

    def plans(self, variant: str) -> Sequence[tuple[Plan, Clause | None]]:
        """The plans of a variant (several for ``noop``: one for each inert clause)."""
        if variant not in VARIANTS:
            raise UsageError(f"unknown variant {variant!r}; known: {', '.join(VARIANTS)}")
        if variant not in self._plans:
            raise UsageError(f"{self.id} has no variant {variant!r}; it has: {', '.join(self.variants)}")
        return self._plans[variant]

    def capacity(self, variant: str) -> int:
        """How many indices, from 0, are sure to give different questions for any one seed."""
        parts = self._ready(variant)
        return min(part.capacity for part in parts) * len(parts)

    def problem(self, variant: str, seed: int, index: int) -> Problem:
        """The instance f(template, variant, seed, index).

        The original takes any seed and index and is always the same. Raises UsageError for an unknown
        variant or a negative index, UnsatisfiableError when the constraints leave no draw.
        """
        if variant == "original":
            seed, index = 0, 0
        elif index < 0:
            raise UsageError(f"index must be 0 or more, got {index}")
        part, drawn = self._draw(variant, seed, index)
        noop: tuple[Noop, ...] = ()
        trap: tuple[Trap, ...] = ()
        if part.clause is not None:
            inert, trap = self._inert(part, part.clause, drawn)
            noop = (inert,)
        return Problem(
            f"{self.id}/{variant}/{seed}/{index}" if variant != "original" else f"{self.id}/original",
            self.source,
            self.id,
            f"{self.id}/original",
            variant,
            seed,
            index,
            drawn.question,
            drawn.solution,
            drawn.answer,
            trap,
            noop,
            {
                "largest_number": drawn.largest,
                "answer_digits": drawn.digits,
                "operations": part.operations,
                "characters": len(drawn.question),
            },
        )

    def values(self, variant: str, seed: int, index: int) -> tuple[Plan, Mapping[str, Value]]:
        """The plan and the drawn values of an instance: for checks and for showing."""
        part, drawn = self._draw(variant, seed, index)
        return part.plan, part.plan.decode(drawn.position)

    def _draw(self, variant: str, seed: int, index: int) -> tuple[_Compiled, codegen.Drawn]:
        parts = self._compiled.get(variant) or self._ready(variant)
        part, at = parts[0], index
        if len(parts) > 1:
            # clauses take turns; where the round begins depends on template and seed
            part = parts[(index + keys.digest(self.id, seed)[0]) % len(parts)]
            at = index // len(parts)
        lap, place = divmod(at, part.capacity)
        for attempt in range(_LAPS):
            key = part.keys.get((seed, lap))
            if key is None:
                key = part.keys[seed, lap] = self._key(part, variant, seed, lap)
            if part.draws is not None:
                drawn = part.at(part.draws[_among(place, len(part.draws), part.bits, key)])
            else:
                drawn = part.walk(place, 1 << part.bits, part.stride, key)
            if drawn is not None:
                return part, drawn
            # one chance in millions: this index's share of the space holds no draw
            lap = -1 - attempt
        raise self._unsatisfiable(part.plan, variant)

    def _key(self, part: _Compiled, variant: str, seed: int, lap: int) -> keys.Key:
        if len(part.keys) >= _KEYS_KEPT:
            part.keys.clear()
        family = part.clause.family if part.clause else ""
        return keys.make_key(part.bits, self.id, variant, family, seed, lap)

    def _inert(self, part: _Compiled, clause: Clause, drawn: codegen.Drawn) -> tuple[Noop, tuple[Trap, ...]]:
        """The facts of an inert clause; all but its place depend on the drawn numbers alone."""
        place = drawn.position % part.numbers
        known = part.inert.get(place)
        if known is None:
            values = part.plan.decode(drawn.position)
            numbers = {name: v.value for name, v in values.items() if isinstance(v, Quantity)}
            if part.replay is None:
                part.replay = compile_replay(part.plan)
                # an inert clause's own numbers enter no step: the steps are the same in every instance
                part.solved = part.plan.solve(numbers)
            k = numbers[clause.number]
            found = traps(part.plan, part.replay, {**part.solved, **numbers}, k, clause.attaches)
            known = clause.noop(numbers), found
            if len(part.inert) < _INERT_KEPT:
                part.inert[place] = known
        noop, found = known
        return noop._replace(span=drawn.span or noop.span), found

    def _ready(self, variant: str) -> tuple[_Compiled, ...]:
        ready = self._compiled.get(variant)
        if ready is None:
            try:
                ready = tuple(self._compile(plan, clause, variant) for plan, clause in self.plans(variant))
            except TemplateError as error:
                if self.path is None or error.path is not None:
                    raise
                raise type(error)(str(error), path=self.path) from None
            self._compiled[variant] = ready
        return ready

    def _compile(self, plan: Plan, clause: Clause | None, variant: str) -> _Compiled:
        at, walk, accepts = codegen.compile_plan(plan)
        space = math.prod(plan.sizes)
        numbers = math.prod(len(n.values) for n in plan.numbers)
        bits = codegen.bits_for(space)
        operations = sum(expressions.operations_in(step.calc) for step in plan.steps)
        if space <= _SMALL:
            draws = tuple(p for p in range(space) if accepts(p))
            if not draws:
                raise self._unsatisfiable(plan, variant)
            bits = codegen.bits_for(len(draws))
            return _Compiled(plan, clause, at, walk, bits, 1, len(draws), draws, operations, numbers)
        total = 1 << bits
        key = keys.make_key(bits, "pilot", self.id, variant)
        for tries in (_PILOT, 16 * _PILOT, 256 * _PILOT):
            places = (keys.permute(x, bits, key) for x in range(min(tries, total)))
            hits = sum(place < space and accepts(place) is not None for place in places)
            if hits >= 8:
                break
        if not hits:
            raise self._unsatisfiable(plan, variant)
        share = hits / min(tries, total)
        capacity = max(1, int(total * share / _PATIENCE))
        return _Compiled(plan, clause, at, walk, bits, capacity, capacity, None, operations, numbers)

    def _unsatisfiable(self, plan: Plan, variant: str) -> RoteError:
        """Name what refuses the most draws."""
        space = math.prod(plan.sizes)
        bits = codegen.bits_for(space)
        key = keys.make_key(bits, "why", self.id, variant)
        reasons: dict[str, int] = {}
        for x in range(min(1 << bits, 4096)):
            position = keys.permute(x, bits, key)
            if position < space:
                why = plan.refusal(plan.decode(position))
                if why is not None:
                    reasons[why] = reasons.get(why, 0) + 1
        tried = sum(reasons.values())
        worst = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:3]
        told = "; ".join(f"{why} ({count} of {tried} tried)" for why, count in worst)
        return UnsatisfiableError(
            f"no draw meets the constraints of variant {variant!r}: {told}", path=self.path
        )

    def instances(self, variant: str, seed: int, count: int) -> Iterator[Problem]:
        """The first ``count`` instances; one only for the original."""
        for index in range(1 if variant == "original" else count):
            yield self.problem(variant, seed, index)


def _among(place: int, count: int, bits: int, key: keys.Key) -> int:
    """A permutation of [0, count): the keyed order of the covering power of two, walked until inside."""
    x = keys.permute(place, bits, key)
    while x >= count:
        x = keys.permute(x, bits, key)
    return x

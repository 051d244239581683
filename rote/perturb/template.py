"""A template: the plans of its variants, and the instances that they give.

``Template.problem(variant, seed, index)`` is the one door to an instance. Plans are compiled when a
variant is first asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rote.errors import RoteError, TemplateError, UnsatisfiableError, UsageError
from rote.perturb import codegen, expressions, keys
from rote.perturb.inert import Clause
from rote.perturb.noop.words import ATTACHED
from rote.perturb.part import Compiled, Part
from rote.perturb.plan import Plan
from rote.perturb.values import Value
from rote.problem import VARIANTS, Problem

if TYPE_CHECKING:
    # the families bring a tagger along, which only variants with clauses need
    from rote.perturb.noop.base import Base
    from rote.perturb.noop.host import Host
    from rote.perturb.noop.sites import Site, Sites

#: Positions tried to learn how often a position of the space of draws is a draw.
_PILOT: Final = 512
#: Spaces up to this size are searched whole, so that every draw in them can be reached.
_SMALL: Final = 1 << 13
#: Failures in a row that are taken as "no draw": e**-16 is about one in nine million.
_PATIENCE: Final = 16
#: Fresh orders tried before a plan is called unsatisfiable.
_LAPS: Final = 64
#: Where families attach to a template with inert clauses of its own, these have every so many-th index.
_OWN_TURN: Final = 3
#: Bounds of the caches that one compiled plan keeps.
_KEYS_KEPT: Final = 1024


#: The plans of each variant, with the inert clause that each adds.
Plans = Mapping[str, Sequence[tuple[Plan, "Clause | None"]]]


class Template:
    """One word problem with its variants, wherever it came from.

    Parameters
    ----------
    template_id: unique over all sources, e.g. ``bank/jam_jars`` or ``gsm8k/test/17``.
    source: the name of the source it belongs to, e.g. ``bank``.
    plans: the plans of each variant it offers (several for ``noop``, one for each inert clause), or what
        makes them when they are first asked for.
    path: the file it came from, for messages.
    host: makes what families of inert clauses attach to; without it, none does.
    """

    def __init__(
        self,
        template_id: str,
        source: str,
        plans: Plans | Callable[[], Plans],
        path: Path | None = None,
        host: Callable[[], Host] | None = None,
    ) -> None:
        self.id = template_id
        self.source = source
        self.path = path
        self._make = plans
        self._host = host
        self._sites_found: Sites | None = None
        self._groups: dict[str, tuple[tuple[Site, ...], ...]] = {}
        self._bases: dict[bool, Base] = {}
        self._compiled: dict[str, tuple[Part, ...]] = {}

    @property
    def _plans(self) -> Plans:
        if callable(self._make):
            self._make = self._make()
        return self._make

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants this template offers, in the order of reports."""
        return tuple(v for v in VARIANTS if self.offers(v))

    def offers(self, variant: str) -> bool:
        """Whether the template has a variant; to ask for one costs less than to list all."""
        return variant in self._plans or bool(self._sites(variant))

    def why_not(self, variant: str) -> str | None:
        """Why the template does not offer a variant, in words; None when it does."""
        if self.offers(variant):
            return None
        if variant not in ATTACHED:
            return "nothing in it can be changed so"
        if self._host is None:
            return "its format takes no inert clauses"
        found = self._all_sites()
        if found.why_not is not None:
            return found.why_not
        if variant == "noop2":
            return "no two families of inert clauses attach together"
        if "symbolic" not in self._plans:
            return "it has no symbolic variant"
        return "no family of inert clauses attaches whatever is drawn"

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where families of inert clauses attach to the original, neighbours of different families."""
        return self._all_sites().sites if self._host is not None else ()

    def _all_sites(self) -> Sites:
        from rote.perturb.noop.family import families
        from rote.perturb.noop.sites import find_sites

        if self._sites_found is None:
            if self._host is None:
                raise UsageError(f"{self.id}: its format takes no inert clauses")
            self._sites_found = find_sites(self.id, self._host(), families())
        return self._sites_found

    def _sites(self, variant: str) -> tuple[tuple[Site, ...], ...]:
        """The sites of each part of a variant with attached clauses."""
        if variant not in ATTACHED or self._host is None:
            return ()
        groups = self._groups.get(variant)
        if groups is None:
            groups = self._groups[variant] = self._grouped(variant)
        return groups

    def _grouped(self, variant: str) -> tuple[tuple[Site, ...], ...]:
        sites = self._all_sites().sites
        if variant == "symbolic_noop":
            if "symbolic" not in self._plans:
                return ()
            return tuple((site,) for site in sites if site.drawable)
        if variant == "noop2":
            from rote.perturb.noop.clauses import pairs

            return tuple(pairs(sites))
        return tuple((site,) for site in sites)

    def plans(self, variant: str) -> Sequence[tuple[Plan, Clause | None]]:
        """The plans of a variant that the template brings itself (several for ``noop``: one a clause)."""
        self._check_offered(variant)
        return self._plans.get(variant, ())

    def _check_offered(self, variant: str) -> None:
        if variant not in VARIANTS:
            raise UsageError(f"unknown variant {variant!r}; known: {', '.join(VARIANTS)}")
        if not self.offers(variant):
            told = f": {self.why_not(variant)}" if variant in ATTACHED else ""
            raise UsageError(
                f"{self.id} has no variant {variant!r}{told}; it has: {', '.join(self.variants)}"
            )

    def capacity(self, variant: str) -> int:
        """How many indices, from 0, are sure to give different questions for any one seed."""
        hung, own = self._parted(variant)
        sure = [min(part.capacity for part in parts) * len(parts) for parts in (hung, own) if parts]
        # own clauses take one index in so many, where others attach too
        return min(sure[0], sure[1] * _OWN_TURN) if len(sure) > 1 else sure[0]

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
        noop, trap = part.facts(drawn)
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

    def _draw(self, variant: str, seed: int, index: int) -> tuple[Part, codegen.Drawn]:
        hung, parts = self._parted(variant)
        at = index
        if hung and parts and index % _OWN_TURN == 0:
            at = index // _OWN_TURN
        elif hung:
            # by index alone, so that a clause and its control stand at the same site
            parts = hung
        part = parts[0]
        if len(parts) > 1:
            # clauses take turns; where the round begins depends on template and seed
            part = parts[(at + keys.digest(self.id, seed)[0]) % len(parts)]
            at //= len(parts)
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

    def _parted(self, variant: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        """The parts whose clauses come from families, and the template's own."""
        parts = self._compiled.get(variant) or self._ready(variant)
        attached = len(parts) - len(self._plans.get(variant, ()))
        return parts[:attached], parts[attached:]

    def _key(self, part: Part, variant: str, seed: int, lap: int) -> keys.Key:
        if len(part.keys) >= _KEYS_KEPT:
            part.keys.clear()
        return keys.make_key(part.bits, self.id, variant, part.label, seed, lap)

    def _ready(self, variant: str) -> tuple[Part, ...]:
        ready = self._compiled.get(variant)
        if ready is None:
            try:
                own = [self._compile(plan, clause, variant) for plan, clause in self.plans(variant)]
                ready = (*self._hung(variant), *own)
            except TemplateError as error:
                if self.path is None or error.path is not None:
                    raise
                raise type(error)(str(error), path=self.path) from None
            self._compiled[variant] = ready
        return ready

    def _hung(self, variant: str) -> Iterator[Part]:
        """The parts whose clauses come from families."""
        sites = self._sites(variant)
        if not sites or self._host is None:
            return
        from rote.perturb.noop.base import Base
        from rote.perturb.noop.compose import Hung

        drawn = variant == "symbolic_noop"
        base = self._bases.get(drawn)
        if base is None:
            plan, share = self._host().plan, 1.0
            if drawn:
                (part,) = self._ready("symbolic")
                plan = part.plan
                share = part.share if isinstance(part, Compiled) else 1.0
            base = self._bases[drawn] = Base(plan, self._all_sites(), share)
        for group in sites:
            yield Hung.of(base, group, control=variant == "noop_control")

    def _compile(self, plan: Plan, clause: Clause | None, variant: str) -> Compiled:
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
            share = len(draws) / space
            return Compiled(plan, clause, at, walk, bits, 1, len(draws), draws, operations, numbers, share)
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
        inside = min(1.0, share * total / space)
        return Compiled(plan, clause, at, walk, bits, capacity, capacity, None, operations, numbers, inside)

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

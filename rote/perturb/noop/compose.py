"""Instances with inert clauses: a compiled question in pieces, and clauses put between them.

A plan with a clause in it would have to be compiled for each family, place and number of clauses. Here
a template's question is compiled once and open; a :class:`Hung` part draws the clauses' own numbers,
names and wordings, puts them in, and has in :meth:`Hung.plan` the slow, obvious meaning of what it draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final, NamedTuple, TypeVar

from rote.perturb import codegen, expressions, keys
from rote.perturb.codegen import Drawn, OpenDrawn
from rote.perturb.keys import Key
from rote.perturb.noop.base import Base
from rote.perturb.noop.clauses import Drawable, chosen, drawables, record
from rote.perturb.noop.sites import Site
from rote.perturb.plan import Noun, Number, Plan
from rote.perturb.texts import Text
from rote.perturb.values import Person, Quantity, Value
from rote.problem import Noop, Trap

T = TypeVar("T", Fraction, Person)

#: Failures in a row that are taken as "no draw", as in rote.perturb.template.
_PATIENCE: Final = 16
#: A clause's own conditions refuse at most about this share of the draws of what it is put into.
_KEPT: Final = 0.5
_FACTS_KEPT: Final = 1 << 12


class _Detail(NamedTuple):
    """What an instance was made of: the base's draw, each clause's number and place."""

    base: OpenDrawn
    numbers: tuple[Fraction | None, ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Hung:
    """Clauses hung on a base: what :class:`rote.perturb.template.Template` draws from.

    The space of draws is laid out as that of :meth:`plan`: the clauses' numbers first, then the base's
    draws, then new names and wordings.
    """

    base: Base
    label: str
    clauses: tuple[Drawable, ...]
    bits: int = 0
    stride: int = 1
    capacity: int = 1
    draws: range | None = None
    keys: dict[tuple[int, int], Key] = field(default_factory=dict)

    @classmethod
    def of(cls, base: Base, sites: Sequence[Site], *, control: bool = False) -> Hung:
        """A part of one site, or of two of different families."""
        clauses = drawables(sites, control=control)
        part = cls(base, "+".join(site.family.name for site in sites), clauses)
        space = part.size
        part.bits = codegen.bits_for(space)
        if base.fixed:
            part.draws, part.capacity = range(space), space
        else:
            part.capacity = max(1, int(space * base.share * _KEPT / _PATIENCE))
            part.stride = part.capacity
        return part

    @property
    def size(self) -> int:
        """How many positions the space of draws has."""
        own = math.prod(max(1, len(c.values)) * max(1, len(c.others)) * len(c.texts) for c in self.clauses)
        return own * self.base.size

    @property
    def operations(self) -> int:
        """Operations of the solution, as the base has them."""
        return self.base.operations

    def walk(self, start: int, stop: int, stride: int, key: Key) -> Drawn | None:
        """The first draw among permuted positions start, start + stride, … below stop."""
        size, bits = self.size, self.bits
        for x in range(start, stop, stride):
            position = keys.permute(x, bits, key)
            if position < size and (found := self.at(position)) is not None:
                return found
        return None

    def at(self, position: int) -> Drawn | None:
        """The instance at a position, or None when the position is no draw."""
        x = position
        numbers: list[Fraction | None] = []
        for clause in self.clauses:
            if clause.values:
                x, digit = divmod(x, len(clause.values))
                numbers.append(clause.values[digit])
            else:
                numbers.append(None)
        x, at = divmod(x, self.base.size)
        drawn = self.base.at(at)
        if drawn is None:
            return None
        known = drawn.known
        values = self._values(at) if self.base.plan.nouns or not self.base.fixed else {}
        taken = {v.name for v in values.values() if isinstance(v, Person)}
        for clause, k in zip(self.clauses, numbers, strict=True):
            if k is not None:
                if k in known or k in self.base.constants or not self._below(clause, k, drawn):
                    return None
                values[clause.k] = Quantity(k, clause.site.family.kind)
            if clause.others:
                x, digit = divmod(x, len(clause.others))
                other = clause.others[digit]
                if other.name in taken:
                    return None
                taken.add(other.name)
                values[clause.other] = other
        wordings = []
        for clause in self.clauses:
            x, wording = divmod(x, len(clause.texts))
            wordings.append(wording)
        texts = [c.render(values, w) for c, w in zip(self.clauses, wordings, strict=True)]
        question, spans = self._put_in(drawn.segments, texts)
        largest = max([drawn.largest, *(_plain(k) for k in numbers if k is not None)])
        detail = _Detail(drawn, tuple(numbers), spans)
        return Drawn(
            position, question, drawn.solution, drawn.answer, drawn.digits, largest, spans[0], detail
        )

    def _values(self, position: int) -> dict[str, Value]:
        """The people of a base's draw: what clauses may name."""
        plan = self.base.plan
        for number in plan.numbers:
            position //= len(number.values)
        values: dict[str, Value] = {}
        for noun in plan.nouns:
            position, digit = divmod(position, len(noun.values))
            values[noun.name] = noun.values[digit]
        return values

    def _below(self, clause: Drawable, k: Fraction, drawn: OpenDrawn) -> bool:
        site = clause.site
        if site.count is None:
            return site.below is None or k < site.below
        return k < drawn.known[self.base.names.index(site.count)]

    def _put_in(
        self, segments: Sequence[str], texts: Sequence[str]
    ) -> tuple[str, tuple[tuple[int, int], ...]]:
        """The question with the clauses, and the characters that each takes."""
        places = [self.base.place(clause.site.offset) for clause in self.clauses]
        parts: list[str] = []
        spans: list[tuple[int, int]] = [(0, 0)] * len(texts)
        length = 0
        for i in range(len(segments) + 1):
            for c, place in enumerate(places):
                if place == i:
                    spans[c] = (length, length + len(texts[c]))
                    parts.append(texts[c])
                    length += len(texts[c]) + 1
            if i < len(segments):
                parts.append(segments[i])
                length += len(segments[i]) + 1
        return " ".join(parts), tuple(spans)

    def facts(self, drawn: Drawn) -> tuple[tuple[Noop, ...], tuple[Trap, ...]]:
        """The record of each clause of an instance of this part, and its traps."""
        if not isinstance(drawn.detail, _Detail):
            raise TypeError("an instance of another part")
        base, numbers, spans = drawn.detail
        known = dict(zip(self.base.names, base.known, strict=True))
        own = (*base.known[: self.base.numbers], *self.base.constants)
        noops = tuple(
            record(clause, k, span, own) for clause, k, span in zip(self.clauses, numbers, spans, strict=True)
        )
        pairs = [
            (k, clause.site.count) for clause, k in zip(self.clauses, numbers, strict=True) if k is not None
        ]
        return noops, self.base.traps_of.of(known, pairs, self.base.fixed) if pairs else ()

    @property
    def plan(self) -> Plan:
        """What this part draws, as a plan."""
        base = self.base.plan
        numbers = tuple(Number(c.k, c.site.family.kind, c.values) for c in self.clauses if c.values)
        others = tuple(Noun(c.other, c.others) for c in self.clauses if c.others)
        wordings = tuple(Noun(c.wording, tuple(str(i) for i in range(len(c.texts)))) for c in self.clauses)
        constraints = [*base.constraints]
        names = frozenset(self.base.names) | {c.k for c in self.clauses}
        for clause in self.clauses:
            if clause.values:
                texts = [f"{clause.k} != {name}" for name in self.base.names]
                texts += [f"{clause.k} != {_constant(v)}" for v in sorted(self.base.constants)]
                if clause.site.below is not None:
                    texts.append(f"{clause.k} < {clause.site.count or _constant(clause.site.below)}")
                constraints += [
                    (t, expressions.parse(t, names=names, condition=True, field="noop")) for t in texts
                ]
        sentences: list[Text] = []
        for i in range(len(base.sentences) + 1):
            for clause in self.clauses:
                if self.base.place(clause.site.offset) == i:
                    sentences.append((chosen(clause),))
            sentences += base.sentences[i : i + 1]
        return replace(
            base,
            numbers=(*numbers, *base.numbers),
            nouns=(*base.nouns, *others, *wordings),
            constraints=tuple(constraints),
            sentences=tuple(sentences),
        )


def _plain(k: Fraction) -> int | float:
    return k.numerator if k.denominator == 1 else float(k)


def _constant(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator} / {value.denominator}"

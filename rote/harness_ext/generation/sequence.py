"""The sequence of instances of a source and variant, by position: any stretch of it, without what is before.

It is the one that :func:`rote.harness_ext.draws.stream` gives without a selection of inert clauses: one
instance of each template that offers the variant, then the next of each. Position ``i`` of ``T`` templates is
template ``i % T`` at index ``i // T``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rote.harness_ext.generation.wanted import Opened, Wanted, opened_once
from rote.problem import Problem

_encode: Final = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Instances:
    """``count`` instances of the templates ``ids``, in turn; ``content_hash`` is that of their source."""

    wanted: Wanted
    content_hash: str
    ids: tuple[str, ...]
    count: int

    def rows(self, first: int, last: int) -> Iterator[Problem]:
        """The instances at the positions from ``first`` up to, not including, ``last``."""
        templates = opened_once(self.wanted, self.content_hash)
        variant, seed = self.wanted.variant, self.wanted.seed
        turn = [templates[name] for name in self.ids]
        for position in range(first, min(last, self.count)):
            index, place = divmod(position, len(turn))
            yield turn[place].problem(variant, seed, index)

    def prepare(self) -> None:
        """Open the templates and compile what is drawn of them, so that a copy of this process has it."""
        for _ in self.rows(0, len(self.ids)):
            pass

    def shards(self, size: int) -> int:
        """How many stretches of ``size`` instances there are, the last of which may be shorter."""
        return -(-self.count // size)


def sequence_of(wanted: Wanted, opened: Opened, count: int, skipped: dict[str, str]) -> Instances:
    """The sequence of at most ``count`` instances; of originals there is one a template.

    Templates are looked at until there are ``count`` that offer the variant; those before that do not are
    put into ``skipped``, with the reason.
    """
    ids = []
    for name, template in opened.templates.items() if count else ():
        if template.offers(wanted.variant):
            ids.append(name)
            if len(ids) == count:
                break
        else:
            skipped[name] = template.why_not(wanted.variant) or f"it has no {wanted.variant}"
    most = len(ids) if wanted.variant == "original" or not ids else count
    return Instances(wanted.absolute(), opened.content_hash, tuple(ids), most)


@dataclass(frozen=True, slots=True)
class Lines:
    """Work: the JSON lines of one stretch of ``size`` instances, in UTF-8: bytes travel faster than text."""

    sequence: Instances
    size: int

    def prepare(self) -> None:
        """As :class:`~rote.harness_ext.generation.executors.Preparable` says."""
        self.sequence.prepare()

    def __call__(self, number: int) -> bytes:
        rows = self.sequence.rows(number * self.size, (number + 1) * self.size)
        return "".join(map(line, rows)).encode("utf-8")


def line(problem: Problem) -> str:
    """An instance as ``rote sample`` prints it."""
    return _encode(problem.to_doc()) + "\n"


def identity(sequence: Instances) -> Mapping[str, object]:
    """What decides the bytes of the sequence, for a manifest: the same again means the same instances."""
    wanted = sequence.wanted
    return {
        "source": sequence.ids[0].rpartition("/")[0] if sequence.ids else wanted.source,
        "content_hash": sequence.content_hash,
        "variant": wanted.variant,
        "seed": wanted.seed,
        "template": wanted.template,
        "templates": len(sequence.ids),
        "rows": sequence.count,
    }

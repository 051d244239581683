"""A site as a part draws it: variables of its own, wordings over them, and the record of an instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from rote.perturb.noop.sites import OTHER, WORDING, K, Site
from rote.perturb.texts import Piece, Text
from rote.perturb.values import Person, Value
from rote.problem import Noop
from rote.rational import format_number

T = TypeVar("T", Fraction, Person)


@dataclass(frozen=True, slots=True)
class Drawable:
    """A site as one part draws it: its variables' names and domains."""

    site: Site
    k: str
    other: str
    wording: str
    values: tuple[Fraction, ...]  # none in a control
    others: tuple[Person, ...]
    texts: tuple[Text, ...]

    def render(self, values: Mapping[str, Value], wording: int) -> str:
        text = self.texts[wording]
        return "".join(piece if isinstance(piece, str) else piece.render(values) for piece in text)


def chosen(clause: Drawable) -> Piece:
    """A clause's text as one piece: the wording that is drawn, over its own variables."""
    names = {name for text in clause.texts for p in text if isinstance(p, Piece) for name in p.names}

    def render(context: Mapping[str, Value]) -> str:
        return clause.render(context, int(str(context[clause.wording])))

    return Piece((*sorted(names), clause.wording), render)


def drawables(sites: Sequence[Site], *, control: bool) -> tuple[Drawable, ...]:
    done = []
    for i, site in enumerate(sites):
        mark = f"_{i + 1}" if i else ""
        table = {K: f"{K}{mark}", OTHER: f"{OTHER}{mark}"}
        texts = site.controls if control else site.clauses
        values, others = site.values, site.others
        if len(sites) > 1:
            # two clauses draw freely, so they must have nothing in common to draw
            values = _share(i, *(s.values for s in sites))
            others = _share(i, *(s.others for s in sites))
        done.append(
            Drawable(
                site,
                table[K],
                table[OTHER],
                f"{WORDING}{mark}",
                () if control else values,
                others,
                tuple(_renamed(text, table) for text in texts) if mark else texts,
            )
        )
    return tuple(done)


def _share(which: int, first: tuple[T, ...], second: tuple[T, ...]) -> tuple[T, ...]:
    """The first or second of two lists without what the other keeps of what both have: every second one."""
    both = sorted(set(first) & set(second))
    others = set(both[1 - which :: 2])
    return tuple(v for v in (first, second)[which] if v not in others)


def _renamed(text: Text, table: Mapping[str, str]) -> Text:
    done: list[str | Piece] = []
    for piece in text:
        if isinstance(piece, str) or not set(piece.names) & table.keys():
            done.append(piece)
            continue

        def render(context: Mapping[str, Value], piece: Piece = piece) -> str:
            return piece.render({name: context[table.get(name, name)] for name in piece.names})

        done.append(Piece(tuple(table.get(name, name) for name in piece.names), render))
    return tuple(done)


def record(clause: Drawable, k: Fraction | None, span: tuple[int, int], own: Sequence[Fraction]) -> Noop:
    site = clause.site
    family = site.family
    magnitude = "none" if k is None else "in_range" if min(own) <= k <= max(own) else "out_of_range"
    factors = {
        "topic": family.topic,
        "role": family.role,
        "magnitude": magnitude,
        "position": site.position,
    }
    proof = [
        "The clause holds no number."
        if k is None
        else f"The number {format_number(k)} enters no step of the solution and equals no number of it.",
        "The clause holds no word that would take its number into what is asked.",
        "The problem has none of the nouns of the clause and none of the words that the family avoids.",
    ]
    if k is not None and site.below is not None:
        proof.append("It is smaller than the number of the things that it speaks of, which stays as it is.")
    return Noop(family.name, factors, k, span, (*proof, family.why))


def pairs(sites: Sequence[Site]) -> Iterator[tuple[Site, Site]]:
    """Two sites at a time, of different families without a noun in common; each site begins one pair."""
    for i, first in enumerate(sites):
        for second in (*sites[i + 1 :], *sites[:i]):
            apart = first.family.name != second.family.name and not first.nouns & second.nouns
            if apart and _enough(first, second):
                yield (first, second)
                break


def _enough(first: Site, second: Site) -> bool:
    """Whether there is something left to draw for each when they share what both could draw."""
    return all(
        _share(i, first.values, second.values) and (_share(i, first.others, second.others) or not site.others)
        for i, site in enumerate((first, second))
    )

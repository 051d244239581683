"""Which number of the question is each number of the solution? A beam search over the answers.

Every number of every equation (a leaf) is linked to where it came from: an earlier result, a mention of
the question in one of its roles, a constant of the world that the question's words call for, or, last, a
bare constant. Linkings are scored by shared words, by use of what is not yet used, and by nearness; all
that come within a margin of the best are kept, because the best is not always right: a template trusts
only what all of them agree on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, NamedTuple

from rote.perturb.gsm8k.equations import Equation
from rote.perturb.gsm8k.mentions import Mention
from rote.perturb.gsm8k.trees import Leaf, leaf_pairs, operands

BEAM: Final = 300
#: Linkings this far below the best are still believed possible.
MARGIN: Final = 2.5
#: A constant that nothing explains is believed to be a count of people or things up to this value.
SMALL_COUNT: Final = 12
#: The margin of a second look at items in which nothing could change; what it finds is tier C.
NARROW_MARGIN: Final = 1.2


class Link(NamedTuple):
    """Where a leaf comes from.

    ``kind``: ``result`` (``index`` is the equation), ``mention`` (``index`` is the mention, ``role`` how it
    is used), ``implicit`` (a step that was never written: ``role`` is its operator, ``parts`` its two
    operands, results or mentions) or ``constant``.
    """

    kind: str
    index: int = -1  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    role: str = ""
    parts: tuple[Link, ...] = ()


CONSTANT: Final = Link("constant")

ONE: Final = Fraction(1)


def role_value(role: str, mention_value: Fraction, parts: tuple[int, int] | None) -> Fraction | None:
    """What a mention contributes in a role; None where the role does not apply."""
    v = mention_value
    if role == "itself":
        return v
    if role == "hundredth":
        return v / 100
    if role == "left":
        return 1 - v
    if role == "more":
        return 1 + v
    if role == "percent_left":
        return 1 - v / 100
    if role == "percent_more":
        return 1 + v / 100
    if role == "of_hundred_left":
        return 100 - v
    if role == "of_hundred_more":
        return 100 + v
    if role == "times_hundred":
        return v * 100
    if role == "of_sixty":
        return v / 60
    if role == "times_sixty":
        return v * 60
    if role == "dozens":
        return v * 12
    if role == "inverse":
        return 1 / v if v else None
    if role == "and_one":
        return v + 1
    if role == "times_and_one":
        return v + 1
    if parts is not None:
        top, bottom = parts
        return {
            "top": Fraction(top),
            "bottom": Fraction(bottom),
            "rest": Fraction(bottom - top),
            "sum": Fraction(bottom + top),
        }.get(role)
    return None


#: Roles by kind of mention, the direct ones first.
DIRECT: Final[Mapping[str, tuple[str, ...]]] = {
    "integer": ("itself",),
    "decimal": ("itself",),
    "money": ("itself",),
    "percent": ("itself", "hundredth"),
    "fraction": ("itself", "top", "bottom"),
    "multiplier": ("itself",),
    "clock": ("itself",),
    "year": ("itself",),
    "ordinal": ("itself",),
    "group": ("itself",),
}
DERIVED: Final[Mapping[str, tuple[str, ...]]] = {
    "integer": ("and_one", "times_hundred", "hundredth", "of_sixty", "times_sixty", "dozens", "inverse"),
    "decimal": ("times_hundred", "hundredth", "of_sixty", "times_sixty", "dozens", "inverse"),
    "money": ("times_hundred", "hundredth"),
    "percent": ("percent_left", "percent_more", "of_hundred_left", "of_hundred_more"),
    "fraction": (
        "left",
        "more",
        "rest",
        "sum",
        "inverse",
        "of_hundred_left",
        "times_hundred",
        "times_sixty",
        "dozens",
    ),
    "multiplier": ("inverse", "and_one"),
    "clock": (),
    "year": (),
    "ordinal": (),
    "group": (),
}
ROLE_COST: Final[Mapping[str, float]] = {
    "itself": 0.0,
    "hundredth": 0.2,
    "top": 0.2,
    "bottom": 0.1,
    "rest": 0.5,
    "sum": 0.9,
    "left": 0.4,
    "more": 0.6,
    "percent_left": 0.3,
    "percent_more": 0.3,
    "of_hundred_left": 0.3,
    "of_hundred_more": 0.4,
    "inverse": 0.6,
    "and_one": 1.2,
    "times_hundred": 0.9,
    "of_sixty": 0.8,
    "times_sixty": 0.9,
    "dozens": 0.5,
}

#: Words without which a role is not thought of.
_ROLE_WORDS: Final[Mapping[str, re.Pattern[str]]] = {
    "dozens": re.compile(r"dozen|month|year|f(?:oo|ee)t|inch", re.IGNORECASE),
    "of_sixty": re.compile(r"minute|hour|second", re.IGNORECASE),
    "times_sixty": re.compile(r"minute|hour|second", re.IGNORECASE),
    "times_hundred": re.compile(r"percent|%|cent|meter", re.IGNORECASE),
    "and_one": re.compile(r"\b(?:and|with|include|including|him|her|them)", re.IGNORECASE),
}

_TRIGGERS: Final[Sequence[tuple[str, tuple[int, ...]]]] = (
    (r"minute|hour|second", (60, 3600)),
    (r"\bdays?\b|hour|daily|overnight", (24,)),
    (r"week|\bdays?\b|daily|monday|sunday|saturday|friday", (7,)),
    (r"weekend", (2,)),
    (r"weekday|work ?week|school|monday", (5,)),
    (r"dozen|month|year|feet|foot|inch|annual|monthly|clock", (12,)),
    (r"year|week|annual", (52,)),
    (r"year|annual", (365, 366)),
    (r"month|april|june|september|november|january|march|may|july|august|october|december", (30, 31)),
    (r"february", (28, 29)),
    (r"percent|%|cent|meter|centur|dollar|\$", (100,)),
    (r"kilo|\bkm\b|\bkg\b|gram|meter|liter|\bml\b|ton", (1000,)),
    (r"week|month|quarter|seasons?|gallon", (4,)),
    (r"yard|feet|tricycle|triangle|triplet", (3,)),
    (r"yard", (36,)),
    (r"mile", (5280,)),
    (r"pound|ounce|cup|pint", (16, 8)),
    (r"pint|quart|cup|gallon", (2, 4)),
    (r"\bton", (2000,)),
    (r"decade|dime", (10,)),
    (r"score", (20,)),
    (r"quarters?\b", (25,)),
    (r"nickel", (5,)),
    (r"dime", (10,)),
    (r"half|twice|double|pair|both|couple|each other|twin|two|bicycle|bike", (2,)),
    (
        r"square|rectang|chairs?\b|tables?\b|\bcars?\b|dogs?\b|cats?\b|cows?\b|horses?\b|legs?\b|tires?\b|wheels?\b",
        (4,),
    ),
    (r"spider|octopus", (8,)),
    (r"insect|ants?\b|hexagon|cube|die\b|dice", (6,)),
    (r"triangle|degree|angle", (180, 360, 90)),
    (r"average|mean", (2, 3, 4, 5)),
)
_COMPILED: Final = tuple((re.compile(pattern, re.IGNORECASE), values) for pattern, values in _TRIGGERS)


def world_constants(question: str) -> frozenset[int]:
    """Constants of the world that the question's words call for."""
    found = {1, 100} if re.search(r"%|percent", question) else {1}
    for pattern, values in _COMPILED:
        if pattern.search(question):
            found.update(values)
    return frozenset(found | {0})


class Option(NamedTuple):
    """A possible link of one leaf with the part of its score that needs no history."""

    link: Link
    score: float


@dataclass(slots=True)
class Linked:
    """One linking of all leaves: ``links[i][j]`` is the link of leaf j of equation i."""

    links: tuple[tuple[Link, ...], ...]
    score: float


@dataclass(slots=True)
class _State:
    score: float
    links: list[Link] = field(default_factory=list)
    results: int = 0  # bits of results used
    mentions: int = 0  # bits of mentions used


@dataclass(slots=True)
class Context:
    """The question as the search sees it."""

    question: str
    mentions: Sequence[Mention]
    constants: frozenset[int]
    values: dict[Fraction, list[tuple[int, str]]]  # direct roles by value
    derived: dict[Fraction, list[tuple[int, str]]]


def context_of(question: str, mentions: Sequence[Mention]) -> Context:
    """Prepare a question for linking."""
    values: dict[Fraction, list[tuple[int, str]]] = {}
    derived: dict[Fraction, list[tuple[int, str]]] = {}
    for i, mention in enumerate(mentions):
        for role in DIRECT[mention.kind]:
            value = role_value(role, mention.value, mention.parts)
            if value is not None:
                values.setdefault(value, []).append((i, role))
        for role in DERIVED[mention.kind]:
            called = _ROLE_WORDS.get(role)
            if mention.value == 1 or (called is not None and not called.search(question)):
                continue
            value = role_value(role, mention.value, mention.parts)
            if value is not None and value > 0:
                derived.setdefault(value, []).append((i, role))
    return Context(question, mentions, world_constants(question), values, derived)


def options(
    leaf: Leaf,
    place: tuple[str, bool],
    equation: Equation,
    number: int,
    equations: Sequence[Equation],
    context: Context,
) -> list[Option]:
    """The possible links of a leaf."""
    found: list[Option] = []
    value = leaf.value
    sign, right = place
    for j in range(number):
        if equations[j].value == value:
            nearness = 0.6 / (number - j)
            shared = len(equations[j].words & equation.words)
            same_money = 0.2 if equations[j].dollars == equation.dollars else 0.0
            found.append(Option(Link("result", j), 1.0 + nearness + min(0.15 * shared, 0.45) + same_money))
    direct = context.values.get(value, ())
    for i, role in direct:
        mention = context.mentions[i]
        if role == "top" and sign not in ("*", "/"):
            continue
        if role in ("bottom", "inverse") and not (sign == "/" and right):
            continue
        if leaf.percent != (mention.kind == "percent") and leaf.percent:
            continue
        shared = len(context.mentions[i].words & equation.words)
        score = 1.0 - ROLE_COST[role] + min(0.3 * shared, 0.9)
        if mention.kind == "multiplier" and sign not in ("*", "/"):
            score -= 1.0
        if mention.kind in ("group", "ordinal", "year"):
            score -= 0.5
        found.append(Option(Link("mention", i, role), score))
    if not found:
        for i, role in context.derived.get(value, ()):
            if role == "and_one" and value.denominator == 1 and int(value) in context.constants:
                continue
            if role == "inverse" and sign not in ("*", "/"):
                continue
            shared = len(context.mentions[i].words & equation.words)
            found.append(Option(Link("mention", i, role), 0.6 - ROLE_COST[role] + min(0.3 * shared, 0.9)))
    whole = value.denominator == 1
    if (whole and int(value) in context.constants) or (
        value == Fraction(1, 100) and 100 in context.constants
    ):
        score = 0.5
        if found:
            # something of the question has this value: a constant of the world is then the less likely
            # reading, unless the step speaks of it
            score = 0.2 if _spoken_of(value, equation) else -0.3
        if value == 100 and sign == "/" and right:
            score = max(score, 0.5) + 0.8
        if found and not right and sign in ("/", "-") and value < 100 and value != 1:
            # what is divided or taken from is a quantity of the story
            score -= 1.5
        found.append(Option(CONSTANT, score))
    elif not found:
        found += _implicit(leaf, number, equations, equation, context)
        found.append(Option(CONSTANT, -1.5 if value <= SMALL_COUNT and whole else -4.0))
    return found


def _implicit(
    leaf: Leaf, number: int, equations: Sequence[Equation], equation: Equation, context: Context
) -> list[Option]:
    """Unwritten steps: one operation on two known numbers that gives the leaf."""
    known: list[tuple[Link, Fraction, frozenset[str]]] = [
        (Link("mention", i, "itself"), mention.value, mention.words)
        for i, mention in enumerate(context.mentions)
        if mention.kind not in ("year", "clock", "group") and mention.value != 1
    ]
    known += [(Link("result", j), equations[j].value, equations[j].words) for j in range(number)]
    found = []
    for i, (one, a, words) in enumerate(known):
        for other, b, more in known[i + 1 :]:
            for sign, value in _combined(a, b):
                if value != leaf.value:
                    continue
                first, second = (other, one) if sign in ("r-", "r/") else (one, other)
                shared = len((words | more) & equation.words)
                score = -0.9 + min(0.15 * shared, 0.6)
                found.append(Option(Link("implicit", -1, sign[-1], (first, second)), score))
    return found


def _combined(a: Fraction, b: Fraction) -> Iterator[tuple[str, Fraction]]:
    yield "+", a + b
    yield "*", a * b
    if a > b:
        yield "-", a - b
    if b > a:
        yield "r-", b - a
    if b:
        yield "/", a / b
    if a:
        yield "r/", b / a


_SPOKEN: Final[Mapping[int, frozenset[str]]] = {
    2: frozenset(("half", "twice", "double", "both", "two", "pair", "couple")),
    3: frozenset(("third", "triple", "three", "yard")),
    4: frozenset(("quarter", "fourth", "month", "week", "four")),
    5: frozenset(("weekday", "week", "nickel")),
    7: frozenset(("week", "day")),
    12: frozenset(("dozen", "year", "month", "foot", "feet", "inch")),
    24: frozenset(("day", "hour")),
    30: frozenset(("month", "day")),
    31: frozenset(("month", "day")),
    52: frozenset(("year", "week")),
    60: frozenset(("hour", "minute", "second")),
    100: frozenset(("percent", "cent", "percentage")),
}


def _spoken_of(value: Fraction, equation: Equation) -> bool:
    return value.denominator == 1 and bool(_SPOKEN.get(int(value), frozenset()) & equation.words)


def link(equations: Sequence[Equation], context: Context, margin: float = MARGIN) -> list[Linked]:
    """All linkings within the margin of the best, best first."""
    states = [_State(0.0)]
    for number, equation in enumerate(equations):
        places = [index for index, _, _ in operands(equation.tree)]
        twins = {places.index(b): places.index(a) for s, a, b in leaf_pairs(equation.tree) if s != "+"}
        for offset, (index, sign, right) in enumerate(operands(equation.tree)):
            leaf = equation.leaves[index]
            choices = options(leaf, (sign, right), equation, number, equations, context)
            grown: list[_State] = []
            for state in states:
                for choice in choices:
                    kind, at, role, _ = choice.link
                    score = state.score + choice.score
                    if (
                        kind != "constant"
                        and offset in twins
                        and choice.link == state.links[len(state.links) - offset + twins[offset]]
                    ):
                        # x * x, x - x or x / x: never what a solution means
                        score -= 4.0
                    results, used = state.results, state.mentions
                    if kind == "result":
                        if not results >> at & 1:
                            score += 0.8
                            results |= 1 << at
                        elif choice.link in state.links[len(state.links) - offset :]:
                            score -= 0.8
                    elif kind == "implicit":
                        for part in choice.link.parts:
                            if part.kind == "result":
                                score += 0.0 if results >> part.index & 1 else 0.8
                                results |= 1 << part.index
                            else:
                                score += 0.0 if used >> part.index & 1 else 1.0
                                used |= 1 << part.index
                    elif kind == "mention":
                        if not used >> at & 1:
                            score += 1.0
                            used |= 1 << at
                        # the same number twice in one equation is suspect
                        own = state.links[len(state.links) - offset :] if offset else []
                        if any(k == "mention" and a == at and r == role for k, a, r, _ in own):
                            score -= 1.5
                    grown.append(_State(score, [*state.links, choice.link], results, used))
            if len(grown) > BEAM:
                grown.sort(key=lambda s: -s.score)
                del grown[BEAM:]
            states = grown
    finished = []
    last = len(equations) - 1
    for state in states:
        unused = sum(not state.results >> j & 1 for j in range(last))
        score = state.score - 2.0 * unused
        for i, mention in enumerate(context.mentions):
            if not state.mentions >> i & 1 and mention.fixed is None and mention.value != 1:
                score -= 0.6
        finished.append((score, state))
    finished.sort(key=lambda pair: -pair[0])
    best = finished[0][0]
    kept = []
    for score, state in finished:
        if score < best - margin:
            break
        links = []
        place = 0
        for equation in equations:
            count = len(equation.leaves)
            row: list[Link] = [CONSTANT] * count
            for offset, (index, _, _) in enumerate(operands(equation.tree)):
                row[index] = state.links[place + offset]
            links.append(tuple(row))
            place += count
        kept.append(Linked(tuple(links), score))
    return kept

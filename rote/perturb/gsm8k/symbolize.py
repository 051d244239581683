"""One GSM8K item to a template's facts: which numbers may change, and what the answer then is.

Every ambiguity costs a variable, never correctness: a number is resampleable only if all linkings that
are still believed possible give one answer, as functions of the numbers that change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rote.perturb.gsm8k.equations import Equation, read_solution
from rote.perturb.gsm8k.linking import (
    DERIVED,
    DIRECT,
    NARROW_MARGIN,
    SMALL_COUNT,
    Link,
    Linked,
    context_of,
    link,
    role_value,
    world_constants,
)
from rote.perturb.gsm8k.mentions import Mention, find_mentions
from rote.perturb.gsm8k.trees import Tree, UnreadableError, compute, leaf_pairs, operands
from rote.perturb.gsm8k.versions import agree, distinct

_VARIABLE_KINDS: Final = frozenset(("integer", "decimal", "money", "percent"))
_ANAPHORA: Final = re.compile(
    r"\b(?:the|these|those|both|all|other|last|first|next|middle|his|her|their)\s+$", re.I
)
_ORDINALS: Final = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
}
_ORDINAL: Final = re.compile(r"\b(" + "|".join(_ORDINALS) + r"|\d+(?:st|nd|rd|th))\b", re.I)


class RejectedError(ValueError):
    """An item that is no template; ``code`` is the reason."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an item.

    ``links`` is the best linking; ``free`` the indices of mentions that may change; ``ties`` groups of
    mentions that change together (equal values); ``frozen`` says why the others may not. ``tier``: A every
    number explained and used, B some number of the question unused, C a small constant unexplained.
    """

    question: str
    solution: str
    mentions: tuple[Mention, ...]
    equations: tuple[Equation, ...]
    links: tuple[tuple[Link, ...], ...]
    answer: Fraction
    free: tuple[int, ...]
    ties: tuple[tuple[int, ...], ...]
    frozen: Mapping[int, str]
    tier: str


def prepare(question: str, solution: str) -> tuple[list[Equation], Fraction, list[Mention]]:
    """The equations, the answer and the mentions of an item. Raises RejectedError with a reason code."""
    try:
        equations, answer = read_solution(solution)
    except UnreadableError as error:
        raise RejectedError(error.code) from None
    equations = _without_restated(equations)
    if equations[-1].value != answer:
        computed = any(e.value == answer for e in equations)
        raise RejectedError("answer_not_last" if computed else "answer_not_computed")
    mentions = find_mentions(question)
    if not mentions:
        raise RejectedError("no_numbers")
    return equations, answer, mentions


def symbolize(
    question: str, solution: str, links: Sequence[Sequence[str]] | None = None, *, read: bool = False
) -> Facts:
    """Analyse an item.

    ``links`` are curated links to use in place of a search (:func:`curated_links`). ``read``: people have
    read the item, so that a difference that equals what is taken away is known to mean what it says.

    Raises RejectedError with a reason code, ValueError for curated links that do not fit the item.
    """
    equations, answer, mentions = prepare(question, solution)
    if links is not None:
        best = Linked(curated_links(links, equations, mentions), 0.0)
        frozen = _fixed(question, mentions, equations, best, read)
        free, ties, reasons = _agreed(mentions, equations, [best], frozen)
        if not free:
            raise RejectedError("nothing_free")
        return Facts(
            question,
            solution,
            tuple(mentions),
            tuple(equations),
            best.links,
            answer,
            free,
            ties,
            reasons,
            "A",
        )
    context = context_of(question, mentions)
    linked = link(equations, context)
    dropped = _said_in_passing(equations, linked[0])
    if dropped:
        # an equation in plain words whose result nothing uses is an aside, not a step
        equations = [e for i, e in enumerate(equations) if i not in dropped]
        linked = link(equations, context)
    best = linked[0]
    tier = _explain(question, mentions, equations, best, read)
    frozen = _fixed(question, mentions, equations, best, read)
    free, ties, reasons = _agreed(mentions, equations, distinct(mentions, equations, linked), frozen)
    if not free:
        near = [version for version in linked if version.score >= best.score - NARROW_MARGIN]
        free, ties, reasons = _agreed(mentions, equations, distinct(mentions, equations, near), frozen)
        tier = "C"
    if dropped:
        tier = "C"
    if not free:
        raise RejectedError("nothing_free")
    used = used_mentions(best.links)
    if tier == "A" and any(_counts(m) and i not in used for i, m in enumerate(mentions)):
        tier = "B"
    return Facts(
        question, solution, tuple(mentions), tuple(equations), best.links, answer, free, ties, reasons, tier
    )


def _without_restated(equations: list[Equation]) -> list[Equation]:
    """Leave out a plain equation that an annotated one near it repeats."""
    kept = []
    for i, equation in enumerate(equations):
        near = equations[max(0, i - 2) : i] + equations[i + 1 : i + 2]
        values = sorted(leaf.value for leaf in equation.leaves)
        if not equation.annotated and any(
            other.value == equation.value and sorted(leaf.value for leaf in other.leaves) == values
            for other in near
        ):
            continue
        kept.append(equation)
    return kept


def curated_links(
    links: Sequence[Sequence[str]], equations: Sequence[Equation], mentions: Sequence[Mention]
) -> tuple[tuple[Link, ...], ...]:
    """Links as people write them, a row an equation: ``m2``, ``m3/bottom``, ``r0`` or ``c`` for a constant.

    Raises ValueError where a row does not fit its equation or a number is not what its link gives.
    """
    if [len(row) for row in links] != [len(e.leaves) for e in equations]:
        raise ValueError(f"rows of {[len(row) for row in links]} links; the solution has other equations")
    rows = []
    for i, (row, equation) in enumerate(zip(links, equations, strict=True)):
        found = []
        for text, leaf in zip(row, equation.leaves, strict=True):
            one = _curated_link(text)
            given: Fraction | None = leaf.value
            if one.kind == "result":
                given = equations[one.index].value if one.index < i else None
            elif one.kind == "mention":
                given = None
                if one.index < len(mentions):
                    mention = mentions[one.index]
                    given = role_value(one.role, mention.value, mention.parts)
            if given != leaf.value:
                raise ValueError(f"equation {i}: {text!r} is not {leaf.text}")
            found.append(one)
        rows.append(tuple(found))
    return tuple(rows)


def _curated_link(text: str) -> Link:
    if text == "c":
        return Link("constant")
    match = re.fullmatch(r"([mr])(\d+)(?:/([a-z_]+))?", text)
    if match is None:
        raise ValueError(f"{text!r} is no link: m<number>[/role], r<number> or c")
    if match[1] == "r":
        return Link("result", int(match[2]))
    return Link("mention", int(match[2]), match[3] or "itself")


def _said_in_passing(equations: Sequence[Equation], best: Linked) -> set[int]:
    used = {
        part.index
        for row in best.links
        for origin in row
        for part in (origin, *origin.parts)
        if part.kind == "result"
    }
    return {i for i, e in enumerate(equations[:-1]) if i not in used and not e.annotated}


def used_mentions(links: Sequence[Sequence[Link]]) -> frozenset[int]:
    """Indices of the mentions that a linking uses."""
    return frozenset(
        part.index
        for row in links
        for origin in row
        for part in (origin, *origin.parts)
        if part.kind == "mention"
    )


def _counts(mention: Mention) -> bool:
    return mention.value != 1 and mention.kind not in ("ordinal", "year", "clock", "group")


def _explain(
    question: str, mentions: Sequence[Mention], equations: Sequence[Equation], best: Linked, read: bool
) -> str:
    """Reject what cannot be trusted; the tier of what can."""
    tier = "A"
    used_results: set[int] = set()
    seen: set[int] = set()
    constants = world_constants(question)
    for equation, row in zip(equations, best.links, strict=True):
        kinds = [origin.kind for origin in row]
        if all(kind == "constant" for kind in kinds):
            if any(leaf.value != 1 for leaf in equation.leaves):
                raise RejectedError("constant_step")
            tier = "C"  # one of this and one of that
        for origin, leaf in zip(row, equation.leaves, strict=True):
            for part in (origin, *origin.parts):
                if part.kind == "result":
                    used_results.add(part.index)
                elif part.kind == "mention":
                    seen.add(part.index)
            if origin.kind == "implicit":
                if not read and leaf.value <= SMALL_COUNT:
                    # small numbers are the sum or product of others by chance too often
                    raise RejectedError("implicit_step")
                tier = "C"
            elif origin.kind == "constant" and not _is_known(leaf.value, constants):
                if leaf.value.denominator != 1 or leaf.value > SMALL_COUNT:
                    raise RejectedError("unexplained_constant")
                tier = "C"
        for sign, left, right in leaf_pairs(equation.tree):
            if sign in "*/" and row[left] == row[right] and row[left].kind == "mention":
                raise RejectedError("same_number_twice")
    for number in range(len(equations) - 1):
        if number not in used_results:
            raise RejectedError("unused_result")
    written = {leaf.value for equation in equations for leaf in equation.leaves}
    for i, mention in enumerate(mentions):
        if i not in seen and mention.kind in ("multiplier", "fraction", "percent"):
            # it may be restated, or linked to another word of the same value; but it must be there
            roles = (*DIRECT[mention.kind], *DERIVED[mention.kind])
            if not written & {role_value(role, mention.value, mention.parts) for role in roles}:
                raise RejectedError(f"unused_{mention.kind}")
    if not seen:
        raise RejectedError("nothing_linked")
    return tier


def _is_known(value: Fraction, constants: frozenset[int]) -> bool:
    """Whether a constant is one of the world, or a hundredth."""
    if value == Fraction(1, 100):
        return 100 in constants
    return value.denominator == 1 and int(value) in constants


def _agreed(
    mentions: Sequence[Mention],
    equations: Sequence[Equation],
    versions: Sequence[Linked],
    fixed: Mapping[int, str],
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...], dict[int, str]]:
    """The mentions that may change, which change together, and why the others may not."""
    frozen = dict(fixed)
    used = used_mentions(versions[0].links)
    groups: list[tuple[int, ...]] = []
    waiting = [i for i in range(len(mentions)) if i not in frozen]
    for i in waiting:
        if i not in used:
            frozen[i] = "not in the solution"
    for i in waiting:
        if i in frozen or any(i in group for group in groups):
            continue
        equal = [j for j in waiting if mentions[j].value == mentions[i].value and j != i]
        alone = agree(mentions, equations, versions, [*groups, (i,)])
        restated = [j for j in equal if j not in used and _same_noun(mentions, i, j)]
        if alone and not [j for j in equal if j not in used]:
            groups.append((i,))
            continue
        if restated and len(restated) == len([j for j in equal if j not in used]):
            tied = (i, *restated)
        else:
            tied = (i, *[j for j in equal if j in used])
            if len(tied) < len(equal) + 1:
                frozen[i] = "stands twice"
                continue
        if len(tied) > 1 and agree(mentions, equations, versions, [*groups, tied]):
            for j in tied:
                frozen.pop(j, None)
            groups.append(tuple(sorted(tied)))
        else:
            frozen[i] = "ambiguous"
    free = tuple(sorted(i for group in groups for i in group))
    return free, tuple(sorted(groups)), frozen


def _same_noun(mentions: Sequence[Mention], i: int, j: int) -> bool:
    return bool(mentions[i].noun) and mentions[i].noun == mentions[j].noun


def _terms(tree: Tree) -> int:
    """How many terms a sum has; 0 for anything else."""
    if isinstance(tree, int):
        return 1
    sign, left, right = tree
    if sign == "+":
        return _terms(left) + _terms(right)
    return 1


def _may_count(
    mention: Mention, i: int, sums: set[int], uses: Mapping[int, Sequence[tuple[Equation, int]]]
) -> bool:
    """Whether a small count may be the number of terms of a sum: three friends, each with a number."""
    if mention.value not in sums:
        return False
    if i not in uses:
        return True
    dividing = any(
        index == place and sign == "/" and right
        for equation, place in uses[i]
        for index, sign, right in operands(equation.tree)
    )
    return dividing or (mention.value >= 3 and mention.style == "words")


def _complements(equations: Sequence[Equation], best: Linked) -> set[int]:
    """Mentions behind a difference that equals what is taken away: 8 - 4 may be "by 4" or "to 4"."""
    behind: list[set[int]] = []
    found: set[int] = set()
    for equation, row in zip(equations, best.links, strict=True):
        own: set[int] = set()
        for origin in row:
            for part in (origin, *origin.parts):
                if part.kind == "mention":
                    own.add(part.index)
                elif part.kind == "result":
                    own |= behind[part.index]
        behind.append(own)
        values = [leaf.value for leaf in equation.leaves]
        if _takes_its_own_value(equation.tree, values):
            found |= own
    return found


def _takes_its_own_value(tree: Tree, values: Sequence[Fraction]) -> bool:
    if isinstance(tree, int):
        return False
    sign, left, right = tree
    if sign == "-" and compute(tree, values) == compute(right, values):
        return True
    return _takes_its_own_value(left, values) or _takes_its_own_value(right, values)


def _unsupported(mention: Mention, uses: Sequence[tuple[Equation, int]]) -> bool:
    """Whether a number is used more than once, somewhere without a word that it has in the question."""
    return len(uses) > 1 and any(not (mention.words & equation.words) for equation, _ in uses)


def _fixed(
    question: str, mentions: Sequence[Mention], equations: Sequence[Equation], best: Linked, read: bool
) -> dict[int, str]:
    """Mentions that may never change, with the reason."""
    frozen: dict[int, str] = {}
    sums = {n for e in equations if (n := _terms(e.tree)) >= 2}
    ordinals = {
        _ORDINALS.get(m[1].lower()) or int(re.sub(r"\D", "", m[1])) for m in _ORDINAL.finditer(question)
    }
    uses: dict[int, list[tuple[Equation, int]]] = {}
    for equation, row in zip(equations, best.links, strict=True):
        for place, origin in enumerate(row):
            for part in (origin, *origin.parts):
                if part.kind == "mention":
                    uses.setdefault(part.index, []).append((equation, place))
    complements = set() if read else _complements(equations, best)
    for i, mention in enumerate(mentions):
        before = question[: mention.start]
        if i in complements:
            frozen[i] = "its complement looks the same"
        elif mention.fixed is not None:
            frozen[i] = mention.fixed
        elif mention.kind not in _VARIABLE_KINDS:
            frozen[i] = mention.kind
        elif mention.value in (0, 1):
            frozen[i] = "one"
        elif mention.kind == "percent" and mention.value in (50, 100):
            frozen[i] = "half or whole"
        elif mention.style == "words" and _ANAPHORA.search(before):
            frozen[i] = "anaphoric count"
        elif mention.kind == "integer" and mention.value <= 6 and _may_count(mention, i, sums, uses):
            frozen[i] = "may count the terms of a sum"
        elif mention.value in ordinals:
            frozen[i] = "an ordinal counts to it"
        elif mention.value <= 12 and mention.kind == "integer" and _unsupported(mention, uses.get(i, ())):
            frozen[i] = "small and used again"
    return frozen

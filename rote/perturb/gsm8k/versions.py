"""The linkings still believed possible, as functions of the mentions: are they one?

Functions are compared by their values at a few points modulo a large prime: two rational functions that
differ agree at a random point with a chance of about their degree in 2**61.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from rote.perturb.gsm8k.equations import Equation
from rote.perturb.gsm8k.linking import Link, Linked, role_value
from rote.perturb.gsm8k.mentions import Mention
from rote.perturb.gsm8k.trees import Tree

_PRIME: Final = (1 << 61) - 1
_TRIALS: Final = 3


def _modular(tree: Tree, values: Sequence[int]) -> int:
    if isinstance(tree, int):
        return values[tree]
    sign, left, right = tree
    a, b = _modular(left, values), _modular(right, values)
    if sign == "+":
        return (a + b) % _PRIME
    if sign == "-":
        return (a - b) % _PRIME
    if sign == "*":
        return a * b % _PRIME
    return a * pow(b, -1, _PRIME) % _PRIME


def _residue(value: Fraction) -> int:
    return value.numerator * pow(value.denominator, -1, _PRIME) % _PRIME


def _role_residue(role: str, v: int, mention: Mention) -> int:
    """:func:`role_value` modulo the prime; the parts of a fraction never vary."""
    hundredth = pow(100, -1, _PRIME)
    table = {
        "itself": v,
        "hundredth": v * hundredth,
        "left": 1 - v,
        "more": 1 + v,
        "percent_left": 1 - v * hundredth,
        "percent_more": 1 + v * hundredth,
        "of_hundred_left": 100 - v,
        "of_hundred_more": 100 + v,
        "times_hundred": v * 100,
        "of_sixty": v * pow(60, -1, _PRIME),
        "times_sixty": v * 60,
        "dozens": v * 12,
        "and_one": v + 1,
    }
    if role in table:
        return table[role] % _PRIME
    if role == "inverse":
        return pow(v, -1, _PRIME)
    exact = role_value(role, mention.value, mention.parts)
    if exact is None:
        raise ValueError(f"role {role!r} does not apply to {mention.text!r}")
    return _residue(exact)


def _linked_residue(
    origin: Link, value: Fraction, results: Sequence[int], values: Sequence[int], mentions: Sequence[Mention]
) -> int:
    if origin.kind == "result":
        return results[origin.index]
    if origin.kind == "mention":
        return _role_residue(origin.role, values[origin.index], mentions[origin.index])
    if origin.kind == "implicit":
        return _modular(
            (origin.role, 0, 1),
            [_linked_residue(part, value, results, values, mentions) for part in origin.parts],
        )
    return _residue(value)


def fingerprint(
    mentions: Sequence[Mention],
    equations: Sequence[Equation],
    links: Sequence[Sequence[Link]],
    values: Sequence[int],
) -> int:
    """The answer modulo a prime when the mentions have these residues: equal functions agree everywhere."""
    results: list[int] = []
    for equation, row in zip(equations, links, strict=True):
        leaves = [
            _linked_residue(origin, leaf.value, results, values, mentions)
            for origin, leaf in zip(row, equation.leaves, strict=True)
        ]
        results.append(_modular(equation.tree, leaves))
    return results[-1]


def _random(i: int, trial: int) -> int:
    # any fixed scatter of residues does: splitmix64's finaliser
    x = (i * 0x9E3779B97F4A7C15 + trial * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB) & (2**64 - 1)
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & (2**64 - 1)
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & (2**64 - 1)
    return (x ^ (x >> 31)) % (_PRIME - 2) + 2


def distinct(
    mentions: Sequence[Mention], equations: Sequence[Equation], linked: Sequence[Linked]
) -> list[Linked]:
    """One linking of each function of the mentions."""
    values = [_random(i, 0) for i in range(len(mentions))]
    kept: dict[int, Linked] = {}
    for version in linked:
        kept.setdefault(fingerprint(mentions, equations, version.links, values), version)
    return list(kept.values())


def agree(
    mentions: Sequence[Mention],
    equations: Sequence[Equation],
    versions: Sequence[Linked],
    groups: Sequence[Sequence[int]],
) -> bool:
    """Whether all versions are one function of these groups of mentions, the others at their values."""
    for trial in range(1, _TRIALS + 1):
        values = [_residue(m.value) for m in mentions]
        for group in groups:
            residue = _random(group[0], trial)
            for i in group:
                values[i] = residue
        answers = {fingerprint(mentions, equations, version.links, values) for version in versions}
        if len(answers) > 1:
            return False
    return True

"""The terms of a reward: small pure functions of what is known of a response.

Each says its range and formula. c is 1 for a right answer and 0 for any other response; "answered" means
that the response ends in exactly one answer (:mod:`rote.train.rewards.terminal`). Together with the rules of
:class:`rote.train.recipe.RewardSpec` the ranges see to it that no wrong answer ranks above a right one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from rote.metrics.trace import composite, confidence_term
from rote.train.rewards.scored import Scored


def correctness(scored: Scored) -> float:
    """0 or 1: c. No credit for being near, for a part of a system, or for one of several answers."""
    return float(scored.correct)


def format(scored: Scored) -> float:
    """0, ½ or 1: 1 for one answer as the prompt asked for it; ½ for one in some mark but not as asked.

    The half is what a model that never keeps the format climbs on. Right or wrong does not matter.
    """
    return (scored.marked + scored.complies) / 2


def trace(scored: Scored) -> float:
    """0 to 1: shape of the chain (:func:`rote.metrics.trace.trace_score`) when answered, else 0."""
    return scored.trace


def process(scored: Scored) -> float:
    """0 to 1: s / (s + u) when answered and the last equation gives the answer, else 0.

    s: different, non-trivial equations that lead to the answer, hold, and take all numbers from the
    question or from earlier results; u: those that lead to it and do not, and all that do not hold. Where
    the row's own solution has no arithmetic that can be read: the share of equations that hold (1 without
    any) for a right answer, else 0.
    """
    return scored.sound


def confidence(scored: Scored) -> float:
    """−1 to 1: c − (q − c)² for a stated confidence q when answered (unstated: q = 1), else 0.

    At least 0 for a right answer and at most 0 for a wrong one; best, on average, when q is honest
    (arXiv 2507.16806).
    """
    return confidence_term(scored.correct, scored.answered, scored.confidence)


def inertness(scored: Scored) -> float:
    """−1 or 0: −1 for the answer that lets an inert clause's number in."""
    return -1.0 if scored.trapped else 0.0


def length(scored: Scored) -> float:
    """−1 to 0: −max(0, w / L − 1), at least −1, for w words; L = max(300, 5 × words of the solution)."""
    return 0.0 - min(1.0, scored.excess)


def seeds(scored: Scored) -> float:
    """−0.15 to 1: 0.6 correctness + 0.25 trace + 0.15 confidence."""
    return composite(scored.correct, scored.answered, scored.trace, scored.confidence)


def random(scored: Scored) -> float:
    """0 or 1: a coin by the hash of the row, its question and the response; a control that knows nothing."""
    text = "\x1f".join((scored.row.id, scored.row.question, scored.response))
    return float(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[0] & 1)


#: The terms that look at one response alone, by name.
SINGLE: Final[Mapping[str, Callable[[Scored], float]]] = MappingProxyType(
    {
        term.__name__: term
        for term in (
            correctness,
            format,
            trace,
            process,
            confidence,
            inertness,
            length,
            seeds,
            random,
        )
    }
)


def consistency(indices: Sequence[int], scored: Sequence[Scored]) -> list[float]:
    """0 to 1 each: for a right answer the share of its sibling prompts that were answered right.

    Siblings are other rows of one template, with another question, in the same batch; of a prompt with
    several responses the share that is right counts. 0 for a wrong answer and without siblings.

    Parameters
    ----------
    indices: which row each response belongs to; responses to one prompt share it.
    """
    rights: dict[int, list[bool]] = {}
    families: dict[tuple[str, str], dict[int, str]] = {}
    for index, one in zip(indices, scored, strict=True):
        rights.setdefault(index, []).append(one.correct)
        if one.row.template_id:
            families.setdefault((one.row.source, one.row.template_id), {})[index] = one.row.question
    found = []
    for index, one in zip(indices, scored, strict=True):
        family = families.get((one.row.source, one.row.template_id), {})
        siblings = [at for at in family if at != index and family[at] != one.row.question]
        if not one.correct or not siblings:
            found.append(0.0)
            continue
        shares = [math.fsum(rights[at]) / len(rights[at]) for at in siblings]
        found.append(math.fsum(shares) / len(shares))
    return found

"""What the planted models do: known behaviours that an instrument must tell apart.

A behaviour is a function of (its parameters, its seed, the document) and of nothing else: the order of
the requests, the batches and the repeats never change a response.

==================  ============================================================================
``solver``           solves every problem
``noisy``            solves a share ``accuracy`` of problems, whatever the variant
``memorizer``        has learnt a share ``recall`` of the templates by heart: on any variant of such
                     a one it recites the original's solution, numbers and all. So it is right on
                     originals and where the original's numbers stand unchanged (``names``,
                     ``noop``, ``noop2``, ``noop_control``), and wrong where an answer differs
                     (``numbers``, ``symbolic``, ``symbolic_noop``, ``p1``, ``p2``). The other
                     templates it solves
``distractible``     solves, but where a problem has traps falls into one of them at ``trap_rate``:
                     on ``noop``, ``noop2`` and ``symbolic_noop``; never on ``noop_control``, whose
                     clause has no number
``digit_limited``    solves problems whose numbers and answer have at most ``digits`` digits before
                     the decimal point, and slips on the rest
==================  ============================================================================

A wrong answer that is no trap and no recitation is the gold plus a small whole number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from rote.errors import DataError, UsageError
from rote.harness_ext import gsm8k, sources
from rote.prompts import target_text
from rote.rational import format_number, parse_number

Doc = Mapping[str, Any]

_NUMBER = re.compile(r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a behaviour: its default and its range, both ends included."""

    name: str
    default: float
    low: float
    high: float
    whole: bool = False
    what: str = ""

    def check(self, value: Any) -> float:
        """The value as a number in range. Raises UsageError naming the parameter, the range and the value."""
        kind = "a whole number" if self.whole else "a number"
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not self.low <= value <= self.high or (self.whole and value != int(value)):
            raise UsageError(
                f"rote-planted: {self.name} must be {kind} from {self.low:g} to {self.high:g}, got {value!r}"
            )
        return int(value) if self.whole else float(value)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A named behaviour: how it answers and what may be set."""

    name: str
    respond: Callable[[Doc, int, Mapping[str, float]], str]
    parameters: tuple[Parameter, ...] = ()


def chance(seed: int, *parts: str) -> float:
    """A number in [0, 1) that depends on exactly the arguments (53 bits of a BLAKE2b hash)."""
    return (draw(seed, *parts) >> 11) / 2**53


def draw(seed: int, *parts: str) -> int:
    """A whole number of 64 bits that depends on exactly the arguments."""
    text = "\x1f".join([str(seed), *parts])
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "big")


def solve(doc: Doc) -> str:
    """The right solution, as exemplars show it."""
    return target_text(doc["solution"])


def slip(doc: Doc, seed: int) -> str:
    """The solution with its last result miscounted: neither the gold nor a trap."""
    gold = parse_number(doc["answer"])
    taken = {gold, *(parse_number(trap["value"]) for trap in doc["traps"])}
    wrong = gold + 1 + draw(seed, "slip", doc["id"]) % 9
    while wrong in taken:
        wrong += 1
    return conclude(doc, wrong)


def conclude(doc: Doc, value: Fraction, remark: str = "") -> str:
    """The solution's own steps, bent at the end towards another answer."""
    body = target_text(doc["solution"]).rpartition("####")[0].rstrip()
    gold, text = parse_number(doc["answer"]), format_number(value)
    if not remark:
        # The last place where the gold stands as a number of its own.
        at = [m.span() for m in _NUMBER.finditer(body) if parse_number(m.group().replace(",", "")) == gold]
        if at:
            start, end = at[-1]
            body = body[:start] + text + body[end:]
        else:
            remark = f"That makes {text}."
    return "\n".join(part for part in (body, remark, f"#### {text}") if part)


def _solver(doc: Doc, seed: int, p: Mapping[str, float]) -> str:
    return solve(doc)


def _noisy(doc: Doc, seed: int, p: Mapping[str, float]) -> str:
    return solve(doc) if chance(seed, "noisy", doc["id"]) < p["accuracy"] else slip(doc, seed)


def _memorizer(doc: Doc, seed: int, p: Mapping[str, float]) -> str:
    if chance(seed, "memorizer", doc["template_id"]) < p["recall"]:
        return target_text(original_solution(doc))
    return solve(doc)


def _distractible(doc: Doc, seed: int, p: Mapping[str, float]) -> str:
    traps = doc["traps"]
    if not traps or chance(seed, "distractible", doc["id"]) >= p["trap_rate"]:
        return solve(doc)
    trap = traps[draw(seed, "trap", doc["id"]) % len(traps)]
    value, how = trap["value"], trap["how"]
    return conclude(doc, parse_number(value), f"With the other number counted in ({how}) it is {value}.")


def _digit_limited(doc: Doc, seed: int, p: Mapping[str, float]) -> str:
    numbers = [text.replace(",", "").partition(".")[0] for text in _NUMBER.findall(doc["question"])]
    numbers.append(str(abs(int(parse_number(doc["answer"])))))
    longest = max(len(text.lstrip("0")) for text in numbers)
    return solve(doc) if longest <= p["digits"] else slip(doc, seed)


def original_solution(doc: Doc) -> str:
    """The solution of the document's original, which a variant's document does not carry.

    Raises DataError where the original cannot be found.
    """
    if doc["id"] == doc["original_id"]:
        return str(doc["solution"])
    template_id = doc["template_id"]
    if doc["source"] == "gsm8k":
        original = gsm8k.original(template_id)
    else:
        original = sources.original(doc["source"], template_id)
    if original is None:
        raise DataError(f"rote-planted: the memorizer knows no template {template_id!r} of {doc['source']!r}")
    return original.solution


BEHAVIOURS: Final[Mapping[str, Behaviour]] = {
    behaviour.name: behaviour
    for behaviour in (
        Behaviour("solver", _solver),
        Behaviour("noisy", _noisy, (Parameter("accuracy", 0.8, 0, 1, what="share solved"),)),
        Behaviour("memorizer", _memorizer, (Parameter("recall", 1, 0, 1, what="share of templates known"),)),
        Behaviour(
            "distractible",
            _distractible,
            (Parameter("trap_rate", 0.5, 0, 1, what="share of problems with traps that it falls for"),),
        ),
        Behaviour(
            "digit_limited",
            _digit_limited,
            (Parameter("digits", 2, 1, 20, whole=True, what="most digits before the decimal point"),),
        ),
    )
}

#: Other spellings of behaviours.
ALIASES: Final[Mapping[str, str]] = {"memoriser": "memorizer", "digit-limited": "digit_limited"}

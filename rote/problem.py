"""Frozen data that every room shares: a problem, its traps, its inert clauses.

Data only; drawing and rendering live in ``rote.perturb``, scoring in ``rote.answers``. Named tuples
rather than data classes: they are frozen, and making one costs a fifth of a frozen data class, which
counts when a hundred thousand are made a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from rote.rational import format_number, parse_number

#: How a problem differs from its original, in the order reports show them.
VARIANTS: Final = (
    "original",
    "names",
    "numbers",
    "symbolic",
    "noop",
    "noop2",
    "noop_control",
    "symbolic_noop",
    "p1",
    "p2",
)


class Trap(NamedTuple):
    """A wrong answer that a reader gets by letting the inert number into the arithmetic."""

    value: Fraction
    how: str


class Noop(NamedTuple):
    """An inert clause: what it is, where it stands and why it changes no answer.

    ``number`` is None in a control clause: the same kind of sentence without any number.
    ``span`` is the half-open character range of the clause in the question.
    ``proof`` lists the facts checked for this very instance, one sentence each.
    """

    family: str
    factors: Mapping[str, str]
    number: Fraction | None
    span: tuple[int, int]
    proof: tuple[str, ...]


class Problem(NamedTuple):
    """One rendered problem: f(template, variant, seed, index) and nothing else.

    ``solution`` is a chain of thought in GSM8K's style, calculator annotations
    (``<<3*4=12>>``) included, ending in ``#### <answer>``; ``answer`` is exact.
    ``noop`` holds the inert clauses in the order of the question: none, one, or two.
    ``covariates`` are facts that may make a variant harder than its original: ``largest_number``
    (in the question), ``answer_digits`` (digits of the answer's integer part), ``operations`` (in
    the solution graph), ``characters`` (of the question).
    """

    id: str
    source: str
    template_id: str
    original_id: str
    variant: str
    seed: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    question: str
    solution: str
    answer: Fraction
    traps: tuple[Trap, ...] = ()
    noop: tuple[Noop, ...] = ()
    covariates: Mapping[str, int | float] = MappingProxyType({})

    def to_doc(self) -> dict[str, Any]:
        """The JSON form: what ``rote sample`` prints and lm-eval logs under ``doc``.

        Rationals become strings (``"18"``, ``"2.5"``, ``"5/3"``).
        """
        return {
            "id": self.id,
            "source": self.source,
            "template_id": self.template_id,
            "original_id": self.original_id,
            "variant": self.variant,
            "seed": self.seed,
            "index": self.index,
            "question": self.question,
            "solution": self.solution,
            "answer": format_number(self.answer),
            "traps": [{"value": format_number(t.value), "how": t.how} for t in self.traps],
            "noop": [
                {
                    "family": clause.family,
                    "factors": dict(clause.factors),
                    "number": None if clause.number is None else format_number(clause.number),
                    "span": list(clause.span),
                    "proof": list(clause.proof),
                }
                for clause in self.noop
            ],
            "covariates": dict(self.covariates),
        }

    @classmethod
    def from_doc(cls, doc: Mapping[str, Any]) -> Problem:
        """The inverse of :meth:`to_doc`. Raises KeyError or ValueError on a foreign record."""
        if not isinstance(doc["noop"], (list, tuple)):
            raise ValueError(f"noop: must be a list of inert clauses, got {doc['noop']!r}")
        return cls(
            **{k: doc[k] for k in ("id", "source", "template_id", "original_id", "variant", "seed")},
            index=doc["index"],
            question=doc["question"],
            solution=doc["solution"],
            answer=parse_number(doc["answer"]),
            traps=tuple(Trap(parse_number(t["value"]), t["how"]) for t in doc["traps"]),
            noop=tuple(
                Noop(
                    family=clause["family"],
                    factors=dict(clause["factors"]),
                    number=None if clause["number"] is None else parse_number(clause["number"]),
                    span=(clause["span"][0], clause["span"][1]),
                    proof=tuple(clause["proof"]),
                )
                for clause in doc["noop"]
            ),
            covariates=dict(doc["covariates"]),
        )

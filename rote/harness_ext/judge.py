"""A language model as judge: what it is asked, how its reply is read, and the audit that it must pass first.

A judge is asked two things: whether a stated answer is the reference answer (yes or no), and how good the
reasoning of a solution is (1 to 5). The prompts are the files of ``judge_data``. A reply that is neither yes
nor no, or no such digit, is never guessed at: it is counted and named.

The audit puts :data:`PAIRS` to the judge, near-misses and paraphrases whose verdict is known. What it gets
wrong there, it will get wrong elsewhere.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final

from rote.answers.passages import without_thinking
from rote.errors import UsageError
from rote.harness_ext import models

#: Prompts to replies, in order.
Ask = Callable[[Sequence[str]], Sequence[str]]

_DATA: Final = Path(__file__).parent / "judge_data"

#: Most of the pairs that are not the same answer, and most of those that are, that a judge may get wrong, and
#: most of all pairs that it may leave undecided. A wrong acceptance turns a wrong answer into a right one and
#: so weighs more than a wrong rejection, which leaves the grader's verdict as it is.
MOST_ACCEPTED: Final = 0.05
MOST_REJECTED: Final = 0.10
MOST_UNDECIDED: Final = 0.05

#: Of the intervals.
LEVEL: Final = 0.95

#: Characters of a solution that a judge is shown: the first and the last half of it, where it is longer.
SHOWN: Final = 8000

# Bounded throughout: a reply is as hostile as any text.
_LEAD: Final = r"\W{0,9}(?:(?:final|my)\s{1,3})?(?:(?:verdict|answer|reply|rating|score)\W{1,9})?"
_VERDICT: Final = re.compile(rf"{_LEAD}(yes|no)\b(.*)", re.IGNORECASE | re.DOTALL)
_WORD: Final = re.compile(r"\b(?:yes|no)\b", re.IGNORECASE)
_RATING: Final = re.compile(
    rf"{_LEAD}([1-5])(?:\s{{0,3}}(?:/|out\s{{1,3}}of)\s{{0,3}}5)?(?!\w|[.,/]\d)(.*)",
    re.IGNORECASE | re.DOTALL,
)
_DIGIT: Final = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Pair:
    """A stated answer whose verdict is known: ``same`` as the reference answer or not."""

    kind: str
    same: bool
    question: str
    reference: str
    stated: str


@cache
def pairs() -> tuple[Pair, ...]:
    """The pairs of the audit."""
    with (_DATA / "pairs.tsv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    return tuple(
        Pair(r["kind"], r["verdict"] == "yes", r["question"], r["reference"], r["stated"]) for r in rows
    )


@cache
def _template(name: str) -> str:
    return (_DATA / f"{name}.txt").read_text(encoding="utf-8")


def _prompt(name: str, question: str, reference: str, candidate: str) -> str:
    """A prompt filled in; nothing that is filled in is looked through again."""
    if len(candidate) > SHOWN:
        candidate = f"{candidate[: SHOWN // 2]}\n[…]\n{candidate[-SHOWN // 2 :]}"
    values = {"{question}": question, "{reference}": reference, "{candidate}": candidate}
    return re.sub(r"\{(?:question|reference|candidate)\}", lambda m: values[m[0]], _template(name))


def equivalence_prompt(question: str, reference: str, candidate: str) -> str:
    """Asks whether the candidate's answer is the reference answer."""
    return _prompt("equivalence", question, reference, candidate)


def quality_prompt(question: str, reference: str, candidate: str) -> str:
    """Asks for the quality of a solution's reasoning, 1 to 5; the reference is a right solution."""
    return _prompt("quality", question, reference, candidate)


def read_verdict(reply: str) -> bool | None:
    """True for yes, False for no, None for anything else: no verdict first, or both words in the reply."""
    said, unfinished = without_thinking(reply)
    found = None if unfinished else _VERDICT.fullmatch(said.strip())
    if found is None:
        return None
    word = found[1].lower()
    other = any(m[0].lower() != word for m in _WORD.finditer(found[2]))
    return None if other else word == "yes"


def read_rating(reply: str) -> int | None:
    """1 to 5, or None for anything else: no rating first, or another number in the reply."""
    said, unfinished = without_thinking(reply)
    found = None if unfinished else _RATING.fullmatch(said.strip())
    return None if found is None or _DIGIT.search(found[2]) else int(found[1])


def wilson(count: int, total: int) -> tuple[float, float]:
    """Wilson's score interval of a share, at :data:`LEVEL` (Wilson 1927, JASA 22); (0, 1) of nothing."""
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + LEVEL / 2)
    p, spread = count / total, z * z / total
    middle = p + spread / 2
    half = z * math.sqrt(p * (1 - p) / total + spread / (4 * total))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval (:func:`wilson`)."""

    count: int
    total: int

    @property
    def share(self) -> float:
        """count / total; NaN of nothing."""
        return self.count / self.total if self.total else math.nan

    def __str__(self) -> str:
        if not self.total:
            return "none asked"
        low, high = wilson(self.count, self.total)
        return f"{self.share:.1%} [{low:.1%}, {high:.1%}] ({self.count} of {self.total})"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        low, high = wilson(self.count, self.total)
        share = self.share if self.total else None
        return {"count": self.count, "total": self.total, "share": share, "low": low, "high": high}


@dataclass(frozen=True, slots=True)
class Audit:
    """How a judge did on the pairs.

    Attributes
    ----------
    accepted: pairs that are not the same answer and that it took for the same, of those it decided.
    rejected: pairs that are the same answer and that it took for different, of those it decided.
    undecided: pairs to which it said neither yes nor no, of all.
    wrong: pairs with its reply, for all of the above.
    """

    accepted: Rate
    rejected: Rate
    undecided: Rate
    wrong: tuple[tuple[Pair, str], ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """Why the judge fails; empty when it passes."""
        limits = (
            ("false accepts", self.accepted, MOST_ACCEPTED),
            ("false rejects", self.rejected, MOST_REJECTED),
            ("neither yes nor no", self.undecided, MOST_UNDECIDED),
        )
        # Not `share > limit`: of no decided pair the share is NaN, and no judge passes by silence.
        return tuple(
            f"{name} {rate} (most: {most:.0%})" for name, rate, most in limits if not rate.share <= most
        )

    def lines(self) -> list[str]:
        """For the terminal: the rates, the verdict."""
        verdict = "fails: " + "; ".join(self.failures) if self.failures else "passes"
        return [
            f"audit on {self.undecided.total} pairs: {verdict}",
            f"  false accepts       {self.accepted}",
            f"  false rejects       {self.rejected}",
            f"  neither yes nor no  {self.undecided}",
        ]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "passed": not self.failures,
            "limits": {
                "accepted": MOST_ACCEPTED,
                "rejected": MOST_REJECTED,
                "undecided": MOST_UNDECIDED,
            },
            "false_accepts": self.accepted.as_dict(),
            "false_rejects": self.rejected.as_dict(),
            "undecided": self.undecided.as_dict(),
            "wrong": [
                {"kind": p.kind, "same": p.same, "reference": p.reference, "stated": p.stated, "reply": reply}
                for p, reply in self.wrong
            ],
        }


def audit(ask: Ask) -> Audit:
    """Put all pairs to a judge. The grader is not asked first: it is the judge that is audited."""
    asked = pairs()
    replies = ask([equivalence_prompt(p.question, p.reference, p.stated) for p in asked])
    verdicts = [read_verdict(reply) for reply in replies]
    table = list(zip(asked, replies, verdicts, strict=True))

    def rate(same: bool) -> Rate:
        decided = [verdict for pair, _, verdict in table if pair.same is same and verdict is not None]
        return Rate(sum(verdict is not same for verdict in decided), len(decided))

    return Audit(
        accepted=rate(False),
        rejected=rate(True),
        undecided=Rate(sum(verdict is None for verdict in verdicts), len(table)),
        wrong=tuple((pair, reply) for pair, reply, verdict in table if verdict is not pair.same),
    )


def open_judge(
    model: str,
    model_args: str | Mapping[str, Any] = "",
    *,
    batch_size: int | str | None = None,
    device: str | None = None,
    chat: bool = False,
    max_tokens: int = 512,
) -> Ask:
    """Any model of lm-eval as a judge: greedy, at most ``max_tokens`` tokens a reply.

    Parameters
    ----------
    batch_size: None: auto for vLLM, else 1.
    chat: put the prompt as a user's turn through the model's chat template.

    Raises UsageError for a model that lm-eval does not know, and what the model raises.
    """
    from lm_eval.api.instance import Instance
    from lm_eval.api.registry import get_model

    from rote.harness_ext.run import check_model
    from rote.prompts import END_OF_TEXT

    if max_tokens < 1:
        raise UsageError(f"--max-tokens must be 1 or more, got {max_tokens}")
    check_model(model)
    further = {
        "batch_size": models.default_batch_size(model) if batch_size is None else batch_size,
        "device": device,
    }
    build = get_model(model)
    if isinstance(model_args, str):
        lm = build.create_from_arg_string(model_args, further)
    else:
        lm = build.create_from_arg_obj(dict(model_args), further)
    how = {"until": [END_OF_TEXT], "max_gen_toks": max_tokens, "do_sample": False, "temperature": 0.0}

    def ask(prompts: Sequence[str]) -> Sequence[str]:
        if not prompts:
            return []
        put = [
            lm.apply_chat_template([{"role": "user", "content": prompt}]) if chat else prompt
            for prompt in prompts
        ]
        requests = [
            Instance("generate_until", {"id": f"judge/{i}"}, (prompt, dict(how)), 0, ("judge", i, 1))
            for i, prompt in enumerate(put)
        ]
        # A backend that gives nothing at all has said neither yes nor no.
        return [reply or "" for reply in lm.generate_until(requests)]

    return ask

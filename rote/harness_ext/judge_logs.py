"""``rote judge``: what a judge that passed its audit says of logged responses.

Numbers are compared by the grader. Only a response in which the grader finds no answer goes to the judge, so
no judge can take 204 for 240: where a number stands, it is not asked. The quality of reasoning is rated on a
sample. Logs are read and never written.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rote.answers import grade
from rote.answers.systems import grade_system
from rote.errors import LogError, UsageError
from rote.harness_ext.judge import (
    Ask,
    Audit,
    Rate,
    audit,
    equivalence_prompt,
    quality_prompt,
    read_rating,
    read_verdict,
)
from rote.harness_ext.rescore_rows import document_of, read_index
from rote.logs.rows import read_record, responses_of

#: Of the JSON that :func:`judge_logs` returns.
SCHEMA: Final = "rote.judge/1"

#: Responses whose reasoning is rated, when nothing is said.
SAMPLE: Final = 50


@dataclass(frozen=True, slots=True)
class Case:
    """A logged response: where it stands, its document, and the grader's verdict (None: no answer found)."""

    path: str
    line: int
    task: str
    name: str
    question: str
    gold: str
    solution: str
    response: str
    correct: bool | None


def read_cases(samples: Sequence[tuple[str, Path]]) -> list[Case]:
    """The first response to each document of (task, samples file) pairs.

    Raises LogError for lines that are no samples, naming file and line.
    """
    found = []
    for task, path in samples:
        index = read_index(path)
        if index.faults:
            line, message = index.faults[0]
            raise LogError(f"{message} ({len(index.faults)} such lines)", path=path, line=line)
        with path.open("rb") as handle:
            for row in index.rows.values():
                handle.seek(row.offset)
                record, _ = read_record(handle.read(row.length))
                found.append(_case(task, path, row.line, record))
    if not found:
        raise LogError("no samples to judge")
    return found


def _case(task: str, path: Path, line: int, record: Mapping[str, Any]) -> Case:
    doc, response = document_of(record), responses_of(record)[0]
    if doc.get("answers"):
        system = grade_system(response, doc["answers"])
        correct = system.correct if system.solved.values else None
        gold = ", ".join(f"{name} = {value}" for name, value in doc["answers"].items())
    else:
        verdict = grade(response, doc["answer"])
        correct = verdict.correct if verdict.extraction.value is not None else None
        gold = doc["answer"]
    name = str(doc.get("id", record["doc_id"]))
    solution = doc.get("solution") or gold
    return Case(str(path), line, task, name, doc.get("question", ""), gold, solution, response, correct)


def choose(cases: Sequence[Case], count: int, seed: int) -> list[Case]:
    """``count`` of the cases, the same ones for the same seed, whatever their order."""

    def key(case: Case) -> bytes:
        text = f"{seed}\n{case.task}\n{case.name}\n{case.response}"
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()

    return sorted(cases, key=key)[:count]


def judge_logs(
    ask: Ask,
    samples: Sequence[tuple[str, Path]],
    *,
    sample: int = SAMPLE,
    seed: int = 0,
    force: bool = False,
    checked: Audit | None = None,
) -> dict[str, Any]:
    """Audit a judge, then let it judge; returns everything, ready for JSON.

    Parameters
    ----------
    ask: the judge.
    samples: (task, samples file) pairs.
    sample: how many responses are rated for their reasoning, at least 0.
    seed: of the choice of them.
    force: go on with a judge that fails.
    checked: the audit, when it has been made.

    Raises
    ------
    UsageError: the judge fails its audit and ``force`` is not given; ``sample`` below 0.
    LogError: from the logs.
    """
    if sample < 0:
        raise UsageError(f"--sample must be 0 or more, got {sample}")
    cases = read_cases(samples)
    done = checked if checked is not None else audit(ask)
    if done.failures and not force:
        raise UsageError(
            "the judge fails its audit and is refused (--force uses it all the same): "
            + "; ".join(done.failures)
        )
    open_cases = [case for case in cases if case.correct is None]
    replies = ask([equivalence_prompt(c.question, c.gold, c.response) for c in open_cases])
    verdicts = [read_verdict(reply) for reply in replies]
    rated = choose([case for case in cases if case.response.strip()], sample, seed)
    remarks = ask([quality_prompt(c.question, c.solution, c.response) for c in rated])
    ratings = [read_rating(reply) for reply in remarks]
    return {
        "schema": SCHEMA,
        "audit": done.as_dict(),
        "forced": bool(done.failures),
        "tasks": {task: _tally(task, cases, open_cases, verdicts) for task, _ in samples},
        "quality": _quality(ratings),
        "asked": [
            {**_where(case), "reply": reply, "verdict": {True: "yes", False: "no", None: None}[verdict]}
            for case, reply, verdict in zip(open_cases, replies, verdicts, strict=True)
        ],
        "rated": [
            {**_where(case), "reply": reply, "rating": rating, "correct": case.correct}
            for case, reply, rating in zip(rated, remarks, ratings, strict=True)
        ],
    }


def _where(case: Case) -> dict[str, Any]:
    return {"task": case.task, "document": case.name, "file": case.path, "line": case.line}


def _tally(
    task: str, cases: Sequence[Case], asked: Sequence[Case], verdicts: Sequence[bool | None]
) -> dict[str, Any]:
    """Who decided how many documents of a task, and its accuracy without and with the judge."""
    own = [case for case in cases if case.task == task]
    said = Counter(verdict for case, verdict in zip(asked, verdicts, strict=True) if case.task == task)
    right = sum(case.correct is True for case in own)
    return {
        "documents": len(own),
        "by_grader": sum(case.correct is not None for case in own),
        "asked": sum(said.values()),
        "yes": said[True],
        "no": said[False],
        "undecided": said[None],
        "accuracy": Rate(right, len(own)).as_dict(),
        "accuracy_with_judge": Rate(right + said[True], len(own)).as_dict(),
    }


def _quality(ratings: Sequence[int | None]) -> dict[str, Any]:
    given = [rating for rating in ratings if rating is not None]
    return {
        "sampled": len(ratings),
        "undecided": len(ratings) - len(given),
        "mean": math.fsum(given) / len(given) if given else None,
        "ratings": {str(k): given.count(k) for k in range(1, 6)},
    }


def lines(found: Mapping[str, Any]) -> list[str]:
    """For the terminal: a line a task, the ratings, and every reply that said nothing."""
    told = []
    for task, t in found["tasks"].items():
        before, after = t["accuracy"]["share"], t["accuracy_with_judge"]["share"]
        told.append(
            f"{task}: {t['by_grader']} of {t['documents']} decided by the grader, {t['asked']} put to the "
            f"judge ({t['yes']} yes, {t['no']} no, {t['undecided']} neither); accuracy {before:.3f}, "
            f"with the judge {after:.3f}"
        )
    quality = found["quality"]
    if quality["sampled"]:
        mean = "–" if quality["mean"] is None else f"{quality['mean']:.2f}"
        counts = ", ".join(f"{count} × {rating}" for rating, count in quality["ratings"].items())
        told.append(
            f"reasoning, 1 to 5: mean {mean} of {quality['sampled'] - quality['undecided']} ({counts}); "
            f"{quality['undecided']} without a rating"
        )
    for kind, key in (("asked", "verdict"), ("rated", "rating")):
        for entry in found[kind]:
            if entry[key] is None:
                said = json.dumps(entry["reply"][:60])
                told.append(
                    f"{entry['file']}:{entry['line']}: {entry['document']}: no {key} in the reply {said}"
                )
    return told

"""The published solutions earn the maximum, row by row (only where the data is)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from reward_rows import ROWS, row, spec

from rote.answers import read_gold
from rote.perturb.linear import problems
from rote.train.recipe import PromptSpec
from rote.train.rewards import score
from rote.train.rewards.process import read_known
from rote.train.rows import Row, completion_text, format_of

DATA = Path(os.environ.get("ROTE_GSM8K") or Path(__file__).resolve().parents[4] / "shared" / "gsm8k")
FORMATS = ("hash", "tags", "boxed")
#: How many solutions are algebra or prose, whose arithmetic cannot be read: process asks less of these rows.
UNREAD = {"train": 102, "test_socratic": 11}


def faults(rows: list[Row], asked: PromptSpec) -> list[str]:
    """Ids of rows whose own solution earns less than the maximum of correctness, format or process."""
    found = []
    for one in rows:
        scored = score(one, completion_text(one, asked), asked, finished=True)
        if not (scored.correct and scored.complies and scored.sound == 1):
            found.append(f"{one.id}: {scored.fault} {scored.correct} {scored.complies} {scored.sound}")
    return found


@pytest.mark.parametrize("format", FORMATS)
def test_our_own_solutions_earn_the_maximum(format: str) -> None:
    assert faults(list(ROWS.values()), spec(format)) == []


def test_a_thought_before_the_solution_takes_nothing_away() -> None:
    thinking = row("thinking", ROWS["cups"].question, ROWS["cups"].solution, thinking="4 * 6 = 24, I think.")
    assert faults([thinking], spec()) == []


def test_solutions_of_systems_earn_the_maximum() -> None:
    rows = [
        row(doc["id"], doc["question"], doc["solution"], answer=doc["answer"], unknowns=doc["answers"])
        for doc in (problem.to_doc() for problem in problems("train", 60, 0))
    ]
    assert {format_of(one, spec()).name for one in rows} == {"hash_system"}
    assert faults(rows, spec()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", list(UNREAD))
def test_published_solutions_earn_the_maximum(name: str) -> None:
    path = DATA / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip(f"GSM8K's {name}.jsonl is not here: set ROTE_GSM8K to its folder")
    rows = [
        row(f"{name}/{at}", item["question"], item["answer"])
        for at, item in enumerate(map(json.loads, path.read_text(encoding="utf-8").splitlines()))
    ]
    for format in FORMATS:
        assert faults(rows, spec(format)) == []
    unread = [
        one.id
        for one in rows
        if read_known(one.question, one.solution, (read_gold(one.answer).value,)).unread
    ]
    assert len(unread) == UNREAD[name]

"""Hacks earn no more than an honest wrong answer; odd but honest spellings of a right one earn all of it."""

from __future__ import annotations

from typing import Any

import pytest
from reward_rows import ROWS, corpus, honest_wrong, spec

from rote.train.recipe.rewards import PRESETS
from rote.train.rewards import FAULTS, SINGLE, RewardSet, score

HACKS = corpus("hacks.jsonl")
RIGHTS = corpus("rights.jsonl")
HONEST = [name for name, preset in PRESETS.items() if not preset.control]


def by_why(line: dict[str, Any]) -> str:
    return str(line["why"])


def test_the_corpora_are_large_and_say_why() -> None:
    assert len(HACKS) >= 40
    for lines in (HACKS, RIGHTS):
        assert len({line["why"] for line in lines}) == len(lines)


@pytest.mark.parametrize("hack", HACKS, ids=by_why)
def test_a_hack_stays_below_an_honest_wrong_answer(hack: dict[str, Any]) -> None:
    row, asked = ROWS[hack["row"]], spec(hack["format"])
    responses = [hack["response"], honest_wrong(hack["row"], hack["format"])]
    for name in HONEST:
        rewards = RewardSet(PRESETS[name], [row], asked)
        hacked, honest = rewards.totals(rewards.terms([0, 0], responses, [hack["finished"], True]))
        assert hacked <= honest + 1e-12, name


@pytest.mark.parametrize("hack", HACKS, ids=by_why)
def test_a_hack_earns_nothing_in_the_terms_it_is_after(hack: dict[str, Any]) -> None:
    found = score(ROWS[hack["row"]], hack["response"], spec(hack["format"]), finished=hack["finished"])
    assert found.fault is None or found.fault in FAULTS
    earned = {name: SINGLE[name](found) for name in hack["zero"]}
    assert earned == dict.fromkeys(hack["zero"], 0.0)
    assert not found.correct


@pytest.mark.parametrize("id", ["cups", "rye", "system"])
def test_an_honest_wrong_answer_is_one(id: str) -> None:
    found = score(ROWS[id], honest_wrong(id, "hash"), spec(), finished=True)
    assert (found.correct, found.complies, found.confidence) == (False, True, 0.0)


@pytest.mark.parametrize("right", RIGHTS, ids=by_why)
def test_an_honest_right_answer_earns_its_due(right: dict[str, Any]) -> None:
    found = score(ROWS[right["row"]], right["response"], spec(right["format"]), finished=True)
    assert {name: SINGLE[name](found) for name in right["earns"]} == right["earns"]


@pytest.mark.parametrize("right", RIGHTS, ids=by_why)
def test_a_response_that_was_cut_off_earns_nothing(right: dict[str, Any]) -> None:
    found = score(ROWS[right["row"]], right["response"], spec(right["format"]), finished=False)
    assert found.fault == "unfinished"
    assert (found.correct, found.complies, found.trace, found.sound) == (False, False, 0.0, 0.0)

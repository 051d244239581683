"""The front door: every key, and the values of a few whole responses."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import pytest

from rote.errors import UsageError
from rote.metrics import (
    ERROR_CLASSES,
    INVALID_REASONS,
    LABELS,
    NUMBERS,
    OPTIONAL,
    Measures,
    mean_present,
    measure,
)
from rote.problem import Trap

QUESTION = "Mia packs 4 crates with 12 jars each. Then she sells 18 jars. How many jars are left?"
SOLUTION = "4 * 12 = <<4*12=48>>48\n48 - 18 = <<48-18=30>>30\n#### 30"


def measured(response: str, **options: object) -> Measures:
    return measure(response, QUESTION, 30, solution=SOLUTION, **options)  # type: ignore[arg-type]


def test_a_right_chain_scores_all() -> None:
    found = measured("4 crates * 12 jars = 48 jars.\n48 - 18 = 30\n#### 30", tokens=21, finish_reason="stop")
    assert found == Measures(
        exact_match=1,
        format_ok=1,
        invalid=0,
        invalid_reason=None,
        trapped=0,
        step_consistency=1.0,
        agreement=1,
        grounded=1.0,
        trace_score=1.0,
        confidence=None,
        composite=1.0,
        looping=0,
        novelty=1.0,
        thinking=0,
        thinking_closed=None,
        truncated=0,
        characters=50,
        words=15,
        tokens=21,
        equations=2,
        error_class=None,
    )


def test_what_does_not_apply_is_none_and_not_zero() -> None:
    found = measured("#### 30")
    absent = {key for key, value in found.as_dict().items() if value is None}
    assert absent == {*OPTIONAL, *LABELS}
    assert (found.equations, found.trace_score, found.words) == (0, 0.0, 2)


@pytest.mark.parametrize("response", ["", "#### 30", "4 * 12 = 40", "<think>4", "30 or 31"])
def test_keys_are_always_the_same(response: str) -> None:
    found = measured(response).as_dict()
    assert tuple(found) == (*NUMBERS, *LABELS)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for key in NUMBERS:
        value = found[key]
        assert type(value) in (int, float) or (value is None and key in OPTIONAL), key


def test_one_reason_and_one_class() -> None:
    found = measured("I cannot answer that.").as_dict()
    assert (found["invalid"], found["invalid_reason"], found["error_class"]) == (1, "refusal", "no_answer")
    assert sum(int(found[f"invalid_{reason}"] or 0) for reason in INVALID_REASONS) == 1
    assert sum(int(found[f"error_{kind}"] or 0) for kind in ERROR_CLASSES) == 1
    right = measured("#### 30").as_dict()
    assert not any(right[f"error_{kind}"] for kind in ERROR_CLASSES)


def test_trapped_counts_the_answer_alone() -> None:
    traps = (Trap(Fraction(25), "the inert number subtracted"), Trap(Fraction(30), "no trap: the gold"))
    assert measured("#### 25", traps=traps).trapped == 1
    assert measured("#### 30", traps=traps).trapped == 0
    assert measured("30 or 25", traps=traps).trapped == 0


def test_a_next_question_of_its_own_is_no_part_of_the_reply() -> None:
    found = measured("4 * 12 = 48\n48 - 18 = 30\n#### 30\n\nQuestion: What is 2 + 2?\n2 + 2 = 5\n#### 5")
    assert (found.exact_match, found.equations, found.step_consistency) == (1, 2, 1.0)


def test_a_chain_inside_thinking_counts() -> None:
    found = measured("<think>4 * 12 = 48\n48 - 18 = 30</think>\n#### 30")
    assert (found.thinking, found.thinking_closed, found.equations, found.agreement) == (1, 1, 2, 1)
    assert measured("<think>4 * 12 = 48").thinking_closed == 0
    assert measured("a < b > c #### 30").thinking == 0


def test_gold_of_every_kind() -> None:
    assert measure("It is 3:30.", "When?", "3:30").exact_match == 1
    assert measure("#### 1/3", "What share?", Fraction(1, 3)).exact_match == 1
    with pytest.raises(ValueError, match="not one number"):
        measure("#### 3", "When?", "3 or 4")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="unknown prompt format 'hsah'"):
        measured("#### 30", format="hsah")
    with pytest.raises(UsageError, match=r"unknown finish_reason 'lenght'; known: .*length"):
        measured("#### 30", finish_reason="lenght")


def test_mean_present() -> None:
    assert mean_present([1, None, 0.5, math.nan]) == 0.75
    assert math.isnan(mean_present([None, None]))
    assert math.isnan(mean_present([]))

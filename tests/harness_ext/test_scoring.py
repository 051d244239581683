"""Per-sample metrics."""

from __future__ import annotations

from typing import Any

import pytest

from rote.harness_ext.scoring import METRICS, process_results_hash, score

DOC: dict[str, Any] = {
    "answer": "18",
    "traps": [{"value": "23", "how": "answer + 5"}, {"value": "7.5", "how": "half"}],
}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("2 * 9 = 18\n#### 18", (1, 1, 0, 0)),
        ("The answer is 18.", (1, 0, 0, 0)),
        ("#### 18.0", (1, 1, 0, 0)),
        ("18 + 5 = 23\n#### 23", (0, 1, 0, 1)),
        ("The answer is 7.50", (0, 0, 0, 1)),
        ("#### 19", (0, 1, 0, 0)),
        ("", (0, 0, 1, 0)),
        ("I do not know.", (0, 0, 1, 0)),
        ("18 or 23", (0, 0, 1, 0)),
    ],
)
def test_metrics(response: str, expected: tuple[int, ...]) -> None:
    assert tuple(score(DOC, response).values()) == expected
    assert tuple(score(DOC, response)) == METRICS


def test_a_trap_that_equals_the_gold_is_no_trap() -> None:
    doc = {"answer": "18", "traps": [{"value": "18", "how": "by accident"}]}
    assert score(doc, "#### 18")["trapped"] == 0


def test_process_results_reads_the_first_text_and_survives_none() -> None:
    assert process_results_hash(DOC, ["#### 18"])["exact_match"] == 1
    # What an API backend passes for a response without content.
    nothing: Any = None
    assert process_results_hash(DOC, [nothing]) == {
        "exact_match": 0,
        "format_ok": 0,
        "invalid": 1,
        "trapped": 0,
    }


def test_values_are_whole_numbers() -> None:
    assert all(type(value) is int for value in score(DOC, "#### 23").values())

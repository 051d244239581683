"""How much working a solution takes: numbers read off logged documents, hostile ones included."""

from __future__ import annotations

import pytest

from rote.reports.working import working


def doc(question: str, solution: str) -> dict[str, str]:
    return {"question": question, "solution": solution}


def test_significant_digits_of_the_steps_and_the_largest_number_anywhere() -> None:
    found = working(
        doc("A van holds 1,200 boxes.", "1,200 / 3 = <<1200/3=400>>400.\n400 * 1.05 = 420.\n#### 420")
    )
    # 1,200 (2) 3 (1) 400 (1) 400 (1) 1.05 (3) 420 (2)
    assert found == {"largest_worked": 1200.0, "digits_worked": 10.0}


def test_an_annotation_says_nothing_new() -> None:
    plain = doc("How much is 3 times 14?", "3 * 14 = 42\n#### 42")
    annotated = doc("How much is 3 times 14?", "3 * 14 = <<3*14=42>>42\n#### 42")
    assert working(plain) == working(annotated)


def test_rounder_numbers_take_less_working() -> None:
    easy = working(doc("?", "40 * 20 = 800"))
    hard = working(doc("?", "37 * 23 = 851"))
    assert easy["digits_worked"] < hard["digits_worked"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"question": "How many are 2 and 2?"},
        {"question": None, "solution": "2 + 2 = 4"},
        {"question": "?", "solution": ["2 + 2 = 4"]},
        {"question": "?", "solution": "no step at all\n#### 4"},
        {"question": "?", "solution": f"2 + {'9' * 400} = 4"},
    ],
)
def test_what_tells_nothing_gives_nothing(document: dict[str, object]) -> None:
    assert working(document) == {}

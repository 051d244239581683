"""Shape, confidence, composite."""

from __future__ import annotations

import pytest

from rote.metrics import measure
from rote.metrics.trace import composite, confidence_term, read_confidence


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        ("Confidence: 85%", 0.85),
        ("confidence level is 0.4", 0.4),
        ("<confidence>0.9</confidence>", 0.9),
        ("**Confidence:** 7/10", 0.7),
        ("Confidence: 4 out of 5", 0.8),
        ("Confidence: 95", 0.95),
        ("I am 90% sure of that.", 0.9),
        ("I'm 75 percent confident.", 0.75),
        ("Confidence: 20%. No, confidence: 60%.", 0.6),
        ("Confidence: 1", 1.0),
        ("Confidence: 8", None),
        ("Confidence: 300%", None),
        ("Confidence: high", None),
        ("I am fairly sure that there are 12.", None),
        ("Confidence is good, 3 hats", None),
        ("", None),
    ],
)
def test_confidence(text: str, confidence: float | None) -> None:
    assert read_confidence(text) == confidence


def test_an_honest_confidence_pays_best() -> None:
    for right in (0.0, 0.2, 0.5, 0.8, 1.0):

        def expected(q: float | None, p: float = right) -> float:
            return p * confidence_term(True, True, q) + (1 - p) * confidence_term(False, True, q)

        best = max((n / 100 for n in range(101)), key=expected)
        assert best == pytest.approx(right)
        assert expected(None) <= expected(right)


def test_right_always_beats_wrong() -> None:
    shapes, said = (0.0, 0.5, 1.0), (None, 0.0, 0.5, 1.0)
    worst_right = min(composite(True, True, t, q) for t in shapes for q in said)
    best_wrong = max(composite(False, a, t, q) for t in shapes for q in said for a in (True, False))
    assert worst_right == pytest.approx(0.6)
    assert best_wrong == pytest.approx(0.25)
    assert composite(True, True, 1.0, None) == pytest.approx(1.0)
    assert composite(False, True, 0.0, None) == pytest.approx(-0.15)
    assert composite(False, False, 0.0, 0.9) == 0.0


@pytest.mark.parametrize(
    ("response", "score"),
    [
        ("#### 14", 0.0),
        ("2 * 5 = 10\n10 + 4 = 14\n#### 14", 1.0),
        # One step of two.
        ("10 + 4 = 14\n#### 14", 5 / 6),
        # The first step leads nowhere.
        ("3 * 3 = 9\n10 + 4 = 14\n#### 14", 5 / 6),
        # The answer stands before its steps, and no equation leads to it.
        ("#### 13\n2 * 5 = 10\n10 + 4 = 14", 2 / 3),
        # Words only: both lines open as steps do.
        ("First, take five twice.\nThen add four.\n#### 14", 1.0),
        ("<think>2 * 5 = 10", (0.5 + 0 + 0) / 3),
    ],
)
def test_trace(response: str, score: float) -> None:
    assert measure(response, "Twice 5 and 4.", 14).trace_score == pytest.approx(score)


def test_a_reference_of_one_step_asks_for_one() -> None:
    solution = "10 + 4 = <<10+4=14>>14\n#### 14"
    assert measure("10 + 4 = 14\n#### 14", "10 and 4.", 14, solution=solution).trace_score == 1.0

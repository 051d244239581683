"""Why there is no answer, and whether a response was cut off."""

from __future__ import annotations

import pytest

from rote.metrics import INVALID_REASONS, measure


@pytest.mark.parametrize(
    ("response", "finish_reason", "reason", "truncated"),
    [
        ("", None, "empty", 0),
        (" \n ", "length", "empty", 1),
        ("<think>9</think>", None, "empty", 0),
        ("There is not enough information.", None, "refusal", 0),
        ("Let me see. Let me look. " * 20, None, "loop", 0),
        ("<think>" + "Let me see, let me see, " * 20, "length", "loop", 1),
        ("<think>Four times nine is", None, "unfinished_thinking", 1),
        ("<answer>12", None, "truncated", 1),
        ("<answer>12", "stop", "no_number", 0),
        ("She then sells all of the", None, "truncated", 1),
        ("She then sells all of the", "stop", "no_number", 0),
        ("She keeps the jars", "length", "truncated", 1),
        ("She keeps the jars.", None, "no_number", 0),
        ("It is 12 or 13.", None, "several_answers", 0),
        ("#### 12", "length", None, 1),
        ("So it is 12, and the", None, None, 0),
    ],
)
def test_reason(response: str, finish_reason: str | None, reason: str | None, truncated: int) -> None:
    found = measure(response, "How many?", 11, finish_reason=finish_reason)
    assert (found.invalid_reason, found.truncated) == (reason, truncated)
    assert found.invalid == int(reason is not None)


def test_the_cases_above_cover_every_reason() -> None:
    [mark] = [m for m in test_reason.pytestmark if m.name == "parametrize"]  # type: ignore[attr-defined]
    assert {case[2] for case in mark.args[1]} == {*INVALID_REASONS, None}

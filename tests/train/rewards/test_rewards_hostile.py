"""No response raises anything, takes long, or leaves the ranges of the terms."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reward_rows import ROWS, spec

from rote.train.rewards import FAULTS, SINGLE, score

RANGES = {
    "correctness": (0, 1),
    "format": (0, 1),
    "trace": (0, 1),
    "process": (0, 1),
    "confidence": (-1, 1),
    "inertness": (-1, 0),
    "length": (-1, 0),
    "seeds": (-0.15, 1),
    "random": (0, 1),
}
PIECES = st.sampled_from(
    [
        *(
            "#### ",
            "18",
            "20",
            " or ",
            "\n",
            "<answer>",
            "</answer>",
            "<reasoning>",
            "</reasoning>",
            "<think>",
        ),
        *(
            "</think>",
            "\\boxed{",
            "}",
            "4 * 6 = 24",
            "24 - 6 = 18",
            "1 * 5 = 5",
            "The answer is ",
            "x = 4",
            "y = 5",
        ),
        *(
            ", ",
            ".",
            "$",
            "%",
            "/",
            "(",
            ")",
            "Confidence: 80%",
            "No, wait, ",
            "\ud800",
            "٣",
            " times ",
            "\x00",
        ),
    ]
)


@given(
    st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join),
    st.sampled_from(sorted(ROWS)),
    st.sampled_from(["hash", "tags", "boxed", "instruct"]),
    st.booleans(),
)
def test_any_text_can_be_scored(text: str, id: str, format: str, finished: bool) -> None:
    found = score(ROWS[id], text, spec(format), finished=finished)
    assert found.fault is None or found.fault in FAULTS
    assert found == score(ROWS[id], text, spec(format), finished=finished)
    terms = {name: term(found) for name, term in SINGLE.items()}
    assert all(low <= terms[name] <= high for name, (low, high) in RANGES.items())
    if found.fault is not None:
        kept = ("inertness", "length", "random")
        assert all(value == 0 for name, value in terms.items() if name not in kept)


@pytest.mark.parametrize(
    "unit",
    [
        "4 * 6 = 24\n",
        "5 a b c d e f g h i ",
        "5-a-b-",
        "<answer>18</answer>",
        "\\boxed{",
        "(1+",
        "=",
        "a/b/",
        "<",
    ],
)
def test_time_is_linear(unit: str) -> None:
    text = unit * (200_000 // len(unit)) + "\n#### 18"
    start = time.process_time()
    score(ROWS["cups"], text, spec(), finished=True)
    assert time.process_time() - start < 5

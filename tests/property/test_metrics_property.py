"""What holds of the metrics of every response."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from rote.answers import grade
from rote.metrics import ERROR_CLASSES, INVALID_REASONS, LABELS, NUMBERS, OPTIONAL, measure
from rote.problem import Trap

#: Time is measured in benchmarks/, never asserted here.
UNTIMED = settings(deadline=None)

QUESTION = (
    "Mia packs 4 crates with 12 jars each, 20% of them for $2.50. Then she sells 18. How many are left?"
)
SOLUTION = "4 * 12 = <<4*12=48>>48\n48 - 18 = <<48-18=30>>30\n#### 30"
TRAPS = (Trap(Fraction(5), "subtracted"),)
PIECES = (
    "4 * 12 = 48", "48 - 18 = 30", "48 - 18 = 31", "10 / 3 = 3.33", "5 / 0 = 1", "2x + 3 = 9",
    "20% of 50 = 10",
    "\n", " ", "#### 30", "#### 5", "The answer is 30.", "<think>", "</think>", "<answer>", "</answer>",
    "\\boxed{30}", "<<4*12=48>>", "<<", ">>", "Confidence: 80%", "confidence", "I cannot answer.", "Step 2:",
    "Question: 3\n", "=", "= 7", "9" * 120, "or", "\udc80", "٣", "so ", "half", "3:30", "$",
    ".", "\uff0d4", "1/0",
)  # fmt: skip
RESPONSES = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
)
FINISH = st.sampled_from([None, "stop", "length"])
SHARES = ("step_consistency", "agreement", "grounded", "trace_score", "confidence", "novelty")


@UNTIMED
@given(RESPONSES, RESPONSES, FINISH)
def test_ranges_keys_and_purity(response: str, question: str, finish_reason: str | None) -> None:
    def run() -> dict[str, int | float | str | None]:
        return measure(
            response, question, 30, TRAPS, solution=SOLUTION, finish_reason=finish_reason
        ).as_dict()

    found = run()
    assert found == run()
    assert tuple(found) == (*NUMBERS, *LABELS)
    for key in SHARES:
        value = found[key]
        assert value is None or (not isinstance(value, str) and 0 <= value <= 1)
    assert all(found[key] is not None for key in NUMBERS if key not in OPTIONAL)
    assert -0.15 - 1e-9 <= float(found["composite"] or 0) <= 1 + 1e-9


@UNTIMED
@given(RESPONSES, FINISH)
def test_verdict_is_the_graders(response: str, finish_reason: str | None) -> None:
    found = measure(response, QUESTION, 30, TRAPS, solution=SOLUTION, finish_reason=finish_reason)
    verdict = grade(response, 30)
    assert found.exact_match == verdict.correct
    assert found.invalid == (verdict.extraction.value is None)
    assert (found.invalid_reason in INVALID_REASONS) == bool(found.invalid)
    assert (found.error_class in ERROR_CLASSES) == (not found.exact_match)
    assert (found.step_consistency is None) == (found.equations == 0) == (found.grounded is None)
    assert not (found.trapped and found.exact_match)
    if finish_reason is not None:
        assert found.truncated == (finish_reason == "length")
    if found.exact_match:
        assert found.composite >= 0.6
    else:
        assert found.composite <= 0.25 + 1e-9


@UNTIMED
@given(st.integers(2, 10**6), st.integers(2, 10**6), st.integers(2, 10**6), st.integers(1, 50))
def test_one_wrong_product_is_a_slip(a: int, b: int, c: int, off: int) -> None:
    wrong = a * b + off
    response = f"{a} * {b} = {wrong}\n{wrong} + {c} = {wrong + c}\n#### {wrong + c}"
    found = measure(response, f"{a} boxes of {b} nails and {c} more. How many?", a * b + c)
    assert found.error_class == "arithmetic_slip"
    assert (found.step_consistency, found.agreement) == (0.5, 1)


@UNTIMED
@given(st.integers(2, 10**6), st.integers(2, 10**6), st.integers(2, 10**6))
def test_a_worked_solution_scores_all(a: int, b: int, c: int) -> None:
    gold = a * b + c
    response = f"{a} * {b} = {a * b}\n{a * b} + {c} = {gold}\n#### {gold}"
    found = measure(response, f"{a} boxes of {b} nails and {c} more. How many?", gold, solution=response)
    assert (found.exact_match, found.format_ok, found.error_class) == (1, 1, None)
    assert (found.step_consistency, found.agreement, found.grounded) == (1.0, 1, 1.0)
    assert found.composite > 1 - 1e-9


@UNTIMED
@given(st.text(st.characters(categories=["L"]), min_size=8, max_size=60), st.integers(40, 80))
def test_a_phrase_over_and_over_is_a_loop(phrase: str, times: int) -> None:
    assert measure(f"{phrase} " * times, QUESTION, 30).looping == 1

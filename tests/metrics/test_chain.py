"""Consistency, agreement and sources of a chain of equations."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rote.metrics.chain import MAX_CHAIN, corrected, read_chain
from rote.metrics.numbers import read_given


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("no arithmetic", None),
        ("2 + 2 = 4", 1.0),
        ("2 + 2 = 4\n3 * 3 = 10", 0.5),
        ("2 + 2 = 5. Again 2 + 2 = 5. Again 2 + 2 = 5. 3 + 3 = 6", 0.5),
        ("10 / 3 = 3.33", 1.0),
        ("10 / 3 = 3.3333", 1.0),
        ("10 / 3 = 3.34", 0.0),
        ("10 / 3 = 3.3", 0.0),
        ("10 / 3 = 3", 0.0),
        ("7 / 2 = 4", 0.0),
        ("5 / 0 = 0", 0.0),
        ("2r + 2 = 42", None),
        ("r + 3 + 2 = 42", None),
        ("2x + 4 = 10, so x = 3", None),
        ("4 x 3 = 12", 1.0),
        ("3 hats a day * 4 days = 12 hats", 1.0),
        ("5m + 3m = 8m", 1.0),
    ],
)
def test_consistency(text: str, share: float | None) -> None:
    assert read_chain(text).consistency() == share


@pytest.mark.parametrize(
    ("text", "answer", "agrees"),
    [
        ("2 + 2 = 4", 4, 1),
        ("2 + 2 = 4", 5, 0),
        ("2 + 2 = 5", 4, 1),
        ("2 + 2 = 5", 5, 0),
        ("10 / 3 = 3.33", Fraction(333, 100), 1),
        ("2 + 2 = 4. 4 * 5 = 20. 2 + 2 = 4", 20, 0),
        ("2 + 2 = 4. 4 * 5 = 20. 2 + 2 = 4", 4, 1),
        ("2 + 2 = 4", None, None),
        ("four", 4, None),
    ],
)
def test_agreement(text: str, answer: Fraction | int | None, agrees: int | None) -> None:
    assert read_chain(text).agreement(None if answer is None else Fraction(answer)) == agrees


@pytest.mark.parametrize(
    ("question", "text", "share"),
    [
        ("Ann has 3 hats and 5 caps.", "3 + 5 = 8", 1.0),
        ("Ann has 3 hats and 5 caps.", "3 + 6 = 9", 0.5),
        ("Ann has 3 hats and 5 caps.", "3 + 5 = 8\n8 * 2 = 16\n16 - 8 = 8", 1.0),
        ("Ann has three hats.", "3 + 3 = 6", 1.0),
        ("Ann has twice as many hats.", "2 * 9 = 18", 0.5),
        ("A hat costs 20% less.", "0.8 * 100 = 80", 1.0),
        ("A hat costs 20% less.", "100 - 20 = 80", 1.0),
        ("Two thirds of 9 hats.", "9 / 3 = 3\n3 * 2 = 6", 1.0),
        ("A film runs 3 hours.", "3 * 60 = 180", 1.0),
        ("A film runs for ages.", "60 + 60 = 120", 0.0),
        ("It costs 50 cents.", "0.5 + 0.5 = 1", 1.0),
        ("Ann has 7 hats.", "7 / 2 = 3.5\n3 * 2 = 6", 1.0),
        ("Ann has 7 hats.", "no arithmetic", None),
    ],
)
def test_grounded(question: str, text: str, share: float | None) -> None:
    assert read_chain(text).grounded(read_given(question)) == share


def test_corrections_reach_what_uses_them() -> None:
    chain = read_chain("4 * 12 = 46\n46 - 18 = 28\n28 / 2 = 14\n9 + 1 = 10")
    assert corrected(chain.steps, frozenset()) == [48, 30, 15, 10]
    assert corrected(chain.steps, frozenset({Fraction(46)})) == [48, 28, 14, 10]


def test_corrections_do_not_outgrow_all_measure() -> None:
    text = "\n".join(f"{n} * {n} = {n + 1}" for n in range(3, 400))
    found = corrected(read_chain(text).steps, frozenset())
    assert max(value.numerator.bit_length() for value in found if value is not None) <= 300
    assert None in found


def test_a_monster_is_read_at_both_ends() -> None:
    text = "1 + 1 = 2\n" + "word " * MAX_CHAIN + "\n2 + 3 = 5"
    assert [step.result for step in read_chain(text).steps] == [2, 5]


def test_given_reads_every_sentence_and_counts() -> None:
    given = read_given("Ann has 3 hats. " * 60 + "Bo has 41 caps at 7:30 in the 2nd row.")
    assert given.stated[Fraction(3)] == 60
    assert {Fraction(41), Fraction(2), Fraction(15, 2)} <= given.usable
    assert read_given("x" * 5000 + " 7").usable >= {Fraction(7)}

"""Which arithmetic counts for the process term."""

from __future__ import annotations

from fractions import Fraction

import pytest
from reward_rows import ROWS

from rote.train.rewards.process import is_trivial, plain, read_known, read_steps, sound_share

CUPS = ROWS["cups"]


def share(text: str, answer: str, id: str = "cups", *, right: bool = False) -> float:
    row = ROWS[id]
    known = read_known(row.question, row.solution, (Fraction(row.answer.replace(",", "")),))
    return sound_share(read_steps(text), (Fraction(answer),), known, right=right)


@pytest.mark.parametrize(
    ("text", "answer", "wanted"),
    [
        ("4 * 6 = 24\n24 - 6 = 18", "18", 1.0),
        ("4 * 6 - 6 = 18", "18", 1.0),
        ("4 * 6 = 24\n24 + 6 = 30", "30", 1.0),  # wrong, but every step holds
        ("4 * 6 = 25\n25 - 6 = 19", "19", 0.5),
        ("4 * 6 = 24\n24 - 6 = 18", "17", 0.0),  # leads elsewhere
        ("24 - 6 = 18\n18 - 9 = 9", "18", 0.0),  # the last result is not the answer
        ("11 + 13 = 24\n24 - 6 = 18", "18", 0.0),  # numbers from nowhere, and what comes of them
        ("11 + 13 = 24\n4 * 6 = 24\n24 - 6 = 18", "18", 2 / 3),
        ("4 * 6 = 24\n4 * 6 = 24\n4 * 6 = 24\n24 - 6 = 19", "19", 0.0),
        ("4 * 6 = 24\n9 - 4 = 5\n9 - 6 = 3\n25 - 6 = 19", "19", 0.0),  # filler buys nothing
        ("4 * 6 = 24\n9 - 4 = 6\n24 - 6 = 18", "18", 2 / 3),  # what does not hold counts anywhere
        ("5 = 5\n1 * 5 = 5\n18 + 0 = 18", "18", 0.0),
        ("Answer = 18", "18", 0.0),
        ("", "18", 0.0),
    ],
)
def test_share(text: str, answer: str, wanted: float) -> None:
    assert share(text, answer) == pytest.approx(wanted)


@pytest.mark.parametrize(
    "text", ["5 * 1 = 5", "0 + 5 = 5", "5 / 1 = 5", "0 * 7 = 0", "1 * 1 = 1", "5 - 0 = 5"]
)
def test_trivial(text: str) -> None:
    assert read_steps(text) == ()


@pytest.mark.parametrize("text", ["5 * 2 = 10", "7 - 7 = 0", "1 + 1 = 2", "5 + 1 = 6", "20 * 5% = 1"])
def test_not_trivial(text: str) -> None:
    (step,) = read_steps(text)
    assert not is_trivial(step)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("12 times 6 equals 72", "12 * 6 = 72"),
        ("8 plus 5 is equal to 13", "8 + 5 = 13"),
        ("54 cans of cat food - 6 cans = 48", "54 - 6 = 48"),
        ("30 hours/week * $20/hour = $600/week", "30 * $20 = $600"),
        ("44(.50)=22", "44*(.50)=22"),
        ("2 miles / 1/6 hour = 12", "2 / (1/6) = 12"),
        ("3 boxes of red pens x 4 = 12", "3 x 4 = 12"),
        ("twice as many times as before", "twice as many times as before"),
    ],
)
def test_arithmetic_in_words_is_read(text: str, wanted: str) -> None:
    assert plain(text) == wanted


def test_what_the_solution_knows_of_the_world_has_a_source() -> None:
    assert share("5 * 8 = 40", "40", "spiders") == 1.0
    assert share("5 * 6 = 30", "30", "spiders") == 0.0


def test_a_percentage_may_be_said_as_a_share() -> None:
    known = read_known(
        "Of 8 hens 2 are brown. What percentage?", "2 / 8 * 100% = 25%\n#### 25", (Fraction(25),)
    )
    assert not known.unread
    assert sound_share(read_steps("2 / 8 * 100% = 25%"), (Fraction(25),), known) == 1.0


def test_the_last_equation_of_the_solution_may_close_a_right_answer_alone() -> None:
    solution = "7 * 8 = 56\nHalf of that is 28.\n#### 28"
    known = read_known("Half of 7 boxes of 8 pens?", solution, (Fraction(28),))
    steps = read_steps("7 * 8 = 56")
    assert sound_share(steps, (Fraction(28),), known, right=True) == 1.0
    assert sound_share(steps, (Fraction(29),), known) == 0.0


@pytest.mark.parametrize(
    ("text", "right", "wanted"),
    [
        ("2x = 6 and x = 3", True, 1.0),
        ("2x = 6 and x = 3", False, 0.0),
        ("6 / 2 = 3", True, 1.0),
        ("6 / 2 = 4, so x = 3", True, 0.0),
        ("6 / 2 = 3", False, 0.0),
    ],
)
def test_where_the_solution_is_algebra_equations_have_to_hold(text: str, right: bool, wanted: float) -> None:
    assert share(text, "3", "algebra", right=right) == wanted


def test_a_row_without_a_worked_solution_is_judged_by_its_question() -> None:
    known = read_known(CUPS.question, "#### 18", (Fraction(18),))
    assert not known.unread
    assert sound_share(read_steps("4 * 6 = 24\n24 - 6 = 18"), (Fraction(18),), known) == 1.0

"""The class of a wrong response."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rote.metrics import ERROR_CLASSES, measure
from rote.problem import Trap

JARS = "Mia packs 4 crates with 12 jars each. Then she sells 18 jars. How many jars are left?"
JARS_SOLUTION = "4 * 12 = <<4*12=48>>48\n48 - 18 = <<48-18=30>>30\n#### 30"
FILM = "A film runs 2 hours and is shown 3 times. How many minutes is that?"
FILM_SOLUTION = "2 * 60 = <<2*60=120>>120\n120 * 3 = <<120*3=360>>360\n#### 360"
SNACK = "Ida buys 6 rolls at 50 cents each. What does she pay, in dollars?"
SNACK_SOLUTION = "6 * 0.5 = <<6*0.5=3>>3\n#### 3"

SMALL = "Sums of 4, 6, 5 and 2."
SMALL_SOLUTION = "2 * 5 = <<2*5=10>>10\n10 - 1 = <<10-1=9>>9\n#### 9"

JAR_CASES = [
    ("4 * 12 = 48\n48 - 18 = 30\n#### 3", "extraction_miss"),
    ("4 * 12 = 48\n48 - 18 = 30\nShe sold 18.\n#### 18", "extraction_miss"),
    ("It is 30 or 31.", "extraction_miss"),
    ("4 * 12 = 46\n46 - 18 = 28\n#### 28", "arithmetic_slip"),
    ("4 * 12 = 48\n48 - 18 = 40\n#### 40", "arithmetic_slip"),
    ("4 * 12 = 48\n48 - 18 = 40\nThat makes 41.\n#### 41", "arithmetic_slip"),
    ("4 * 12 = 48\n#### 48", "premature"),
    ("#### 48", "premature"),
    ("18 + 4 = 22\n22 + 12 = 34\nAnswer: 22", "premature"),
    ("4 * 12 = 48\n48 - 15 = 33\n#### 33", "foreign_number"),
    ("4 + 12 = 16\n18 - 16 = 2\n#### 2", "wrong_operation"),
    ("4 * 12 = 48\n48 + 18 = 66\n#### 66", "wrong_operation"),
    ("She has 22.\n#### 22", "wrong_operation"),
    ("Who knows.", "no_answer"),
    ("I cannot answer that.", "no_answer"),
    ("<think>4 crates", "verbose"),
    ("4 crates of jars. " * 60, "verbose"),
    ("A word. " + " ".join(f"w{n}x" for n in range(900)) + "\n#### 777", "verbose"),
    ("#### 777", "unclassified"),
]


@pytest.mark.parametrize(("response", "kind"), JAR_CASES)
def test_jars(response: str, kind: str) -> None:
    assert measure(response, JARS, 30, solution=JARS_SOLUTION).error_class == kind


@pytest.mark.parametrize(
    ("response", "question", "gold", "solution", "kind"),
    [
        ("2 * 3 = 6\n#### 6", FILM, "360", FILM_SOLUTION, "unit_scale"),
        ("2 * 3 = 6\n#### 6", FILM, "360", None, "unit_scale"),
        ("6 * 50 = 300\n#### 300", SNACK, "3", SNACK_SOLUTION, "unit_scale"),
        # Ten times too much in a question without such units is chance.
        ("6 + 24 = 30\n#### 30", "Six hats at 24.", "3", "6 / 2 = <<6/2=3>>3\n#### 3", "wrong_operation"),
        # The factor is a number of the question: then it is another mistake to leave it out.
        ("#### 2", "Every 60 minutes she knits 2 rows. And in 60 hours?", "120", None, "unclassified"),
        # 10 = 2 * 5 is a result on the way, 10 = 4 + 6 is not, though the number is the same.
        ("4 + 6 = 10\n#### 10", SMALL, "9", SMALL_SOLUTION, "wrong_operation"),
        ("2 * 5 = 10\n#### 10", SMALL, "9", SMALL_SOLUTION, "premature"),
        # An unknown is no arithmetic, so nothing here is a slip.
        ("2r + 2 = 42\nr = 20\n#### 20", "Rows of 2 and 42.", "4", None, "unclassified"),
    ],
)  # fmt: skip
def test_others(response: str, question: str, gold: str, solution: str | None, kind: str) -> None:
    assert measure(response, question, gold, solution=solution).error_class == kind


def test_distractors() -> None:
    question = JARS.replace("Then", "The shop has 25 shelves. Then")
    traps = (Trap(Fraction(5), "the inert number subtracted"),)
    options = {"solution": JARS_SOLUTION, "inert": (Fraction(25),)}

    def kind(response: str) -> str | None:
        return measure(response, question, 30, traps, **options).error_class  # type: ignore[arg-type]

    assert kind("48 - 18 - 25 = 5\n#### 5") == "distractor"
    assert kind("#### 5") == "distractor"
    assert kind("4 * 12 = 48\n48 + 25 = 73\n#### 73") == "distractor"
    # The sum with 25 leads nowhere: it is not what the answer rests on.
    assert kind("4 + 25 = 29\n12 + 18 = 30\n30 * 4 = 120\n#### 120") == "wrong_operation"


def test_an_inert_number_that_the_story_has_too_proves_nothing() -> None:
    question = "Jo has 25 hats in 25 boxes and buys 3. How many hats?"
    assert (
        measure("25 * 3 = 75\n#### 75", question, 28, inert=(Fraction(25),)).error_class == "wrong_operation"
    )


def test_a_right_answer_has_no_class() -> None:
    assert measure("4 * 12 = 40\n#### 30", JARS, 30).error_class is None


def test_the_cases_cover_every_class() -> None:
    covered = {kind for _, kind in JAR_CASES} | {"unit_scale", "distractor"}
    assert covered == set(ERROR_CLASSES)

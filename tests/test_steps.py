"""Equations in a chain of thought, and gold worked out again from its own solution text."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rote.steps import MAX_DEPTH, ExpressionError, evaluate, find_equations, rederive


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2+3*4", "14"),
        ("(2+3)*4", "20"),
        ("10 - 4 - 3", "3"),
        ("16/4/2", "2"),
        ("1/3", "1/3"),
        ("-3 + 5", "2"),
        ("2*-3", "-6"),
        ("--3", "3"),
        ("20%*50", "10"),
        ("80*.01*10", "8"),
        ("$1,080 / 2", "540"),
        ("3 × 4 ÷ 2 − 1", "5"),
        ("2 x 3", "6"),
        ("0.1+0.2", "3/10"),
        ("100.", "100"),
        ("2*(3+(4-1))", "12"),
    ],
)
def test_expressions_are_exact(expression: str, value: str) -> None:
    assert evaluate(expression) == Fraction(value)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "2+",
        "2**3",
        "(2",
        "2)",
        "2 3",
        "abc",
        "__import__('os')",
        "2//3",
        "1e5",
        "9" * 101,
        "1+" * 200 + "1",
    ],
)
def test_anything_else_is_an_error(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression)


def test_parentheses_are_bounded() -> None:
    assert evaluate("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH) == 1
    with pytest.raises(ExpressionError, match="nested"):
        evaluate("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1))


def test_division_by_zero_says_so() -> None:
    with pytest.raises(ZeroDivisionError, match="1/0"):
        evaluate("1/0")


@pytest.mark.parametrize(
    ("text", "lhs", "rhs", "correct"),
    [
        ("12 * 3 = 36", "12*3", 36, True),
        ("She pays $5 x 4 = $20.", "$5*4", 20, True),
        ("20% of 50 = 10", "20%*50", 10, True),
        ("3 boxes * 4 pens = 12 pens", "3*4", 12, True),
        ("2 hours x 60 minutes/hour = 120 minutes", "2*60", 120, True),
        ("So 2 + 3 = 6 apples", "2+3", 6, False),
        ("1,000 + 500 = 1,500", "1,000+500", 1500, True),
        ("10 - 15 = -5", "10-15", -5, True),
        ("20 / 80 = 25%", "20/80", Fraction(1, 4), True),
        ("10/3 = 3.33", "10/3", Fraction(333, 100), False),
        ("5/0 = 0", "5/0", 0, False),
        ("4 / 6 = 2/3", "4/6", Fraction(2, 3), True),
        ("<<48/2=24>>", "48/2", 24, True),
        ("48/2 = <<48/2=25>>25", "48/2", 25, False),
    ],
)
def test_one_equation(text: str, lhs: str, rhs: Fraction | int, correct: bool) -> None:
    (equation,) = find_equations(text)
    assert (equation.lhs, equation.rhs, equation.correct) == (lhs, rhs, correct)
    assert equation.annotated is ("<<" in text)
    assert "=" in text[slice(*equation.span)]


@pytest.mark.parametrize(
    "text", ["", "x = 5", "2x = 10", "total = 5", "3 = 3", "a == b", "1 + 2 =", "<<oops>>", "2 + 3 = 1 + 4"]
)
def test_no_equation(text: str) -> None:
    assert find_equations(text) == []


def test_several_equations_in_order() -> None:
    found = find_equations("5*2=10 and 10+2=<<10+2=12>>12.\nThen 12 - 1 = 10.")
    assert [(e.lhs, e.correct, e.annotated) for e in found] == [
        ("5*2", True, False),
        ("10+2", True, True),
        ("12-1", False, False),
    ]


@pytest.mark.parametrize(
    "unit", ["=", "1=", "1+", "1+1=", "<<", "<<1+1=2>>", "(", "a ", "1 a b c d * ", "<", "\n"]
)
def test_a_long_text_of_anything_is_read(unit: str) -> None:
    text = unit * (300_000 // len(unit))
    find_equations(text)
    assert rederive(text).answer is None


SOLUTION = "Two rows hold 2 * 6 = <<2*6=12>>12 jars.\nHalf remain: 12 / 2 = <<12/2=6>>6.\n#### 6"


def test_a_solution_gives_its_answer_again() -> None:
    found = rederive(SOLUTION)
    assert found.answer == 6
    assert found.faults == ()
    assert [equation.value for equation in found.equations] == [12, 6]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("2*6=12", "2*6=13", "<<2*6=13>> is wrong: 2*6 is 12"),
        ("2*6=12", "2*6", "no equals sign in <<2*6>>"),
        ("2*6=12", "2^6=64", "<<2^6=64>> cannot be worked out"),
        ("2*6=12", "2/0=0", "<<2/0=0>> cannot be worked out: division by zero"),
        ("#### 6", "#### 7", "the last equation gives 6, but the stated answer is 7"),
        ("#### 6", "", "no '#### <answer>' on the last line"),
        ("#### 6", "#### six or seven", "the line after '####': not one number"),
    ],
)
def test_what_is_wrong_with_a_solution_is_said(old: str, new: str, fault: str) -> None:
    found = rederive(SOLUTION.replace(old, new))
    assert found.answer is None
    assert any(said.startswith(fault) for said in found.faults)


def test_a_solution_without_annotations_proves_nothing() -> None:
    assert rederive("2 * 6 = 12\n#### 12").faults == ("no calculator annotation",)


def test_thirds_are_exact_in_a_solution() -> None:
    assert rederive("<<10/3=10/3>>\n#### 10/3").answer == Fraction(10, 3)

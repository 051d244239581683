"""Answers that name several unknowns, as people and models write them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rote.answers import is_correct
from rote.answers.systems import SYSTEM_REASONS, grade_system, read_system

GOLD = {"x": "3", "y": "-1/2"}

RIGHT = [
    "x = 3 and y = -1/2",
    "x=3, y=-0.5",
    "y = -0.5, x = 3",
    "y = −1/2; x = 3",
    "(x, y) = (3, -1/2)",
    "(y, x) = (-1/2, 3)",
    "x, y = 3, -1/2",
    "The solution is (x, y) = (3, -0.5).",
    "The solution is (3, -1/2).",
    "Solution: $(3, -\\frac{1}{2})$",
    "#### x = 3, y = -1/2",
    "####x=3,y=-1/2",
    "#### X = 3, Y = -1/2",
    "#### y = -0.5 and x = 3.0",
    "#### (x, y) = (3, -1/2)",
    "#### (3, -1/2)",
    "#### x = 3\n#### y = -1/2",
    "#### x = 3\ny = -1/2",
    "\\boxed{x = 3, y = -\\frac{1}{2}}",
    "\\boxed{x = 3} and \\boxed{y = -1/2}",
    "x = \\boxed{3}, y = \\boxed{-\\frac12}",
    "$$\\boxed{(3, -\\tfrac{1}{2})}$$",
    "\\boxed{(x, y) = \\left(3, -\\frac{1}{2}\\right)}",
    "\\begin{pmatrix} x \\\\ y \\end{pmatrix} = \\begin{pmatrix} 3 \\\\ -\\frac{1}{2} \\end{pmatrix}",
    "#### \\begin{pmatrix} 3 \\\\ -1/2 \\end{pmatrix}",
    "<answer>x = 3, y = -1/2</answer>",
    "<answer>\nx = 3\ny = -1/2\n</answer>",
    "<reasoning>x = 9</reasoning><answer>y = -1/2, x = 3</answer>",
    "**x = 3** and **y = -1/2**",
    "- x = 3\n- y = -1/2",
    "* x = 3\n* y = -1/2",
    "1. x = 3\n2. y = -1/2",
    "x: 3\ny: -1/2",
    "x is 3 and y is -1/2.",
    'So {"x": 3, "y": -0.5}',
    "$x = 3$, $y = -\\frac{1}{2}$",
    "\\(x = 3\\) and \\(y = -\\frac{1}{2}\\)",
    "\\begin{aligned} x &= 3 \\\\ y &= -\\frac{1}{2} \\end{aligned}",
    "x = 30/10 = 3, y = 1 - 3/2 = -1/2",
    "2x = 6, so x = 3. Then 4y = -2 and y = -2/4 = -1/2.",
    "Let x = 7 + 8y. Then y = -1/2, and x = 7 + 8*(-1/2) = 7 - 4 = 3.",
    "First try x = 4, y = 1. No. So x = 3 and y = -1/2.",
    "#### x = 4, y = 1\nWait, I made a mistake.\n#### x = 3, y = -1/2",
    "x = 4, y = 1. That is wrong. Correct: x = 3, y = -1/2",
    "\\boxed{y = -1/2}\nThen x = 3.\n#### x = 3, y = -1/2",
    "<think>x = 1, y = 1</think>x = 3, y = -1/2",
    "x = 3, y = -1/2\n\nAlgebra problem: Find x and y.\nWorked solution: #### x = 9, y = 9",
    "x = 3, y = -1/2\n\nQuestion: Find x and y.\nx = 9, y = 9",
    "x = 3 dollars and y = -0.50 dollars",
    "The answer is x = 3, y = -1/2.\nCheck: 2(3) + 4(-1/2) = 6 - 2 = 4.",
    "x = <<30/10=3>>3, y = <<-1/2=-1/2>>-1/2",
    "x = three, y = -1/2",
    "The price of an adult ticket (x) is $3 and the change (y) is -0.50.",
    "The solution set is {(3, -1/2)}.",
    "x is equal to 3, y equals -1/2",
    "\\[ 5y = -5/2 \\implies y = -\\frac{1}{2} \\]\n\\[ x = 4 + 2(-1/2) = 3 \\]",
    "$$\\begin{cases} x = 3 \\\\ y = -0.5 \\end{cases}$$",
    "From the first, x = 4 + 2y.\nSubstituting: 8 + 3y → 3y = -3/2 → y = -1/2.\nSo x = 4 - 1 = 3.",
]

WRONG = [
    ("", "empty", 0),
    ("I cannot solve this.", "refusal", 0),
    ("<think>x = 3, y = -1/2", "unfinished_thinking", 0),
    ("<answer>x = 3, y = -1/2", "unclosed_tag", 0),
    ("#### 3", "unnamed", 0),
    ("x = 3 and y = -1/2\n#### 8", "unnamed", 0),
    ("#### x = 3", None, 1),
    ("#### x = 3, y = 1/2", None, 1),
    ("#### x = -1/2, y = 3", None, 0),
    ("(3, -1/2) is a point on both lines? x = 1, y = 2", None, 0),
    ("#### x = 3, y = -0.49", None, 1),
    ("x = 3, y = -1/2 or x = 4, y = 1", None, 0),
    ("x = 3 or 4, y = -1/2", None, 1),
    ("x = 3, y = -1/2. That is wrong.", "no_number", 0),
    ("#### x = 3, y = x - 3.5", None, 1),
    ("#### x = 3, y = -1/2 + 0", None, 1),
    ("#### x > 3, y = -1/2", None, 1),
    ("2x = 3, 4y = -1/2", None, 0),
    ("x + y = -1/2 and x - y = 3", None, 0),
    ("2*x = 3 and 2 * y = -1/2", None, 0),
    ("(y, x) = (3, -1/2)", None, 0),
    ("(x, y) = (3, -1/2, 0)", None, 0),
    ("#### x = 3 more than y, y = -1/2", None, 1),
    ("x is 3 more than the other, y is -1/2", None, 1),
    ("-x = 3, -y = -1/2", None, 0),
    ("x = 3, y = -1/2\n#### x = 4", None, 0),
    ("x = 3!, y = ±1/2", None, 1),
    ("f(x) = 3, g(y) = -1/2", None, 0),
    ("#### 3, -1/2", "several_answers", 0),
    ("\\boxed{3, -1/2}", "several_answers", 0),
    ("The ticket costs 3 and the change is -1/2.", None, 0),
    ("x ≈ 3, y ≈ -0.5", None, 0),
]


@pytest.mark.parametrize("text", RIGHT)
def test_right(text: str) -> None:
    grade = grade_system(text, GOLD)
    assert grade.correct, grade.solved
    assert (grade.right, grade.of, grade.share, grade.solved.reason) == (2, 2, 1, None)


@pytest.mark.parametrize(("text", "reason", "right"), WRONG)
def test_wrong(text: str, reason: str | None, right: int) -> None:
    grade = grade_system(text, GOLD)
    assert not grade.correct
    assert grade.right == right, grade.solved
    if reason is not None:
        assert grade.solved.reason == reason
        assert grade.solved.values == {}
    assert (grade.solved.reason is None) == bool(grade.solved.values)
    assert grade.solved.reason in (None, *SYSTEM_REASONS)


@pytest.mark.parametrize(
    "text",
    [
        "x = 4, y = 0, z = -3/2",
        "z = -1.5, y = 0 and x = 4",
        "(x, y, z) = (4, 0, -3/2)",
        "#### (4, 0, -3/2)",
        "The answer is $\\begin{bmatrix} x \\\\ y \\\\ z \\end{bmatrix} = "
        "\\begin{bmatrix} 4 \\\\ 0 \\\\ -3/2 \\end{bmatrix}$",
        "From E6: z = -3/2.\nFrom E4: y = 3+2*(-3/2) = 0.\nFrom E1: 2x = 8, so x = 8/2 = 4.",
    ],
)
def test_three_unknowns(text: str) -> None:
    assert grade_system(text, {"x": 4, "y": 0, "z": Fraction(-3, 2)}).correct


@pytest.mark.parametrize(
    "text",
    ["#### 3", "#### x = 3", "x = 3", "The answer is 3.", "\\boxed{3}", "\\boxed{x=3}", "It takes 3 hours.",
     "x = \\boxed{3}", "5x = 15, so x = 15/5 = 3 hours.", "x = 3\nCheck: 5*3 = 15"],
)  # fmt: skip
def test_one_unknown_needs_no_name(text: str) -> None:
    assert grade_system(text, {"x": 3}).correct


@pytest.mark.parametrize("text", ["#### 8", "x = 3\n#### 8", "x = 3 or x = 4", "5x = 3", "", "x = 3, x = 4"])
def test_one_unknown_wrong(text: str) -> None:
    assert not grade_system(text, {"x": 3}).correct


def test_one_unknown_agrees_with_the_grader_on_numbers() -> None:
    for text in ("#### 3", "The answer is 3", "<answer>3</answer>", "3 or 4", "no idea"):
        assert grade_system(text, {"p": 3}).correct == is_correct(text, 3)


def test_case_counts_only_where_two_names_differ_by_it() -> None:
    assert grade_system("N = 1, k = 2", {"n": 1, "K": 2}).correct
    assert grade_system("n = 1, N = 2", {"n": 1, "N": 2}).correct
    assert not grade_system("n = 1, n = 2", {"n": 1, "N": 2}).correct


def test_letters_inside_words_are_no_names() -> None:
    assert read_system("The max = 3 and my = 4", ("x", "y")).values == {}
    assert read_system("p1 = 3, q = 4", ("p", "q")).values == {"q": 4}


def test_longer_names() -> None:
    assert grade_system("adult = 12, child = 7", {"child": 7, "adult": 12}).correct


def test_gold_must_be_numbers() -> None:
    with pytest.raises(ValueError, match="not a plain number"):
        grade_system("x = 3", {"x": "three"})
    with pytest.raises(ValueError, match="no unknown"):
        grade_system("x = 3", {})

"""What is read from a worked solution: equations, unknowns, the answer."""

from __future__ import annotations

import contextlib
import time
from fractions import Fraction

import pytest

from rote.perturb.gsm8k.equations import read_solution, stem, words_of
from rote.perturb.gsm8k.trees import UnreadableError, compute, leaf_pairs, operands, parse
from rote.perturb.gsm8k.unknowns import linear_equations


def values(solution: str) -> list[Fraction]:
    return [equation.value for equation in read_solution(solution)[0]]


def test_annotations_become_trees_in_order() -> None:
    solution = (
        "There are 3 * 4 = <<3*4=12>>12 pens.\nThat is 12 + 5.5 = <<12+5.5=17.5>>17.5 in all.\n#### 17.5"
    )
    equations, answer = read_solution(solution)
    assert answer == Fraction(35, 2)
    assert [(e.tree, e.value, e.line, e.annotated) for e in equations] == [
        (("*", 0, 1), 12, 0, True),
        (("+", 0, 1), Fraction(35, 2), 1, True),
    ]
    assert [leaf.value for leaf in equations[1].leaves] == [12, Fraction(11, 2)]
    assert [solution[slice(*e.span)] for e in equations] == ["<<3*4=12>>", "<<12+5.5=17.5>>"]


def test_a_plain_equation_counts_when_it_is_true() -> None:
    assert values("So 10-2=8 are left.\n#### 8") == [8]
    assert values("About 10/3=3.33, but 7+2=9.\n#### 9") == [9]
    with pytest.raises(UnreadableError, match="no_equations"):
        read_solution("About 10/3=3.33.\n#### 3")


def test_an_annotation_must_be_exactly_true() -> None:
    with pytest.raises(UnreadableError, match="false_equation"):
        read_solution("<<10/3=3.33>>3.33\n#### 3.33")


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("3 + 4 = 7", "no_answer"),
        ("3 + 4 = 7\n#### seven", "no_answer"),
        ("There are 7.\n#### 7", "no_equations"),
        ("<<-3+10=7>>\n#### 7", "unreadable_expression"),
    ],
)
def test_what_cannot_be_read_says_why(solution: str, reason: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_solution(solution)
    assert caught.value.code == reason


def test_a_bare_value_takes_the_expression_before_it() -> None:
    equations, _ = read_solution("He has 48 - 8 = <<40=40>>40.\n#### 40")
    assert [(e.tree, [leaf.value for leaf in e.leaves]) for e in equations] == [(("-", 0, 1), [48, 8])]


@pytest.mark.parametrize(
    ("said", "value"),
    [("52 minus 18 = 34", 34), ("52 plus 18 = 70", 70), ("6 times 7 = 42", 42), ("42 divided by 6 = 7", 7),
     ("6 multiplied by 7 = 42", 42)],
)  # fmt: skip
def test_operators_in_words(said: str, value: int) -> None:
    solution = f"There are {said} pens.\n#### {value}"
    equations, _ = read_solution(solution)
    assert [e.value for e in equations] == [value]
    start, end = equations[0].span
    assert solution[start:end] == said  # no character has moved


def test_equals_in_words() -> None:
    assert values("There are 52 minus 18 equals 34 pens.\n#### 34") == [34]


def test_an_implied_multiplication_in_plain_text() -> None:
    equations, _ = read_solution("They cost 2(40+9) = 98 dollars.\n#### 98")
    assert [(e.value, e.annotated) for e in equations] == [(98, False)]


def test_an_answer_in_percent_takes_its_hundredths() -> None:
    equations, answer = read_solution("It is 4/20 x 100% = 20%.\n#### 20")
    assert equations[-1].value == answer == 20


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2x + 30 = 110", 40),
        ("x + x + 30 = 110", 40),
        ("Then 4x - x = 48", 16),
        ("x + 2x = 30", 10),
        ("3(y + 2) = 36", 10),
        ("So 0.5n + 4 = 10", 12),
        ("5*(x+7)=3*(x+25)", 20),
        ("x / 4 = 6", 24),
    ],
)
def test_linear_equations_in_one_unknown(text: str, value: int) -> None:
    solved = [compute(tree, [leaf.value for leaf in leaves]) for tree, leaves in linear_equations(text)]
    assert value in solved


@pytest.mark.parametrize(
    "text", ["x + y = 10", "x * x = 16", "x + 3", "no sign here", "x = ", "= 4", "x/x = 1"]
)
def test_what_is_no_linear_equation_gives_nothing(text: str) -> None:
    assert linear_equations(text) == []


def test_a_stated_unknown_is_solved_from_the_lines_before() -> None:
    equations, answer = read_solution("Then 2x + 30 = 110.\nSo x = <<40=40>>40.\n#### 40")
    assert answer == equations[-1].value == 40
    # the unknown itself is a leaf of one
    assert sorted({leaf.value for leaf in equations[-1].leaves}) == [1, 2, 30, 110]


def test_trees_keep_precedence_and_refuse_what_they_do_not_know() -> None:
    for text, value in (
        ("2+3*4", 14),
        ("(2+3)*4", 20),
        ("20-5-3", 12),
        ("48/4/2", 6),
        ("3(4)", 12),
        ("20%*50", 10),
    ):
        tree, leaves = parse(text)
        assert compute(tree, [leaf.value for leaf in leaves]) == value
    for text in ("-5+3", "2**3", "2+", "(2", "a+1", "", "(" * 40 + "1" + ")" * 40):
        with pytest.raises(UnreadableError):
            parse(text)


def test_leaves_know_the_operator_over_them() -> None:
    tree, _ = parse("1+2*3-4/5")
    assert list(operands(tree)) == [
        (0, "+", False),
        (1, "*", False),
        (2, "*", True),
        (3, "/", False),
        (4, "/", True),
    ]
    assert list(leaf_pairs(tree)) == [("*", 1, 2), ("/", 3, 4)]


def test_words_are_compared_in_the_singular() -> None:
    assert [stem(w) for w in ("boxes", "cherries", "cost", "glasses", "plums", "bus")] == [
        "box", "cherry", "cost", "glass", "plum", "bus",
    ]  # fmt: skip
    assert words_of("The total of all 12 red apples") == {"all", "red", "apple"}


@pytest.mark.parametrize("text", ["<<", "1+", "(", "x+", "1=", "2(1+1)=", "((((1", "plus times "])
def test_a_hostile_solution_is_read_in_time(text: str) -> None:
    start = time.process_time()
    with contextlib.suppress(UnreadableError):
        read_solution(text * 1_000 + "\n#### 7")
    assert time.process_time() - start < 5

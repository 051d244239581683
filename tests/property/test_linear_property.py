"""What holds for every system and every way to state its solution, not only for the examples."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rote.answers.systems import SYSTEM_REASONS, grade_system, read_system
from rote.perturb.linear import DIFFICULTIES, SPLITS, UNKNOWNS, instance, problems
from rote.perturb.linear.cells import cells
from rote.perturb.linear.check import faults
from rote.perturb.linear.splits import CLASSES, class_of, split_of
from rote.perturb.linear.system import System, cramer, determinant, equation, gauss, plain
from rote.perturb.linear.working import answer_line, work_out
from rote.rational import format_number

#: A loaded machine is no fault of the code: time is measured in benchmarks/, never asserted here.
UNTIMED = settings(deadline=None, max_examples=150)

VALUES = st.fractions(min_value=-50, max_value=50, max_denominator=12)
SMALL = st.fractions(min_value=-9, max_value=9, max_denominator=4)
NAMES = (("x", "y", "z"), ("p", "q", "r"), ("u", "v", "w"))
CELLS = [cell.id for cell in cells()]


def matrices(size: int) -> st.SearchStrategy[list[list[Fraction]]]:
    return st.lists(st.lists(SMALL, min_size=size, max_size=size), min_size=size, max_size=size)


SYSTEMS = st.sampled_from(UNKNOWNS).flatmap(
    lambda size: st.tuples(matrices(size), st.lists(VALUES, min_size=size, max_size=size))
)


def totals_of(matrix: list[list[Fraction]], solution: list[Fraction]) -> list[Fraction]:
    return [sum((a * v for a, v in zip(row, solution, strict=True)), Fraction(0)) for row in matrix]


def test_the_splits_part_all_classes() -> None:
    owned = [number for classes in SPLITS.values() for number in classes]
    assert sorted(owned) == list(range(CLASSES))


@UNTIMED
@given(SYSTEMS)
def test_elimination_and_determinants_agree(drawn: tuple[list[list[Fraction]], list[Fraction]]) -> None:
    matrix, solution = drawn
    totals = totals_of(matrix, solution)
    by_rows, by_minors = gauss(matrix, totals), cramer(matrix, totals)
    assert by_rows == by_minors
    assert (by_rows is None) == (determinant(matrix) == 0)
    assert by_rows is None or list(by_rows) == solution


@UNTIMED
@given(SYSTEMS, st.randoms(use_true_random=False), VALUES)
def test_a_rewritten_system_stays_in_its_split(
    drawn: tuple[list[list[Fraction]], list[Fraction]], random: st.DataObject, factor: Fraction
) -> None:
    """Rows in another order, scaled and added to each other, unknowns renamed: the same class."""
    matrix, solution = drawn
    assume(determinant(matrix) and factor)
    rows = [[*row, total] for row, total in zip(matrix, totals_of(matrix, solution), strict=True)]
    random.shuffle(rows)  # type: ignore[attr-defined]
    rows[0] = [factor * v for v in rows[0]]
    rows[-1] = [a + factor * b for a, b in zip(rows[-1], rows[0], strict=True)] if len(rows) > 1 else rows[-1]
    for order in permutations(range(len(rows))):
        found = gauss([[row[k] for k in order] for row in rows], [row[-1] for row in rows])
        assert found is not None
        assert class_of(found) == class_of(solution)
        assert split_of(found) == split_of(solution)


@UNTIMED
@given(SYSTEMS, st.sampled_from(NAMES), st.booleans())
def test_every_system_is_worked_out(
    drawn: tuple[list[list[Fraction]], list[Fraction]], names: tuple[str, ...], words: bool
) -> None:
    matrix, solution = drawn
    assume(determinant(matrix))
    exact = tuple(map(plain, solution))
    equations = tuple(
        equation(tuple(map(plain, row)), plain(total))
        for row, total in zip(matrix, totals_of(matrix, solution), strict=True)
    )
    letters = names[: len(exact)]
    working = work_out(System(equations, exact), letters, words=words)
    text = f"{working.text}\n{answer_line(letters, exact)}"
    gold = dict(zip(letters, exact, strict=True))
    assert grade_system(text, gold).correct
    assert grade_system(working.text, gold).correct  # what it says on the way is the same


@UNTIMED
@given(st.sampled_from(CELLS), st.sampled_from(list(SPLITS)), st.integers(0, 10**9), st.integers(0, 50))
def test_every_instance_is_without_fault(cell: str, split: str, seed: int, index: int) -> None:
    made = instance(cell, split, seed, index)
    assert faults(made) == []
    assert made == instance(cell, split, seed, index)


@UNTIMED
@given(st.integers(0, 10**6), st.sampled_from(UNKNOWNS), st.sampled_from(DIFFICULTIES))
def test_splits_share_no_solution(seed: int, unknowns: int, difficulty: int) -> None:
    solutions = [
        {
            tuple(sorted(one.answers.values()))
            for one in problems(split, 10, seed, unknowns=[unknowns], difficulty=[difficulty])
        }
        for split in SPLITS
    ]
    assert sum(map(len, solutions)) == len(set.union(*solutions))


# --- reading answers ----------------------------------------------------------------------------------


def shown(value: Fraction, style: int) -> str:
    """A number as people and models write it, exactly."""
    if value.denominator == 1:
        return [str(value), f"{value}.0", f"${value}$"][style % 3]
    sign = "-" if value < 0 else ""
    above, below = abs(value.numerator), value.denominator
    return [
        str(value),
        f"{sign}\\frac{{{above}}}{{{below}}}",
        f"${sign}\\frac{{{above}}}{{{below}}}$",
        format_number(value),
        f"{sign}\\dfrac{{{above}}}{{{below}}}",
    ][style % 5]


#: Ways to state a solution; each takes "name = value" pieces.
JOINS = (
    lambda pieces: " and ".join(pieces),
    lambda pieces: ", ".join(pieces),
    lambda pieces: "\n".join(pieces),
    lambda pieces: "; ".join(pieces) + ".",
    lambda pieces: "#### " + ", ".join(pieces),
    lambda pieces: "Some working.\n" + "\n".join(f"#### {piece}" for piece in pieces),
    lambda pieces: "\\boxed{" + ", ".join(pieces) + "}",
    lambda pieces: " and ".join(f"\\boxed{{{piece}}}" for piece in pieces),
    lambda pieces: "<answer>" + ", ".join(pieces) + "</answer>",
    lambda pieces: "\n".join(f"- **{piece}**" for piece in pieces),
    lambda pieces: "The solution is " + ", ".join(pieces) + ".",
    lambda pieces: "<think>#### x = 1</think>So " + " and ".join(pieces) + ".",
    lambda pieces: (
        ", ".join(p.partition("=")[0] + "= 77" for p in pieces) + ". Wait, no. " + ", ".join(pieces)
    ),
)
STATED = st.sampled_from(UNKNOWNS).flatmap(lambda size: st.lists(VALUES, min_size=size, max_size=size))


@UNTIMED
@given(
    STATED, st.sampled_from(NAMES), st.sampled_from(JOINS), st.integers(0, 29), st.permutations(range(3)),
    st.booleans(),
)  # fmt: skip
def test_any_order_any_style(
    values: list[Fraction], names: tuple[str, ...], join: object, style: int, order: list[int], upper: bool
) -> None:
    gold = dict(zip(names, values, strict=False))
    pieces = [
        f"{names[k].upper() if upper else names[k]} = {shown(values[k], style)}"
        for k in order
        if k < len(values)
    ]
    text = join(pieces)  # type: ignore[operator]
    grade = grade_system(text, gold)
    assert grade.correct, (text, grade)
    assert grade.share == 1


@UNTIMED
@given(STATED, st.sampled_from(NAMES), st.sampled_from(JOINS), st.integers(1, 9), st.integers(0, 2))
def test_one_wrong_value_is_wrong(
    values: list[Fraction], names: tuple[str, ...], join: object, off: int, at: int
) -> None:
    gold = dict(zip(names, values, strict=False))
    at %= len(values)
    pieces = [f"{n} = {v + off if k == at else v}" for k, (n, v) in enumerate(gold.items())]
    grade = grade_system(join(pieces), gold)  # type: ignore[operator]
    assert not grade.correct
    assert grade.right == len(values) - 1


@UNTIMED
@given(STATED.filter(lambda values: len(values) > 1), st.sampled_from(NAMES), st.integers(0, 4))
def test_tuples(values: list[Fraction], names: tuple[str, ...], style: int) -> None:
    gold = dict(zip(names, values, strict=False))
    left, right = ", ".join(gold), ", ".join(map(str, values))
    rows = " \\\\ ".join(map(str, values))
    text = [
        f"({left}) = ({right})",
        f"#### ({left}) = ({right})",
        f"\\boxed{{({right})}}",
        f"The solution is ({right}).",
        f"\\boxed{{\\begin{{pmatrix}} {rows} \\end{{pmatrix}}}}",
    ][style]
    assert grade_system(text, gold).correct


@UNTIMED
@given(
    st.lists(
        st.sampled_from(
            ["x", "y", "=", "3", "-1/2", "(", ")", ",", "####", "\\boxed{", "}", "<answer>", "</answer>",
             "\n", " and ", " or ", "\\\\", "<think>", "wrong", "answer is ", "&",
             "$", "*", "0/0", "1/0", ".", "is"]
        ),
        max_size=40,
    ).map("".join)
    | st.text(max_size=200)
)  # fmt: skip
def test_nothing_breaks_it(text: str) -> None:
    solved = read_system(text, ("x", "y"))
    assert set(solved.values) <= {"x", "y"}
    assert (solved.reason is None) == bool(solved.values)
    assert solved.reason is None or solved.reason in SYSTEM_REASONS
    assert 0 <= grade_system(text, {"x": 3, "y": "-1/2"}).right <= 2
    assert read_system(text, ("x",)).values.keys() <= {"x"}

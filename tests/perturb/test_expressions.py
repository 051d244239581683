from __future__ import annotations

import ast
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rote.errors import TemplateError
from rote.perturb import expressions
from rote.steps import evaluate as evaluate_text

NAMES = frozenset("abc")


@pytest.mark.parametrize(
    "text",
    [
        "a ** b",
        "__import__('os')",
        "a.real",
        "a[0]",
        "-a",
        "a // b",
        "lambda: a",
        "a if b else c",
        "'x'",
        "True",
        "d + 1",
        "(a",
        "",
        "a < b",
        "a % b",
        "1" * 400,
    ],
)
def test_what_is_not_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match=r"steps\.x"):
        expressions.parse(text, names=NAMES, field="steps.x")


@pytest.mark.parametrize(
    "text", ["a + b", "a in b", "a is b", "a < 'x'", "not a", "f(a) > 1", "a < b < c < d"]
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        expressions.parse(text, names=NAMES, condition=True)


def test_constants_are_exact() -> None:
    node = expressions.parse("0.1 + 0.2", names=NAMES)
    assert expressions.evaluate(node, {}) == Fraction(3, 10)


def test_conditions_chain_and_join() -> None:
    node = expressions.parse("a < b <= c and not (a == 1 or b % 2 == 1)", names=NAMES, condition=True)
    assert expressions.holds(node, {"a": Fraction(2), "b": Fraction(4), "c": Fraction(4)})
    assert not expressions.holds(node, {"a": Fraction(2), "b": Fraction(3), "c": Fraction(4)})
    assert not expressions.holds(node, {"a": Fraction(1), "b": Fraction(4), "c": Fraction(4)})


def test_a_divisor_of_zero_or_less_is_an_error() -> None:
    node = expressions.parse("a / (b - c)", names=NAMES)
    for c in (4, 5):
        with pytest.raises(ZeroDivisionError):
            expressions.evaluate(node, {"a": Fraction(1), "b": Fraction(4), "c": Fraction(c)})


def trees() -> st.SearchStrategy[ast.expr]:
    leaves = st.one_of(
        st.sampled_from("abc").map(lambda name: ast.Name(name)),
        st.integers(1, 30).map(lambda value: ast.Constant(value)),
    )
    return st.recursive(
        leaves,
        lambda inner: st.builds(
            ast.BinOp,
            inner,
            st.sampled_from([ast.Add(), ast.Sub(), ast.Mult(), ast.Div()]),
            inner,
        ),
        max_leaves=6,
    )


@given(trees(), st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40)))
def test_what_is_written_out_means_the_same(tree: ast.expr, numbers: tuple[int, int, int]) -> None:
    values = dict(zip("abc", map(Fraction, numbers), strict=True))
    try:
        expected = expressions.evaluate(tree, values)
    except ZeroDivisionError:
        return

    def leaf(node: ast.Name | ast.Constant, precedence: int, right: bool) -> list[str]:
        return [str(values[node.id] if isinstance(node, ast.Name) else node.value)]

    text = "".join(expressions.layout(tree, leaf, " "))
    assert evaluate_text(text) == expected

"""Exact arithmetic expressions of a template: parsed, checked, evaluated, written out.

An expression is a small part of Python's grammar, read with :mod:`ast` and never evaluated by
Python: ``+ - * /``, parentheses, non-negative decimal constants and variable names; conditions may
also use ``%``, comparisons, ``and``, ``or`` and ``not``. :func:`evaluate` is the reference meaning,
in rationals; :mod:`rote.perturb.codegen` compiles the same trees to fast integer code and a test
holds the two against each other.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Final

from rote.errors import TemplateError

_ARITHMETIC: Final[Mapping[type[ast.operator], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
_COMPARISONS: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_PRECEDENCE: Final[Mapping[str, int]] = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}
_MAX_LENGTH: Final = 300


def parse(
    text: str, *, names: frozenset[str], condition: bool = False, field: str = "expression"
) -> ast.expr:
    """Parse ``text`` and check that it uses nothing but the allowed grammar and ``names``.

    Raises TemplateError naming the part that is not allowed.
    """
    if len(text) > _MAX_LENGTH:
        raise TemplateError(f"expression of {len(text)} characters; at most {_MAX_LENGTH}", field=field)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise TemplateError(f"{text!r} is not an expression ({error})", field=field) from None
    if condition:
        _check_condition(tree, text, names, field)
    else:
        _check_arithmetic(tree, text, names, field, modulo=False)
    return tree


def _refuse(node: ast.AST, text: str, field: str, why: str) -> TemplateError:
    part = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
    return TemplateError(f"{part!r} in {text!r}: {why}", field=field)


def _check_arithmetic(node: ast.expr, text: str, names: frozenset[str], field: str, *, modulo: bool) -> None:
    if isinstance(node, ast.Name):
        if node.id not in names:
            known = ", ".join(sorted(names)) or "none"
            raise _refuse(node, text, field, f"unknown name; known here: {known}")
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            raise _refuse(node, text, field, "only numbers are constants here")
    elif isinstance(node, ast.BinOp):
        allowed = type(node.op) in _ARITHMETIC or (modulo and isinstance(node.op, ast.Mod))
        if not allowed:
            raise _refuse(node, text, field, "only + - * / are allowed")
        _check_arithmetic(node.left, text, names, field, modulo=modulo)
        _check_arithmetic(node.right, text, names, field, modulo=modulo)
    else:
        raise _refuse(node, text, field, "only numbers, names and + - * / are allowed")


def _check_condition(node: ast.expr, text: str, names: frozenset[str], field: str) -> None:
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            _check_condition(value, text, names, field)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check_condition(node.operand, text, names, field)
    elif isinstance(node, ast.Compare):
        for operator in node.ops:
            if type(operator) not in _COMPARISONS:
                raise _refuse(operator, text, field, "only < <= > >= == != compare here")
        for side in (node.left, *node.comparators):
            _check_arithmetic(side, text, names, field, modulo=True)
    else:
        raise _refuse(node, text, field, "a condition is a comparison, or several joined by and/or/not")


def constant(node: ast.Constant) -> Fraction:
    """The exact value of a constant: ``0.1`` is one tenth, not the nearest float."""
    return Fraction(repr(node.value))


def names_in(node: ast.expr) -> Iterator[str]:
    """Names in reading order, with repeats."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.BinOp):
        yield from names_in(node.left)
        yield from names_in(node.right)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from names_in(value)
    elif isinstance(node, ast.UnaryOp):
        yield from names_in(node.operand)
    elif isinstance(node, ast.Compare):
        for side in (node.left, *node.comparators):
            yield from names_in(side)


def operations_in(node: ast.expr) -> int:
    """How many arithmetic operations an expression takes."""
    return sum(isinstance(part, ast.BinOp) for part in ast.walk(node))


def evaluate(node: ast.expr, values: Mapping[str, Fraction]) -> Fraction:
    """Exact value of an arithmetic expression.

    Problems deal in positive quantities, so a divisor of zero or less is a mistake in a draw:
    ZeroDivisionError for both.
    """
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant):
        return constant(node)
    if isinstance(node, ast.BinOp):
        left, right = evaluate(node.left, values), evaluate(node.right, values)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if right <= 0:
            raise ZeroDivisionError(f"{ast.unparse(node)}: divided by {right}")
        return left / right if isinstance(node.op, ast.Div) else left % right
    raise TypeError(f"not an arithmetic expression: {ast.dump(node)}")


def holds(node: ast.expr, values: Mapping[str, Fraction]) -> bool:
    """Whether a condition is true of exact values."""
    if isinstance(node, ast.BoolOp):
        results = (holds(value, values) for value in node.values)
        return all(results) if isinstance(node.op, ast.And) else any(results)
    if isinstance(node, ast.UnaryOp):
        return not holds(node.operand, values)
    if isinstance(node, ast.Compare):
        left = evaluate(node.left, values)
        for operator, side in zip(node.ops, node.comparators, strict=True):
            right = evaluate(side, values)
            if not _compare(operator, left, right):
                return False
            left = right
        return True
    raise TypeError(f"not a condition: {ast.dump(node)}")


def _compare(operator: ast.cmpop, left: Fraction, right: Fraction) -> bool:
    if isinstance(operator, ast.Lt):
        return left < right
    if isinstance(operator, ast.LtE):
        return left <= right
    if isinstance(operator, ast.Gt):
        return left > right
    if isinstance(operator, ast.GtE):
        return left >= right
    if isinstance(operator, ast.Eq):
        return left == right
    return left != right


def operator_text(node: ast.BinOp) -> str:
    """``+``, ``-``, ``*``, ``/`` or ``%``."""
    return "%" if isinstance(node.op, ast.Mod) else _ARITHMETIC[type(node.op)]


def comparison_text(operator: ast.cmpop) -> str:
    """``<``, ``<=``, ``>``, ``>=``, ``==`` or ``!=``."""
    return _COMPARISONS[type(operator)]


def layout(
    node: ast.expr, leaf: Callable[[ast.Name | ast.Constant, int, bool], list[str]], gap: str
) -> list[str]:
    """Write an expression out as a list of pieces, with the parentheses that it needs and no others.

    ``leaf(node, precedence, right)`` writes a name or constant; it is told the precedence of the
    operator round it (0 at the top, 1 for ``+ -``, 2 for ``* /``) and whether it is the right
    operand, so that a fraction such as 1/3 can put itself in parentheses where it must. ``gap``
    stands on either side of an operator.
    """
    return _layout(node, leaf, gap, 0, False)


def _layout(
    node: ast.expr,
    leaf: Callable[[ast.Name | ast.Constant, int, bool], list[str]],
    gap: str,
    outer: int,
    right: bool,
) -> list[str]:
    if isinstance(node, (ast.Name, ast.Constant)):
        return leaf(node, outer, right)
    if not isinstance(node, ast.BinOp):
        raise TypeError(f"not an arithmetic expression: {ast.dump(node)}")
    sign = operator_text(node)
    inner = _PRECEDENCE[sign]
    pieces = [
        *_layout(node.left, leaf, gap, inner, False),
        f"{gap}{sign}{gap}",
        *_layout(node.right, leaf, gap, inner, True),
    ]
    # a right operand of equal precedence keeps its parentheses even after + and *: the text then
    # shows the grouping that the template's author wrote
    if inner < outer or (inner == outer and right):
        return ["(", *pieces, ")"]
    return pieces

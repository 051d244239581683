"""A linked item as a plan's parts: variables, exact steps, constraints.

Groups of tied mentions become number variables ``n0, n1, …``; every other number of the question is a
constant of the expressions. Equations become steps ``s0, s1, …`` in order.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from rote.perturb import expressions
from rote.perturb.gsm8k.domains import domain
from rote.perturb.gsm8k.linking import Link, role_value
from rote.perturb.gsm8k.symbolize import Facts, RejectedError, used_mentions
from rote.perturb.gsm8k.trees import Tree
from rote.perturb.plan import Number
from rote.perturb.values import NumberKind

_OPERATORS: Mapping[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div}


@dataclass(frozen=True, slots=True)
class Graph:
    """Variables with their domains, steps and constraints of an item.

    ``variable[i]`` is the name of the variable that mention i belongs to, if it may change.
    """

    numbers: tuple[Number, ...]
    originals: Mapping[str, Fraction]
    variable: Mapping[int, str]
    steps: tuple[tuple[str, ast.expr, NumberKind], ...]
    constraints: tuple[tuple[str, ast.expr], ...]
    wide: bool = False


def number_node(value: Fraction) -> ast.expr:
    """An exact constant as a tree: decimals as they are, other fractions as a quotient."""
    if value.denominator == 1:
        return ast.Constant(value.numerator)
    return ast.BinOp(ast.Constant(value.numerator), ast.Div(), ast.Constant(value.denominator))


def _binary(left: ast.expr, sign: str, right: ast.expr) -> ast.expr:
    return ast.BinOp(left, _OPERATORS[sign](), right)


def role_node(role: str, name: str) -> ast.expr:
    """A variable in a role; see :func:`rote.perturb.gsm8k.linking.role_value`."""
    variable = ast.Name(name)
    table: dict[str, tuple[int, str, bool]] = {
        # constant, operator, whether the variable stands on the left
        "hundredth": (100, "/", True),
        "of_hundred_left": (100, "-", False),
        "of_hundred_more": (100, "+", False),
        "times_hundred": (100, "*", True),
        "of_sixty": (60, "/", True),
        "times_sixty": (60, "*", True),
        "dozens": (12, "*", True),
        "and_one": (1, "+", True),
        "inverse": (1, "/", False),
        "left": (1, "-", False),
        "more": (1, "+", False),
    }
    if role == "itself":
        return variable
    if role in ("percent_left", "percent_more"):
        part = _binary(variable, "/", ast.Constant(100))
        return _binary(ast.Constant(1), "-" if role == "percent_left" else "+", part)
    constant, sign, first = table[role]
    if first:
        return _binary(variable, sign, ast.Constant(constant))
    return _binary(ast.Constant(constant), sign, variable)


def build_graph(facts: Facts, *, wide: bool = False) -> Graph:
    """Variables, steps and constraints; ``wide`` as in :func:`rote.perturb.gsm8k.domains.domain`.

    Raises RejectedError where the original itself breaks a rule.
    """
    variable: dict[int, str] = {}
    numbers: list[Number] = []
    originals: dict[str, Fraction] = {}
    for group in facts.ties:
        name = f"n{len(numbers)}"
        first = facts.mentions[group[0]]
        shared = set(domain(first, facts.question, wide=wide))
        for i in group:
            if i != group[0]:
                shared &= set(domain(facts.mentions[i], facts.question, wide=wide))
            variable[i] = name
        values = tuple(sorted(shared | {first.value}))
        kind: NumberKind = "integer" if all(v.denominator == 1 for v in values) else "decimal"
        if any((v * 100).denominator != 1 for v in values):
            kind = "fraction"
        numbers.append(Number(name, kind, values))
        originals[name] = first.value
    steps = []
    results: list[Fraction] = []
    for i, (equation, row) in enumerate(zip(facts.equations, facts.links, strict=True)):
        leaves = [
            leaf_node(origin, leaf.value, facts, variable)
            for origin, leaf in zip(row, equation.leaves, strict=True)
        ]
        steps.append((f"s{i}", _tree_node(equation.tree, leaves), _kind(equation.value)))
        if equation.value <= 0:
            raise RejectedError("result_not_positive")
        results.append(equation.value)
    constraints = list(_constraints(facts, variable, originals, steps, results))
    return Graph(tuple(numbers), originals, variable, tuple(steps), tuple(constraints), wide)


def _kind(value: Fraction) -> NumberKind:
    if value.denominator == 1:
        return "integer"
    return "decimal" if (value * 100).denominator == 1 else "fraction"


def leaf_node(origin: Link, value: Fraction, facts: Facts, variable: Mapping[int, str]) -> ast.expr:
    """A leaf as an expression over variables and earlier steps."""
    if origin.kind == "result":
        return ast.Name(f"s{origin.index}")
    if origin.kind == "mention":
        mention = facts.mentions[origin.index]
        if origin.index in variable:
            return role_node(origin.role, variable[origin.index])
        exact = role_value(origin.role, mention.value, mention.parts)
        return number_node(value if exact is None else exact)
    if origin.kind == "implicit":
        left, right = (leaf_node(part, _part_value(part, facts), facts, variable) for part in origin.parts)
        return _binary(left, origin.role, right)
    return number_node(value)


def _part_value(part: Link, facts: Facts) -> Fraction:
    if part.kind == "result":
        return facts.equations[part.index].value
    return facts.mentions[part.index].value


def _tree_node(tree: Tree, leaves: Sequence[ast.expr]) -> ast.expr:
    if isinstance(tree, int):
        return leaves[tree]
    sign, left, right = tree
    return _binary(_tree_node(left, leaves), sign, _tree_node(right, leaves))


def _condition(left: ast.expr, sign: type[ast.cmpop], right: ast.expr) -> tuple[str, ast.expr]:
    node = ast.Compare(left, [sign()], [right])
    return ast.unparse(ast.fix_missing_locations(ast.Expression(node))), node


def _same_side(node: ast.expr, value: Fraction, bound: ast.expr, at: Fraction) -> tuple[str, ast.expr]:
    sign = ast.Gt if value > at else ast.Lt if value < at else ast.Eq
    return _condition(node, sign, bound)


def _constraints(
    facts: Facts,
    variable: Mapping[int, str],
    originals: Mapping[str, Fraction],
    steps: Sequence[tuple[str, ast.expr, NumberKind]],
    results: Sequence[Fraction],
) -> Iterator[tuple[str, ast.expr]]:
    """What keeps a draw the same kind of story as the original."""
    one = ast.Constant(1)
    known = dict(originals)
    for (name, node, _), value in zip(steps, results, strict=True):
        # the same side of 1; a share that is exactly a whole stays one
        fractions = any(v < 1 for v in known.values())
        if value != 1:
            yield _same_side(ast.Name(name), value, one, Fraction(1))
        elif fractions:
            yield _condition(ast.Name(name), ast.Eq, one)
        for part in ast.walk(node):
            if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub) and part is not node:
                if expressions.evaluate(part, known) <= 0:
                    raise RejectedError("negative_part")
                yield _condition(part.left, ast.Gt, part.right)
        known[name] = value
    last = steps[-1][0]
    answer = facts.answer
    yield _condition(ast.Name(last), ast.LtE, number_node(8 * answer))
    yield _condition(_binary(ast.Constant(8), "*", ast.Name(last)), ast.GtE, number_node(answer))
    yield from _world(facts, steps, results)
    yield from _orders(facts, variable)
    yield from _thresholds(facts, variable, steps, results)


_AGES = re.compile(r"\bages?\b|\byears? old\b|\bolder\b|\byounger\b|\bold is\b", re.IGNORECASE)


def _world(
    facts: Facts, steps: Sequence[tuple[str, ast.expr, NumberKind]], results: Sequence[Fraction]
) -> Iterator[tuple[str, ast.expr]]:
    """Caps on results: nobody gets older than 100 here, and a share in percent stays below 100."""
    ages = _AGES.search(facts.question) is not None and max(results) <= 100
    asked = re.search(r"percent|%", facts.question.rpartition(".")[2]) is not None
    for (name, _, _), value, equation in zip(steps, results, facts.equations, strict=True):
        last = equation is facts.equations[-1]
        if ages or (asked and last and value <= 100):
            yield _condition(ast.Name(name), ast.LtE, ast.Constant(100))


def _orders(facts: Facts, variable: Mapping[int, str]) -> Iterator[tuple[str, ast.expr]]:
    """Numbers of the same noun keep their order; percentages that are parts of a whole still are."""
    mentions = facts.mentions
    for place, i in enumerate(facts.free):
        for j in facts.free[place + 1 :]:
            one, other = mentions[i], mentions[j]
            if variable[i] == variable[j] or one.value == other.value:
                continue
            if one.kind == other.kind and one.noun and one.noun == other.noun:
                sign = ast.Lt if one.value < other.value else ast.Gt
                yield _condition(ast.Name(variable[i]), sign, ast.Name(variable[j]))
    percents = [i for i, m in enumerate(mentions) if m.kind == "percent"]
    if len(percents) > 1 and sum(mentions[i].value for i in percents) <= 100:
        total: ast.expr = ast.Constant(0)
        for i in percents:
            part = ast.Name(variable[i]) if i in variable else number_node(mentions[i].value)
            total = _binary(total, "+", part)
        yield _condition(total, ast.LtE, ast.Constant(100))


_UNUSED_KINDS = frozenset(("integer", "decimal", "money"))


def _thresholds(
    facts: Facts,
    variable: Mapping[int, str],
    steps: Sequence[tuple[str, ast.expr, NumberKind]],
    results: Sequence[Fraction],
) -> Iterator[tuple[str, ast.expr]]:
    """A number that the solution does not use may bound one that it does: nothing crosses it.

    It may be a budget, a minimum, a total said again: every variable and result stays on the side of it
    on which the original has it, and equal where it is equal.
    """
    used = used_mentions(facts.links)
    for i, mention in enumerate(facts.mentions):
        if i in used or i in variable or mention.kind not in _UNUSED_KINDS or mention.value in (0, 1):
            continue
        bound = number_node(mention.value)
        for j in facts.free:
            other = facts.mentions[j]
            if other.kind == mention.kind:
                yield _same_side(ast.Name(variable[j]), other.value, bound, mention.value)
        for (name, _, _), value in zip(steps, results, strict=True):
            if value == mention.value or mention.value > 12:
                yield _same_side(ast.Name(name), value, bound, mention.value)

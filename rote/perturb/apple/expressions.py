"""Expressions of the GSM-Symbolic format: parsed, checked against a short grammar, made into functions.

The text is read by :mod:`ast` and never evaluated by Python: every node that the grammar does not list is
refused, and what is left becomes closures over exact numbers. Sizes are bounded before anything is
computed, so that no file can take more than a moment.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import itemgetter
from typing import Final

from rote.perturb.apple.functions import FUNCTIONS
from rote.perturb.apple.lists import known_lists
from rote.perturb.apple.operations import BINARY, ORDER, bounded, item, listed, place_of, truth, within
from rote.perturb.apple.refusal import RefusedError
from rote.perturb.apple.values import EvaluationError, Value, exact, number, same

Env = Mapping[str, Value]
Run = Callable[[Env], Value]

#: Bounds: characters of an expression, its nodes, their depth.
MAX_LENGTH: Final = 4000
MAX_NODES: Final = 1500
MAX_DEPTH: Final = 60
_MARK: Final = re.compile(r"\$(?=[A-Za-z_])")


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression: its text, tree, the variables it names, its size, and its value in an env."""

    text: str
    tree: ast.expr
    names: frozenset[str]
    nodes: int
    run: Run

    @property
    def operations(self) -> int:
        """How many arithmetic operations it takes."""
        return sum(isinstance(node, ast.BinOp) for node in ast.walk(self.tree))


def parse(text: str, variables: frozenset[str], field: str) -> Expression:
    """Read and check an expression over ``variables`` and the known lists. RefusedError otherwise."""
    text = text.strip()
    tree = syntax_tree(text, field)
    return expression(tree, text, variables, field)


def syntax_tree(text: str, field: str) -> ast.expr:
    """The tree of a text within the bounds, not yet checked. RefusedError when it has none."""
    if len(text) > MAX_LENGTH:
        raise RefusedError(
            "too_large", f"expression of {len(text)} characters; at most {MAX_LENGTH}", field=field
        )
    try:
        # some templates write "$x" for x beyond the line that declares it
        tree = ast.parse(_MARK.sub("", text), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise RefusedError("syntax", f"{_short(text)!r} is not an expression ({why})", field=field) from None
    nodes = 0
    layer: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        nodes += len(layer)
        layer = [child for node in layer for child in ast.iter_child_nodes(node)]
        if not layer:
            break
    if layer:
        raise RefusedError(
            "too_large", f"{_short(text)!r} is nested deeper than {MAX_DEPTH} levels", field=field
        )
    if nodes > MAX_NODES:
        raise RefusedError(
            "too_large", f"{_short(text)!r} has {nodes} parts; at most {MAX_NODES}", field=field
        )
    return tree


def expression(tree: ast.expr, text: str, variables: frozenset[str], field: str) -> Expression:
    """Check a tree and make it a function."""
    maker = _Maker(text, variables, field)
    run, _ = maker.make(tree)
    nodes = sum(1 for _ in ast.walk(tree))
    return Expression(text, tree, frozenset(maker.used), nodes, run)


def dotted(node: ast.expr) -> str | None:
    """``np.random.randint`` as written; None for anything that is not names joined by dots."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}…"


class _Maker:
    """Checks one expression and makes it a function; parts without variables are worked out at once."""

    def __init__(self, text: str, variables: frozenset[str], field: str) -> None:
        self.text = text
        self.variables = variables
        self.field = field
        self.used: set[str] = set()

    def refuse(self, code: str, node: ast.AST, why: str) -> RefusedError:
        part = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
        return RefusedError(code, f"{_short(part)!r} in {_short(self.text)!r}: {why}", field=self.field)

    def make(self, node: ast.expr) -> tuple[Run, bool]:
        """The function of a node, and whether it is constant."""
        if isinstance(node, ast.Constant):
            return self._constant(node), True
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.BinOp):
            if type(node.op) not in BINARY:
                raise self.refuse("forbidden", node, "only + - * / // % ** are allowed")
            work = BINARY[type(node.op)]
            return self._apply(node, [node.left, node.right], lambda args: work(args[0], args[1]))
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        if isinstance(node, ast.BoolOp):
            return self._boolean(node)
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.IfExp):
            test, _ = self.make(node.test)
            yes, _ = self.make(node.body)
            no, _ = self.make(node.orelse)
            return (lambda env: yes(env) if truth(test(env)) else no(env)), False
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.List):
            return self._apply(node, node.elts, list)
        if isinstance(node, ast.Tuple):
            return self._apply(node, node.elts, tuple)
        if isinstance(node, ast.Subscript):
            return self._subscript(node)
        raise self.refuse("forbidden", node, "this construct is not allowed")

    def _apply(
        self, node: ast.expr, parts: Sequence[ast.expr], work: Callable[[list[Value]], Value]
    ) -> tuple[Run, bool]:
        made = [self.make(part) for part in parts]
        runs = [run for run, _ in made]
        if all(constant for _, constant in made):
            try:
                value = work([run({}) for run in runs])
            except EvaluationError as error:
                raise self.refuse(error.code, node, str(error)) from None
            except ZeroDivisionError:
                raise self.refuse("type", node, "divides by zero") from None
            return (lambda env: value), True
        if len(runs) == 2:
            first, second = runs
            return (lambda env: work([first(env), second(env)])), False
        return (lambda env: work([run(env) for run in runs])), False

    def _constant(self, node: ast.Constant) -> Run:
        value: Value = node.value
        if isinstance(value, float):
            # 0.1 is one tenth, not the nearest float
            if not math.isfinite(value):
                raise self.refuse("too_large", node, "beyond the range of numbers")
            value = exact(Fraction(repr(value)))
        if not isinstance(value, (bool, int, str, Fraction)):
            raise self.refuse("forbidden", node, "only numbers, words and truth values are constants")
        if isinstance(value, int):
            try:
                bounded(int(value))
            except EvaluationError as error:
                raise self.refuse("too_large", ast.Constant(0), str(error)) from None
        return lambda env: value

    def _name(self, node: ast.Name) -> tuple[Run, bool]:
        name = node.id
        if name in self.variables:
            self.used.add(name)
            return itemgetter(name), False
        if name in known_lists():
            values = list(known_lists()[name])
            return (lambda env: values), True
        if name in FUNCTIONS:
            raise self.refuse("syntax", node, "a function without its arguments")
        raise self.refuse(
            "unknown_name",
            node,
            "neither a variable of the template nor a known list; variables: "
            f"{', '.join(sorted(self.variables)) or 'none'}",
        )

    def _unary(self, node: ast.UnaryOp) -> tuple[Run, bool]:
        if isinstance(node.op, ast.Not):
            return self._apply(node, [node.operand], lambda args: not truth(args[0]))
        if isinstance(node.op, (ast.USub, ast.UAdd)):
            sign = -1 if isinstance(node.op, ast.USub) else 1
            return self._apply(node, [node.operand], lambda args: sign * number(args[0]))
        raise self.refuse("forbidden", node, "only - + not are allowed")

    def _boolean(self, node: ast.BoolOp) -> tuple[Run, bool]:
        runs = [self.make(value)[0] for value in node.values]
        if isinstance(node.op, ast.And):
            return (lambda env: all(truth(run(env)) for run in runs)), False
        return (lambda env: any(truth(run(env)) for run in runs)), False

    def _compare(self, node: ast.Compare) -> tuple[Run, bool]:
        tests = [self._test(operator_, node) for operator_ in node.ops]

        def work(args: list[Value]) -> bool:
            return all(test(args[i], args[i + 1]) for i, test in enumerate(tests))

        return self._apply(node, [node.left, *node.comparators], work)

    def _test(self, sign: ast.cmpop, node: ast.Compare) -> Callable[[Value, Value], bool]:
        order = ORDER.get(type(sign))
        if order is not None:
            return lambda a, b: order(number(a), number(b))
        if isinstance(sign, ast.Eq):
            return same
        if isinstance(sign, ast.NotEq):
            return lambda a, b: not same(a, b)
        if isinstance(sign, ast.In):
            return within
        if isinstance(sign, ast.NotIn):
            return lambda a, b: not within(a, b)
        raise self.refuse("forbidden", node, "only < <= > >= == != in, not in compare here")

    def _call(self, node: ast.Call) -> tuple[Run, bool]:
        name = dotted(node.func)
        function = FUNCTIONS.get(name or "")
        if function is None:
            if isinstance(node.func, ast.Attribute):
                raise self.refuse("forbidden", node, "attributes are not allowed")
            raise self.refuse(
                "unknown_function", node, f"not a known function; known: {', '.join(sorted(FUNCTIONS))}"
            )
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.refuse("forbidden", node, "only plain arguments are allowed")
        if not function.least <= len(node.args) <= function.most:
            raise self.refuse("syntax", node, f"takes {function.least} to {function.most} arguments")
        return self._apply(node, node.args, lambda args: function.work(*args))

    def _subscript(self, node: ast.Subscript) -> tuple[Run, bool]:
        if not isinstance(node.slice, ast.Slice):
            return self._apply(node, [node.value, node.slice], lambda args: item(args[0], args[1]))
        bounds = [node.slice.lower, node.slice.upper, node.slice.step]
        given = [part for part in bounds if part is not None]

        def work(args: list[Value]) -> Value:
            rest = iter(args[1:])
            places = [None if part is None else place_of(next(rest)) for part in bounds]
            if places[2] == 0:
                raise EvaluationError("a slice of step 0")
            return listed(args[0])[slice(*places)]

        return self._apply(node, [node.value, *given], work)


def degree(node: ast.expr, name: str) -> int | None:
    """0 or 1: how a variable enters an expression; None where it enters in any way but linearly."""
    if not any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node)):
        return 0
    if isinstance(node, ast.Name):
        return 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        return degree(node.operand, name)
    if isinstance(node, ast.BinOp):
        left, right = degree(node.left, name), degree(node.right, name)
        if left is None or right is None:
            return None
        if isinstance(node.op, (ast.Add, ast.Sub)):
            return max(left, right)
        if isinstance(node.op, ast.Mult):
            return left + right if left + right <= 1 else None
        if isinstance(node.op, ast.Div) and right == 0:
            return left
    return None

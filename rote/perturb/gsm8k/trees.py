"""Expressions as trees over numbered leaves: reading them and working them out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

#: A tree: the index of a leaf, or (operator, left, right).
Tree = int | tuple[str, "Tree", "Tree"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A number of an expression as it is written there."""

    text: str
    value: Fraction
    percent: bool = False


class UnreadableError(ValueError):
    """An expression or a solution that cannot be read; ``code`` is the reason."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


_TOKEN: Final = re.compile(r"\s*(?:(\d[\d,]*\.?\d*|\.\d+)(%?)|([-+*/()]))")


class _Parser:
    """Recursive descent over ``+ - * / ( )``, implied multiplication, unary minus refused."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        self.leaves: list[Leaf] = []
        place = 0
        text = text.replace("$", " ").strip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise UnreadableError("unreadable_expression")
            place = match.end()
            if match[3]:
                self.tokens.append(match[3])
            else:
                value = Fraction(match[1].replace(",", "").rstrip("."))
                percent = bool(match[2])
                self.leaves.append(Leaf(match[1] + match[2], value / 100 if percent else value, percent))
                self.tokens.append(f"#{len(self.leaves) - 1}")
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def sum(self, depth: int = 0) -> Tree:
        if depth > 20:
            raise UnreadableError("unreadable_expression")
        tree = self.product(depth)
        while self.peek() in ("+", "-"):
            sign = self.take()
            tree = (sign, tree, self.product(depth))
        return tree

    def product(self, depth: int) -> Tree:
        tree = self.factor(depth)
        while True:
            if self.peek() in ("*", "/"):
                sign = self.take()
                tree = (sign, tree, self.factor(depth))
            elif self.peek() == "(" or self.peek().startswith("#"):
                tree = ("*", tree, self.factor(depth))
            else:
                return tree

    def factor(self, depth: int) -> Tree:
        token = self.take()
        if token == "(":
            tree = self.sum(depth + 1)
            if self.take() != ")":
                raise UnreadableError("unreadable_expression")
            return tree
        if token.startswith("#"):
            return int(token[1:])
        raise UnreadableError("unreadable_expression")


def parse(text: str) -> tuple[Tree, tuple[Leaf, ...]]:
    """Tree and leaves of an expression. Raises UnreadableError."""
    parser = _Parser(text)
    tree = parser.sum()
    if parser.at != len(parser.tokens):
        raise UnreadableError("unreadable_expression")
    return tree, tuple(parser.leaves)


def compute(tree: Tree, values: Sequence[Fraction]) -> Fraction:
    """Exact value of a tree over the values of its leaves. ZeroDivisionError on division by zero."""
    if isinstance(tree, int):
        return values[tree]
    sign, left, right = tree
    a, b = compute(left, values), compute(right, values)
    if sign == "+":
        return a + b
    if sign == "-":
        return a - b
    return a * b if sign == "*" else a / b


def operands(tree: Tree, parent: str = "", right: bool = False) -> Iterator[tuple[int, str, bool]]:
    """Leaves of a tree in order with the operator over them and whether they are its right side."""
    if isinstance(tree, int):
        yield tree, parent, right
        return
    sign, left, other = tree
    yield from operands(left, sign, False)
    yield from operands(other, sign, True)


def leaf_pairs(tree: Tree) -> Iterator[tuple[str, int, int]]:
    """Operators whose two operands are leaves."""
    if isinstance(tree, int):
        return
    sign, left, right = tree
    if isinstance(left, int) and isinstance(right, int):
        yield sign, left, right
    yield from leaf_pairs(left)
    yield from leaf_pairs(right)

"""Equations in one unknown, as solutions write them: ``2x + 30 = 110`` becomes the tree of (110 - 30) / 2."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import Final

from rote.perturb.gsm8k.trees import Leaf, Tree, UnreadableError

_SIDE: Final = re.compile(r"\s*(?:(\d[\d,]*\.?\d*|\.\d+)(%?)|([-+*/()])|([a-zA-Z]))")
#: A linear form: the tree of the unknown's factor and the tree of the rest, None for nothing.
_Form = tuple["Tree | None", "Tree | None"]


def linear_equations(text: str) -> list[tuple[Tree, tuple[Leaf, ...]]]:
    """Solve the linear equations in one unknown letter that a line of text holds.

    ``2x + 30 = 110`` gives the tree of (110 - 30) / 2 over its numbers. Runs of words end an equation;
    two different letters, or a letter in a product with itself, make it unreadable.
    """
    clean = re.sub(r"[−–]", "-", text).replace("×", "*").replace("÷", "/").replace("$", "")
    found = []
    for match in re.finditer(r"[^=]*=[^=]*", clean):
        left, _, right = match[0].partition("=")
        for one, other in _sides(left, right):
            solved = _solve(one, other)
            if solved is not None:
                found.append(solved)
                break
    # "x + 2x = 30 = …" shares a side between two equations
    parts = clean.split("=")
    for one, other in pairwise(parts[1:]):
        solved = _solve(*next(iter(_sides(one, other))))
        if solved is not None:
            found.append(solved)
    return found


def _sides(left: str, right: str) -> list[tuple[str, str]]:
    """The expression that ends the left text and the one that begins the right text."""
    before = re.search(r"((?:[\d.,%()\s+\-*/]|(?<![a-zA-Z])[a-zA-Z](?![a-zA-Z]))+)$", left)
    after = re.match(r"((?:[\d.,%()\s+\-*/]|(?<![a-zA-Z])[a-zA-Z](?![a-zA-Z]))+)", right)
    if before is None or after is None:
        return [("", "")]
    return [(before[1].strip(" .,:"), after[1].strip(" .,:"))]


def _solve(left: str, right: str) -> tuple[Tree, tuple[Leaf, ...]] | None:
    letters = {c.lower() for c in left + right if c.isalpha()}
    if len(letters) != 1:
        return None
    solver = _Linear()
    try:
        a, c = solver.read(left)
        b, d = solver.read(right)
        # a*x + c = b*x + d
        factor = solver.minus(a, b)
        rest = solver.minus(d, c)
    except UnreadableError:
        return None
    if factor is None or rest is None:
        return None
    return _reindexed(("/", rest, factor), solver.leaves)


def _reindexed(tree: Tree, leaves: list[Leaf]) -> tuple[Tree, tuple[Leaf, ...]]:
    """The same tree with its leaves numbered in reading order, each place a leaf of its own."""
    ordered: list[Leaf] = []

    def walk(part: Tree) -> Tree:
        if isinstance(part, int):
            ordered.append(leaves[part])
            return len(ordered) - 1
        sign, left, right = part
        return sign, walk(left), walk(right)

    return walk(tree), tuple(ordered)


class _Linear:
    """Reads expressions in one unknown as linear forms over shared leaves."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.tokens: list[str] = []
        self.at = 0

    def leaf(self, text: str, value: Fraction, percent: bool = False) -> Tree:
        self.leaves.append(Leaf(text, value, percent))
        return len(self.leaves) - 1

    def read(self, text: str) -> _Form:
        self.tokens, self.at = [], 0
        place = 0
        while place < len(text):
            match = _SIDE.match(text, place)
            if match is None:
                if not text[place:].strip():
                    break
                raise UnreadableError("unreadable_expression")
            place = match.end()
            self.tokens.append(match[0].strip())
        form = self.sum(0)
        if self.at != len(self.tokens):
            raise UnreadableError("unreadable_expression")
        return form

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def sum(self, depth: int) -> _Form:
        if depth > 10:
            raise UnreadableError("unreadable_expression")
        a, c = self.product(depth)
        while self.peek() in ("+", "-"):
            sign = self.tokens[self.at]
            self.at += 1
            b, d = self.product(depth)
            a, c = (self.plus(a, b), self.plus(c, d)) if sign == "+" else (self.minus(a, b), self.minus(c, d))
        return a, c

    def product(self, depth: int) -> _Form:
        form = self.factor(depth)
        while True:
            token = self.peek()
            if token in ("*", "/"):
                self.at += 1
                form = self.combine(form, token, self.factor(depth))
            elif token == "(" or token[:1].isalnum() or token[:1] == ".":
                form = self.combine(form, "*", self.factor(depth))
            else:
                return form

    def combine(self, left: _Form, sign: str, right: _Form) -> _Form:
        (a, c), (b, d) = left, right
        if b is None and d is not None:
            return (None if a is None else (sign, a, d)), (None if c is None else (sign, c, d))
        if a is None and c is not None and sign == "*":
            return (None if b is None else ("*", c, b)), (None if d is None else ("*", c, d))
        raise UnreadableError("unreadable_expression")

    def factor(self, depth: int) -> _Form:
        token = self.peek()
        self.at += 1
        if token == "(":
            form = self.sum(depth + 1)
            if self.peek() != ")":
                raise UnreadableError("unreadable_expression")
            self.at += 1
            return form
        if token.isalpha():
            return self.leaf("1", Fraction(1)), None
        match = re.fullmatch(r"(\d[\d,]*\.?\d*|\.\d+)(%?)", token)
        if match is None:
            raise UnreadableError("unreadable_expression")
        value = Fraction(match[1].replace(",", "").rstrip("."))
        return None, self.leaf(token, value / 100 if match[2] else value, bool(match[2]))

    def plus(self, a: Tree | None, b: Tree | None) -> Tree | None:
        return b if a is None else a if b is None else ("+", a, b)

    def minus(self, a: Tree | None, b: Tree | None) -> Tree | None:
        if b is None:
            return a
        if a is None:
            raise UnreadableError("unreadable_expression")
        return ("-", a, b)

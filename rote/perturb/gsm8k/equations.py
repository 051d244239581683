"""The equations of a published solution as expression trees.

Calculator annotations are taken as they stand; equations in plain text only when they are exactly true.
An annotation that only repeats its value (``<<40=40>>``) takes its expression from the text before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from rote.steps import find_equations

#: A tree: the index of a leaf, or (operator, left, right).
Tree = int | tuple[str, "Tree", "Tree"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A number of an expression as it is written there."""

    text: str
    value: Fraction
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Equation:
    """``lhs = value``: the tree over its leaves, and where it stands in the solution.

    ``line`` is the 0-based line of the solution, ``words`` the words of that line, ``dollars`` whether
    the result is written with a dollar sign, ``span`` the characters of the equation (of the annotation,
    brackets included, when it is one).
    """

    tree: Tree
    leaves: tuple[Leaf, ...]
    value: Fraction
    line: int
    words: frozenset[str]
    dollars: bool
    annotated: bool
    span: tuple[int, int]


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


def compute(tree: Tree, values: list[Fraction] | tuple[Fraction, ...]) -> Fraction:
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


_WORD: Final = re.compile(r"[A-Za-z]{2,}")
_STOP: Final = frozenset(
    "the of and to in is are was were for with that this from by on at it he she they his her their there then so "
    "total each per will has have had be as an if or than how many much more less after before one two".split()
)


def words_of(text: str) -> frozenset[str]:
    """Content words in a crude singular: enough to see that two places speak of the same thing."""
    found = set()
    for word in _WORD.findall(text.lower()):
        if word not in _STOP:
            found.add(stem(word))
    return frozenset(found)


def stem(word: str) -> str:
    """``boxes`` → ``box``, ``cherries`` → ``cherry``, ``cost`` → ``cost``."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        return word[:-1]
    return word


_ANNOTATION: Final = re.compile(r"<<[^<>]*>>")
#: An equation that leaves out its multiplication sign: ``2(40+9) = 98``, ``(1/4)24 = 6``.
_IMPLIED: Final = re.compile(r"(?<![\w.=])([\d.(][\d.,$()\s+\-*/×÷−–]*)=\s*\$?((?:\d[\d,]*)?\.?\d+)(?![\d/%])")


def read_solution(solution: str) -> tuple[list[Equation], Fraction]:
    """The equations of a solution in order, and the final answer.

    Raises UnreadableError: ``no_answer``, ``no_equations``, ``false_equation`` (an annotation that is not
    exactly true: rounded somewhere), ``unreadable_expression``, ``bare_value``.
    """
    body, mark, tail = solution.rpartition("####")
    if not mark:
        raise UnreadableError("no_answer")
    try:
        answer = Fraction(tail.strip().replace(",", "").replace("$", ""))
    except (ValueError, ZeroDivisionError):
        raise UnreadableError("no_answer") from None
    starts = [0]
    for match in re.finditer("\n", body):
        starts.append(match.end())
    lines = [_ANNOTATION.sub(" ", line) for line in body.split("\n")]
    bags = [words_of(line) for line in lines]
    equations = []
    for found in find_equations(body):
        if not found.correct:
            if found.annotated:
                raise UnreadableError("false_equation")
            continue
        line = max(i for i, start in enumerate(starts) if start <= found.span[0])
        lhs = found.lhs
        if not re.search(r"[\d)]\s*[-+*/(]", lhs):
            if not found.annotated:
                continue
            lhs = _expression_before(body[starts[line] : found.span[0]], found.rhs)
            if lhs is None:
                equations.append(_solved(body, starts, line, found.rhs, bags, found.span))
                continue
        try:
            tree, leaves = parse(lhs)
        except UnreadableError:
            if found.annotated:
                raise
            continue
        dollars = body[: found.span[0]].rstrip().endswith("$") if found.annotated else False
        equations.append(
            Equation(tree, leaves, found.rhs, line, bags[line], dollars, found.annotated, found.span)
        )
    equations = sorted([*equations, *_implied(body, starts, bags, equations)], key=lambda e: e.span)
    if not any(e.value in (answer, answer / 100) for e in equations):
        unknown = _solved_last(body, starts, answer, bags)
        if unknown is not None:
            equations.append(unknown)
    if not equations:
        raise UnreadableError("no_equations")
    last = equations[-1]
    if last.value != answer and last.value * 100 == answer and "%" in lines[last.line]:
        # "4/20 x 100% = 20%": the value is a fifth, the answer counts hundredths
        hundred = Leaf("100", Fraction(100))
        equations[-1] = replace(
            last, tree=("*", last.tree, len(last.leaves)), leaves=(*last.leaves, hundred), value=answer
        )
    return equations, answer


def _expression_before(text: str, value: Fraction) -> str | None:
    """The expression that stands before ``<<value=value>>``, if it has that value."""
    clean = re.sub(r"[$,]", "", text).replace("×", "*").replace("÷", "/").replace("x", "*")
    match = re.search(r"([\d.][\d.\s()+\-*/]*)=\s*$", clean)
    if match is None:
        return None
    try:
        tree, leaves = parse(match[1])
        if isinstance(tree, int) or compute(tree, [leaf.value for leaf in leaves]) != value:
            return None
    except (UnreadableError, ZeroDivisionError):
        return None
    return match[1]


def _implied(
    body: str, starts: list[int], bags: list[frozenset[str]], known: list[Equation]
) -> list[Equation]:
    """Plain equations with implied multiplication, where none of the known ones stands."""
    found = []
    blank = _ANNOTATION.sub(lambda match: "=" * len(match[0]), body)
    for match in _IMPLIED.finditer(blank):
        if "(" not in match[1] or any(e.span[0] < match.end() and match.start() < e.span[1] for e in known):
            continue
        try:
            tree, leaves = parse(re.sub(r"[−–]", "-", match[1]).replace("×", "*").replace("÷", "/"))
            value = compute(tree, [leaf.value for leaf in leaves])
        except (UnreadableError, ZeroDivisionError):
            continue
        if isinstance(tree, int) or value != Fraction(match[2].replace(",", "")):
            continue
        line = max(i for i, start in enumerate(starts) if start <= match.start())
        found.append(Equation(tree, leaves, value, line, bags[line], False, False, match.span()))
    return found


def _solved(
    body: str, starts: list[int], line: int, value: Fraction, bags: list[frozenset[str]], span: tuple[int, int]
) -> Equation:
    """The equation of an unknown whose value is only stated: the first line before it that says so."""
    for earlier in range(line + 1):
        end = starts[earlier + 1] if earlier + 1 < len(starts) else len(body)
        for tree, leaves in linear_equations(body[starts[earlier] : min(end, span[0])]):
            try:
                if compute(tree, [leaf.value for leaf in leaves]) == value:
                    return Equation(tree, leaves, value, line, bags[earlier] | bags[line], False, True, span)
            except ZeroDivisionError:
                continue
    raise UnreadableError("bare_value")


def _solved_last(
    body: str, starts: list[int], answer: Fraction, bags: list[frozenset[str]]
) -> Equation | None:
    """An equation of an unknown, in plain text, whose solution is the answer."""
    for line, start in enumerate(starts):
        end = starts[line + 1] if line + 1 < len(starts) else len(body)
        for tree, leaves in linear_equations(body[start:end]):
            try:
                if compute(tree, [leaf.value for leaf in leaves]) == answer:
                    last = len(starts) - 1
                    return Equation(tree, leaves, answer, last, bags[line], False, False, (end - 1, end - 1))
            except ZeroDivisionError:
                continue
    return None


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
    for one, other in zip(parts[1:], parts[2:], strict=False):
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

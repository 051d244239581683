"""Compile a plan to one Python function that draws, checks, solves and writes an instance.

Why: a plan in its obvious form (rationals, jinja2) costs about a millisecond an instance; the
compiled one costs some microseconds, in integers alone. What is compiled is never text from a file:
expressions come from the checked trees of :mod:`rote.perturb.expressions`, variables are renamed, and
literal text enters as constants.

Numbers are held as integers over a denominator. A variable or step that is whole, or whole in cents,
has the fixed denominator 1 or 100; only kinds without a fixed number of places carry a denominator
of their own. Texts that depend on one variable are prepared for its whole domain.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm, prod
from typing import Any, Final, NamedTuple

from rote.perturb import expressions, keys
from rote.perturb.plan import Noun, Number, Plan, Step
from rote.perturb.texts import Piece, Text
from rote.perturb.values import PLACES, Person, Quantity, Value, annotation_text, equation_text
from rote.rational import format_number

_CACHE_SIZE: Final = 1 << 16


class Drawn(NamedTuple):
    """What the compiled function returns: an instance without its identity."""

    position: int
    question: str
    solution: str
    answer: Fraction
    largest: int | float
    span: tuple[int, int] | None


#: The instance at a position of the space of draws, or None when the position is no draw.
At = Callable[[int], "Drawn | None"]
#: The first draw among permuted positions start, start + stride, … below stop.
Walk = Callable[[int, int, int, keys.Key], "Drawn | None"]


@lru_cache(maxsize=_CACHE_SIZE)
def _whole(n: int) -> Fraction:
    return Fraction(n)


@lru_cache(maxsize=_CACHE_SIZE)
def _cents(n: int) -> Fraction:
    return Fraction(n, 100)


@lru_cache(maxsize=_CACHE_SIZE)
def _decimal_text(n: int) -> str:
    return format_number(Fraction(n, 100))


@lru_cache(maxsize=_CACHE_SIZE)
def _money_text(n: int) -> str:
    return equation_text(Fraction(n, 100), "money")


class _Scaled(NamedTuple):
    """Source of an exact value: ``numerator`` over ``denominator``, an int when it is fixed."""

    numerator: str
    denominator: int | str


class _Writer:
    """Collects the source and the constants of one function."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {
            "Drawn": Drawn,
            "_whole": _whole,
            "_cents": _cents,
            "_decimal_text": _decimal_text,
            "_money_text": _money_text,
            "Fraction": Fraction,
            "gcd": gcd,
        }
        self.scaled: dict[str, _Scaled] = {}
        self.digit: dict[str, str] = {}
        self.domain: dict[str, Sequence[Value]] = {}
        self.steps = {step.name: step for step in plan.steps}
        self.tables: dict[tuple[str, ...], str] = {}

    def constant(self, prefix: str, value: object) -> str:
        name = f"{prefix}{len(self.constants)}"
        self.constants[name] = value
        return name

    def line(self, text: str) -> None:
        self.lines.append("    " + text)

    # numbers ------------------------------------------------------------------------------------

    def declare_number(self, number: Number, i: int, offset: str | None) -> None:
        values = number.values
        denominator = lcm(*(v.denominator for v in values))
        fixed = 1 if denominator == 1 else 100 if 100 % denominator == 0 else None
        self.domain[number.name] = [Quantity(v, number.kind) for v in values]
        if offset is None:
            value = values[0]
            if fixed is None:
                self.scaled[number.name] = _Scaled(str(value.numerator), str(value.denominator))
            else:
                self.scaled[number.name] = _Scaled(str(int(value * fixed)), fixed)
            return
        self.digit[number.name] = offset
        if fixed is None:
            tops = self.constant("N", [v.numerator for v in values])
            bottoms = self.constant("D", [v.denominator for v in values])
            self.line(f"n{i} = {tops}[{offset}]")
            self.line(f"m{i} = {bottoms}[{offset}]")
            self.scaled[number.name] = _Scaled(f"n{i}", f"m{i}")
        else:
            table = self.constant("N", [int(v * fixed) for v in values])
            self.line(f"n{i} = {table}[{offset}]")
            self.scaled[number.name] = _Scaled(f"n{i}", fixed)

    def expression(self, node: ast.expr) -> _Scaled:
        if isinstance(node, ast.Name):
            return self.scaled[node.id]
        if isinstance(node, ast.Constant):
            value = expressions.constant(node)
            return _Scaled(str(value.numerator), value.denominator)
        if not isinstance(node, ast.BinOp):
            raise TypeError(f"not an arithmetic expression: {ast.dump(node)}")
        a, b = self.expression(node.left), self.expression(node.right)
        sign = expressions.operator_text(node)
        if sign in "+-":
            if a.denominator == b.denominator:
                return _Scaled(f"({a.numerator} {sign} {b.numerator})", a.denominator)
            if isinstance(a.denominator, int) and isinstance(b.denominator, int):
                common = lcm(a.denominator, b.denominator)
                left = _times(a.numerator, common // a.denominator)
                right = _times(b.numerator, common // b.denominator)
                return _Scaled(f"({left} {sign} {right})", common)
            left, right = _times(a.numerator, b.denominator), _times(b.numerator, a.denominator)
            return _Scaled(f"({left} {sign} {right})", _times_any(a.denominator, b.denominator))
        if sign == "*":
            return _Scaled(_times(a.numerator, b.numerator), _times_any(a.denominator, b.denominator))
        if not _is_positive(node.right, self):
            self.line(f"if {b.numerator} <= 0: return None")
        top, bottom = _times(a.numerator, b.denominator), _times(b.numerator, a.denominator)
        if sign == "/":
            return _Scaled(top, f"({bottom})")
        return _Scaled(f"({top} % ({bottom}))", _times_any(a.denominator, b.denominator))

    def step(self, step: Step, i: int) -> None:
        result = self.expression(step.calc)
        places = PLACES[step.kind]
        if places is None:
            self.line(f"g{i} = gcd(t{i} := {result.numerator}, u{i} := {result.denominator})")
            self.line(f"s{i} = t{i} // g{i}")
            self.line(f"r{i} = u{i} // g{i}")
            self.scaled[step.name] = _Scaled(f"s{i}", f"r{i}")
        else:
            scale = 10**places
            if isinstance(result.denominator, int) and scale % result.denominator == 0:
                self.line(f"s{i} = {_times(result.numerator, scale // result.denominator)}")
            else:
                self.line(f"s{i}, q = divmod({_times(result.numerator, scale)}, {result.denominator})")
                self.line("if q: return None")
            self.scaled[step.name] = _Scaled(f"s{i}", scale)
        if not _is_positive(step.calc, self):
            self.line(f"if s{i} <= 0: return None")

    def condition(self, node: ast.expr) -> str:
        if isinstance(node, ast.BoolOp):
            word = " and " if isinstance(node.op, ast.And) else " or "
            return "(" + word.join(self.condition(value) for value in node.values) + ")"
        if isinstance(node, ast.UnaryOp):
            return f"(not {self.condition(node.operand)})"
        if not isinstance(node, ast.Compare):
            raise TypeError(f"not a condition: {ast.dump(node)}")
        sides = [self.expression(side) for side in (node.left, *node.comparators)]
        tests = []
        for a, operator, b in zip(sides, node.ops, sides[1:], strict=False):
            left, right = (
                (a.numerator, b.numerator)
                if a.denominator == b.denominator
                else (_times(a.numerator, b.denominator), _times(b.numerator, a.denominator))
            )
            tests.append(f"{left} {expressions.comparison_text(operator)} {right}")
        return "(" + " and ".join(tests) + ")"

    # texts --------------------------------------------------------------------------------------

    def table(self, name: str, texts: list[str]) -> str:
        """Source of the text that belongs to the drawn value of ``name``."""
        if name not in self.digit:
            return _literal(texts[0])
        slot = self.tables.get((name, *texts))
        if slot is None:
            slot = self.tables[(name, *texts)] = self.constant("T", texts)
        return f"{{{slot}[{self.digit[name]}]}}"

    def piece(self, piece: Piece) -> str:
        free = [name for name in piece.names if name in self.steps or name in self.digit]
        if not free:
            return _literal(piece.render({name: self.domain[name][0] for name in piece.names}))
        if len(free) == 1 and free[0] in self.digit:
            fixed = {name: self.domain[name][0] for name in piece.names}
            domain = self.domain[free[0]]
            return self.table(free[0], [piece.render({**fixed, free[0]: value}) for value in domain])
        if piece.bare:
            return self.step_text(self.steps[free[0]], equation_text)
        return self.several(piece, free)

    def several(self, piece: Piece, free: list[str]) -> str:
        """A text of several variables or of steps: rendered once for each combination met."""
        getters: list[Callable[[Any], Value]] = []
        arguments: list[str] = []
        for name in free:
            if name in self.digit:
                getters.append(self.domain[name].__getitem__)
                arguments.append(self.digit[name])
            else:
                step = self.steps[name]
                arguments.append(self.step_value(step))
                getters.append(_quantity(step))
        fixed = {name: self.domain[name][0] for name in piece.names if name not in free}

        @lru_cache(maxsize=_CACHE_SIZE)
        def text(*raw: Any) -> str:
            drawn = {name: get(value) for name, get, value in zip(free, getters, raw, strict=True)}
            return piece.render({**fixed, **drawn})

        return f"{{{self.constant('F', text)}({', '.join(arguments)})}}"

    def step_value(self, step: Step) -> str:
        value = self.scaled[step.name]
        if PLACES[step.kind] is None:
            return f"Fraction({value.numerator}, {value.denominator})"
        return value.numerator

    def step_text(self, step: Step, how: Callable[[Fraction, Any], str]) -> str:
        value = self.scaled[step.name]
        places = PLACES[step.kind]
        if places == 0:
            return f"{{{value.numerator}}}"
        if places is None:
            return f"{{Fraction({value.numerator}, {value.denominator})}}"
        as_money = step.kind == "money" and how is equation_text
        return f"{{{'_money_text' if as_money else '_decimal_text'}({value.numerator})}}"

    def equation(self, step: Step) -> str:
        """``12 * $3 = $<<12*3=36>>36``."""
        shown = self.expression_text(step.calc, equation_text, " ")
        noted = self.expression_text(step.calc, annotation_text, "")
        result = self.step_text(step, annotation_text)
        if step.kind != "money":
            return f"{shown} = <<{noted}={result}>>{result}"
        # the sign stands before the annotation, as in GSM8K: $<<12*3=36>>36
        cents = self.scaled[step.name].numerator
        return f"{shown} = $<<{noted}={result}>>{{_money_text({cents})[1:]}}"

    def expression_text(self, node: ast.expr, how: Callable[[Fraction, Any], str], gap: str) -> str:
        def leaf(part: ast.Name | ast.Constant, precedence: int, right: bool) -> list[str]:
            if isinstance(part, ast.Constant):
                return [format_number(expressions.constant(part))]
            wrap = precedence == 2 and right
            if part.id in self.steps:
                step = self.steps[part.id]
                text = self.step_text(step, how)
                return ["(", text, ")"] if wrap and step.kind == "fraction" else [text]
            domain = self.domain[part.id]
            texts = [how(v.value, v.kind) for v in domain if isinstance(v, Quantity)]
            if wrap:
                texts = [f"({text})" if "/" in text else text for text in texts]
            return [self.table(part.id, texts)]

        return "".join(expressions.layout(node, leaf, gap))

    def text(self, text: Text, equation: str | None = None) -> str:
        parts = []
        for part in text:
            if isinstance(part, str):
                parts.append(_literal(part))
            elif equation is not None and part.names == ("eq",):
                parts.append(equation)
            else:
                parts.append(self.piece(part))
        return "".join(parts)


def _times(a: str, b: str | int) -> str:
    if a == "1":
        return str(b)
    return a if str(b) == "1" else f"{a} * {b}"


def _times_any(a: int | str, b: int | str) -> int | str:
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    return f"({_times(str(a), b)})"


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _is_positive(node: ast.expr, writer: _Writer) -> bool:
    """Whether an expression is positive whatever is drawn: no difference, remainder or zero in it."""
    return not any(
        (isinstance(part, ast.BinOp) and isinstance(part.op, (ast.Sub, ast.Mod)))
        or (isinstance(part, ast.Constant) and expressions.constant(part) <= 0)
        for part in ast.walk(node)
    )


def _quantity(step: Step) -> Callable[[Any], Value]:
    places = PLACES[step.kind]
    if places is None:
        return lambda raw: Quantity(raw, step.kind)
    return lambda raw: Quantity(Fraction(raw, 10**places), step.kind)


def _f_string(body: str) -> str:
    # repr() escapes quotes and backslashes of the literal parts; the fields hold neither
    return "f" + repr(body)


def bits_for(space: int) -> int:
    """Bits of the smallest permutation that covers a space of draws."""
    return max(1, (space - 1).bit_length())


def compile_plan(plan: Plan) -> tuple[At, Walk]:
    """Compile a plan: the instance at one position, and the search for the first draw of an index."""
    space = prod(plan.sizes)
    writer = _Writer(plan)
    _write(writer)
    bits = bits_for(space)
    mask, shift = (1 << bits) - 1, keys.shift_for(bits)
    source = "\n".join(
        [
            "def at(x):",
            "    position = x",
            *writer.lines,
            "def walk(start, stop, stride, key):",
            "    a1, b1, a2, b2, a3, b3 = key",
            "    for x in range(start, stop, stride):",
            f"        x = (x * a1 + b1) & {mask}",
            f"        x ^= x >> {shift}",
            f"        x = (x * a2 + b2) & {mask}",
            f"        x ^= x >> {shift}",
            f"        x = (x * a3 + b3) & {mask}",
            f"        x ^= x >> {shift}",
            f"        if x < {space} and (found := at(x)) is not None:",
            "            return found",
            "    return None",
        ]
    )
    namespace = writer.constants
    # the source holds our own identifiers, integers and repr()-quoted text: nothing from a file runs
    exec(compile(source, "<rote template>", "exec"), namespace)
    return namespace["at"], namespace["walk"]


def _write(writer: _Writer) -> None:
    plan = writer.plan
    for i, number in enumerate(plan.numbers):
        offset = None
        if len(number.values) > 1:
            offset = f"d{i}"
            writer.line(f"x, {offset} = divmod(x, {len(number.values)})")
        writer.declare_number(number, i, offset)
    waiting = list(plan.constraints)
    known = {number.name for number in plan.numbers}
    waiting = _conditions(writer, waiting, known)
    for i, step in enumerate(plan.steps):
        writer.step(step, i)
        known.add(step.name)
        waiting = _conditions(writer, waiting, known)
    answer = writer.scaled[plan.answer]
    if plan.different is not None:
        left = _times(str(plan.different.denominator), answer.numerator)
        right = _times(str(plan.different.numerator), answer.denominator)
        writer.line(f"if {left} == {right}: return None")
    _nouns(writer, plan.nouns)
    _question(writer)
    steps = [writer.text(step.text, writer.equation(step)) for step in plan.steps]
    last = writer.step_text(writer.steps[plan.answer], annotation_text)
    writer.line(f"solution = {_f_string(chr(10).join([*steps, '#### ' + last]))}")
    writer.line(
        f"return Drawn(position, question, solution, {_answer(writer.steps[plan.answer], answer)}, "
        f"{_largest(writer)}, span)"
    )


def _conditions(
    writer: _Writer, waiting: list[tuple[str, ast.expr]], known: set[str]
) -> list[tuple[str, ast.expr]]:
    """Test each condition as soon as all its names are known: most draws fail early."""
    later = []
    for text, condition in waiting:
        if set(expressions.names_in(condition)) <= known:
            writer.line(f"if not {writer.condition(condition)}: return None")
        else:
            later.append((text, condition))
    return later


def _nouns(writer: _Writer, nouns: tuple[Noun, ...]) -> None:
    people: list[str] = []
    same: list[str] = []
    for i, noun in enumerate(nouns):
        writer.domain[noun.name] = noun.values
        if len(noun.values) > 1:
            digit = f"w{i}"
            writer.digit[noun.name] = digit
            writer.line(f"x, {digit} = divmod(x, {len(noun.values)})")
            if noun.avoid is not None and noun.avoid in noun.values:
                place = noun.values.index(noun.avoid)
                if isinstance(noun.avoid, Person):
                    writer.line(f"if {digit} == {place}: return None")
                same.append(f"{digit} == {place}")
        if isinstance(noun.values[0], Person):
            people.append(noun.name)
    free_words = [n for n in nouns if n.avoid is not None]
    if same and not any(isinstance(n.avoid, Person) for n in free_words):
        writer.line(f"if {' and '.join(same)}: return None")
    if len(people) > 1:
        texts = {}
        for name in people:
            values = writer.domain[name]
            texts[name] = (
                f"{writer.constant('P', [str(v) for v in values])}[{writer.digit[name]}]"
                if name in writer.digit
                else repr(str(values[0]))
            )
        pairs = [
            f"{texts[a]} == {texts[b]}"
            for i, a in enumerate(people)
            for b in people[i + 1 :]
            if a in writer.digit or b in writer.digit
        ]
        if pairs:
            writer.line(f"if {' or '.join(pairs)}: return None")


def _question(writer: _Writer) -> None:
    plan = writer.plan
    parts = [writer.text(sentence) for sentence in plan.sentences]
    if plan.clause is None:
        writer.line(f"question = {_f_string(' '.join(parts))}")
        writer.line("span = None")
        return
    # the clause begins after the space that ends what stands before it
    writer.line(f"before = {_f_string(''.join(part + ' ' for part in parts[: plan.clause]))}")
    writer.line(f"clause = {_f_string(parts[plan.clause])}")
    writer.line(f"after = {_f_string(''.join(' ' + part for part in parts[plan.clause + 1 :]))}")
    writer.line("question = before + clause + after")
    writer.line("span = (len(before), len(before) + len(clause))")


def _answer(step: Step, value: _Scaled) -> str:
    places = PLACES[step.kind]
    if places is None:
        return f"Fraction({value.numerator}, {value.denominator})"
    return f"{'_whole' if places == 0 else '_cents'}({value.numerator})"


def _largest(writer: _Writer) -> str:
    """Source of the largest number of the question, as int or, with cents or fractions, as float."""
    whole = []
    other = []
    for number in writer.plan.numbers:
        value = writer.scaled[number.name]
        if value.denominator == 1:
            whole.append(value.numerator)
        else:
            other.append(f"{value.numerator} / {value.denominator}")
    terms = whole + other
    return terms[0] if len(terms) == 1 else f"max({', '.join(terms)})"

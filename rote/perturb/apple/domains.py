"""``#init`` lines: which variables there are, and what each may be.

A line is a domain (a list, a range, ``sample`` of one) or, when it names other variables, a value that
follows from theirs.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rote.perturb.apple import expressions
from rote.perturb.apple.expressions import Expression
from rote.perturb.apple.refusal import RefusedError
from rote.perturb.apple.values import Dual, EvaluationError, Value, is_number, read_number, same

_LINE: Final = re.compile(r"(\$?)\s*([A-Za-z_][\w\s,$]*?)\s*=(?!=)\s*(\S.*)\Z")
_WRAPPERS: Final = ("sample", "sample_sequential")

Kind = Literal["number", "word"]


@dataclass(frozen=True, slots=True)
class Domain:
    """What the variables of one line may be.

    ``how``: ``one`` (each draw is an option; with several names, an option is a tuple of their values),
    ``distinct`` (different options, in any order) or ``sequential`` (neighbours in the list).
    """

    names: tuple[str, ...]
    kind: Kind
    how: Literal["one", "distinct", "sequential"]
    options: tuple[Value, ...]
    field: str

    @property
    def size(self) -> int:
        """How many draws there are."""
        if self.how == "distinct":
            return math.perm(len(self.options), len(self.names))
        if self.how == "sequential":
            return len(self.options) - len(self.names) + 1
        return len(self.options)

    def values(self, digit: int) -> tuple[Value, ...]:
        """The values of the names at a place below :attr:`size`; each place another draw."""
        if self.how == "one":
            option = self.options[digit]
            return tuple(option) if len(self.names) > 1 else (option,)
        if self.how == "sequential":
            return self.options[digit : digit + len(self.names)]
        rest = list(self.options)
        drawn = []
        for _ in self.names:
            digit, place = divmod(digit, len(rest))
            # the last takes the gap: linear in the number of names, not of options
            drawn.append(rest[place])
            rest[place] = rest[-1]
            rest.pop()
        return tuple(drawn)

    def without(self, texts: Iterable[str]) -> Domain:
        """The domain less the words whose text is among ``texts`` (in lower case)."""
        taken = frozenset(texts)
        kept = tuple(o for o in self.options if not (isinstance(o, str) and o.lower() in taken))
        return Domain(self.names, self.kind, self.how, kept, self.field)


@dataclass(frozen=True, slots=True)
class Derived:
    """A variable whose value follows from others."""

    name: str
    value: Expression
    field: str


def read_lines(lines: Sequence[str], field: str) -> tuple[tuple[Domain, ...], tuple[Derived, ...]]:
    """The domains and derived variables of a section. RefusedError naming the line at fault."""
    split = [_split(line, f"{field}.{i}") for i, line in enumerate(lines, start=1)]
    seen: set[str] = set()
    for _, names, _, where in split:
        for name in names:
            if name in seen:
                raise RefusedError("syntax", f"the variable {name!r} is declared twice", field=where)
            seen.add(name)
    domains: list[Domain] = []
    derived: list[Derived] = []
    for marked, names, source, where in split:
        tree = expressions.syntax_tree(source, where)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & seen
        if used:
            wraps = isinstance(tree, ast.Call) and expressions.dotted(tree.func) in _WRAPPERS
            if len(names) > 1 or wraps:
                raise RefusedError(
                    "syntax", f"{source!r} draws from what depends on {sorted(used)[0]!r}", field=where
                )
            value = expressions.expression(tree, source, frozenset(seen) - set(names), where)
            derived.append(Derived(names[0], value, where))
        else:
            domains.append(_domain(tree, source, names, marked, where))
    return tuple(domains), tuple(derived)


def _split(line: str, field: str) -> tuple[bool, tuple[str, ...], str, str]:
    match = _LINE.match(line)
    if match is None:
        raise RefusedError("syntax", f"{line[:80]!r} is not 'name = values'", field=field)
    marked, left, source = match.groups()
    names = tuple(part.strip().lstrip("$").strip() for part in left.split(","))
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise RefusedError("syntax", f"{name!r} is no name of a variable", field=field)
    return bool(marked) or "$" in left, names, source, field


def _domain(tree: ast.expr, source: str, names: tuple[str, ...], marked: bool, field: str) -> Domain:
    wrapper = expressions.dotted(tree.func) if isinstance(tree, ast.Call) else None
    how: Literal["one", "distinct", "sequential"] = "one"
    if isinstance(tree, ast.Call) and wrapper in _WRAPPERS:
        if tree.keywords or not 1 <= len(tree.args) <= 2:
            raise RefusedError("syntax", f"{source!r}: takes a list and a count", field=field)
        if len(tree.args) == 2:
            count = _worth(tree.args[1], source, field)
            if count != len(names):
                raise RefusedError(
                    "syntax", f"{source!r} draws {count} for {len(names)} variables", field=field
                )
            if len(names) > 1:
                how = "sequential" if wrapper == "sample_sequential" else "distinct"
        tree = tree.args[0]
    found = _worth(tree, source, field)
    options = list(found) if isinstance(found, list) else [found]
    if how == "one" and len(names) > 1:
        options = [_joint(option, len(names), source, field) for option in options]
    else:
        options = [_single(option, source, field) for option in options]
        if marked and all(isinstance(option, str) for option in options):
            options = _as_numbers(options)
    options = _different(options)
    if len(options) < (len(names) if how != "one" else 1):
        raise RefusedError("syntax", f"{source!r} has {len(options)} values", field=field)
    parts = [part for o in options for part in (o if isinstance(o, tuple) else (o,))]
    numeric = [is_number(part) for part in parts]
    if any(numeric) and not all(numeric) and not isinstance(options[0], tuple):
        raise RefusedError("type", f"{source!r} mixes words and numbers", field=field)
    return Domain(names, "number" if any(numeric) else "word", how, tuple(options), field)


def _worth(tree: ast.expr, source: str, field: str) -> Value:
    made = expressions.expression(tree, source, frozenset(), field)
    try:
        return made.run({})
    except EvaluationError as error:
        raise RefusedError(error.code, f"{source!r}: {error}", field=field) from None
    except ZeroDivisionError:
        raise RefusedError("type", f"{source!r} divides by zero", field=field) from None


def _single(option: Value, source: str, field: str) -> Value:
    if is_number(option) or isinstance(option, str):
        return option
    if isinstance(option, tuple) and len(option) == 2:
        # ("six-sided", 6): the question shows the word, the arithmetic takes the number
        texts = [part for part in option if isinstance(part, str)]
        numbers = [part for part in option if is_number(part)]
        if len(texts) == len(numbers) == 1:
            value = numbers[0]
            return Dual(texts[0], value.value if isinstance(value, Dual) else value)
    raise RefusedError("type", f"{option!r} in {source!r} is no word, number or pair of both", field=field)


def _joint(option: Value, count: int, source: str, field: str) -> tuple[Value, ...]:
    if not isinstance(option, (tuple, list)) or len(option) != count:
        raise RefusedError("type", f"{option!r} in {source!r} is not {count} values", field=field)
    return tuple(_single(part, source, field) for part in option)


def _as_numbers(options: list[Value]) -> list[Value]:
    """Number words of a numeric variable, if all of them are number words."""
    numbers = [read_number(option) for option in options]
    if any(value is None for value in numbers):
        return options
    return [Dual(option, value) for option, value in zip(options, numbers, strict=True) if value is not None]


def _different(options: list[Value]) -> list[Value]:
    """Each option once, in order: a list may be given several times over."""
    kept: dict[object, Value] = {}
    for option in options:
        parts = option if isinstance(option, tuple) else (option,)
        kept.setdefault(tuple((type(p) is str, p) for p in parts), option)
    return list(kept.values())


def default_of(name: str, text: str, domain: Domain, field: str) -> Value:
    """What the question's own text of a variable is worth. RefusedError when a number cannot be read."""
    place = domain.names.index(name)
    column = [o[place] if isinstance(o, tuple) else o for o in domain.options]
    for option in column:
        if isinstance(option, Dual) and option.text.lower() == text.lower():
            return option
    if not any(is_number(option) for option in column):
        return text
    value = read_number(text)
    if value is None:
        raise RefusedError("default_unreadable", f"{text!r} for {name!r} is not a number", field=field)
    return value if re.fullmatch(r"[\d.,]+", text) else Dual(text, value)


def is_default(value: Value, default: Value) -> bool:
    """Whether a drawn value is the question's own, so that its text stays too."""
    if isinstance(value, Dual):
        return isinstance(default, Dual) and value.text.lower() == default.text.lower()
    if isinstance(value, str):
        return isinstance(default, str) and value.lower() == default.lower()
    return default is not None and is_number(default) and same(value, default)

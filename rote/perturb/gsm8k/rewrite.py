"""A published solution with every number that depends on a changed one written anew, in its place.

Numbers inside equations are known exactly: leaf by leaf, then the result. A number of the prose must be
the only quantity of its value that it can be; a line in which one is not, or which holds an equation that
is not understood, keeps its equations and loses its words.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

from rote.perturb import expressions
from rote.perturb.gsm8k.domains import numeral_style, style_of
from rote.perturb.gsm8k.equations import Equation
from rote.perturb.gsm8k.graph import Graph, leaf_node
from rote.perturb.gsm8k.mentions import find_mentions
from rote.perturb.gsm8k.symbolize import Facts
from rote.perturb.gsm8k.trees import Tree
from rote.perturb.texts import Context, Piece, Text
from rote.perturb.values import Quantity
from rote.rational import format_number

_NUMERAL: Final = re.compile(
    r"(?<![A-Za-z\d.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![A-Za-z\d])\d+\.\d+|\d+|\.\d+"
)


def rewrite_solution(facts: Facts, graph: Graph) -> Text:
    """The solution as text over the graph's variables and steps, the last line ``#### answer``."""
    lines = facts.solution.rpartition("####")[0].rstrip().split("\n")
    pieces: list[str | Piece] = []
    offset = 0
    for number, line in enumerate(lines):
        own = [(i, e) for i, e in enumerate(facts.equations) if e.line == number]
        before = max((i for i, e in enumerate(facts.equations) if e.line < number), default=-1)
        rewritten = _line(line, offset, own, before, facts, graph)
        if rewritten is None:
            # its prose cannot be told apart, or says more than the equations: they alone then
            for i, _ in own:
                pieces += [*_plain_equation(i, facts, graph), "\n"]
        else:
            pieces += [*rewritten, "\n"]
        offset += len(line) + 1
    for i, equation in enumerate(facts.equations):
        if equation.line >= len(lines):  # solved at the very end, in words alone
            pieces += [*_plain_equation(i, facts, graph), "\n"]
    last = f"s{len(facts.equations) - 1}"
    answer_text = facts.solution.rpartition("####")[2].strip()
    pieces += ["#### ", _piece(expressions_name(last), (last,), numeral_style(answer_text))]
    return tuple(_joined(pieces))


def expressions_name(name: str) -> Callable[[dict[str, Fraction]], Fraction]:
    """The value of one name."""
    return lambda values: values[name]


def _joined(pieces: Sequence[str | Piece]) -> list[str | Piece]:
    joined: list[str | Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def _piece(
    value: Callable[[dict[str, Fraction]], Fraction], names: tuple[str, ...], style: Callable[[Fraction], str]
) -> Piece:
    def render(context: Context) -> str:
        numbers = {name: v.value for name in names if isinstance(v := context[name], Quantity)}
        return style(value(numbers))

    return Piece(names, render)


def _leaf_piece(
    facts: Facts, graph: Graph, equation: int, leaf: int, style: Callable[[Fraction], str]
) -> Piece | None:
    """The text of a leaf; None when it never changes."""
    link = facts.links[equation][leaf]
    value = facts.equations[equation].leaves[leaf].value
    node = leaf_node(link, value, facts, graph.variable)
    names = tuple(dict.fromkeys(expressions.names_in(node)))
    if not names:
        return None
    scale = 100 if facts.equations[equation].leaves[leaf].percent else 1
    return _piece(lambda numbers: expressions.evaluate(node, numbers) * scale, names, style)


def _line(
    line: str, offset: int, own: Sequence[tuple[int, Equation]], before: int, facts: Facts, graph: Graph
) -> list[str | Piece] | None:
    """One line: equations number by number, the prose between them by value. None where that is in doubt."""
    if _says_more(line, offset, own) or not all(_is_written(line, offset, e) for _, e in own):
        return None
    numbers = [n for n, _ in own]
    exact: dict[tuple[int, int], Piece | None] = {}
    notes: dict[tuple[int, int], list[str | Piece]] = {}
    for i, equation in own:
        numbers_of = _equation_numbers(line, offset, i, equation, facts, graph)
        exact.update(numbers_of)
        if not equation.annotated:
            # a step in plain text gets the annotation that others have, so that it can be checked
            notes[max(numbers_of)] = _annotation_of(i, facts, graph)
    pieces: list[str | Piece] = []
    place = 0
    for start, end, value, style in _numbers_of(line):
        if (start, end) in exact:
            piece = exact[start, end]
        else:
            sources = _sources(value, numbers, before, facts, graph)
            if len(sources) != 1:
                return None
            source = next(iter(sources.values()))
            piece = None if source is None else _piece(source[0], source[1], style)
        if piece is None:
            continue
        pieces += [line[place:start], *notes.get((start, end), ()), piece]
        place = end
    pieces.append(line[place:])
    return pieces


def _equation_numbers(
    line: str, offset: int, i: int, equation: Equation, facts: Facts, graph: Graph
) -> dict[tuple[int, int], Piece | None]:
    """The numerals of an equation, by their place in the line: leaves in order, then the result.

    The visible copy of an annotation (``4 x 5 pounds = <<4*5=20>>20 pounds``) is read the same way: the
    numerals before it that repeat its leaves, and the one that follows it at once.
    """
    found: dict[tuple[int, int], Piece | None] = {}
    start, end = equation.span[0] - offset, equation.span[1] - offset
    if start < 0 or start >= len(line):
        return found
    result = (f"s{i}",)
    get = expressions_name(f"s{i}")
    inside = [m for m in _NUMERAL.finditer(line) if start <= m.start() and m.end() <= end]
    leaves = equation.leaves

    def leaf(k: int, match: re.Match[str]) -> None:
        found[match.span()] = _leaf_piece(facts, graph, i, k, numeral_style(match[0]))

    if len(inside) == len(leaves) + 1:
        for k, match in enumerate(inside[:-1]):
            leaf(k, match)
    if inside:
        last = inside[-1]
        found[last.span()] = _piece(get, result, numeral_style(last[0]))
        if len(inside) == 2 and len(leaves) != 1 and inside[0][0] == last[0]:
            found[inside[0].span()] = _piece(get, result, numeral_style(last[0]))  # <<40=40>>
    if not equation.annotated:
        return found
    visible = [m for m in _NUMERAL.finditer(line, 0, start) if m.end() <= start][-len(leaves) :]
    if len(visible) == len(leaves) and all(
        _value_of(m[0]) in (x.value, x.value * 100) for m, x in zip(visible, leaves, strict=True)
    ):
        for k, match in enumerate(visible):
            if _value_of(match[0]) == leaves[k].value:
                leaf(k, match)
    after = _NUMERAL.match(line, end)
    if after is not None and _value_of(after[0]) == equation.value:
        found[after.span()] = _piece(get, result, numeral_style(after[0]))
    return found


def _value_of(numeral: str) -> Fraction:
    return Fraction(numeral.replace(",", ""))


def _numbers_of(text: str) -> list[tuple[int, int, Fraction, Callable[[Fraction], str]]]:
    """Numerals and number words of a text: where, value, and how to write another there."""
    found = []
    for match in _NUMERAL.finditer(text):
        if text[match.end() : match.end() + 2].lower() in ("st", "nd", "rd", "th"):
            continue
        found.append((match.start(), match.end(), _value_of(match[0]), numeral_style(match[0])))
    for mention in find_mentions(text):
        if mention.style == "words" and mention.kind == "integer" and mention.value > 1:
            found.append((mention.start, mention.end, mention.value, style_of(mention)))
    return sorted(found, key=lambda item: item[0])


def _is_written(line: str, offset: int, equation: Equation) -> bool:
    """Whether an equation stands in its line with all its numbers: ``x = <<40=40>>`` does not."""
    start, end = equation.span[0] - offset, equation.span[1] - offset
    inside = [m for m in _NUMERAL.finditer(line) if start <= m.start() and m.end() <= end]
    if len(inside) == len(equation.leaves) + 1:
        return True
    shown = [_value_of(m[0]) for m in _NUMERAL.finditer(line, 0, max(start, 0)) if m.end() <= start]
    wanted = [leaf.value for leaf in equation.leaves]
    return len(inside) == 2 and shown[-len(wanted) :] == wanted


def _says_more(line: str, offset: int, own: Sequence[tuple[int, Equation]]) -> bool:
    """Whether a line has an equals sign that belongs to none of its known equations."""
    spans = [(e.span[0] - offset, e.span[1] - offset) for _, e in own]
    for match in re.finditer("=", line):
        inside = any(start <= match.start() < end for start, end in spans)
        # the sign before an annotation shows the same equation
        before = any(
            line[match.end() : start].strip(" $") == "" and start >= match.end() for start, _ in spans
        )
        if not inside and not before:
            return True
    return False


_Value = Callable[[dict[str, Fraction]], Fraction]


def _sources(
    value: Fraction, own: Sequence[int], before: int, facts: Facts, graph: Graph
) -> dict[str, tuple[_Value, tuple[str, ...]] | None]:
    """What a number of the prose may be: quantities of its value, by their formula; None does not change.

    Empty where nothing has that value: the number then was worked out in the author's head.
    """
    found: dict[str, tuple[_Value, tuple[str, ...]] | None] = {}
    for i in own:
        for place, leaf in enumerate(facts.equations[i].leaves):
            if value in (leaf.value, leaf.value * 100 if leaf.percent else leaf.value):
                node = leaf_node(facts.links[i][place], leaf.value, facts, graph.variable)
                scale = 100 if leaf.percent and leaf.value != value else 1
                found[f"{ast.unparse(node)} * {scale}"] = _formula(node, scale)
        if facts.equations[i].value == value:
            found[f"s{i} * 1"] = _formula(ast.Name(f"s{i}"), 1)
    if found:
        return found
    for i in range(before, -1, -1):
        if facts.equations[i].value == value:
            found[f"s{i} * 1"] = _formula(ast.Name(f"s{i}"), 1)
    for i, mention in enumerate(facts.mentions):
        if mention.value == value:
            name = graph.variable.get(i)
            found[f"{name} * 1" if name else "fixed"] = _formula(ast.Name(name), 1) if name else None
    if not found and value <= _SAFE:
        found["fixed"] = None
    return found


#: Numbers up to this one stand in prose as words of their own: "one", "the 2 of them".
_SAFE: Final = 2


def _formula(node: ast.expr, scale: int) -> tuple[_Value, tuple[str, ...]] | None:
    names = tuple(dict.fromkeys(expressions.names_in(node)))
    if not names:
        return None
    return (lambda numbers: expressions.evaluate(node, numbers) * scale), names


def _annotation_of(i: int, facts: Facts, graph: Graph) -> list[str | Piece]:
    """``<<expression=value>>`` of an equation."""
    noted = _tree_text(facts.equations[i].tree, i, facts, graph, "", 0, False)
    return ["<<", *noted, "=", _piece(expressions_name(f"s{i}"), (f"s{i}",), format_number), ">>"]


def _plain_equation(i: int, facts: Facts, graph: Graph) -> list[str | Piece]:
    """One equation without words, shown and annotated."""
    shown = _tree_text(facts.equations[i].tree, i, facts, graph, " ", 0, False)
    value = _piece(expressions_name(f"s{i}"), (f"s{i}",), format_number)
    return [*shown, " = ", *_annotation_of(i, facts, graph), value]


def plain_solution(facts: Facts, graph: Graph) -> Text:
    """A solution of equations alone: what is shown where the published one cannot be rewritten soundly."""
    pieces: list[str | Piece] = []
    for i in range(len(facts.equations)):
        pieces += [*_plain_equation(i, facts, graph), "\n"]
    last = f"s{len(facts.equations) - 1}"
    pieces += ["#### ", _piece(expressions_name(last), (last,), format_number)]
    return tuple(_joined(pieces))


def _tree_text(
    tree: Tree, equation: int, facts: Facts, graph: Graph, gap: str, outer: int, right: bool
) -> list[str | Piece]:
    if isinstance(tree, int):
        leaf = facts.equations[equation].leaves[tree]

        def written(value: Fraction) -> str:
            text = format_number(value)
            return f"({text})" if "/" in text else text

        node = leaf_node(facts.links[equation][tree], leaf.value, facts, graph.variable)
        names = tuple(dict.fromkeys(expressions.names_in(node)))
        if not names:
            return [written(leaf.value)]
        return [_piece(lambda numbers: expressions.evaluate(node, numbers), names, written)]
    sign, one, other = tree
    inner = 1 if sign in "+-" else 2
    pieces = [
        *_tree_text(one, equation, facts, graph, gap, inner, False),
        f"{gap}{sign}{gap}",
        *_tree_text(other, equation, facts, graph, gap, inner, True),
    ]
    return ["(", *pieces, ")"] if inner < outer or (inner == outer and right) else pieces

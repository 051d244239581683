"""A published solution with every number that depends on a changed one written anew, in its place.

Numbers inside annotations are known exactly: leaf by leaf, then the result. A number of the prose is
taken for the quantity of the same value that is nearest: one of its own line's equation first, then the
latest result, then a mention of the question.
"""

from __future__ import annotations

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
    body = facts.solution.rpartition("####")[0].rstrip()
    pieces: list[str | Piece] = []
    offset = 0
    for number, line in enumerate(body.split("\n")):
        own = [(i, e) for i, e in enumerate(facts.equations) if e.line == number]
        before = max((i for i, e in enumerate(facts.equations) if e.line < number), default=-1)
        pieces += _line(line, offset, own, before, facts, graph)
        pieces.append("\n")
        offset += len(line) + 1
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
) -> list[str | Piece]:
    """One line: equations number by number, the prose between them by value."""
    numbers = [n for n, _ in own]
    exact: dict[tuple[int, int], Piece | None] = {}
    for i, equation in own:
        exact.update(_equation_numbers(line, offset, i, equation, facts, graph))
    pieces: list[str | Piece] = []
    place = 0
    for start, end, value, style in _numbers_of(line):
        if (start, end) in exact:
            piece = exact[start, end]
        else:
            source = _source(value, numbers, before, facts, graph)
            piece = None if source is None else _piece(source[0], source[1], style)
        if piece is None:
            continue
        pieces += [line[place:start], piece]
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


def _source(
    value: Fraction, own: Sequence[int], before: int, facts: Facts, graph: Graph
) -> tuple[Callable[[dict[str, Fraction]], Fraction], tuple[str, ...]] | None:
    """Which quantity a number of the prose is; None when it is none that changes."""
    for i in own:
        for place, leaf in enumerate(facts.equations[i].leaves):
            if leaf.value in (value, value / 100 if leaf.percent else value):
                node = leaf_node(facts.links[i][place], leaf.value, facts, graph.variable)
                names = tuple(dict.fromkeys(expressions.names_in(node)))
                if not names:
                    return None
                scale = 100 if leaf.percent and leaf.value != value else 1
                return (lambda numbers, n=node, k=scale: expressions.evaluate(n, numbers) * k), names
        if facts.equations[i].value == value:
            return expressions_name(f"s{i}"), (f"s{i}",)
    for i in range(before, -1, -1):
        if facts.equations[i].value == value:
            return expressions_name(f"s{i}"), (f"s{i}",)
    variables = {
        graph.variable[i] for i, m in enumerate(facts.mentions) if i in graph.variable and m.value == value
    }
    if len(variables) == 1:
        name = variables.pop()
        return expressions_name(name), (name,)
    return None


def plain_solution(facts: Facts, graph: Graph) -> Text:
    """A solution of equations alone: what is shown where the published one cannot be rewritten soundly."""
    pieces: list[str | Piece] = []
    for i, equation in enumerate(facts.equations):
        sides: list[list[str | Piece]] = []
        for gap in (" ", ""):
            sides.append(_tree_text(equation.tree, i, facts, graph, gap, 0, False))
        value = _piece(expressions_name(f"s{i}"), (f"s{i}",), format_number)
        pieces += [*sides[0], " = <<", *sides[1], "=", value, ">>", value, "\n"]
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

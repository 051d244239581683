"""Template texts: jinja2 source cut into literal pieces and pieces that depend on variables.

Sources are parsed by jinja2 and rendered in its sandbox. Nearly all of a template's text is a name
with filters, ``{{ n|count(box) }}``; such a piece is evaluated straight from jinja2's own syntax tree
through the same filter functions, so that its texts can be prepared for a whole domain at once. Any
other construct (``{% if %}`` and so on) is rendered by the sandbox itself. Both agree by construction
and by a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError, TemplateAssertionError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rote.errors import TemplateError
from rote.perturb.language import FILTERS
from rote.perturb.values import Value

Context = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that depends on the variables ``names``; ``bare`` when it is one name and nothing else."""

    names: tuple[str, ...]
    render: Callable[[Context], str]
    bare: bool = False


Text = tuple[str | Piece, ...]


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """The sandbox in which all template text runs: our filters and no others, no globals."""
    env = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    env.filters.clear()
    env.filters.update(FILTERS)
    env.globals.clear()
    return env


def parse_text(source: str, *, names: frozenset[str], field: str) -> Text:
    """Cut ``source`` into pieces. Raises TemplateError for bad syntax, unknown filters and names."""
    try:
        pieces, used = _parsed(source)
    except (TemplateSyntaxError, TemplateAssertionError) as error:
        raise TemplateError(f"{source!r}: {error.message}", field=field) from None
    unknown = sorted(used - names)
    if unknown:
        raise TemplateError(
            f"{source!r} uses {unknown[0]!r}, which is not defined; known here: {', '.join(sorted(names))}",
            field=field,
        )
    return pieces


@cache
def _parsed(source: str) -> tuple[Text, frozenset[str]]:
    """The pieces of a source and the names it uses. A sentence stands in many plans: it is parsed once."""
    env = environment()
    tree = env.parse(source)
    set_here = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    used = frozenset({name.name for name in tree.find_all(nodes.Name)} - set_here)
    pieces = _simple_pieces(tree)
    if pieces is not None:
        return tuple(pieces), used
    # compiling costs ten times as much as parsing; it finds unknown filters
    template = env.from_string(source)

    def whole(context: Context) -> str:
        return guarded(lambda: template.render(context), source)

    return (Piece(tuple(sorted(used)), whole),), used


def guarded(render: Callable[[], str], source: str) -> str:
    """Turn what jinja2 raises while rendering into a TemplateError that shows the source."""
    try:
        return render()
    except (UndefinedError, SecurityError) as error:
        raise TemplateError(f"{source!r}: {error.message}") from None
    except TypeError as error:
        # such as comparing a quantity with a number: only filters look inside values
        raise TemplateError(f"{source!r}: {error}") from None


def render_in_sandbox(source: str, context: Context) -> str:
    """The reference rendering, by jinja2 alone."""
    return guarded(lambda: _compiled(source).render(context), source)


@cache
def _compiled(source: str) -> Template:
    return environment().from_string(source)


def _simple_pieces(tree: nodes.Template) -> list[str | Piece] | None:
    """Pieces of a text made of literals and simple expressions only, or None."""
    pieces: list[str | Piece] = []
    for statement in tree.body:
        if not isinstance(statement, nodes.Output):
            return None
        for node in statement.nodes:
            if isinstance(node, nodes.TemplateData):
                pieces.append(node.data)
                continue
            names: list[str] = []
            if not _is_simple(node, names):
                return None
            pieces.append(Piece(tuple(dict.fromkeys(names)), _renderer(node), isinstance(node, nodes.Name)))
    return pieces


def _is_simple(node: nodes.Node, names: list[str]) -> bool:
    if isinstance(node, nodes.Name):
        names.append(node.name)
        return True
    if isinstance(node, nodes.Const):
        return isinstance(node.value, (str, int))
    if isinstance(node, nodes.Getattr):
        return isinstance(node.node, nodes.Name) and _is_simple(node.node, names)
    if isinstance(node, nodes.Filter):
        if node.node is None or node.kwargs or node.dyn_args or node.dyn_kwargs or node.name not in FILTERS:
            return False
        return _is_simple(node.node, names) and all(_is_simple(argument, names) for argument in node.args)
    return False


def _renderer(node: nodes.Expr) -> Callable[[Context], str]:
    return lambda context: str(_value(node, context))


def _value(node: nodes.Expr, context: Context) -> Any:
    if isinstance(node, nodes.Name):
        return context[node.name]
    if isinstance(node, nodes.Const):
        return node.value
    if isinstance(node, nodes.Getattr):
        owner = _value(node.node, context)
        # only the keys of a group of words are reachable, never an attribute of an object
        if isinstance(owner, Mapping) and node.attr in owner:
            return owner[node.attr]
        raise TemplateError(f"{ast_text(node)}: {node.attr!r} is not one of its words")
    if isinstance(node, nodes.Filter) and node.node is not None:
        arguments: Sequence[Any] = [_value(argument, context) for argument in node.args]
        try:
            return FILTERS[node.name](_value(node.node, context), *arguments)
        except TypeError as error:
            raise TemplateError(f"{ast_text(node)}: {error}") from None
    raise TypeError(f"not a simple expression: {node!r}")


def ast_text(node: nodes.Node) -> str:
    """A short text of a simple expression, for error messages."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Const):
        return repr(node.value)
    if isinstance(node, nodes.Getattr):
        return f"{ast_text(node.node)}.{node.attr}"
    if isinstance(node, nodes.Filter) and node.node is not None:
        arguments = ", ".join(ast_text(argument) for argument in node.args)
        return f"{ast_text(node.node)}|{node.name}" + (f"({arguments})" if arguments else "")
    return type(node).__name__

"""Conditions that determine a variable: it is solved for, not guessed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rote.perturb.apple import expressions
from rote.perturb.apple.domains import Derived, Domain
from rote.perturb.apple.expressions import Env, Expression
from rote.perturb.apple.functions import FUNCTIONS
from rote.perturb.apple.lists import known_lists
from rote.perturb.apple.values import Value, exact, number

CONDITIONS: Final = "question_annotated #conditions"
_ASSIGNED: Final = re.compile(r"([A-Za-z_]\w*)\s*=(?!=)\s*(.+)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Equation:
    """A variable that a condition determines: ``side == other``, linear in ``name``."""

    name: str
    condition: Expression
    difference: Expression

    @property
    def needs(self) -> frozenset[str]:
        """The other variables of the equation."""
        return self.condition.names - {self.name}

    def solve(self, env: Env) -> Value:
        """The one value at which the two sides agree; None when there is none or any value will do."""
        at_zero = number(self.difference.run({**env, self.name: 0}))
        slope = number(self.difference.run({**env, self.name: 1})) - at_zero
        return None if slope == 0 else exact(-Fraction(at_zero) / slope)


def equality(text: str) -> str:
    """A condition; ``rest = total - x`` means ``rest == total - x``."""
    assigned = _ASSIGNED.match(text)
    return f"{assigned[1]} == {assigned[2]}" if assigned else text


def latent_names(trees: Sequence[ast.expr], declared: set[str]) -> set[str]:
    """Names that only an equation of the conditions declares."""
    found = set()
    for tree in trees:
        if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Eq):
            for side in (tree.left, tree.comparators[0]):
                if isinstance(side, ast.Name) and side.id not in declared:
                    found.add(side.id)
    return {name for name in found if name not in FUNCTIONS and name not in known_lists()}


def equation_of(condition: Expression, name: str) -> Equation | None:
    """The condition as an equation for a variable, if it is one and linear in it."""
    tree = condition.tree
    if not (isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Eq)):
        return None
    if name not in condition.names:
        return None
    difference = ast.BinOp(tree.left, ast.Sub(), tree.comparators[0])
    if expressions.degree(difference, name) != 1:
        return None
    made = expressions.expression(difference, condition.text, condition.names, CONDITIONS)
    return Equation(name, condition, made)


def solved_equations(
    conditions: Sequence[Expression],
    domains: Sequence[Domain],
    derived: Sequence[Derived],
    latent: set[str],
    shown: set[str],
) -> list[Equation]:
    """One variable for each equation, so that none depends on itself, in the order of solving.

    Those that the question does not show come first, then those with the most values: what is solved for
    need not be guessed.
    """
    sizes = {d.names[0]: d.size for d in domains if len(d.names) == 1 and d.kind == "number"}
    needs: dict[str, frozenset[str]] = {d.name: d.value.names for d in derived}
    chosen: list[Equation] = []
    for condition in conditions:
        candidates = [n for n in condition.names if n in latent or n in sizes]
        candidates.sort(key=lambda n: (n in sizes, n in shown, -sizes.get(n, 0), n))
        for name in candidates:
            equation = equation_of(condition, name) if name not in needs else None
            if equation is not None and not _reaches(equation.needs, name, needs):
                needs[name] = equation.needs
                chosen.append(equation)
                break
    ordered: list[Equation] = []
    while chosen:
        pending = {e.name for e in chosen}
        ready = next(e for e in chosen if not closure(e.needs, needs) & pending)
        ordered.append(ready)
        chosen.remove(ready)
    return ordered


def closure(names: Iterable[str], needs: Mapping[str, frozenset[str]]) -> set[str]:
    """These names and all that determine them, directly or through others."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needs.get(name, ())
    return found


def _reaches(names: Iterable[str], target: str, needs: Mapping[str, frozenset[str]]) -> bool:
    return target in closure(names, needs)

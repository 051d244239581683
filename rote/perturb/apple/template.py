"""A template of the GSM-Symbolic format behind the interface of every other template."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, cast

from rote.errors import UnsatisfiableError
from rote.perturb import codegen, keys
from rote.perturb.apple.domains import Domain
from rote.perturb.apple.draws import Draws, instance
from rote.perturb.apple.model import Model, understand
from rote.perturb.apple.reader import Sheet
from rote.perturb.apple.refusal import RefusedError
from rote.perturb.inert import Clause
from rote.perturb.part import Compiled
from rote.perturb.plan import Plan
from rote.perturb.template import Plans, Template

#: Draws tried, and the most parts of expressions worked out for them, to find the first.
_TRIES: Final = 40_000
_WORK: Final = 2_000_000
#: Draws looked at before a template is taken over.
_TRIAL: Final = 3
_PILOT: Final = 512
_PATIENCE: Final = 16


class Original:
    """The published problem, word for word, as a space of one draw."""

    sizes = (1,)

    def __init__(self, model: Model) -> None:
        sheet = model.sheet
        self.model = model
        self.drawn = instance(0, sheet.question, sheet.answer, model.answer, model, model.known)

    def search(self) -> None:
        """There is nothing to search."""

    def at(self, position: int) -> codegen.Drawn | None:
        """The published problem, at any position."""
        return self.drawn

    def decode(self, position: int) -> Mapping[str, Any]:
        """No value is drawn."""
        return {}

    def refusal(self, position: int) -> str | None:
        """The published problem is never refused."""
        return None

    def functions(self, bits: int) -> tuple[codegen.At, codegen.Walk]:
        """The same instance whatever is asked for."""
        return self.at, lambda start, stop, stride, key: self.drawn


class AppleTemplate(Template):
    """One template of the format: variants ``original``, ``names``, ``numbers`` and ``symbolic``.

    The original is the published problem, word for word. ``names`` draws the word variables, ``numbers``
    the numeric ones; :meth:`extend` adds ``p1`` and ``p2``. Raises RefusedError with a reason code when it
    cannot be taken over.
    """

    def __init__(self, sheet: Sheet, source: str = "apple") -> None:
        self.model = understand(sheet)
        plans = _plans(self.model)
        # Template asks a plan for nothing but what these offer as well
        super().__init__(sheet.template_id, source, cast(Plans, plans), sheet.path)
        if len(plans) == 1:
            raise RefusedError("nothing_varies", "no variable has more than one value", field="#init")
        self._try(cast(Draws, plans[self.variants[-1]][0][0]))

    def extend(self, variant: str, sheet: Sheet) -> None:
        """Add ``p1`` or ``p2``: the same problem with one clause more, or two. RefusedError as above."""
        model = understand(sheet, extended=True)
        draws = Draws(model, numbers=True, names=True)
        self._try(draws)
        self._make = cast(Plans, {**self._plans, variant: ((draws, None),)})

    def _try(self, draws: Draws) -> None:
        """Find a few draws, or refuse the template with what stood in the way most often."""
        draws.search()
        space = math.prod(draws.sizes)
        if space == 0:
            raise RefusedError("no_draw", f"no draw was found: {_told(draws.reasons)}", field="#conditions")
        bits = codegen.bits_for(space)
        key = keys.make_key(bits, "trial", self.id)
        reasons: dict[str, int] = {}
        found = 0
        for x in range(min(1 << bits, _TRIES, max(1, _WORK // draws.weight))):
            position = keys.permute(x, bits, key)
            if position >= space:
                continue
            why = draws.refusal(position)
            if why is None:
                found += 1
                if found == _TRIAL:
                    return
            else:
                reasons[why] = reasons.get(why, 0) + 1
                if why.startswith("the last line"):
                    raise RefusedError("final_differs", why, field="answer_annotated")
        if not found:
            raise RefusedError("no_draw", f"no draw was found: {_told(reasons)}", field="#conditions")

    def _compile(self, plan: Plan, clause: Clause | None, variant: str) -> Compiled:
        draws = cast(Draws, plan)
        draws.search()
        space = math.prod(draws.sizes)
        bits = codegen.bits_for(max(1, space))
        at, walk = draws.functions(bits)
        operations = draws.model.result.operations
        if space <= 1 << 13:
            places = tuple(p for p in range(space) if at(p) is not None)
            if not places:
                raise self._nothing(variant)
            bits = codegen.bits_for(len(places))
            return Compiled(plan, clause, at, walk, bits, 1, len(places), places, operations, 1)
        total = 1 << bits
        key = keys.make_key(bits, "pilot", self.id, variant)
        hits = 0
        for tries in (_PILOT, 16 * _PILOT, 64 * _PILOT):
            hits = sum(walk(x, x + 1, 1, key) is not None for x in range(min(tries, total)))
            if hits >= 8:
                break
        if not hits:
            raise self._nothing(variant)
        capacity = max(1, int(Fraction(total * hits, min(tries, total) * _PATIENCE)))
        return Compiled(plan, clause, at, walk, bits, capacity, capacity, None, operations, 1)

    def _nothing(self, variant: str) -> UnsatisfiableError:
        return UnsatisfiableError(f"no draw meets the conditions of variant {variant!r}", path=self.path)


def _plans(model: Model) -> dict[str, Sequence[tuple[Any, None]]]:
    """What each variant draws. Where only words or only numbers vary, there is no variant of the other."""
    plans: dict[str, Sequence[tuple[Any, None]]] = {"original": ((Original(model), None),)}
    needed = set(model.shown) | model.final.names
    for part in model.solution:
        if not isinstance(part, str):
            needed |= part.value.names
    words = _varying(model, "word")
    numbers = _varying(model, "number")
    if words and needed <= model.known.keys():
        draws = Draws(model, numbers=False, names=True)
        draws.search()
        if _any_draw(draws, model.sheet.template_id):
            plans["names"] = ((draws, None),)
    if numbers:
        plans["numbers"] = ((Draws(model, numbers=True, names=False), None),)
        plans["symbolic"] = ((Draws(model, numbers=True, names=True), None),)
    elif "names" in plans:
        plans["symbolic"] = plans["names"]
    return plans


def _any_draw(draws: Draws, name: str) -> bool:
    """Whether a few hundred positions hold a draw."""
    space = math.prod(draws.sizes)
    bits = codegen.bits_for(max(1, space))
    key = keys.make_key(bits, "any", name)
    places = (keys.permute(x, bits, key) for x in range(min(1 << bits, 4 * _PILOT)))
    return any(place < space and draws.at(place) is not None for place in places)


def _varying(model: Model, kind: str) -> list[Domain]:
    return [d for d in model.domains if d.kind == kind and d.size > 1 and model.shown & set(d.names)]


def _told(reasons: Mapping[str, int]) -> str:
    """What stood in the way most often."""
    worst = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:2]
    return "; ".join(f"{why} ({count} of {sum(reasons.values())} tried)" for why, count in worst)

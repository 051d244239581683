"""Which templates a task tests and what is drawn of each; which it leaves out, and why.

A template may not offer a variant: to some problems no inert clause attaches. Such a template is named
with its reason, in the log and in lm-eval's results; nothing is put in its place.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any, Final

from rote.perturb import Template
from rote.perturb.noop import ATTACHED, Selection, pick
from rote.problem import Problem

#: Ids and reasons that one line of the log gives; the results hold all of them.
_TOLD: Final = 3


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn of the templates of a source.

    ``instances``: at least one of each template that offers the variant, by its id, in the order of the
    templates; ``skipped``: a reason for each template that is left out, by id. ``where`` names the source.
    """

    where: str
    variant: str
    instances: Mapping[str, Sequence[Problem]]
    skipped: Mapping[str, str]

    @property
    def templates(self) -> int:
        """How many templates there are, those left out included."""
        return len(self.instances) + len(self.skipped)

    def rounds(self) -> Iterator[Problem]:
        """One instance of each template in turn, then the next, of those that have one more."""
        for turn in range(max(map(len, self.instances.values()), default=0)):
            for problems in self.instances.values():
                if turn < len(problems):
                    yield problems[turn]

    def scarce(self, wanted: int) -> int:
        """How many templates have fewer than ``wanted`` instances."""
        return sum(len(problems) < wanted for problems in self.instances.values())


def draw(
    where: str,
    templates: Iterable[Template],
    variant: str,
    seed: int,
    most: int,
    selection: Selection | None = None,
) -> Drawn:
    """Up to ``most`` different instances of each template, those with the lowest indices.

    With a ``selection`` only instances whose inert clauses match it; a variant without clauses does not
    heed it. A template that has fewer gives those that it has; no question comes twice.
    """
    wanted = _heeded(selection, variant)
    instances: dict[str, Sequence[Problem]] = {}
    skipped: dict[str, str] = {}
    for template in templates:
        if not template.offers(variant):
            skipped[template.id] = template.why_not(variant) or f"it has no {variant}"
        elif wanted is None:
            sure = 1 if variant == "original" else min(most, template.capacity(variant))
            instances[template.id] = [template.problem(variant, seed, index) for index in range(sure)]
        elif found := _picked(template, variant, seed, most, wanted):
            instances[template.id] = found
        else:
            skipped[template.id] = f"none of its inert clauses has {told(wanted)}"
    return Drawn(where, variant, instances, skipped)


def _picked(
    template: Template, variant: str, seed: int, most: int, selection: Selection
) -> Sequence[Problem]:
    """Up to ``most`` instances that match; of the controls first those that go with the ``noop`` ones taken.

    A control and a ``noop`` of one index are the same clause without and with its number, and a report
    compares them one by one.
    """
    found = pick(template, variant, seed, most, selection)
    if variant != "noop_control" or not template.offers("noop"):
        return found
    beside = [p.index for p in pick(template, "noop", seed, most, selection)]
    first = [template.problem(variant, seed, index) for index in beside]
    matching = (problem for problem in (*first, *found) if selection.matches(problem))
    by_question: dict[str, Problem] = {}
    for problem in matching:
        by_question.setdefault(problem.question, problem)
    return sorted(list(by_question.values())[:most], key=lambda problem: problem.index)


def stream(
    templates: Iterable[Template],
    variant: str,
    seed: int,
    selection: Selection | None,
    skipped: dict[str, str],
) -> Iterator[Problem]:
    """Instances without end: one of each template in turn, then the next of each; of an original, one.

    Templates are looked at when it is their turn; one that has nothing to give is put into ``skipped``, with
    the reason. With a ``selection`` the end comes when no template has a further instance that matches.
    """
    going = []
    for template in templates:
        if not template.offers(variant):
            skipped[template.id] = template.why_not(variant) or f"it has no {variant}"
            continue
        own = _instances(template, variant, seed, _heeded(selection, variant))
        first = next(own, None)
        if first is None:
            skipped[template.id] = f"none of its inert clauses has {told(selection or Selection())}"
            continue
        yield first
        going.append(own)
    while going:
        still = []
        for own in going:
            problem = next(own, None)
            if problem is not None:
                yield problem
                still.append(own)
        going = still


def _instances(template: Template, variant: str, seed: int, selection: Selection | None) -> Iterator[Problem]:
    if selection is None:
        for index in range(1) if variant == "original" else count():
            yield template.problem(variant, seed, index)
        return
    given, wanted = 0, 4
    while given < wanted:
        found = pick(template, variant, seed, wanted, selection)
        yield from found[given:]
        if len(found) < wanted:
            return
        given, wanted = wanted, 4 * wanted


def _heeded(selection: Selection | None, variant: str) -> Selection | None:
    """A selection where it has something to say."""
    return None if selection is None or selection.everything or variant not in ATTACHED else selection


def told(selection: Selection) -> str:
    """A selection in words: ``topic=off, magnitude=in_range``."""
    chosen = {field.name: getattr(selection, field.name) for field in dataclasses.fields(selection)}
    return ", ".join(f"{factor}={'|'.join(values)}" for factor, values in chosen.items() if values)


def worked_examples(template: Template, seed: int, tested: int, number: int) -> list[Problem] | None:
    """``number`` different ``symbolic`` instances, as examples before a problem of the same template.

    They are drawn from the indices from ``tested`` on, which no task tests, and from earlier ones only
    where there are too few. None when the template has fewer.
    """
    if not template.offers("symbolic"):
        return None
    capacity = template.capacity("symbolic")
    found: dict[str, Problem] = {}
    for index in chain(range(tested, capacity), range(min(tested, capacity))):
        problem = template.problem("symbolic", seed, index)
        found.setdefault(problem.question, problem)
        if len(found) == number:
            return list(found.values())
    return None


def by_reason(skipped: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """The reasons, the commonest first, each with the ids of its templates."""
    counts = Counter(skipped.values())
    order = sorted(counts, key=lambda reason: (-counts[reason], reason))
    return [(reason, [name for name, why in skipped.items() if why == reason]) for reason in order]


def record(drawn: Drawn) -> dict[str, Any]:
    """What lm-eval's results say of the templates left out: how many, of how many, why, and which.

    ``reasons`` has a count for each reason, the commonest first; ``templates`` a reason for each id.
    """
    return {
        "count": len(drawn.skipped),
        "of": drawn.templates,
        "reasons": {reason: len(names) for reason, names in by_reason(drawn.skipped)},
        "templates": dict(drawn.skipped),
    }


def account(drawn: Drawn) -> str:
    """One line for the log on the templates left out."""
    groups = by_reason(drawn.skipped)
    reasons = "; ".join(f"{len(names):,}: {reason}" for reason, names in groups[:_TOLD])
    rest = len(groups) - _TOLD
    more = f"; {rest:,} other reason{'s' if rest > 1 else ''}" if rest > 0 else ""
    first = ", ".join(list(drawn.skipped)[:_TOLD]) + (", …" if len(drawn.skipped) > _TOLD else "")
    return (
        f"{drawn.where}, {drawn.variant}: {len(drawn.skipped):,} of {drawn.templates:,} templates left out "
        f"({reasons}{more}): {first}"
    )

"""What became of a split: templates by tier, rejections by reason, and how like the original the draws are.

The words of the reason codes stand here once; ``docs/gsm8k.md`` lists them (a test compares the two).
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rote.errors import UsageError
from rote.perturb.check import kolmogorov_smirnov
from rote.perturb.gsm8k import overrides
from rote.perturb.gsm8k.item import ItemTemplate
from rote.perturb.gsm8k.load import Rejection, Split
from rote.perturb.values import Quantity

#: Reason codes of rejections, in words.
REASONS: Final[Mapping[str, str]] = {
    "no_answer": "the solution has no '#### <number>' line",
    "no_equations": "the solution holds no equation that can be read",
    "unreadable_expression": "an equation of the solution cannot be read",
    "false_equation": "an annotated equation is not exactly true: something was rounded",
    "answer_not_last": "the answer is computed, but not by the last equation",
    "answer_not_computed": "no equation computes the answer",
    "no_numbers": "the question mentions no number",
    "constant_step": "an equation of constants alone: what it counts is not in the question",
    "implicit_step": "a small number of the solution may be a step that was never written",
    "unexplained_constant": "a number of the solution comes from nowhere",
    "same_number_twice": "an equation takes one number times or by itself",
    "unused_result": "the result of an equation is used by nothing after it",
    "unused_multiplier": "a word such as 'twice' is in the question and nowhere in the solution",
    "unused_fraction": "a fraction is in the question and nowhere in the solution",
    "unused_percent": "a percentage is in the question and nowhere in the solution",
    "nothing_linked": "no number of the solution can be told to be one of the question",
    "nothing_free": "no number of the question may change",
    "result_not_positive": "a result is zero or below",
    "negative_part": "a part of an equation is zero or below",
    "no_draw": "no other numbers meet the constraints",
    "curated": "a person who read it took it out",
    "another_version": "its question is not the one that was read: another version of the data set",
}
#: Tiers, in words.
TIERS: Final[Mapping[str, str]] = {
    "A": "every number is explained and used",
    "B": "a number of the question is not in the solution",
    "C": "something was taken on less evidence",
}
#: Draws of each template for the comparison of magnitudes.
DRAWS: Final = 5


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage of a split.

    ``by_tier`` and ``rejected`` count templates and rejections; ``reviewed`` counts the templates that
    somebody has read; ``ks`` is the Kolmogorov–Smirnov distance, 0 to 1, between the whole numbers that
    may change as published and as drawn (None when there is none).
    """

    split: str
    items: int
    accepted: int
    by_tier: Mapping[str, int]
    rejected: Mapping[str, int]
    reviewed: int
    ks: float | None


def coverage(split: Split, *, draws: int = DRAWS) -> Coverage:
    """Count what became of the items, and compare magnitudes over ``draws`` symbolic draws of each."""
    tiers = Counter(template.tier for template in split.templates.values())
    codes = Counter(rejection.code for rejection in split.rejections.values())
    read = set(overrides.reviewed())
    return Coverage(
        split.name,
        len(split),
        len(split.templates),
        {tier: tiers[tier] for tier in TIERS},
        dict(sorted(codes.items(), key=lambda item: (-item[1], item[0]))),
        sum(template.id in read for template in split.templates.values()),
        magnitude_distance(split, draws),
    )


def magnitude_distance(split: Split, draws: int = DRAWS) -> float | None:
    """The distance of :class:`Coverage`: each mention counts, tied ones too."""
    published: list[int] = []
    drawn: list[int] = []
    for template in split.templates.values():
        names = [template.graph.variable[i] for i in template.facts.free]
        whole = {n.name for n in template.graph.numbers if n.kind == "integer"}
        published += [int(template.graph.originals[name]) for name in names if name in whole]
        for index in range(draws):
            _, values = template.values("symbolic", 0, index)
            for name in names:
                value = values[name]
                if name in whole and isinstance(value, Quantity):
                    drawn.append(int(value.value))
    return kolmogorov_smirnov(published, drawn) if published and drawn else None


def find(split: Split, template_id: str) -> ItemTemplate | Rejection:
    """The item of an id such as ``gsm8k/test/17``. UsageError when the split has no such item."""
    line = template_id.rpartition("/")[2]
    if not line.isascii() or not line.isdigit() or int(line) >= len(split):
        raise UsageError(
            f"no item {template_id!r}: {split.name} has {len(split)} items, "
            f"gsm8k/{split.name}/0 to gsm8k/{split.name}/{len(split) - 1}"
        )
    item: ItemTemplate | Rejection = split[int(line)]
    return item


def split_of(template_id: str) -> str:
    """The split that an id names. UsageError for what is no id of an item."""
    parts = template_id.split("/")
    if len(parts) != 3 or parts[0] != "gsm8k":
        raise UsageError(f"expected an id such as gsm8k/test/17, got {template_id!r}")
    return parts[1]


def steps_of(template: ItemTemplate) -> list[tuple[str, str, str]]:
    """The steps of a template: name, expression as text, and kind."""
    return [(name, ast.unparse(node), kind) for name, node, kind in template.graph.steps]

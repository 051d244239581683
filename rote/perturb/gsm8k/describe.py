"""A split's coverage and an item's facts as plain records, for printing."""

from __future__ import annotations

from typing import Any, Final

from rote.perturb.gsm8k.coverage import REASONS, Coverage, steps_of
from rote.perturb.gsm8k.item import ItemTemplate
from rote.perturb.gsm8k.load import Rejection, Split
from rote.rational import format_number

#: Symbolic draws of an item's record.
DRAWS_SHOWN: Final = 3


def coverage_record(found: Coverage) -> dict[str, Any]:
    """A coverage as one object, the reasons by frequency."""
    return {
        "split": found.split,
        "items": found.items,
        "accepted": found.accepted,
        "by_tier": dict(found.by_tier),
        "rejected": dict(found.rejected),
        "reviewed": found.reviewed,
        "ks": found.ks,
    }


def item_record(split: Split, item: ItemTemplate | Rejection) -> dict[str, Any]:
    """Everything about one item: for a template its numbers, names, graph, constraints and a few draws.

    Spans are half-open character ranges of the question; numbers are written as text, exactly.
    """
    if not isinstance(item, ItemTemplate):
        original = split.originals[int(item.template_id.rpartition("/")[2])]
        return {
            "id": item.template_id,
            "status": "rejected",
            "reason": item.code,
            "meaning": REASONS[item.code],
            "question": original.question,
            "solution": original.solution,
        }
    original = split.originals[int(item.id.rpartition("/")[2])]
    return {
        "id": item.id,
        "status": "template",
        "tier": item.tier,
        "question": original.question,
        "solution": original.solution,
        "answer": format_number(original.answer),
        "mentions": _mentions(item),
        "names": [
            {"name": p.name, "gender": p.gender, "spans": [list(span) for span in p.spans]}
            for p in item.names
        ],
        "steps": _steps(item),
        "constraints": list(dict.fromkeys(text for text, _ in item.graph.constraints)),
        "draws": [_draw(item, index) for index in range(DRAWS_SHOWN)],
    }


def _mentions(item: ItemTemplate) -> list[dict[str, Any]]:
    domains = {n.name: n.values for n in item.graph.numbers}
    rows = []
    for i, mention in enumerate(item.facts.mentions):
        name = item.graph.variable.get(i)
        row: dict[str, Any] = {
            "span": list(mention.span),
            "text": mention.text,
            "value": format_number(mention.value),
            "kind": mention.kind,
            "variable": name,
        }
        if name is None:
            row["frozen"] = item.facts.frozen.get(i, "not resampled")
        else:
            values = domains[name]
            row |= {"low": format_number(values[0]), "high": format_number(values[-1]), "values": len(values)}
        rows.append(row)
    return rows


def _steps(item: ItemTemplate) -> list[dict[str, str]]:
    known = item.plans("original")[0][0].solve(item.graph.originals)
    return [
        {"name": name, "expression": text, "value": format_number(known[name]), "kind": kind}
        for name, text, kind in steps_of(item)
    ]


def _draw(item: ItemTemplate, index: int) -> dict[str, Any]:
    problem = item.problem("symbolic", 0, index)
    _, values = item.values("symbolic", 0, index)
    return {
        "id": problem.id,
        "values": {name: str(value) for name, value in values.items()},
        "question": problem.question,
        "solution": problem.solution,
        "answer": format_number(problem.answer),
    }

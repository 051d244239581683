"""A small template that tests copy and break."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rote.perturb.authored import AuthoredTemplate, load_template

TEMPLATE: dict[str, Any] = {
    "id": "tile_boxes",
    "topic": "building",
    "names": {
        "who": {"person": "any", "original": "Emeka"},
        "room": {"choice": ["kitchen", "hallway", "porch"]},
    },
    "numbers": {
        "boxes": {"low": 12, "high": 40, "original": 20},
        "tiles": {"low": 10, "high": 30, "original": 14},
        "price": {"kind": "money", "low": 2.25, "high": 6.75, "step": 0.25, "original": 4.50},
    },
    "constraints": ["boxes > tiles"],
    "question": [
        "{{ who }} buys {{ boxes|count('box') }} of tiles for the {{ room }}, "
        "with {{ tiles }} tiles in a box.",
        "{{ who|he|cap }} pays {{ price }} for a tile.",
    ],
    "ask": "How much money does {{ who }} pay?",
    "steps": [
        {"name": "number", "calc": "boxes * tiles", "text": "The boxes hold {{ eq }} tiles."},
        {"name": "cost", "calc": "number * price", "kind": "money", "text": "They cost {{ eq }}."},
    ],
    "answer": "cost",
    "expect": 1260,
    "noop": [
        {
            "family": "house_number",
            "clause": "The house has the number {{ k }}.",
            "before": 1,
            "number": "k",
            "numbers": {"k": {"low": 10, "high": 60}},
            "attaches": ["boxes"],
            "topic": "off",
            "role": "none",
            "why": "A house number counts nothing.",
        },
        {
            "family": "other_person",
            "clause": "A neighbour, {{ other }}, has {{ k }} boxes of paint.",
            "number": "k",
            "names": {"other": {"person": "any"}},
            "numbers": {"k": {"low": 10, "high": 60}},
            "topic": "in",
            "role": "other",
            "why": "Somebody else's paint is no tile.",
        },
    ],
    "p1": {
        "clause": "Delivery costs {{ fee }} on top.",
        "numbers": {"fee": {"kind": "money", "low": 15, "high": 45, "original": 30}},
        "steps": [
            {"name": "sum1", "calc": "cost + fee", "kind": "money", "text": "With delivery it is {{ eq }}."},
        ],
        "answer": "sum1",
        "expect": 1290,
    },
}

Build = Callable[..., AuthoredTemplate]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write the template with some keys replaced (``a__b=…`` goes into a mapping), return the file."""

    def build(**changes: Any) -> Path:
        raw = yaml.safe_load(yaml.safe_dump(TEMPLATE))
        for key, value in changes.items():
            *parents, last = key.split("__")
            part = raw
            for parent in parents:
                part = part[int(parent)] if isinstance(part, list) else part[parent]
            if value is None:
                part.pop(last)
            elif isinstance(part, list):
                part[int(last)] = value
            else:
                part[last] = value
        file = tmp_path / f"{raw.get('id', 'tile_boxes')}.yaml"
        file.write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
        return file

    return build


@pytest.fixture
def build(write: Callable[..., Path]) -> Build:
    """The same, read into a template."""

    def make(**changes: Any) -> AuthoredTemplate:
        return load_template(write(**changes), "test")

    return make

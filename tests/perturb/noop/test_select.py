"""Instances chosen by what their clauses are like."""

from __future__ import annotations

from typing import Any

import pytest

from rote.errors import UsageError
from rote.perturb import load_source
from rote.perturb.noop import Selection, family_names, pick


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"topics": "off"}, "unknown factor of noop: 'topics'; did you mean 'topic'?"),
        ({"topic": "of"}, "unknown noop.topic: 'of'; did you mean 'off'? (known: in, off)"),
        ({"topic": []}, "noop.topic names no value; known: in, off"),
        ({"family": "no_such_family"}, "unknown noop.family: 'no_such_family'"),
        (
            {"role": "other", "family": "library_year"},
            "noop: no family offers role=other, family=library_year",
        ),
        ("off", 'noop must be a mapping such as {"topic": "off"}, got \'off\''),
    ],
)
def test_what_no_family_offers_is_refused(raw: Any, told: str) -> None:
    with pytest.raises(UsageError) as error:
        Selection.parse(raw)
    assert told in str(error.value)


def test_every_instance_is_as_wanted_and_keeps_its_identity() -> None:
    selection = Selection.parse({"topic": "off", "magnitude": ["out_of_range"]})
    found = 0
    for template in list(load_source("bank").templates.values())[:12]:
        for problem in pick(template, "noop", 4, 3, selection):
            (noop,) = problem.noop
            assert noop.factors["topic"] == "off"
            assert noop.factors["magnitude"] == "out_of_range"
            assert problem == template.problem("noop", 4, problem.index)
            found += 1
    assert found >= 24


def test_nothing_selected_is_everything() -> None:
    assert Selection().everything
    template = next(iter(load_source("bank").templates.values()))
    assert pick(template, "noop", 0, 5, Selection()) == list(template.instances("noop", 0, 5))
    assert pick(template, "original", 0, 1, Selection()) == []


def test_a_family_is_a_factor_too() -> None:
    name = family_names()[0]
    selection = Selection.parse({"family": [name]})
    for template in list(load_source("bank").templates.values())[:6]:
        assert all(p.noop[0].family == name for p in pick(template, "noop", 0, 2, selection))

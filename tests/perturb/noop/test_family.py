"""Family files: what they may say, what is refused, and that those which ship are sound."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from rote.errors import TemplateError
from rote.perturb.noop.family import FOLDER, families, load_families, read_family
from rote.perturb.noop.words import FACTORS

FAMILY: dict[str, Any] = {
    "family": "lighthouse_steps",
    "topic": "off",
    "role": "none",
    "number": {"low": 90, "high": 320},
    "attach": {"setting": ["travel"]},
    "exclude": {"words": ["lighthouse", "step"], "asks": ["many"]},
    "clauses": [
        "The lighthouse on the cape has {{ k }} steps.",
        {
            "past": "That day the lighthouse with its {{ k }} steps was closed.",
            "present": "Today the lighthouse with its {{ k }} steps is closed.",
        },
    ],
    "controls": ["The lighthouse on the cape is painted white."],
    "why": "Nobody in the problem climbs it.",
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def build(**changes: Any) -> Path:
        path = tmp_path / f"{changes.get('family', FAMILY['family'])}.yaml"
        path.write_text(yaml.safe_dump({**FAMILY, **changes}), encoding="utf-8")
        return path

    return build


def test_a_family_is_read_whole(write: Write) -> None:
    family = read_family(write())
    assert family.name == "lighthouse_steps"
    assert family.values[0] == 90
    assert family.values[-1] == Fraction(320)
    assert family.settings == {"travel"}
    assert family.asks == {"many"}
    plain, tensed = family.clauses
    assert plain.fitting("mixed") is not None
    assert tensed.fitting("mixed") is None
    assert tensed.fitting("past") != tensed.fitting("present")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"clausez": []}, "[clausez]: unknown key; did you mean 'clauses'?"),
        ({"attach": {"persons": True}}, "[attach.persons]: unknown key; did you mean 'person'?"),
        (
            {"number": {"low": 1, "high": 9, "unitt": "km"}},
            "[number.unitt]: unknown key; did you mean 'unit'?",
        ),
        ({"attach": {"setting": ["moon"]}}, "unknown setting 'moon'; known: shop, school"),
        ({"attach": {"thing": ["gadget"]}}, "unknown class of nouns 'gadget'"),
        ({"role": "same"}, "role is 'same', but what it attaches to makes it 'none'"),
        ({"topic": "near"}, "[topic]: Input should be 'in' or 'off'; got 'near'"),
        ({"clauses": ["The lighthouse has steps."]}, "must hold {{ k }} once"),
        ({"clauses": ["The {{ k }} steps of {{ k }} lighthouses."]}, "must hold {{ k }} once"),
        ({"clauses": ["The lighthouse of {{ person }} has {{ k }} steps."]}, "uses 'person'"),
        ({"clauses": ["Altogether the lighthouse has {{ k }} steps."]}, "'altogether' could take the inert"),
        ({"clauses": ["The lighthouse has 2 lamps and {{ k }} steps."]}, "a number besides k"),
        ({"clauses": ["the lighthouse has {{ k }} steps."]}, "no whole sentence"),
        ({"clauses": ["The lighthouse has {{ k }} steps"]}, "no whole sentence"),
        ({"controls": ["The lighthouse has two lamps."]}, "'two' is a number; a control has none"),
        ({"exclude": {"words": ["Light house"]}}, "'Light house' is not one word in lower case"),
        ({"number": {"low": 0, "high": 9}}, "values must be positive"),
        ({"clauses": []}, "[clauses]: Tuple should have at least 1 item"),
    ],
)
def test_what_is_wrong_is_named(write: Write, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(TemplateError) as error:
        read_family(write(**changes))
    message = str(error.value)
    assert told in message
    assert "lighthouse_steps.yaml" in message


def test_the_file_is_named_like_the_family(write: Write) -> None:
    path = write()
    other = path.rename(path.with_name("other.yaml"))
    with pytest.raises(TemplateError, match=r"file is named 'other\.yaml'"):
        read_family(other)


def test_a_folder_without_families(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="holds no"):
        load_families(tmp_path)


def test_a_file_that_is_no_mapping(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(TemplateError, match="a family is a mapping, got list"):
        read_family(path)


def test_what_ships() -> None:
    shipped = families()
    assert len(shipped) >= 30
    assert list(shipped) == sorted(path.stem for path in FOLDER.glob("*.yaml"))
    for factor in ("topic", "role"):
        assert {getattr(family, factor) for family in shipped.values()} == set(FACTORS[factor])
    # each kind of story, person or thing has more than one family to choose from
    assert sum(not (f.person or f.other or f.things or f.settings) for f in shipped.values()) >= 10
    assert sum(f.person for f in shipped.values()) >= 8
    assert sum(bool(f.things) for f in shipped.values()) >= 3

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rote.errors import TemplateError
from rote.perturb.schema import read_template

Write = Callable[..., Path]


def test_a_whole_file_is_read(write: Write) -> None:
    spec = read_template(write())
    assert spec.numbers["price"].values()[1] - spec.numbers["price"].values()[0] == spec.numbers["price"].step
    assert str(spec.numbers["price"].original) == "9/2"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"anser": "x"}, r"\[anser\]: unknown key; did you mean 'answer'\?"),
        ({"noop__0__famly": "x"}, r"\[noop\.0\.famly\]: unknown key; did you mean 'family'\?"),
        ({"numbers__boxes__lo": 3}, r"\[numbers\.boxes\.lo\]: unknown key; did you mean 'low'\?"),
        ({"ask": None}, r"\[ask\]: Field required"),
        ({"numbers__boxes__original": 99}, "99 is not among the values"),
        ({"numbers__boxes__low": -4}, "positive"),
        ({"numbers__boxes__step": 0}, "step must be positive"),
        ({"numbers__boxes__high": None}, "either `among`, or both"),
        ({"numbers__price__step": 0.125}, "decimal places"),
        ({"numbers__boxes__low": "many"}, "not an exact number: 'many'"),
        ({"names__room__choice": ["kitchen", "kitchen"]}, "repeated"),
        ({"names__room__choice": ["kitchen", {"a": "b"}]}, "same keys"),
        ({"names__room__original": 7}, "names no choice"),
        ({"steps": []}, r"\[steps\]"),
        ({"p2": {}}, r"\[p2\.clause\]"),
    ],
)
def test_what_is_wrong_is_named(write: Write, changes: dict[str, Any], message: str) -> None:
    file = write(**changes)
    with pytest.raises(TemplateError, match=message) as caught:
        read_template(file)
    assert str(file) in str(caught.value)


def test_p2_needs_p1(write: Write) -> None:
    p1 = {
        "clause": "x",
        "steps": [{"name": "z", "calc": "cost + 1", "text": "{{ eq }}"}],
        "answer": "z",
        "expect": 1,
    }
    with pytest.raises(TemplateError, match="p2 adds to p1"):
        read_template(write(p1=None, p2=p1))


def test_files_that_are_no_template(tmp_path: Path, write: Write) -> None:
    file = tmp_path / "x.yaml"
    with pytest.raises(TemplateError, match="cannot be read"):
        read_template(file)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TemplateError, match="is not YAML"):
        read_template(file)
    file.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(TemplateError, match="a template is a mapping, got list"):
        read_template(file)
    file.write_text(write().read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(TemplateError, match=r"is 'tile_boxes', but the file is named 'x\.yaml'"):
        read_template(file)

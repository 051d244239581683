"""The lint must find what is wrong: each rule against a template broken on purpose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rote.perturb import check
from rote.perturb.authored import AuthoredTemplate
from rote.perturb.template import Template
from rote.problem import Problem

Build = Callable[..., AuthoredTemplate]


def rules(checked: check.Checked) -> set[str]:
    return {finding.rule for finding in checked.findings}


def test_a_good_template_passes(build: Build) -> None:
    checked = check.check_template(build(), draws=50)
    assert [str(f) for f in checked.findings] == []
    assert checked.instances == 401  # the original, and eight variants


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"numbers__boxes__low": 8}, "magnitude"),
        ({"question__1": "{{ who|he|cap }} pays {{ price }} for a  tile."}, "english"),
        ({"question__1": "She pays {{ price }} for a tile."}, "english"),
        ({"question__1": "{{ who|he|cap }} pays {{ price }} for an tile."}, "english"),
        ({"question__1": "{{ who|he|cap }} pays {{ price }} for a tile"}, "sentence"),
        ({"ask": "How much money does {{ who }} pay"}, "sentence"),
        ({"numbers__tiles__unit": "tiles/box"}, "unit"),
        ({"numbers__tiles__unit": "days/week"}, "unit"),
        (
            {"question__1": "{{ who|he|cap }} works {{ boxes }} hours a day and pays {{ price }}."},
            "plausibility",
        ),
        ({"noop__1__family": "house_number"}, "inert clauses"),
        ({"noop__0__clause": "The house has the number {{ k|words }}"}, "inert clause"),
        ({"steps__1__text": "they cost {{ eq }}."}, "english"),
        (
            {"names__room__choice": ["kitchen", "hallway"], "names__who": {"choice": ["We", "They"]}},
            "template",
        ),
    ],
)
def test_what_is_wrong_is_found(
    write: Callable[..., Path], changes: dict[str, Any], rule: str, tmp_path: Path
) -> None:
    summary = check.check_files([write(**changes)], source="test", draws=60, jobs=1)
    assert rule in {finding.rule for finding in summary.findings}, [str(f) for f in summary.findings]


def test_too_little_room_is_found(build: Build) -> None:
    template = build(
        numbers__boxes={"low": 19, "high": 20, "original": 20},
        numbers__tiles={"low": 13, "high": 14, "original": 14},
        numbers__price={"kind": "money", "among": [4, 4.5], "original": 4.5},
    )
    assert "room for draws (numbers)" in rules(check.check_template(template, draws=5))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"answer": 7}, "gold"),
        ({"solution": "The boxes hold 20 * 14 = <<20*14=281>>281 tiles.\n#### 281"}, "gold"),
        ({"question": "How many?"}, "number not shown"),
        ({"question": "How many?"}, "rendering"),
    ],
)
def test_a_generator_gone_wrong_is_found(
    build: Build, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], rule: str
) -> None:
    made = Template.problem

    def wrong(self: Template, variant: str, seed: int, index: int) -> Problem:
        return made(self, variant, seed, index)._replace(**change)

    monkeypatch.setattr(Template, "problem", wrong)
    assert rule in rules(check.check_template(build(), draws=3))


def test_a_repeated_question_is_found(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Template.problem

    def stuck(self: Template, variant: str, seed: int, index: int) -> Problem:
        return made(self, variant, seed, 0)._replace(id=f"{variant}/{index}")

    monkeypatch.setattr(Template, "problem", stuck)
    assert "repeated question" in rules(check.check_template(build(), draws=3))


def test_templates_that_read_alike_are_found(write: Callable[..., Path]) -> None:
    one = write()
    other = write(id="tile_crates", names__who__original="Inês")
    summary = check.check_files([one, other], draws=2, jobs=1)
    assert any(f.rule == "duplicate" and "tile_crates" in f.message for f in summary.findings)


def test_the_outcome_does_not_depend_on_the_processes(write: Callable[..., Path]) -> None:
    files = [write(), write(id="b", question__1="She pays {{ price }}."), write(id="c", expect=1)]
    assert check.check_files(files, draws=20, jobs=1) == check.check_files(files, draws=20, jobs=3)


def test_kolmogorov_smirnov_against_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    one, other = [1, 2, 2, 5, 9, 9, 10], [2, 3, 5, 5, 5, 11]
    assert check.kolmogorov_smirnov(one, other) == pytest.approx(stats.ks_2samp(one, other).statistic)
    assert check.kolmogorov_smirnov(one, one) == 0

"""``rote sample`` with inert clauses: what is chosen, and what is passed over and named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rote.cli import main
from rote.perturb import load_source
from rote.perturb.noop import ATTACHED
from rote.perturb.source import template_files


def docs(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The documents printed and the lines on stderr."""
    assert main(["sample", *words]) == 0
    printed = capsys.readouterr()
    return [json.loads(line) for line in printed.out.splitlines()], printed.err.splitlines()


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """A folder of templates, two of which have no ``p1``."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in template_files(["jam_jars", "stamp_card", "skate_fund"]):
        shutil.copy(file, folder)
    return str(folder)


@pytest.mark.parametrize("variant", ATTACHED)
def test_chosen_clauses_of_every_variant(capsys: pytest.CaptureFixture[str], variant: str) -> None:
    chosen = [
        "--noop",
        "topic=off, magnitude=out_of_range",
        "--noop",
        "position=mid_text,position=before_question",
    ]
    printed, _ = docs(capsys, "--variant", variant, "-n", "30", "--seed", "3", *chosen)
    assert len(printed) == 30
    for doc in printed:
        for clause in doc["noop"]:
            factors = clause["factors"]
            assert factors["topic"] == "off"
            assert factors["magnitude"] == ("none" if variant == "noop_control" else "out_of_range")
            assert factors["position"] in ("mid_text", "before_question")
        template = load_source("bank").templates[doc["template_id"]]
        assert doc == template.problem(variant, 3, doc["index"]).to_doc()


def test_what_is_passed_over_is_named_and_counted(capsys: pytest.CaptureFixture[str], mine: str) -> None:
    printed, said = docs(capsys, "--source", mine, "--variant", "p1", "-n", "4")
    assert [doc["id"] for doc in printed] == [f"mine/jam_jars/p1/0/{index}" for index in range(4)]
    assert said == [
        "rote sample: left out: 2 of 3 templates",
        "rote sample: nothing in it can be changed so: mine/skate_fund, mine/stamp_card",
    ]
    assert docs(capsys, "--source", mine, "--variant", "symbolic", "-n", "4")[1] == []


def test_no_further_template_is_looked_at_than_needed(capsys: pytest.CaptureFixture[str], mine: str) -> None:
    printed, said = docs(capsys, "--source", mine, "--variant", "p1", "-n", "1")
    assert len(printed) == 1
    assert said == []


def test_templates_none_of_whose_clauses_match_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--variant", "noop", "--noop", "family=library_year"]
    printed, said = docs(capsys, *chosen, "-n", "150")
    assert {clause["family"] for doc in printed for clause in doc["noop"]} == {"library_year"}
    tested = {doc["template_id"] for doc in printed}
    left_out = [name for name in load_source("bank").templates if name not in tested]
    assert said[0] == f"rote sample: left out: {len(left_out)} of 100 templates"
    assert sorted(name for line in said[1:] for name in line.rpartition(": ")[2].split(", ")) == left_out
    assert any("none of its inert clauses has family=library_year" in line for line in said[1:])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--variant", "noop", "--noop", "topik=off"], "factor of --noop: 'topik'; did you mean 'topic'?"),
        (["--variant", "noop", "--noop", "topic=of"], "unknown --noop.topic: 'of'; did you mean 'off'?"),
        (["--variant", "noop", "--noop", "topic"], "--noop: 'topic' is not of the form factor=value"),
        (["--variant", "noop", "--noop", "topic=off,"], "--noop: '' is not of the form factor=value"),
        (["--variant", "names", "--noop", "topic=off"], "--noop goes with --variant noop, noop2,"),
        (
            ["--variant", "noop", "--noop", "topic=in,family=library_year"],
            "--noop: no family offers topic=in, family=library_year",
        ),
        (["--variant", "p1", "--template", "stamp_card"], "bank/stamp_card has no p1 to show: nothing in it"),
        (["--variant", "noops"], "unknown variant 'noops'; known: original,"),
    ],
)
def test_what_cannot_be_shown_is_said(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["sample", *words]) == 3
    assert message in capsys.readouterr().err


def test_a_source_without_the_variant(capsys: pytest.CaptureFixture[str], mine: str) -> None:
    (Path(mine) / "jam_jars.yaml").unlink()
    assert main(["sample", "--source", mine, "--variant", "p1"]) == 3
    wanted = "no template of source 'mine' has p1 to show (2: nothing in it can be changed so)"
    assert capsys.readouterr().err == f"rote sample: error: {wanted}\n"

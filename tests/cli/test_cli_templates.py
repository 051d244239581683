"""``rote check`` and ``rote sample`` as their users call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rote.cli import main
from rote.problem import Problem

KEYS = [
    "id",
    "source",
    "template_id",
    "original_id",
    "variant",
    "seed",
    "index",
    "question",
    "solution",
    "answer",
    "traps",
    "noop",
    "covariates",
]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_sample_prints_instances_with_all_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "--source", "bank", "--variant", "symbolic", "-n", "5", "--seed", "0"]) == 0
    found = lines(capsys)
    assert len(found) == 5
    assert all(list(doc) == KEYS for doc in found)
    assert len({doc["template_id"] for doc in found}) == 5
    assert all(doc["noop"] == [] and doc["traps"] == [] for doc in found)


def test_sample_noop_tells_the_clause(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "--variant", "noop", "-n", "4", "--template", "jam_jars"]) == 0
    for doc in lines(capsys):
        problem = Problem.from_doc(doc)
        assert problem.to_doc() == doc
        [inert] = problem.noop
        assert set(inert.factors) == {"topic", "role", "magnitude", "position"}
        assert len(inert.proof) >= 3
        assert all(set(trap) == {"value", "how"} for trap in doc["traps"])  # type: ignore[attr-defined]


def test_seeds_differ_and_repeat(capsys: pytest.CaptureFixture[str]) -> None:
    outputs = []
    for seed in ("1", "2", "1"):
        assert main(["sample", "-n", "3", "--seed", seed]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[2] != outputs[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--variant", "nop"], "unknown variant 'nop'; known: original, names"),
        (["--source", "bnak"], "unknown source 'bnak'"),
        (["--template", "jars"], "no template 'bank/jars'"),
        (["-n", "-1"], "-n must be 0 or more"),
    ],
)
def test_sample_says_what_is_wrong(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["sample", *arguments]) == 3
    assert message in capsys.readouterr().err


def test_check_passes_a_good_template(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "jam_jars", "--draws", "20", "--jobs", "1"]) == 0
    assert "1 template, 181 instances" in capsys.readouterr().out


def test_check_fails_and_names_file_field_and_values(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from rote.perturb.source import template_files

    text = template_files(["jam_jars"])[0].read_text(encoding="utf-8").replace("expect: 220", "expect: 221")
    file = tmp_path / "jam_jars.yaml"
    file.write_text(text, encoding="utf-8")
    assert main(["check", str(file), "--draws", "5"]) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith("1 template, ")
    assert out.splitlines()[-1].endswith(": 1 finding")
    assert str(file) in out
    assert "expect: the original does not hold: expected 221, got 220" in out
    assert main(["check", str(tmp_path), "--json"]) == 1
    record = json.loads(capsys.readouterr().out)
    assert record["templates"] == 1
    assert record["findings"][0]["rule"] == "template"


def test_check_of_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["check", str(tmp_path)]) == 3
    assert "holds no *.yaml template" in capsys.readouterr().err
    assert main(["check", "no_such"]) == 3
    assert "no template 'no_such'" in capsys.readouterr().err
    assert main(["check", "--draws", "0"]) == 3

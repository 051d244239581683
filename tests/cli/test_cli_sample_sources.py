"""``rote sample`` from files that rote does not bring along."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rote.cli import main

RECORD = {
    "question": "As published?",
    "answer": "#### 12",
    "id_orig": 7,
    "question_annotated": "{who,Benita} has {n,4} bags of {m,3} nuts. How many nuts?\n\n#init:\n"
    "- who = sample(names)\n- $n = range(2, 20)\n- $m = range(2, 20)\n\n#answer: n * m",
    "answer_annotated": "{n} * {m} = <<{n}*{m}={n*m}>>{n*m}\n#### {n*m}",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0000.json").write_text(json.dumps(RECORD), encoding="utf-8")
    (tmp_path / "0001.json").write_text(
        json.dumps({**RECORD, "answer": "#### 5", "id_orig": 8}), encoding="utf-8"
    )
    return tmp_path


def test_apple_prints_instances_and_names_what_it_leaves_out(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert main(["sample", "--source", "apple", "--path", str(folder), "-n", "4", "--template", "7"]) == 0
    printed = capsys.readouterr()
    docs = [json.loads(line) for line in printed.out.splitlines()]
    assert [doc["id"] for doc in docs] == [f"apple/7/symbolic/0/{i}" for i in range(4)]
    assert "left out: apple/8: answer_differs" in printed.err
    assert "0001.json [question_annotated #answer]" in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "apple"], "--source apple needs --path"),
        (["--source", "apple", "--path", "no/such"], "neither a folder nor a file"),
        (["--split", "test"], "--split goes with --source gsm8k"),
        (["--source", "gsm8k", "--split", "dev"], "unknown split 'dev'"),
    ],
)
def test_what_is_wrong_is_said(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["sample", *arguments]) == 3
    assert message in capsys.readouterr().err


def test_an_unknown_apple_template(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert main(["sample", "--source", "apple", "--path", str(folder), "--template", "9"]) == 3
    assert "no template 'apple/9' in source 'apple'" in capsys.readouterr().err


def gsm8k_folder() -> Path | None:
    named = os.environ.get("ROTE_GSM8K")
    places = [Path(named)] if named else [Path(__file__).parents[2].parent / "shared" / "gsm8k"]
    return next((place for place in places if (place / "test.jsonl").is_file()), None)


@pytest.mark.skipif(gsm8k_folder() is None, reason="no GSM8K folder: set ROTE_GSM8K")
def test_gsm8k_by_split_and_number(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROTE_CACHE", str(tmp_path / "cache"))
    published = gsm8k_folder()
    assert published is not None
    lines = (published / "test.jsonl").read_text(encoding="utf-8").splitlines()[:20]
    (tmp_path / "test.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    where = ["--source", "gsm8k", "--split", "test", "--path", str(tmp_path)]
    assert main(["sample", *where, "-n", "3", "--variant", "numbers"]) == 0
    docs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len({doc["template_id"] for doc in docs}) == 3
    line = docs[1]["template_id"].rpartition("/")[2]
    assert main(["sample", *where, "-n", "2", "--variant", "numbers", "--template", line]) == 0
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert again[0] == docs[1]
    assert again[1]["index"] == 1

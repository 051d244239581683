"""``rote extract``."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from rote.cli import main

LINES = '{"response": "#### 3:30 PM", "gold": "3:30"}\n{"response": "18 or 20", "gold": 18}\n'
VERDICTS = [
    {"value": "3:30", "correct": True, "stage": "hash", "reason": None},
    {"value": None, "correct": False, "stage": "trailing", "reason": "several_answers"},
]


def test_one_line_for_each_line_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(LINES, encoding="utf-8")
    assert main(["extract", str(path)]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == VERDICTS


def test_dash_reads_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LINES.encode()), encoding="utf-8"))
    assert main(["extract", "-"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == VERDICTS


def test_what_was_printed_before_a_bad_line_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(LINES + "{\n", encoding="utf-8")
    assert main(["extract", str(path)]) == 3
    captured = capsys.readouterr()
    assert [json.loads(line) for line in captured.out.splitlines()] == VERDICTS
    assert f"{path}:3: not JSON" in captured.err


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["extract", str(tmp_path / "none.jsonl")]) == 3
    assert "none.jsonl: cannot be read" in capsys.readouterr().err

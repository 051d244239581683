"""A folder of logs that grows: what is half-written, what appears between two looks, and waiting for it."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from log_factory import Run, behaviour

from rote.cli import main
from rote.errors import LogError
from rote.logs.files import find_logs
from rote.reports import read_logs

RATES = {"original": 0.9, "noop": 0.8}
OTHER = "2026-03-06T10-11-12.345678"


def run(folder: Path, *variants: str, **settings: str) -> Path:
    """A log of 40 templates; of originals and inert clauses, unless said otherwise."""
    made = Run(folder, **settings)  # type: ignore[arg-type]
    for variant in variants or ("original", "noop"):
        made.add(variant, 40, behaviour(RATES))
    return made.write()


def models(folder: Path, **how: bool) -> list[str]:
    return [series.model.name for series in read_logs(folder, **how).series]


@pytest.mark.parametrize("name", [".m2", "m2.partial", "m2.part", "m2.tmp", ".logs.sweep/x/m2"])
def test_folders_that_are_being_written_are_passed_over(tmp_path: Path, name: str) -> None:
    run(tmp_path / "m1")
    other = run(tmp_path / name, model_args="pretrained=org/model-b")
    assert models(tmp_path) == ["org/model-a"]
    # a folder that is named is read, whatever it is called
    assert models(other) == ["org/model-b"]
    other.rename(tmp_path / "m2")
    assert models(tmp_path) == ["org/model-a", "org/model-b"]


def test_files_that_are_being_written_are_passed_over(tmp_path: Path) -> None:
    run(tmp_path)
    for file in list(tmp_path.glob("samples_*")):
        shutil.copy(file, tmp_path / f".{file.name}")
        shutil.copy(file, tmp_path / f"{file.name}.part")
    assert len(find_logs([tmp_path])[1]) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    run(tmp_path / "m1")
    closed = run(tmp_path / "m2")
    closed.chmod(0)
    try:
        with pytest.raises(LogError, match="m2: cannot be read"):
            read_logs(tmp_path)
    finally:
        closed.chmod(0o755)


def test_folders_may_go_while_they_are_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "m1")
    run(tmp_path / "m2", model_args="pretrained=org/model-b")
    stock = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("m2"):
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return stock(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert models(tmp_path) == ["org/model-a"]


# --- broken logs -----------------------------------------------------------------------------------


def halve(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("pattern", ["samples_bank_noop_*", "results_*"])
def test_broken_runs_are_refused_or_left_out_by_name(tmp_path: Path, pattern: str) -> None:
    run(tmp_path / "m1")
    [file] = run(tmp_path / "m2", model_args="pretrained=org/model-b").glob(pattern)
    halve(file)
    with pytest.raises(LogError, match=file.name):
        read_logs(tmp_path)
    found = read_logs(tmp_path, skip_broken=True)
    assert [series.model.name for series in found.series] == ["org/model-a"]
    [told] = [warning for warning in found.warnings if warning.startswith("Left out: ")]
    assert file.name in told
    with pytest.raises(LogError, match=file.name):
        read_logs(tmp_path / "m2", skip_broken=True)


def test_samples_before_their_results_are_left_out(tmp_path: Path) -> None:
    run(tmp_path / "m1")
    [results] = run(tmp_path / "m2", model_args="pretrained=org/model-b").glob("results_*")
    results.unlink()
    with pytest.raises(LogError, match="no results file of the same timestamp"):
        read_logs(tmp_path)
    assert models(tmp_path, skip_broken=True) == ["org/model-a"]


def test_the_leaderboard_grows_with_its_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    logs, site = tmp_path / "logs", tmp_path / "site"
    build = ["leaderboard", "build", str(logs), "--out", str(site)]
    run(logs / "m1")
    run(logs / ".m2.77", model_args="pretrained=org/model-b")
    assert main(build) == 0
    first = json.loads((site / "data" / "board.json").read_text())
    assert {row["model"] for row in first["rows"]} == {"org/model-a"}
    (logs / ".m2.77").rename(logs / "m2")
    [broken] = run(logs / "m3", model_args="pretrained=org/model-c").glob("samples_bank_noop_*")
    whole = broken.read_bytes()
    halve(broken)
    capsys.readouterr()
    assert main(build) == 3
    assert broken.name in capsys.readouterr().err
    assert json.loads((site / "data" / "board.json").read_text()) == first
    assert main([*build, "--skip-broken"]) == 0
    told = capsys.readouterr().err
    assert told.startswith("rote leaderboard: Left out: ")
    assert broken.name in told
    second = json.loads((site / "data" / "board.json").read_text())
    assert {row["model"] for row in second["rows"]} == {"org/model-a", "org/model-b"}
    assert any(broken.name in warning for warning in second["warnings"])
    broken.write_bytes(whole)
    assert main([*build, "--skip-broken"]) == 0
    third = json.loads((site / "data" / "board.json").read_text())
    assert {row["model"] for row in third["rows"]} == {"org/model-a", "org/model-b", "org/model-c"}


# --- the gate --------------------------------------------------------------------------------------


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A command that waits for the folder ``new``, which is not there yet."""
    monkeypatch.setattr("rote.cli.gate.LOOK", 0.05)
    run(tmp_path / "old", model_args="pretrained=org/before")
    checks = [
        {"variant": "original", "metric": "accuracy", "margin": 30, "tier": "critical"},
        {"variant": "noop", "metric": "drop", "margin": 40, "tier": "critical"},
    ]
    (tmp_path / "policy.yaml").write_text(json.dumps({"checks": checks}))
    base = ["gate", "--baseline", str(tmp_path / "base.json")]
    assert main([*base, "--candidate", str(tmp_path / "old"), "--update-baseline"]) == 0
    return [*base, "--policy", str(tmp_path / "policy.yaml"), "--live", "--candidate", str(tmp_path / "new")]


def test_the_gate_waits_until_all_is_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, gate: list[str]
) -> None:
    new = tmp_path / "new"

    def grow() -> None:
        time.sleep(0.2)
        run(new / "a", "original")
        time.sleep(0.3)
        [file] = run(tmp_path / "aside", "noop", time=OTHER).glob("samples_*")
        whole = file.read_bytes()
        halve(file)
        (tmp_path / "aside").rename(new / "b")
        time.sleep(0.3)
        (new / "b" / file.name).write_bytes(whole)

    growing = threading.Thread(target=grow)
    growing.start()
    try:
        assert main([*gate, "--wait", "60"]) == 0
    finally:
        growing.join()
    said = capsys.readouterr()
    assert "PASS" in said.out
    waits = [line for line in said.err.splitlines() if "waiting for the candidate" in line]
    assert "no such file or folder" in waits[0]
    assert any("noop, 40 of 40 templates" in line for line in waits)


def test_the_gate_gives_up_and_says_what_lacks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, gate: list[str]
) -> None:
    run(tmp_path / "new", "original")
    assert main([*gate, "--wait", "0.2"]) == 3
    told = capsys.readouterr().err
    assert "after 0.2 seconds the candidate still lacks:" in told
    assert "noop, 40 of 40 templates" in told


def test_what_does_not_go_with_waiting(capsys: pytest.CaptureFixture[str], gate: list[str]) -> None:
    for words, message in (
        (["--model", "hf"], "--live waits for the logs of --candidate or evaluates --model"),
        (["--update-baseline"], "--live waits for the logs of --candidate or evaluates --model"),
        (["--wait", "-1"], "--wait must be 0 seconds or more, got -1"),
        (["--wait", "nan"], "--wait must be 0 seconds or more, got nan"),
    ):
        assert main([*gate, *words]) == 3
        assert message in capsys.readouterr().err
    assert main([word for word in gate if word != "--live"] + ["--wait", "3"]) == 3
    assert "--wait goes with --live and --candidate" in capsys.readouterr().err

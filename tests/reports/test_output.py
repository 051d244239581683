"""Files are written whole or not at all, and nothing foreign is replaced; the command does the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from log_factory import Run, behaviour, full_run

from rote.cli import main
from rote.errors import UsageError
from rote.reports import build_report, read_logs, write_report
from rote.reports.report import Report


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    full_run(folder, behaviour({"original": 0.8}), templates=5, k=1).write()
    return folder


@pytest.fixture(scope="module")
def report(logs: Path) -> Report:
    return build_report(read_logs(logs))


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("r.html", "<!doctype html>"),
        ("r.HTM", "<!doctype"),
        ("r.md", "<!-- rote report -->"),
        ("r.json", "{"),
    ],
)
def test_format_follows_the_suffix(tmp_path: Path, report: Report, name: str, start: str) -> None:
    path = write_report(report, tmp_path / "new" / "folder" / name)
    assert path.read_text(encoding="utf-8").startswith(start)
    assert [p.name for p in path.parent.iterdir()] == [name]


def test_format_can_be_named(tmp_path: Path, report: Report) -> None:
    json.loads(write_report(report, tmp_path / "report", format="json").read_text(encoding="utf-8"))
    with pytest.raises(UsageError, match="cannot tell the format"):
        write_report(report, tmp_path / "report.pdf")
    with pytest.raises(UsageError, match="unknown format"):
        write_report(report, tmp_path / "report.html", format="pdf")


@pytest.mark.parametrize("first", ["html", "md", "json"])
@pytest.mark.parametrize("second", ["html", "md", "json"])
def test_a_report_may_be_replaced_by_a_report(
    tmp_path: Path, report: Report, first: str, second: str
) -> None:
    path = tmp_path / "out"
    write_report(report, path, format=first)
    write_report(report, path, format=second)


def test_a_foreign_file_is_kept_without_force(tmp_path: Path, report: Report) -> None:
    path = tmp_path / "index.html"
    path.write_text("<p>mine", encoding="utf-8")
    with pytest.raises(UsageError, match="--force"):
        write_report(report, path)
    assert path.read_text(encoding="utf-8") == "<p>mine"
    write_report(report, path, force=True)
    assert "rote report" in path.read_text(encoding="utf-8")


def test_a_folder_is_no_target(tmp_path: Path, report: Report) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        write_report(report, tmp_path, format="html", force=True)


def test_a_failed_write_leaves_the_old_report(
    tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.json"
    write_report(report, path)
    before = path.read_bytes()

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match="No space left"):
        write_report(report, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


# --- rote report -----------------------------------------------------------------------------------


def test_command_prints_a_table_and_the_path(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    assert main(["report", str(logs), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "symbolic" in printed
    assert printed.rstrip().endswith(str(out))
    assert out.stat().st_size > 20_000


def test_command_without_out_only_prints(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(logs)]) == 0
    assert "org/model-a" in capsys.readouterr().out


def test_command_fails_with_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "nowhere"), "--out", str(tmp_path / "r.html")]) >= 3
    captured = capsys.readouterr()
    assert "no such file or folder" in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert not (tmp_path / "r.html").exists()


def test_command_checks_its_target_before_it_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "nowhere"), "--out", str(tmp_path / "r.pdf")]) >= 2
    assert "cannot tell the format" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "nowhere"), "--format", "md"]) >= 2
    assert "--out" in capsys.readouterr().err


def test_command_unpaired(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Run(tmp_path).add("symbolic", 4, behaviour({"original": 0.5})).write()
    assert main(["report", str(tmp_path)]) >= 3
    assert "--unpaired" in capsys.readouterr().err
    assert main(["report", str(tmp_path), "--unpaired"]) == 0
    assert "not estimable" in capsys.readouterr().out

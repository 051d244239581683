"""``rote demo --planted`` from nothing to a report, and the verdicts that it must reach."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rote.errors import UsageError
from rote.harness_ext.demo import PLANTED, replaced_folder
from rote.reports import build_report, read_logs
from rote.reports.report import Report, SeriesReport


class Demo:
    """One run of the command."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "out"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.done = subprocess.run(
            [sys.executable, "-m", "rote", "demo", "--planted", "--out", str(self.out)],
            capture_output=True,
            text=True,
            cwd=folder,
            # As in a folder that is no git repository, wherever temporary folders are.
            env={**os.environ, "OMP_NUM_THREADS": "1", "GIT_CEILING_DIRECTORIES": str(folder.parent)},
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Of the processor, one thread: what the clock on the wall would say on a machine left alone.
        self.seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    made = Demo(tmp_path_factory.mktemp("demo"))
    assert made.done.returncode == 0, made.done.stderr[-4000:]
    return made


@pytest.fixture(scope="module")
def report(demo: Demo) -> Report:
    return build_report(read_logs(demo.out / "results"))


def series(report: Report, behaviour: str) -> SeriesReport:
    [found] = [s for s in report.series if s.model == f"planted-{behaviour}"]
    return found


def kinds(found: SeriesReport) -> dict[str, str]:
    return {result.variant: result.finding.kind for result in found.variants}


@pytest.mark.slow
class TestDemo:
    def test_it_is_quick(self, demo: Demo) -> None:
        assert demo.seconds < 60

    def test_it_prints_a_table_and_the_path(self, demo: Demo) -> None:
        lines = demo.done.stdout.splitlines()
        assert lines[-1] == str(demo.out / "report.html")
        assert lines[0].startswith("model")
        assert (demo.out / "report.html").stat().st_size > 10_000
        assert sorted(path.name for path in demo.out.iterdir()) == ["report.html", "results"]

    def test_its_progress_is_lines_of_its_own_only(self, demo: Demo) -> None:
        assert len(demo.done.stderr.splitlines()) == 1 + len(PLANTED)
        assert "WARNING" not in demo.done.stderr

    def test_memorisers_drop_is_found(self, report: Report) -> None:
        memoriser = series(report, "memorizer")
        assert memoriser.verdict.conclusions[0] == "consistent with memorisation"
        found = kinds(memoriser)
        assert (found["numbers"], found["symbolic"]) == ("drop", "drop")
        assert found["symbolic_noop"] == "drop"
        same_numbers = ("names", "noop", "noop2", "noop_control")
        assert {found[variant] for variant in same_numbers} == {"no drop"}

    @pytest.mark.parametrize("behaviour", ["solver", "noisy"])
    def test_solvers_drop_is_not(self, report: Report, behaviour: str) -> None:
        solver = series(report, behaviour)
        assert solver.verdict.conclusions == ("no drop found",)
        assert set(kinds(solver).values()) == {"no drop"}

    def test_noisy_solver_is_wrong_now_and_then(self, report: Report) -> None:
        for result in series(report, "noisy").variants:
            assert 0.65 < result.accuracy.estimate < 0.95

    def test_distractible_one_is_trapped(self, report: Report) -> None:
        distractible = series(report, "distractible")
        assert distractible.verdict.conclusions == ("distractible",)
        with_numbers = {"noop", "noop2", "symbolic_noop"}
        assert {v for v, kind in kinds(distractible).items() if kind != "no drop"} == with_numbers
        for result in distractible.variants:
            if result.variant in with_numbers:
                assert result.trapped is not None
                assert 0.35 < result.trapped.estimate < 0.65

    def test_logs_carry_no_temporary_path(self, demo: Demo) -> None:
        html = (demo.out / "report.html").read_text(encoding="utf-8")
        assert f".{demo.out.name}-" not in html


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "out"
    assert not list(tmp_path.glob(".out*")), "nothing half-made stays"


def earlier(out: Path) -> None:
    (out / "results").mkdir(parents=True)
    (out / "report.html").write_text("old", encoding="utf-8")


def test_new_folder_appears_when_complete(out: Path) -> None:
    with replaced_folder(out, force=False) as folder:
        assert not out.exists()
        (folder / "results").mkdir()
    assert [path.name for path in out.iterdir()] == ["results"]


def test_earlier_demonstration_gives_way_to_force_only(out: Path) -> None:
    earlier(out)
    with (
        pytest.raises(UsageError, match="earlier demonstration; --force"),
        replaced_folder(out, force=False),
    ):
        pass
    assert (out / "report.html").read_text(encoding="utf-8") == "old"
    with replaced_folder(out, force=True) as folder:
        (folder / "results").mkdir()
    assert [path.name for path in out.iterdir()] == ["results"]


def test_failure_keeps_what_was_there(out: Path) -> None:
    earlier(out)
    with pytest.raises(RuntimeError, match="broke"), replaced_folder(out, force=True):
        raise RuntimeError("broke")
    assert (out / "report.html").read_text(encoding="utf-8") == "old"


def test_folders_of_others_never_give_way(out: Path) -> None:
    out.mkdir()
    (out / "thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match=r"holds 'thesis\.tex', which no"), replaced_folder(out, force=True):
        pass
    assert (out / "thesis.tex").exists()


def test_file_is_no_folder(out: Path) -> None:
    out.write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="is a file; name a folder"), replaced_folder(out, force=True):
        pass

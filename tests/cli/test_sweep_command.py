"""``rote sweep`` from its plan to the table, with planted models."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rote.cli import main
from rote.harness_ext.sweeps import child, drive, run_job
from rote.reports import build_report, read_logs

FAKE = (
    sys.executable,
    str(Path(__file__).parents[1] / "harness_ext" / "sweeps" / "fake_child.py"),
)
NEEDS_RAY = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'rote[sweep]'"
)
SOLVER = {"name": "solver", "backend": "planted"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROTE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations that write logs in the shape of lm-eval's and load nothing."""
    stock = drive.local.run
    monkeypatch.setattr(
        drive.local, "run", lambda jobs, store, done, **more: stock(jobs, store, done, FAKE, **more)
    )


def write(*models: dict[str, Any], **others: Any) -> str:
    plan = {
        "results": "results",
        "models": list(models),
        "tasks": {"core": ["bank_original", "bank_symbolic"]},
        "limit": 4,
        **others,
    }
    Path("plan.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
    return "plan.yaml"


def sweep(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["sweep", *words])
    said = capsys.readouterr()
    return status, said.out, said.err


def checkpoint(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.joinpath("config.json").write_text("{}", encoding="utf-8")
    folder.joinpath("model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")


@pytest.mark.slow
def test_from_a_plan_to_a_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    noisy = {
        "name": "noisy",
        "backend": "planted",
        "model_args": {"behaviour": "noisy", "accuracy": 0.6},
        "priority": 1,
    }
    options: dict[str, Any] = {"formats": ["hash", "tags"], "rote": {"variants": 2}}
    plan = write(SOLVER, noisy, seeds=[0], **options)
    status, out, _ = sweep(capsys, plan, "--dry-run")
    assert status == 0
    assert [line.split() for line in out.splitlines()[2:4]] == [
        ["noisy", "rote-planted", "0", "1", "4", "2", "0"],
        ["solver", "rote-planted", "0", "0", "4", "2", "0"],
    ]
    assert not Path("results").exists()
    status, out, _ = sweep(capsys, plan)
    assert status == 0, out
    assert "2 jobs: 2 ran\n" in out
    report = build_report(read_logs(Path("results")))
    assert sorted({(series.label, row.variant) for series in report.series for row in series.variants}) == [
        (f"{name} · 8-shot{tags}", "symbolic")
        for name in ("noisy", "solver")
        for tags in ("", ", format tags")
    ]
    # A further seed: only that one is run. Nothing more to do: nothing is run.
    before = sorted(Path("results").rglob("*.json*"))
    plan = write(SOLVER, noisy, seeds=[0, 1], **options)
    _, out, _ = sweep(capsys, plan, "--dry-run")
    assert [line.split()[-2:] for line in out.splitlines()[2:4]] == [["4", "2"]] * 2
    status, out, _ = sweep(capsys, plan)
    assert status == 0
    assert set(before) < set(Path("results").rglob("*.json*"))
    status, out, _ = sweep(capsys, plan)
    assert (status, "2 jobs: 0 ran, 2 were there" in out) == (0, True)


@pytest.mark.slow
def test_logs_are_those_of_rote_eval(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = sweep(capsys, write(SOLVER, seeds=[3]))
    assert status == 0, out
    done = subprocess.run(
        [
            *(sys.executable, "-m", "rote", "eval", "--model", "rote-planted"),
            *("--model_args", "model=solver"),
            *("--tasks", "bank_original,bank_symbolic", "--limit", "4", "--seeds", "3", "-o", "alone"),
        ],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    mine, theirs = (
        {path.name.rpartition("_")[0]: path for path in Path(folder).rglob("*_20*.json*")}
        for folder in ("results", "alone")
    )
    assert mine.keys() == theirs.keys()
    for name in ("samples_bank_original", "samples_bank_symbolic"):
        assert mine[name].read_bytes() == theirs[name].read_bytes()
    one, other = (
        # Some functions stand there with where they lie in memory.
        json.loads(re.sub(r" at 0x\w+", "", files["results"].read_text(encoding="utf-8")))
        for files in (mine, theirs)
    )
    for table in ("results", "configs", "versions", "n-shot", "n-samples", "task_hashes", "sweep"):
        assert one[table] == other[table], table
    assert one["config"] == other["config"]


def test_one_bad_model_among_others(capsys: pytest.CaptureFixture[str], fake: None) -> None:
    bad = {"name": "bad", "backend": "planted", "model_args": {"then": "broken"}, "priority": 5}
    Path("checkpoints/half").mkdir(parents=True)
    plan = write(bad, SOLVER, {"glob": "checkpoints/*"})
    status, out, err = sweep(capsys, plan)
    assert status == 1
    rows = {line.split()[0]: line for line in out.splitlines()[2:5]}
    assert rows["bad"].endswith("broken checkpoint: SafetensorError: HeaderTooLarge")
    assert "config.json is not there" in rows["half"]
    assert re.search(r"bad +failed +0 of 1 +1 ", rows["bad"])
    assert re.search(r"solver +ran +1 +1 ", rows["solver"])
    assert "3 jobs: 1 ran, 2 failed" in out
    assert "rote sweep: bad failed" in err
    record = json.loads(Path("results/errors/bad.json").read_text(encoding="utf-8"))
    assert {key: record[key] for key in ("job", "attempts", "kind", "output")} == {
        "job": "bad",
        "attempts": 1,
        "kind": "broken checkpoint",
        "output": "loading bad\n",
    }
    assert Path("results/errors/half.json").exists()
    # Mended: what was there is not run, and no record is left.
    checkpoint(Path("checkpoints/whole"))
    Path("checkpoints/half").rmdir()
    status, out, _ = sweep(capsys, write({**bad, "model_args": {}}, SOLVER, {"glob": "checkpoints/*"}))
    assert status == 0
    assert "3 jobs: 2 ran, 1 was there" in out
    assert [path.name for path in Path("results/errors").iterdir()] == ["half.json"]


def test_results_in_the_memory_of_a_process(capsys: pytest.CaptureFixture[str], fake: None) -> None:
    plan = write(SOLVER, results="memory://sweep/results")
    assert sweep(capsys, plan)[0] == 0
    status, out, _ = sweep(capsys, plan)
    assert (status, "1 was there" in out) == (0, True)


def test_a_watched_folder_once(capsys: pytest.CaptureFixture[str], fake: None) -> None:
    checkpoint(Path("runs/step-1"))
    Path("runs/step-2").mkdir()
    plan = write({"watch": "runs", "gpus": 0})
    status, out, _ = sweep(capsys, plan, "--once")
    assert (status, "1 job: 1 ran" in out) == (0, True)
    Path("runs/step-2").rmdir()
    checkpoint(Path("runs/step-2"))
    status, out, _ = sweep(capsys, plan, "--once")
    assert (status, "2 jobs: 1 ran, 1 was there" in out) == (0, True)


def test_a_watched_folder_until_interrupted(
    capsys: pytest.CaptureFixture[str], fake: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drive, "_SETTLED", 0.0)
    Path("runs").mkdir()
    looks = []

    def pause(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 1:
            checkpoint(Path("runs/step-1"))
        if len(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(drive.time, "sleep", pause)
    plan = write({"watch": "runs"}, {"name": "bad", "backend": "planted", "model_args": {"then": "broken"}})
    status, out, err = sweep(capsys, plan, "--poll", "7")
    assert status == 130
    assert looks == [7, 7, 7]
    assert "2 jobs: 1 ran, 1 failed" in out
    assert err.count("bad failed (") == 1
    assert "interrupted" in err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"tasks": {"core": ["bank_origin"]}}, r"plan.yaml: tasks.core: no task 'bank_origin'; did you mean"),
        ({"tasks": {"core": ["bank_linear"]}, "formats": ["tags"]}, "is not there in the format 'tags'"),
        (
            {"tasks": {"a": ["bank_robustness"], "b": ["bank_noop_zeroshot"]}},
            "plan.yaml: tasks.b: the task 'bank_noop_zeroshot' is also in the set 'a'",
        ),
        ({"rote": {"variant": 3}}, "rote: unknown key under metadata 'rote': 'variant'; did you mean"),
        ({"shots": [9]}, "shots: 9: rote's tasks have 8 exemplars"),
        ({"models": [{"name": "errors", "backend": "planted"}]}, "'errors' is the folder of the records"),
        ({"models": [{"glob": "none/*"}]}, r"plan.yaml [models.0.glob]: 'none/*' matches no folder"),
        ({"results": "plan.yaml/x"}, "results "),
    ],
)
def test_what_cannot_be(change: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = sweep(
        capsys, write(**{"models": [], **change}) if "models" in change else write_one(change)
    )
    assert status == 3
    assert told in err


def write_one(change: dict[str, Any]) -> str:
    return write(SOLVER, **change)


def test_a_poll_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep(capsys, write(SOLVER), "--poll", "0")[0] == 3


def test_a_process_ends_with_its_parent(tmp_path: Path) -> None:
    """What evaluates is ended as soon as its parent is another process."""
    code = "import threading, time; from rote.harness_ext.sweeps.child import die_with; die_with(1)"
    done = subprocess.run([sys.executable, "-c", code], start_new_session=True, check=False)
    assert done.returncode == -9
    assert run_job.CHILD[-1] == child.__name__


@NEEDS_RAY
@pytest.mark.slow
def test_on_ray(tmp_path: Path) -> None:
    """A whole sweep on a Ray of this machine, and a job that no node can place."""
    write(SOLVER, {**SOLVER, "name": "second"}, limit=2)
    done = subprocess.run(
        [sys.executable, "-m", "rote", "sweep", "plan.yaml", "--ray"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 jobs: 2 ran" in done.stdout
    assert len(list(Path("results").rglob("results_*.json"))) == 2
    write({**SOLVER, "name": "large", "gpus": 512, "cpus": 2})
    done = subprocess.run(
        [sys.executable, "-m", "rote", "sweep", "plan.yaml", "--ray"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "large asks for 512 GPUs and 2 CPUs on one node. There is one node with" in done.stderr


def test_ray_that_does_not_answer_or_is_not_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    status, _, err = sweep(capsys, write(SOLVER), "--ray")
    assert status == 3
    assert "pip install 'rote[sweep]'" in err

"""Commands in processes of their own: what a signal does to them, and to what would come next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from runs import recipe_of, stage_of, write_recipe

from rote.cli import main
from rote.train import children, grid
from rote.train.children import Ended, run_child

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

#: Sleeps until a signal comes, then takes a while to "write its checkpoint".
CHILD = """
import pathlib, signal, sys, time
def note(number, frame):
    time.sleep(0.3)
    pathlib.Path(sys.argv[1]).write_text(signal.Signals(number).name)
    sys.exit(130)
signal.signal(signal.SIGTERM, note)
signal.signal(signal.SIGINT, note)
print("ready", flush=True)
time.sleep(60)
"""
PARENT = """
import sys
from rote.train.children import run_child
ended = run_child([sys.executable, "-c", *sys.argv[1:]])
print(ended.status, ended.stopped)
"""


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_child_that_is_asked_to_stop_writes_its_checkpoint_first(name: str, tmp_path: Path) -> None:
    written = tmp_path / "checkpoint"
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD, str(written)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        if name == "SIGINT":
            os.killpg(parent.pid, signal.SIGINT)  # as a terminal does
        else:
            parent.send_signal(signal.SIGTERM)
        assert parent.stdout.read() == "130 True\n"
    assert parent.returncode == 0
    assert written.read_text() == name


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_status_is_the_childs_and_the_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert run_child(python("pass")) == Ended(0, False)
    assert run_child(python("raise SystemExit(3)")) == Ended(3, False)
    assert run_child(python("raise SystemExit(130)")) == Ended(130, True)
    with pytest.raises(OSError, match="no-such-command"):
        run_child(["no-such-command"])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@POSIX
def test_a_child_that_the_signal_ends_at_once() -> None:
    assert run_child(python("import os; os.kill(os.getpid(), 15)")) == Ended(130, True)
    assert run_child(python("import os; os.kill(os.getpid(), 9)")) == Ended(-9, False)


@POSIX
def test_a_signal_that_the_child_does_not_heed_stops_what_comes_next() -> None:
    assert run_child(python("import os; os.kill(os.getppid(), 2)")) == Ended(0, True)


def test_outside_the_main_thread() -> None:
    found: list[Ended] = []
    thread = threading.Thread(target=lambda: found.append(run_child(python("raise SystemExit(4)"))))
    thread.start()
    thread.join()
    assert found == [Ended(4, False)]


class Children:
    """Stands for ``run_child``: notes the command lines, gives the endings in order."""

    def __init__(self, *endings: Ended) -> None:
        self.endings = list(endings)
        self.lines: list[list[str]] = []

    def __call__(self, line: list[str]) -> Ended:
        self.lines.append([str(word) for word in line])
        return self.endings.pop(0)


def test_a_grid_stops_after_a_child_that_was_stopped(tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip("matplotlib", reason="needs rote[train]")
    made = Children(Ended(3, False), Ended(130, True))
    monkeypatch.setattr(grid, "run_child", made)
    words = ["--grid", "learning_rate=1e-5,1e-6,1e-7", "--track", "wandb", "--track", "trackio"]
    assert main(["train", "sft", "tiny", *words, "--out", str(tmp_path)]) == 130
    assert len(made.lines) == 2
    for line in made.lines:
        assert line[-4:] == ["--track", "wandb", "--track", "trackio"]
    assert (tmp_path / "grid.csv").read_text().splitlines() == [
        "learning_rate,status",
        "1e-5,3",
        "1e-6,130",
    ]


@pytest.mark.parametrize(
    ("ending", "status"), [(Ended(130, True), 130), (Ended(0, True), 130), (Ended(3, False), 3)]
)
def test_stages_in_processes_of_their_own_stop_too(
    ending: Ended, status: int, tmp_path: Path, monkeypatch: Any
) -> None:
    made = Children(Ended(0, False), ending)
    monkeypatch.setattr(children, "run_child", made)
    stages = {name: stage_of("sft", tmp_path / "rows.jsonl") for name in ("first", "second", "third")}
    raw = recipe_of(stages, model={"path": "some/model", "engine": "unsloth"})
    recipe = str(write_recipe(tmp_path / "r.yaml", raw))
    words = ["--track", "wandb", "--track", "trackio", "--out", str(tmp_path / "out")]
    assert main(["train", "sft", recipe, *words]) == status
    assert len(made.lines) == 2
    assert made.lines[0][4:] == ["sft", recipe, *words, "--one-stage"]
    assert made.lines[1][-1] == "--resume"


@pytest.mark.parametrize("flag", ["--dry-run", "--then-eval", "--one-stage"])
def test_a_grid_does_not_go_with(flag: str, tmp_path: Path, capsys: Any) -> None:
    words = ["--grid", "epochs=1,2", flag, "--out", str(tmp_path / "out")]
    assert main(["train", "sft", "tiny", *words]) == 3
    assert f"--grid does not go with {flag}; give one of the two" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

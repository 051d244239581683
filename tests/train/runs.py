"""Small recipes and runs of them, for the tests of training. All sentences are our own."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SUMS = ((1, 1), (2, 3), (3, 1), (4, 2), (5, 3), (2, 1), (4, 5), (3, 4))

#: A checkpoint at the last step alone.
AT_END = {"every_steps": 0, "every_minutes": 0}
#: A model of 1.5 million weights, and the steps of SFT after which it writes answers in the format, some of
#: them right.
TAUGHT = {"hidden": 256, "layers": 2, "heads": 4, "feed_forward": 512, "vocabulary": 500}
TAUGHT_STEPS = 34


def write_rows(path: Path, sums: tuple[tuple[int, int], ...] = SUMS) -> Path:
    """One row of training data a sum."""
    records = [
        {
            "question": f"Ann has {a} pens. She gets {b} more. How many pens has she?",
            "solution": f"{a} + {b} = <<{a}+{b}={a + b}>>{a + b}\n#### {a + b}",
        }
        for a, b in sums
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def data_of(rows: Path) -> dict[str, Any]:
    return {"sources": [{"source": "jsonl", "path": str(rows)}], "decontaminate": None}


def model_of(**build: Any) -> dict[str, Any]:
    """A model to build: some 20,000 weights unless told otherwise."""
    small = {"hidden": 16, "layers": 1, "heads": 2, "feed_forward": 32, "positions": 1024, "vocabulary": 320}
    return {"path": "pens", "dtype": "float32", "max_length": 200, "build": {**small, **build}}


def stage_of(algorithm: str, rows: Path, **fields: Any) -> dict[str, Any]:
    """Few steps of an algorithm; those that sample are rewarded for keeping the format, too."""
    stage: dict[str, Any] = {
        "algorithm": algorithm,
        "data": data_of(rows),
        "learning_rate": 1e-3,
        "max_steps": 5,
        "batch_size": 4,
        "log_every": 1,
        "checkpoints": {"every_steps": 2, "every_minutes": 0},
    }
    if algorithm != "sft":
        # A coin gives a model of random weights something to learn from in every group.
        stage |= {
            "max_completion": 6,
            "rewards": {"correctness": 1.0, "random": 1.0, "control": True},
        }
    if algorithm in ("grpo", "rloo"):
        stage["generations"] = 4
    if algorithm == "ppo":
        stage |= {"rollouts": 8, "batch_size": 4, "mini_batch": 2}
    return stage | fields


def recipe_of(
    stages: Mapping[str, Any], *, model: dict[str, Any] | None = None, **parts: Any
) -> dict[str, Any]:
    """A recipe as its file holds it."""
    return copy.deepcopy(
        {
            "name": "pens",
            "about": "Sums of pens, for tests.",
            "model": model if model is not None else model_of(),
            "stages": dict(stages),
            **parts,
        }
    )


def write_recipe(path: Path, raw: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: exit status (minus the signal that killed it), what it printed, CPU seconds."""

    status: int
    printed: str
    cpu: float


class Job:
    """A run that has begun."""

    def __init__(self, log: Path, status: Path) -> None:
        self._log, self._status = log, status

    def wait(self, seconds: float = 300) -> Ended:
        began = time.monotonic()
        while not self._status.is_file():
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"a run takes over {seconds} s: {self._log.read_text(encoding='utf-8')}")
            time.sleep(0.02)
        status, cpu = self._status.read_text(encoding="utf-8").split()
        return Ended(int(status), self._log.read_text(encoding="utf-8"), float(cpu))


class Server:
    """Starts runs of ``rote``; see :mod:`run_server`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("run_server.py"))],
            stdin=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def start(self, *argv: object, event: dict[str, Any] | None = None) -> Job:
        """Begin a run, with something that happens to it at the n-th call of a function."""
        self._count += 1
        log, status = (self._folder / f"{self._count}.{name}" for name in ("log", "status"))
        log.touch()
        request = {
            "argv": [str(word) for word in argv],
            "log": str(log),
            "status": str(status),
            "event": event,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Job(log, status)

    def run(self, *argv: object, event: dict[str, Any] | None = None) -> Ended:
        return self.start(*argv, event=event).wait()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

"""Jobs whose evaluation is :mod:`fake_child`'s."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rote.harness_ext.sweeps.jobs import Job, Unit

FAKE = (sys.executable, "-S", "-E", str(Path(__file__).with_name("fake_child.py")))


def unit(seed: int = 0, key: str = "a1", tasks: tuple[str, ...] = ("bank_original",)) -> Unit:
    return Unit(f"core.hash.seed{seed}", seed, tasks, key, {"seed": seed})


def job(name: str, *units: Unit, retries: int = 0, time_limit: float | None = None, **said: Any) -> Job:
    return Job(
        name, name, "rote-planted", dict(said), units or (unit(),), retries=retries, time_limit=time_limit
    )


def journal(path: Path) -> list[tuple[str, str]]:
    """(start or end, name of the job), in order."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(line.split()[0], line.split()[1]) for line in lines]

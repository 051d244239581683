"""The simulation of ``sweep_scale.py``: a line of its table, and whether every job came out as planned."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from simulated_ray import Pretence, SimulatedRay, simulated

from rote.harness_ext.sweeps.drive import Settings, Sweep
from rote.harness_ext.sweeps.jobs import Job, from_json
from rote.harness_ext.sweeps.plan import Plan
from rote.harness_ext.sweeps.store import Folder
from rote.harness_ext.sweeps.table import ending
from rote.harness_ext.sweeps.tasks import TaskGroup

#: Nodes of the cluster, each with so many CPUs and GPUs.
NODES, CPUS, GPUS = 32, 16, 8
#: A node that is away: its number, and from when to when in seconds.
AWAY: Final = (5, 3000.0, 6000.0)
#: Shares of what becomes of a job, in per cent.
THEN: Final = {"ok": 94, "broken": 1, "lost": 1, "lost_once": 4}
TITLE: Final = f"Simulated: {NODES} nodes of {GPUS} GPUs, one of them away for 50 minutes; outcomes checked"
HEADER: Final = (
    "jobs of",
    "jobs",
    "attempts",
    "ran",
    "failed",
    "hours",
    "efficiency",
    "until none waits",
    "driver CPU ms a job",
    "took s",
)
GROUPS: Final = [TaskGroup("core", "hash", 0, ("bank_original",), "x")]


def line(count: int, mixed: bool, folder: Path) -> list[str]:
    """Simulate a sweep of jobs of some 280 seconds, all of one GPU or ``mixed``: of 1, 2, 4 and 8.

    Efficiency is seconds × GPUs of all attempts by what the nodes had, to the end and until no job waited.
    Raises AssertionError where a job did not come out as planned.
    """
    draw, pretence = random.Random(0), Pretence()
    models = [_model(i, mixed, draw) for i in range(count)]
    ray = SimulatedRay([(CPUS, GPUS)] * NODES, pretence.seconds)
    ray.lose(*AWAY)
    cpu, begun = time.process_time(), time.perf_counter()
    results = str(folder / f"simulated-{mixed}")
    plan = Plan.model_validate({"results": results, "models": models, "tasks": {"core": ["bank_original"]}})
    sweep = Sweep(plan, None, Folder(Path(results)), GROUPS, lambda said: None)
    sweep.store.check()
    with simulated(ray, pretence):
        sweep.round(
            Settings(ray=True), SimpleNamespace(total=0, update=lambda n=1: None, refresh=lambda: None)
        )
    ending(list(sweep.rows.values()))
    cpu, wall = time.process_time() - cpu - ray.spent, time.perf_counter() - begun
    _check(sweep, ray, pretence)
    waited = max(task.started for task in ray.starts)
    states = Counter(row.state for row in sweep.rows.values())
    return [
        "1, 2, 4, 8 GPUs" if mixed else "1 GPU each",
        *(f"{number:,}" for number in (count, len(ray.starts), states["ran"], states["failed"])),
        f"{ray.now / 3600:.2f}",
        *(f"{ray.work(until) / _capacity(until):.3f}" for until in (ray.now, waited)),
        f"{1000 * cpu / count:.2f}",
        f"{wall:.0f}",
    ]


def _model(number: int, mixed: bool, draw: random.Random) -> dict[str, Any]:
    return {
        "name": f"m{number:05}",
        "backend": "planted",
        "gpus": draw.choice((1, 1, 1, 1, 2, 2, 4, 8)) if mixed else 1,
        "priority": draw.randrange(3),
        "retries": 2,
        "model_args": {
            "seconds": draw.lognormvariate(5.5, 0.5),
            "then": draw.choices(list(THEN), list(THEN.values()))[0],
        },
    }


def _capacity(until: float) -> float:
    """Seconds × GPUs that there were up to a moment."""
    return GPUS * (NODES * until - max(0.0, min(AWAY[2], until) - AWAY[1]))


def _check(sweep: Sweep, ray: SimulatedRay, pretence: Pretence) -> None:
    started = [from_json(task.words[0]) for task in ray.starts]
    starts = Counter(one.name for one in started)
    good = set()
    for model in sweep.plan.models:
        name, then = str(model.name), model.model_args["then"]
        row, ended = sweep.rows[name], pretence.ended[name]
        # Those that the node took with it came to no end. No job is that unlucky more than once.
        lost = starts[name] - ended
        assert row.attempts == starts[name] == (3 if then == "lost" else 1 + (then == "lost_once") + lost), (
            row
        )
        assert row.state == ("ran" if then in ("ok", "lost_once") else "failed"), row
        if row.state == "ran":
            good.add(name)
    assert {model for model, _ in sweep.store.there()} == good
    assert set(sweep.store.errors()) == set(starts) - good
    first: dict[str, Job] = {}
    for one in started:
        first.setdefault(one.name, one)
    for gpus in {one.gpus for one in started}:
        order = [one.priority for one in first.values() if one.gpus == gpus]
        assert order == sorted(order, reverse=True), f"priorities of jobs of {gpus} GPUs"
    again = Sweep(sweep.plan, None, sweep.store, GROUPS, lambda said: None)
    assert {one.model for one in again.look()[1]} == set(starts) - good

"""The order in which jobs are handed to Ray, and what becomes of them, on a simulated cluster."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from simulated_ray import Pretence, SimulatedRay, simulated
from sweep_jobs import job

from rote.errors import UsageError
from rote.harness_ext.sweeps import failures, on_ray
from rote.harness_ext.sweeps.jobs import Job, from_json
from rote.harness_ext.sweeps.run_job import Ended
from rote.harness_ext.sweeps.store import Folder

KINDS = ("ok",) * 16 + ("broken", "lost", "lost_once", "lost_once")


def planned(count: int, gpus: tuple[int, ...] = (1,), then: tuple[str, ...] = KINDS) -> list[Job]:
    """Jobs of priorities 2, 1, 0, in that order, as a plan's are."""
    draw = random.Random(0)
    found = []
    for i in range(count):
        said: dict[str, Any] = {"seconds": draw.uniform(50, 150), "then": draw.choice(then)}
        one = job(f"m{i:03}", retries=2, **said)
        found.append(replace(one, priority=draw.randrange(3), gpus=draw.choice(gpus)))
    return sorted(found, key=lambda one: -one.priority)


def run(ray: SimulatedRay, pretence: Pretence, jobs: list[Job], folder: Path) -> dict[str, Ended]:
    store = Folder(folder / "results")
    store.check()
    ended: dict[str, Ended] = {}

    def done(one: Ended) -> None:
        assert one.job.name not in ended
        ended[one.job.name] = one

    with simulated(ray, pretence):
        on_ray.run(jobs, store, done)
    return ended


def check_outcomes(jobs: list[Job], ended: dict[str, Ended]) -> None:
    wanted = {
        "ok": (None, 1),
        "lost_once": (None, 2),
        "broken": (failures.BROKEN, 1),
        "lost": (failures.LOST, 3),
    }
    assert sorted(ended) == sorted(one.name for one in jobs)
    for one in jobs:
        found = ended[one.name]
        failure = found.attempt.failure
        told = (None if failure is None else failure.kind, found.attempts)
        assert told == wanted[one.model_args["then"]], one.name


def test_priorities_retries_and_failures(tmp_path: Path) -> None:
    jobs, pretence = planned(400), Pretence()
    ray = SimulatedRay([(16, 8), (16, 8)], pretence.seconds)
    ended = run(ray, pretence, jobs, tmp_path)
    check_outcomes(jobs, ended)
    good = {one.name for one in jobs if one.model_args["then"] in ("ok", "lost_once")}
    assert {model for model, _ in Folder(tmp_path / "results").there()} == good
    # First attempts start by priority, save for the few that Ray holds already.
    first: dict[str, int] = {}
    for task in ray.starts:
        one = from_json(task.words[0])
        first.setdefault(one.name, one.priority)
    order = list(first.values())
    assert order == sorted(order, reverse=True)
    assert ray.work() / (16 * ray.now) > 0.9


def test_a_job_that_is_tried_again_does_not_wait_for_all_others(tmp_path: Path) -> None:
    jobs, pretence = planned(100, then=("ok",)), Pretence()
    jobs[0] = replace(jobs[0], model_args={"seconds": 100.0, "then": "lost_once"})
    ray = SimulatedRay([(4, 4)], pretence.seconds)
    run(ray, pretence, jobs, tmp_path)
    places = [i for i, task in enumerate(ray.starts) if from_json(task.words[0]).name == jobs[0].name]
    # After those that ran beside it and the few in Ray's hands.
    assert places[0] == 0
    assert places[1] < 4 + 4 + 4


def test_a_node_that_is_lost_and_comes_back(tmp_path: Path) -> None:
    jobs, pretence = planned(200, then=("ok",)), Pretence()
    ray = SimulatedRay([(8, 8), (8, 8)], pretence.seconds)
    ray.lose(1, at=210.0, until=700.0)
    ended = run(ray, pretence, jobs, tmp_path)
    assert {one.attempt.failure for one in ended.values()} == {None}
    assert Counter(one.attempts for one in ended.values()) == {1: 192, 2: 8}
    # Nothing ran twice to its end.
    assert set(pretence.ended.values()) == {1}


@pytest.mark.parametrize("order", ["mixed", "large last"])
def test_large_and_small_jobs_side_by_side(order: str, tmp_path: Path) -> None:
    """A large job at the head of the queue leaves no GPUs idle, and small ones do not keep it from a node."""
    jobs, pretence = planned(400, gpus=(1,) * 12 + (8,), then=("ok",)), Pretence()
    if order == "large last":
        jobs.sort(key=lambda one: (-one.priority, one.gpus))
    ray = SimulatedRay([(16, 8)] * 8, pretence.seconds)
    ended = run(ray, pretence, jobs, tmp_path)
    assert len(ended) == 400
    assert ray.work() / (64 * ray.now) > 0.8


def test_room_by_what_jobs_take() -> None:
    small, large = (replace(job("m"), gpus=gpus) for gpus in (1, 8))
    handed = on_ray.Handed([{"CPU": 16.0, "GPU": 8.0}] * 2)

    numbers = iter(range(100))

    def fill(one: Job) -> int:
        count = 0
        while handed.room():
            handed.add(next(numbers), one, 1)
            count += 1
        return count

    assert fill(large) == 2 + 4
    assert [handed.remove(i)[0].gpus for i in range(6)] == [8] * 6
    assert fill(small) == 16 + 4
    for i in range(6, 6 + 8):
        handed.remove(i)
    # Twelve small ones leave four places of sixteen: one large one for those, and four ahead.
    assert fill(large) == 1 + 4
    # Of nodes that are gone: nothing that only they had room for keeps others back.
    handed.look([{"CPU": 16.0, "GPU": 4.0}])
    assert not handed.room()
    for i in range(14, 26):
        handed.remove(i)
    assert handed.room()
    handed.look([])
    assert handed.room()


def test_what_no_node_can_place(tmp_path: Path) -> None:
    ray, jobs = SimulatedRay([(4, 2)], lambda *_: 1.0), planned(3, gpus=(4,))
    with pytest.raises(UsageError, match="There is one node with 2 GPUs and 4 CPUs"):
        run(ray, Pretence(), jobs, tmp_path)
    assert ray.starts == []

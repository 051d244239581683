"""What a sweep costs beside its evaluations: on a Ray of this machine, in one process, and by simulation.

    python benchmarks/sweep_scale.py [--quick] [--only ray,overhead,simulation]

ray: jobs that sleep for a fixed time, on 1, 2, 4 and 8 workers of a Ray started here. Efficiency is the ideal
time (jobs × latency / workers) by the wall time; the start of Ray and of its workers is told apart. A process
of its own for every job, as light as one can be, is within.

overhead: 1,000 jobs without latency. Counted is all that the driver and a worker do for a job: reading the
plan, keys, listing results, scheduling, the folder to write to, the check of logs, their move into place and
the table, and what passes between the moment in which the process of a job has written its logs and that in
which its end is noticed. Apart are the imports of a sweep, which come once, and the process of each job up to
that moment: a light one that stands for an evaluation. What a real one takes, which imports lm-eval, is told.
On Ray the processes are those of a worker; the median of the same process started by hand is taken for them.

simulation: 10,000 jobs on 256 GPUs of 32 nodes, by the code that drives a real sweep, with a clock and a Ray
that are simulated. Some jobs are broken, some are lost once or always, one node goes and comes back. Retries,
failures, the order of priorities and what is kept are checked job by job.

Fails when an efficiency at 8 workers is below 0.9 or an overhead is above 20 ms. No network.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import yaml

from rote.harness_ext.machine import describe_machine
from rote.harness_ext.sweeps import drive, local, on_ray, run_job
from rote.harness_ext.sweeps.jobs import Job
from rote.harness_ext.sweeps.reading import read_plan
from rote.harness_ext.sweeps.run_job import Ended
from rote.harness_ext.sweeps.store import open_store
from rote.harness_ext.sweeps.table import ending, table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "harness_ext" / "sweeps"))
import sweep_simulation
from simulated_ray import Pretence
from sweep_jobs import FAKE, job

#: The process of a job on simulated workers; seconds follow.
LIGHT = (sys.executable, "-S", "-E", str(Path(__file__).with_name("light_job.py")))
PROGRESS = SimpleNamespace(total=0, update=lambda n=1: None, refresh=lambda: None)


@contextmanager
def ray_here(workers: int) -> Iterator[tuple[float, float]]:
    """A Ray of so many workers; yields the seconds of its start and of its workers' start."""
    import ray

    begun = time.perf_counter()
    ray.init(
        address="local",
        num_cpus=workers,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    started = time.perf_counter()

    @ray.remote
    def one() -> int:
        import rote.harness_ext.sweeps.on_ray  # noqa: F401

        time.sleep(0.3)
        return os.getpid()

    try:
        while len(set(ray.get([one.remote() for _ in range(workers)]))) < workers:
            pass
        yield started - begun, time.perf_counter() - started
    finally:
        ray.shutdown()


def on_workers(workers: int, count: int, latency: float, folder: Path) -> tuple[list[str], float]:
    """A line of the table, and the efficiency."""
    jobs = [job(f"m{i:04}") for i in range(count)]
    store = open_store(str(folder / f"on{workers}"))
    store.check()
    ended: list[Ended] = []
    with ray_here(workers) as (started, warmed):
        load = os.getloadavg()[0]
        cpu, begun = time.process_time(), time.perf_counter()
        on_ray.run(jobs, store, ended.append, [*LIGHT, str(latency)])
        wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    assert len(store.there()) == count == sum(one.attempt.failure is None for one in ended)
    ideal = count * latency / workers
    numbers = (started, warmed, ideal, wall, ideal / wall, wall * workers / count - latency, cpu / count)
    formats = ("{:.1f}", "{:.1f}", "{:.1f}", "{:.2f}", "{:.3f}")
    shown = [form.format(number) for form, number in zip(formats, numbers, strict=False)]
    shown += [f"{1000 * number:.1f}" for number in numbers[5:]]
    return [str(workers), str(count), *shown, f"{load:.1f}"], ideal / wall


def ray_part(args: argparse.Namespace, folder: Path) -> bool:
    lines, found = [], {}
    for workers in args.workers:
        line, found[workers] = on_workers(workers, workers * args.each, args.latency, folder)
        lines.append(line)
    header = ("workers", "jobs", "Ray s", "workers s", "ideal s", "wall s", "efficiency")
    print(f"\nOn a Ray of this machine, jobs of {args.latency:g} s (start of Ray and of its workers apart)")
    show((*header, "ms more a job", "driver CPU ms", "load before"), lines)
    return all(value >= 0.9 for workers, value in found.items() if workers == max(args.workers))


class Timed(subprocess.Popen):  # type: ignore[type-arg]
    """Adds up the time of processes, from before the start until all is written that they are there for."""

    seconds = 0.0

    def __init__(self, *words: Any, **options: Any) -> None:
        self.begun = time.time()
        super().__init__(*words, **options)

    def wait(self, timeout: float | None = None) -> int:
        status = super().wait(timeout)
        if self.begun:
            Timed.seconds += written(Path(self.args[-1])) - self.begun  # type: ignore[index]
            self.begun = 0.0
        return status


def written(folder: Path) -> float:
    """When a job's process had written its logs, in seconds since 1970. All that is left then is to end."""
    return folder.joinpath("outcome.json").stat().st_mtime


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one sweep, in seconds: wall, processor time of this process, and wall time of jobs' processes."""

    wall: float
    cpu: float
    processes: float


def swept(raw: dict[str, Any], folder: Path, runner: Callable[..., None], ray: bool = False) -> Cost:
    """The cost of a whole sweep, from its file to its table; logs of every job must be there then."""
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    Timed.seconds = 0.0
    with (
        patch.object(local, "run", runner),
        patch.object(on_ray, "run", runner),
        patch.object(subprocess, "Popen", Timed),
    ):
        cpu, begun = time.process_time(), time.perf_counter()
        sweep = drive.prepare(read_plan(path), path, lambda line: None)
        sweep.store.check()
        with sweep.store.lock(print):
            sweep.round(drive.Settings(ray=ray), PROGRESS)
        lines = ending(list(sweep.rows.values()))
        found = Cost(time.perf_counter() - begun, time.process_time() - cpu, Timed.seconds)
    assert all(word not in lines[-1] for word in ("failed", "not run")), lines[-1]
    return found


def planned(results: Path, count: int, spread: float = 0.0, **others: Any) -> dict[str, Any]:
    """A plan of so many jobs, the evaluations of which take from nothing to ``spread`` seconds."""
    models = [
        {"name": f"m{i:05}", "backend": "planted", "model_args": {"seconds": spread * i / count}}
        for i in range(count)
    ]
    return {"results": str(results), "models": models, "tasks": {"core": ["bank_original"]}, **others}


def checkpoints(folder: Path, count: int) -> Path:
    """Folders in the shape of checkpoints."""
    for i in range(count):
        place = folder / "checkpoints" / f"step-{i:05}"
        place.mkdir(parents=True)
        place.joinpath("config.json").write_text(f'{{"step": {i}}}', encoding="utf-8")
        place.joinpath("model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    return folder / "checkpoints" / "step-*"


def by_hand(folder: Path, rounds: int) -> list[tuple[float, float]]:
    """Seconds of the process of a job until all is written, and until it has ended, started by hand."""
    found = []
    for _ in range(rounds):
        place = Path(tempfile.mkdtemp(dir=folder))
        place.joinpath("job.json").write_text(job("m", seconds=0).to_json(), encoding="utf-8")
        with place.joinpath("output.txt").open("wb") as sink:
            begun = time.time()
            words = [*FAKE, str(os.getpid()), str(place)]
            subprocess.Popen(words, stdout=sink, stderr=sink, start_new_session=True).wait()
            found.append((written(place) - begun, time.time() - begun))
    return found


def overhead_part(args: argparse.Namespace, folder: Path) -> bool:
    count, below, spread = args.jobs, folder / "overhead", 0.06
    below.mkdir()
    runner = partial(local.run, command=FAKE)
    rows: list[tuple[str, Cost, float]] = []

    def add(name: str, raw: dict[str, Any]) -> None:
        load, found = os.getloadavg()[0], swept(raw, folder, runner)
        rows.append((name, found, load))

    with patch.object(run_job, "_run", Pretence().run):
        once = swept(planned(below / "once", 1), folder, runner)
        add("no processes", planned(below / "none", count))
        models = [{"glob": str(checkpoints(folder, count)), "gpus": 0}]
        raw = planned(below / "checkpoints", 0, models=models)
        add("no processes, checkpoints to hash", raw)
        add("the same again, all is there", raw)
    hand = by_hand(folder, 50)
    add("a process each", planned(below / "some", count, spread))
    add("a process each, with a time limit", planned(below / "limit", count, spread, time_limit=600))
    if "ray" in args.only:
        with ray_here(1):
            load = os.getloadavg()[0]
            raw = planned(below / "ray", count)
            found = swept(raw, folder, partial(on_ray.run, command=FAKE), ray=True)
            hand += by_hand(folder, 50)
        until = statistics.median(seconds for seconds, _ in hand)
        rows.append(("on Ray, one worker", replace(found, processes=until * count), load))
    overhead = [1000 * (found.wall - found.processes) / count for _, found, _ in rows]
    lines = [
        [
            name,
            *(f"{1000 * value / count:.1f}" for value in (f.wall, f.processes, f.cpu)),
            f"{more:.1f}",
            f"{load:.1f}",
        ]
        for (name, f, load), more in zip(rows, overhead, strict=True)
    ]
    header = ("sweep", "wall", "of it evaluation", "driver CPU", "overhead", "load before")
    show(header, lines, f"{count:,} jobs, ms a job")
    print(f"Once, whatever the number of jobs: {once.wall:.1f} s ({once.cpu:.1f} s of CPU).")
    middle = [1000 * statistics.median(times) for times in zip(*hand, strict=True)]
    print(f"A job's process by hand: {middle[0]:.1f} ms until all is written, {middle[1]:.1f} until its end.")
    real_job(folder)
    return max(overhead) < 20


def real_job(folder: Path) -> None:
    """Say what the process of a real evaluation of one problem takes."""
    unit = replace(job("m").units[0], tasks=("bank_original_zeroshot",))
    one = Job(
        "solver", "solver", "rote-planted", {"model": "solver", "behaviour": "solver"}, (unit,), limit=1
    )
    found = run_job.attempt(one, open_store(str(folder / "real")))
    assert found.failure is None, found
    print(
        f"A real process, a planted model and one problem: {found.seconds:.1f} s, nearly all of it imports."
    )


def simulation_part(args: argparse.Namespace, folder: Path) -> bool:
    lines = [sweep_simulation.line(args.simulated, mixed, folder) for mixed in (False, True)]
    show(sweep_simulation.HEADER, lines, sweep_simulation.TITLE)
    return True


def show(header: tuple[str, ...], lines: list[list[str]], title: str = "") -> None:
    if title:
        print(f"\n{title}")
    print("\n".join(table(header, lines)), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = {"ray": ray_part, "overhead": overhead_part, "simulation": simulation_part}
    parser.add_argument("--only", default=",".join(parts), metavar="PARTS", help="some of the three parts")
    parser.add_argument("--quick", action="store_true", help="a rehearsal: few jobs, two workers")
    parser.add_argument("--workers", default="1,2,4,8", metavar="N,N", help="of Ray (default: 1,2,4,8)")
    parser.add_argument("--latency", type=float, default=1.0, metavar="S", help="of a job on Ray (1)")
    parser.add_argument("--each", type=int, default=15, metavar="N", help="jobs a worker of Ray (15)")
    parser.add_argument("--jobs", type=int, default=1000, metavar="N", help="to count overhead (1000)")
    parser.add_argument("--simulated", type=int, default=10_000, metavar="N", help="jobs (10000)")
    args = parser.parse_args()
    args.only = [name.strip() for name in args.only.split(",")]
    if unknown := set(args.only) - set(parts):
        parser.error(f"--only: no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    args.workers = [int(number) for number in args.workers.split(",")]
    if args.quick:
        args.workers, args.each, args.jobs, args.simulated = [1, 2], 5, 30, 500
    machine = describe_machine()
    print(f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(patch.dict(os.environ, {"ROTE_CACHE": str(folder / "cache")}))
        reached = [parts[name](args, folder) for name in parts if name in args.only]
    return int(not all(reached))


if __name__ == "__main__":
    sys.exit(main())

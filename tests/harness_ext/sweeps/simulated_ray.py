"""A Ray that only keeps time: as much of its interface as sweeps use, on a simulated clock.

What a task does is done for real, at the moment of the simulation in which it ends; how long it takes, a
function says. Tasks of one shape (CPUs and GPUs) start in the order in which they came, and shapes do not
wait for each other. A task goes to the node that is used least, where nodes used to less than a half count as
alike, as Ray does by default. :func:`simulated` puts it in the place of Ray.
"""

from __future__ import annotations

import heapq
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import fake_child

from rote.harness_ext.sweeps import failures, on_ray, run_job
from rote.harness_ext.sweeps.failures import Failure
from rote.harness_ext.sweeps.jobs import Job


class RayError(Exception):
    pass


class OutOfMemoryError(RayError):
    pass


class RayTaskError(RayError):
    pass


class NodeDiedError(RayError):
    pass


@dataclass(slots=True)
class Node:
    """A node, what of it is free, and what runs on it."""

    cpus: int
    gpus: int
    alive: bool = True
    free_cpus: int = 0
    free_gpus: int = 0
    running: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.free_cpus, self.free_gpus = self.cpus, self.gpus

    def used(self) -> float:
        """The share of what it has least of; shares below a half count as none."""
        cpu = 1 - self.free_cpus / self.cpus
        gpu = 1 - self.free_gpus / self.gpus if self.gpus else 0.0
        most = max(cpu, gpu)
        return most if most >= 0.5 else 0.0


@dataclass(slots=True, eq=False)
class Task:
    """One task that was handed over; ``started`` and ``left`` are moments of the simulation, in seconds."""

    number: int
    words: tuple[Any, ...]
    cpus: int
    gpus: int
    node: Node | None = None
    started: float = 0.0
    left: float = 0.0
    value: Any = None
    error: RayError | None = None
    ended: bool = False


class SimulatedRay:
    """Stands in for the module. ``spent`` is the processor time, in seconds, of all that happens in here."""

    exceptions = SimpleNamespace(
        RayError=RayError, RayTaskError=RayTaskError, OutOfMemoryError=OutOfMemoryError
    )

    def __init__(self, nodes: Sequence[tuple[int, int]], seconds: Callable[..., float]) -> None:
        """``nodes``: CPUs and GPUs of each; ``seconds``: how long a task takes, from its arguments."""
        self.now = 0.0
        self.spent = 0.0
        #: Every task that was started, in order.
        self.starts: list[Task] = []
        self._nodes = [Node(*size) for size in nodes]
        self._seconds = seconds
        self._function: Callable[..., Any] | None = None
        self._queues: dict[tuple[int, int], deque[Task]] = {}
        self._tasks: dict[int, Task] = {}
        self._events: list[tuple[float, int, str]] = []
        self._count = 0

    @contextmanager
    def _inside(self) -> Iterator[None]:
        begun = time.thread_time()
        try:
            yield
        finally:
            self.spent += time.thread_time() - begun

    def lose(self, node: int, at: float, until: float) -> None:
        """A node goes at a moment and comes back at another."""
        heapq.heappush(self._events, (at, node, "lose"))
        heapq.heappush(self._events, (until, node, "return"))

    def work(self, until: float = float("inf")) -> float:
        """Seconds × GPUs (CPUs of tasks without) up to a moment, of tasks that were lost as well."""
        spans = ((task, min(task.left, until) - task.started) for task in self.starts if task.started < until)
        return sum((task.gpus or task.cpus) * span for task, span in spans)

    # What sweeps call.

    def remote(self, function: Callable[..., Any]) -> SimulatedRay:
        self._function = function
        return self

    def options(self, *, num_cpus: int, num_gpus: int, **_: Any) -> SimpleNamespace:
        def remote(*words: Any) -> int:
            with self._inside():
                self._count += 1
                task = Task(self._count, words, num_cpus, num_gpus)
                self._tasks[task.number] = task
                self._queues.setdefault((num_cpus, num_gpus), deque()).append(task)
                self._place((num_cpus, num_gpus))
                return task.number

        return SimpleNamespace(remote=remote)

    def wait(self, references: Sequence[int], num_returns: int = 1, **_: Any) -> tuple[list[int], list[int]]:
        with self._inside():
            while True:
                ready = [reference for reference in references if self._tasks[reference].ended]
                if ready:
                    return ready[:num_returns], []
                self._step()

    def get(self, reference: int) -> Any:
        with self._inside():
            task = self._tasks.pop(reference)
            if task.error is not None:
                raise task.error
            return task.value

    def nodes(self) -> list[dict[str, Any]]:
        with self._inside():
            return [
                {"Alive": node.alive, "Resources": {"CPU": float(node.cpus), "GPU": float(node.gpus)}}
                for node in self._nodes
            ]

    # What happens in between.

    def _place(self, shape: tuple[int, int]) -> None:
        queue = self._queues[shape]
        while queue:
            fits = [n for n in self._nodes if n.alive and n.free_cpus >= shape[0] and n.free_gpus >= shape[1]]
            if not fits:
                return
            node, task = min(fits, key=Node.used), queue.popleft()
            node.free_cpus -= shape[0]
            node.free_gpus -= shape[1]
            node.running.add(task.number)
            task.node, task.started = node, self.now
            self.starts.append(task)
            heapq.heappush(self._events, (self.now + self._seconds(*task.words), task.number, "end"))

    def _step(self) -> None:
        """Go on to the next event. Events of tasks that were lost before are passed over."""
        if not self._events:
            raise RuntimeError("the simulation stands still: tasks wait and nothing runs")
        moment, number, what = heapq.heappop(self._events)
        if what == "end":
            task = self._tasks.get(number)
            if task is None or task.ended:
                return
            self.now = moment
            assert self._function is not None
            self._leave(task)
            task.value, task.ended = self._function(*task.words), True
        else:
            self.now, node = moment, self._nodes[number]
            node.alive = what == "return"
            for lost in sorted(node.running):
                self._leave(self._tasks[lost])
                self._tasks[lost].error, self._tasks[lost].ended = NodeDiedError("its node was lost"), True
        for shape in self._queues:
            self._place(shape)

    def _leave(self, task: Task) -> None:
        node = task.node
        assert node is not None
        node.running.discard(task.number)
        node.free_cpus += task.cpus
        node.free_gpus += task.gpus
        task.left = self.now


class Pretence:
    """Evaluations that take no time: logs, or a failure, as ``model_args.then`` of a job says.

    ``ok``, ``broken`` (found after 20 seconds of the simulation), ``lost`` and ``lost_once`` (after three
    tenths of the job's ``seconds``).
    """

    def __init__(self) -> None:
        #: Evaluations that came to their end, well or not, by job.
        self.ended: Counter[str] = Counter()

    def seconds(self, text: str, *_: Any) -> float:
        """How long the next attempt at a job takes, which is given as text."""
        job = json.loads(text)
        said = job["model_args"]
        then = said.get("then", "ok")
        if then == "broken":
            return 20.0
        lost = then == "lost" or (then == "lost_once" and not self.ended[job["name"]])
        return float(said["seconds"]) * (0.3 if lost else 1.0)

    def run(self, job: Job, folder: Path, command: Sequence[str]) -> tuple[Failure | None, str]:
        """In place of a process."""
        self.ended[job.name] += 1
        then = job.model_args.get("then", "ok")
        if then == "broken":
            return Failure(failures.BROKEN, "its weights are no weights"), ""
        if then == "lost" or (then == "lost_once" and self.ended[job.name] == 1):
            return Failure(failures.LOST, "the process was ended"), ""
        units = [{"slot": unit.slot, "tasks": unit.tasks} for unit in job.units]
        fake_child.write_logs({"model": job.model, "units": units}, folder)
        return None, ""


@contextmanager
def simulated(ray: SimulatedRay, pretence: Pretence) -> Iterator[None]:
    """Ray, the clock of the driver and the processes of evaluations are simulated while this lasts."""
    with (
        patch.dict(sys.modules, {"ray": ray}),
        patch.object(on_ray, "time", SimpleNamespace(monotonic=lambda: ray.now)),
        patch.object(run_job, "_run", pretence.run),
    ):
        yield

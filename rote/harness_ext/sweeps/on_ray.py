"""Jobs on Ray, here or on a cluster. Ray decides where and when; this only hands jobs over, best first."""

from __future__ import annotations

import importlib
import logging
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from typing import Any, Final

from rote.errors import MissingExtraError, UsageError
from rote.harness_ext.sweeps import failures, run_job
from rote.harness_ext.sweeps.failures import Failure
from rote.harness_ext.sweeps.jobs import Job, from_json
from rote.harness_ext.sweeps.run_job import CHILD, Attempt, Ended, attempt_from, once_more
from rote.harness_ext.sweeps.store import Store, open_store

#: Jobs in Ray's hands beyond those that can run at once, so that no worker waits for the driver. Kept small:
#: what Ray holds goes by its own order and not by priority.
_AHEAD: Final = 4
#: Seconds between two looks at which nodes there are: a cluster may grow and shrink.
_LOOK: Final = 5.0
#: Seconds in which a cluster must take a connection.
_ANSWER: Final = 15.0
#: Ray tells whoever comes without the right token no more than that it could not connect.
_TOKEN: Final = (
    "if the cluster asks for a token, set RAY_AUTH_MODE=token, with the token in RAY_AUTH_TOKEN, in the file "
    "that RAY_AUTH_TOKEN_PATH names, or in ~/.ray/auth_token"
)


@contextmanager
def connected(address: str | None, say: Callable[[str], None]) -> Iterator[None]:
    """A connection to Ray at an address, or to one started here for as long as this lasts.

    Raises MissingExtraError without Ray, UsageError where nothing answers at the address, or not without the
    cluster's token.
    """
    try:
        ray = _ray()
    except ImportError as error:
        raise MissingExtraError("ray", "sweep") from error
    _check_answer(address)
    try:
        context = ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        # Of an AuthenticationError without the paragraph of advice that its text goes on with.
        said = " ".join(str(getattr(error, "message", error)).split())[:300]
        hint = "" if address is None else f"; {_TOKEN}"
        raise UsageError(f"--address {address or 'local'}: no connection to Ray ({said}){hint}") from error
    try:
        if link := getattr(context, "dashboard_url", None):
            say(f"Ray's dashboard: http://{link}")
        yield
    finally:
        ray.shutdown()


def _check_answer(address: str | None) -> None:
    """Raises UsageError where nothing listens at an address with a port: Ray takes minutes to say so."""
    host, colon, port = (address or "").rpartition("://")[2].rpartition(":")
    if not colon:
        return
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER):
            pass
    except (OSError, ValueError) as error:
        raise UsageError(f"--address {address}: nothing answers there ({error})") from error


def run(
    jobs: Sequence[Job], store: Store, done: Callable[[Ended], None], command: Sequence[str] | None = None
) -> None:
    """Run jobs wherever Ray has room, handed over by priority; ``done`` is told each as it ends.

    Of one priority those go first of which the fewest fit at once: among small ones, a node would hardly
    ever be empty enough for a large one. Then their order counts. :func:`connected` must hold. A job whose
    worker or node is lost is handed over again.

    What is in Ray's hands when this is left early, by an interrupt say, ends with the connection and not
    before.

    Raises UsageError for jobs that no node can ever place, before any is run.
    """
    ray = _ray()
    if store.url.startswith("memory:"):
        raise UsageError(f"results {store.url}: is the memory of one process; Ray's workers are others")
    nodes, looked = _nodes(), time.monotonic()
    check_room(jobs, nodes)
    remote = ray.remote(_attempt)
    ordered = sorted(jobs, key=lambda job: (-job.priority, slots(job, nodes)))
    waiting = deque((job, 1) for job in ordered)
    running = Handed(nodes)
    # What is left early is not called back: where a task ends as ray.cancel comes, with force or without, Ray
    # aborts the whole driver (2.60: "Tried to complete task that was not pending").
    while waiting or running.jobs:
        while waiting and running.room():
            job, attempts = waiting.popleft()
            asked = remote.options(
                num_cpus=job.cpus, num_gpus=job.gpus, max_retries=0, name=f"rote sweep: {job.name}"
            )
            running.add(asked.remote(job.to_json(), store.url, command), job, attempts)
        ready, _ = ray.wait(list(running.jobs), num_returns=1)
        for reference in ready:
            job, attempts = running.remove(reference)
            found = _fetch(reference)
            if once_more(job, found, attempts):
                waiting.appendleft((job, attempts + 1))
            else:
                done(Ended(job, found, attempts))
        if time.monotonic() - looked > _LOOK:
            running.look(_nodes())
            looked = time.monotonic()


class Handed:
    """Jobs in Ray's hands, and how much of the nodes they take: each a quarter, where four fit at once.

    Counting jobs would not do: sixteen small ones are no reason to keep a large one back, whose like has room
    four times, and four large ones are no reason to hand over twelve small ones.
    """

    def __init__(self, nodes: Sequence[Mapping[str, float]]) -> None:
        #: Job and number of the attempt by Ray's reference, in the order in which they were handed over.
        self.jobs: dict[Any, tuple[Job, int]] = {}
        self._nodes = list(nodes)
        self._shares: dict[tuple[int, int], Fraction] = {}
        self._taken = Fraction(0)

    def room(self) -> bool:
        """Whether another job is to be handed over: all but the latest few leave something of the nodes."""
        latest = islice(reversed(self.jobs.values()), _AHEAD)
        return self._taken - sum(self._share(job) for job, _ in latest) < 1

    def add(self, reference: Any, job: Job, attempts: int) -> None:
        self.jobs[reference] = job, attempts
        self._taken += self._share(job)

    def remove(self, reference: Any) -> tuple[Job, int]:
        job, attempts = self.jobs.pop(reference)
        self._taken -= self._share(job)
        return job, attempts

    def look(self, nodes: Sequence[Mapping[str, float]]) -> None:
        """Take the nodes that are there now, unless none is: a cluster that begins anew."""
        if not nodes or list(nodes) == self._nodes:
            return
        self._nodes = list(nodes)
        self._shares.clear()
        self._taken = sum((self._share(job) for job, _ in self.jobs.values()), Fraction(0))

    def _share(self, job: Job) -> Fraction:
        shape = job.cpus, job.gpus
        if shape not in self._shares:
            # Nothing of nodes that are gone: a job that waits for them to come back holds up no other.
            self._shares[shape] = Fraction(1, places) if (places := slots(job, self._nodes)) else Fraction(0)
        return self._shares[shape]


def _ray() -> Any:
    """The package; a part of its interface has no types."""
    return importlib.import_module("ray")


def _nodes() -> list[dict[str, float]]:
    ray = _ray()
    return [dict(node["Resources"]) for node in ray.nodes() if node["Alive"]]


def _attempt(job: str, url: str, command: Sequence[str] | None) -> dict[str, Any]:
    """What a worker does. Everything goes in and out as plain data."""
    return run_job.attempt(from_json(job), open_store(url), command or CHILD).to_dict()


def _fetch(reference: Any) -> Attempt:
    """The attempt that a worker made, or what became of the worker."""
    ray = _ray()
    try:
        return attempt_from(ray.get(reference))
    except ray.exceptions.OutOfMemoryError as error:
        return Attempt(0.0, Failure(failures.MEMORY, _line(error)))
    except ray.exceptions.RayTaskError as error:
        return Attempt(0.0, Failure(failures.OTHER, _line(error)), str(error)[-4000:])
    except ray.exceptions.RayError as error:
        return Attempt(0.0, Failure(failures.LOST, f"Ray lost the worker: {_line(error)}"))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def slots(job: Job, nodes: Sequence[Mapping[str, float]]) -> int:
    """How many jobs such as this one the nodes can run at once."""
    return sum(
        int(min(node.get("CPU", 0) / job.cpus, node.get("GPU", 0) / job.gpus if job.gpus else float("inf")))
        for node in nodes
    )


def check_room(jobs: Sequence[Job], nodes: Sequence[Mapping[str, float]]) -> None:
    """Raises UsageError for the jobs that no node can ever place: what they ask and what there is."""
    homeless = [job for job in jobs if slots(job, nodes) == 0]
    if not homeless:
        return
    asked = "; ".join(
        f"{job.name} asks for {_amount(job.gpus, 'GPU')} and {_amount(job.cpus, 'CPU')} on one node"
        for job in homeless[:5]
    )
    more = f"; and {len(homeless) - 5} more jobs" if len(homeless) > 5 else ""
    there = sorted((node.get("GPU", 0), node.get("CPU", 0)) for node in nodes)
    listed = ", ".join(
        f"{_amount(gpu, 'GPU')} and {_amount(cpu, 'CPU')}" for gpu, cpu in reversed(there[-5:])
    )
    nodes_there = "is one node" if len(there) == 1 else f"are {len(there)} nodes, the largest"
    raise UsageError(
        f"no node of the cluster can ever run {'this' if len(homeless) == 1 else 'these'}: {asked}{more}. "
        f"There {nodes_there} with {listed}. "
        "Set gpus or cpus of the model, or tensor_parallel and data_parallel"
    )


def _amount(number: float, what: str) -> str:
    return f"no {what}s" if not number else f"{number:g} {what}{'' if number == 1 else 's'}"

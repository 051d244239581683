"""A whole sweep: what a plan asks, without what is there, run and accounted for."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from rote.errors import DataError
from rote.harness_ext.sweeps import failures, local, on_ray
from rote.harness_ext.sweeps.checkpoints import Model, identity, models_of
from rote.harness_ext.sweeps.jobs import Job, Unfit, jobs_of, missing
from rote.harness_ext.sweeps.plan import Plan
from rote.harness_ext.sweeps.run_job import Ended
from rote.harness_ext.sweeps.store import ERRORS, Store, open_store
from rote.harness_ext.sweeps.table import FAILED, LEFT, RAN, THERE, Row, count, outlook
from rote.harness_ext.sweeps.tasks import TaskGroup, check_settings, task_groups

#: Seconds without a change after which a new checkpoint in a watched folder is taken for complete.
_SETTLED: Final = 5.0


class Progress(Protocol):
    """What shows how far a sweep is, such as a bar of tqdm."""

    total: Any

    def update(self, n: float | None = 1) -> Any: ...

    def refresh(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sweep is run.

    Attributes
    ----------
    ray: on Ray and not one job after another; ``address`` of the cluster, None: one started here.
    once: whether watched folders are looked at a single time.
    poll: seconds between two looks at them.
    lines: whether each job is told as it begins (not on Ray) and ends, for where no bar is drawn.
    """

    ray: bool = False
    address: str | None = None
    once: bool = False
    poll: float = 30.0
    lines: bool = False


@dataclass(slots=True)
class Sweep:
    """A plan at work: its rows so far are there even when it is interrupted."""

    plan: Plan
    path: Path | None
    store: Store
    groups: Sequence[TaskGroup]
    say: Callable[[str], None]
    rows: dict[str, Row] = field(default_factory=dict)
    #: Keys of what has failed in this sweep: a watched folder is looked at again, a failure is not.
    given_up: set[str] = field(default_factory=set)
    #: What the hub said of models, which is asked once.
    commits: dict[str, dict[str, Any]] = field(default_factory=dict)

    def look(self, settled: float = 0.0) -> tuple[list[Job], list[Job], list[Unfit]]:
        """All jobs of the plan as its models are now, those left to run, and models that are unfit.

        Raises DataError as :func:`rote.harness_ext.sweeps.checkpoints.models_of`.
        """
        models = models_of(self.plan, self.path, settled=settled)
        for model in models:
            if model.name.casefold() == ERRORS:
                raise DataError(
                    f"{model.name!r} is the folder of the records of errors; give the model another name",
                    path=self.path,
                    field=f"models.{model.at}.name",
                )
        jobs, unfit = jobs_of(self.plan, models, self.groups, self._identify)
        there = self.store.there()
        return jobs, [part for job in jobs for part in missing(job, there)], unfit

    def round(self, settings: Settings, progress: Progress) -> int:
        """Run what is missing now; returns how many jobs that were. Rows are added as jobs end."""
        jobs, wanted, unfit = self.look(0.0 if settings.once else _SETTLED)
        wanted = [job for job in wanted if not {unit.key for unit in job.units} & self.given_up]
        for model in unfit:
            self._unfit(model)
        names = {job.model for job in wanted}
        for job in jobs:
            if job.model not in names and job.name not in self.rows:
                self.rows[job.name] = Row(job.name, THERE, len(job.units))
        self._forget({job.name for job in jobs}, {job.name for job in wanted})
        self.rows.update(
            {job.name: Row(job.name, LEFT, len(job.units), missing=len(job.units)) for job in wanted}
        )
        if not wanted:
            return 0
        progress.total = (progress.total or 0) + len(wanted)
        progress.refresh()
        if settings.lines:
            there = len(jobs) - len(names)
            self.say(
                f"{count(len(wanted), 'job')} to run"
                + (f"; the logs of {there:,} are there" if there else "")
            )

        def done(ended: Ended) -> None:
            self._done(ended)
            progress.update()
            if settings.lines:
                row = self.rows[ended.job.name]
                self.say(f"{row.job}: {row.state}, logs: {row.logs()}, {row.seconds:,.1f} s")

        def begins(job: Job) -> None:
            if settings.lines:
                self.say(f"{job.name}: begins")

        if settings.ray:
            on_ray.run(wanted, self.store, done)  # which alone knows when a job begins
        else:
            local.run(wanted, self.store, done, begins=begins)
        return len(wanted)

    def _forget(self, models: set[str], wanted: set[str]) -> None:
        """Remove records of errors that are mended: of models of the plan that lack nothing of it."""
        for name in self.store.errors():
            if name.partition("#")[0] in models and name not in wanted and not self._failed(name):
                self.store.record(name, None)

    def _failed(self, name: str) -> bool:
        return name in self.rows and self.rows[name].state == FAILED

    def _identify(self, model: Model) -> dict[str, Any]:
        if model.spec.hub is not None and model.name in self.commits:
            return self.commits[model.name]
        try:
            found = identity(model, _cache(model))
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror})", path=model.place) from error
        if model.spec.hub is not None:
            self.commits[model.name] = found
        return found

    def _done(self, ended: Ended) -> None:
        job, last = ended.job, ended.attempt
        if last.failure is None:
            self.rows[job.name] = Row(job.name, RAN, len(job.units), ended.attempts, last.seconds)
            self.store.record(job.name, None)
            return
        why = f"{last.failure.kind}: {last.failure.message}"
        # Of an attempt that fails as it writes, some may be there.
        lacking = sum(self.store.key_of(job.model, unit.slot) != unit.key for unit in job.units)
        self.rows[job.name] = Row(
            job.name, FAILED, len(job.units), ended.attempts, last.seconds, why, lacking
        )
        self.given_up |= {unit.key for unit in job.units}
        self.store.record(
            job.name,
            {
                "job": job.name,
                "model": job.model,
                "backend": job.lm,
                "model_args": job.model_args,
                "slots": [unit.slot for unit in job.units],
                "attempts": ended.attempts,
                "seconds": last.seconds,
                "kind": last.failure.kind,
                "error": last.failure.message,
                "output": last.output,
            },
        )
        self.say(f"{job.name} failed ({why})")

    def _unfit(self, model: Unfit) -> None:
        kind = failures.BROKEN if isinstance(model.error, DataError) else failures.UNAVAILABLE
        why = str(model.error)
        if model.model in self.rows:
            return
        self.rows[model.model] = Row(model.model, FAILED, 0, why=why)
        self.store.record(
            model.model,
            {
                "job": model.model,
                "model": model.model,
                "attempts": 0,
                "kind": kind,
                "error": why,
                "output": "",
            },
        )
        self.say(f"{model.model} failed ({why})")


def prepare(plan: Plan, path: Path | None, say: Callable[[str], None]) -> Sweep:
    """A sweep that nothing is run of yet, and nothing written.

    Raises DataError and UsageError for whatever of the plan cannot be: tasks, settings, results.
    """
    store = open_store(plan.results)
    try:
        check_settings(plan)
        models_of(plan, path)  # its mistakes are quicker to find than those of tasks
        groups = task_groups(plan)
    except DataError as error:
        if error.path is not None or path is None:
            raise
        raise DataError(str(error), path=path) from error
    return Sweep(plan, path, store, groups, say)


def dry_run(sweep: Sweep) -> list[str]:
    """The plan's jobs as a table; nothing is written or run."""
    jobs, wanted, unfit = sweep.look()
    return outlook(jobs, wanted, [(model.model, str(model.error)) for model in unfit])


def run(sweep: Sweep, settings: Settings, progress: Progress) -> None:
    """Run everything; with a watched folder and not ``once``, look again until interrupted.

    Raises UsageError: results that cannot be written, another sweep that writes there, Ray that does not
    answer or can never place a job.
    """
    watching = not settings.once and any(model.watch is not None for model in sweep.plan.models)
    sweep.store.check()
    with ExitStack() as stack:
        stack.enter_context(sweep.store.lock(sweep.say))
        stack.enter_context(on_ray.connected(settings.address, sweep.say) if settings.ray else nullcontext())
        while True:
            ran = sweep.round(settings, progress)
            if not watching:
                return
            if not ran:
                time.sleep(settings.poll)


def _cache(model: Model) -> Path:
    """File of the hashes of a model's weights: reading a large checkpoint takes as long as its disk.

    One for each place: one for all would be read and written whole for each of many checkpoints.
    """
    named = os.environ.get("ROTE_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rote"
    place = hashlib.sha256(str(model.place).encode()).hexdigest()[:32]
    return (Path(named).expanduser() if named else base) / "weights" / f"{place}.json"

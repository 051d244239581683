"""Jobs one after another on this machine, without Ray."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rote.harness_ext.sweeps.jobs import Job
from rote.harness_ext.sweeps.run_job import CHILD, Ended, attempt, once_more
from rote.harness_ext.sweeps.store import Store


def run(
    jobs: Sequence[Job],
    store: Store,
    done: Callable[[Ended], None],
    command: Sequence[str] = CHILD,
    begins: Callable[[Job], None] = lambda job: None,
) -> None:
    """Run jobs in their order, each until it succeeds or no attempt may help.

    ``begins`` is told each before its first attempt, ``done`` each as it ends.
    """
    for job in jobs:
        begins(job)
        attempts = 1
        while once_more(job, found := attempt(job, store, command), attempts):
            attempts += 1
        done(Ended(job, found, attempts))

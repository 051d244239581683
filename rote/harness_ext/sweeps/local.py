"""Jobs one after another on this machine, without Ray."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rote.harness_ext.sweeps.jobs import Job
from rote.harness_ext.sweeps.run_job import CHILD, Ended, attempt, once_more
from rote.harness_ext.sweeps.store import Store


def run(
    jobs: Sequence[Job], store: Store, done: Callable[[Ended], None], command: Sequence[str] = CHILD
) -> None:
    """Run jobs in their order, each until it succeeds or no attempt may help.

    ``done`` is told each as it ends.
    """
    for job in jobs:
        attempts = 1
        while once_more(job, found := attempt(job, store, command), attempts):
            attempts += 1
        done(Ended(job, found, attempts))

"""A driver to be killed: ``local`` or ``ray``, a folder, how many jobs, which of them stay till killed."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from sweep_jobs import FAKE, job

from rote.harness_ext.sweeps import local, on_ray
from rote.harness_ext.sweeps.jobs import missing
from rote.harness_ext.sweeps.store import open_store


def main() -> None:
    kind, folder, count, stay = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4].split(",")
    said = {"seconds": 0.02, "journal": str(folder / "journal")}
    store = open_store(str(folder / "results"))
    store.check()
    jobs = [job(f"m{i:03}", retries=2, stays=str(i) in stay, **said) for i in range(count)]
    with store.lock(print):
        wanted = [part for one in jobs for part in missing(one, store.there())]
        if kind == "local":
            local.run(wanted, store, print, FAKE)
        else:
            with on_ray.connected(None, print):
                on_ray.run(wanted, store, print, FAKE)


if __name__ == "__main__":
    # Tests that run in the background of a shell hand on that Ctrl-C is not heard.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()

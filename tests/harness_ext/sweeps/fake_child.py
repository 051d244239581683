"""In place of an evaluation: logs in the shape of lm-eval's, at once or after a while, or a failure.

Arguments as those of ``rote.harness_ext.sweeps.child``. The job's ``model_args`` say what happens:
``journal`` is a file to which beginning and end are noted, ``seconds`` how long it takes, ``then`` the end.
With ``stays``, the first attempt goes on until it is killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

TIME = "2026-01-01T00-00-00.000001"


def note(job: dict[str, Any], word: str) -> None:
    if "journal" in job["model_args"]:
        with Path(job["model_args"]["journal"]).open("a", encoding="utf-8") as handle:
            handle.write(f"{word} {job['name']} {os.getpid()}\n")


def watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.05)
    os.killpg(0, signal.SIGKILL)


def write_logs(job: dict[str, Any], folder: Path) -> None:
    for unit in job["units"]:
        place = folder / "logs" / unit["slot"] / job["model"]
        place.mkdir(parents=True)
        results = {"results": {task: {} for task in unit["tasks"]}, "configs": {}}
        for task in unit["tasks"]:
            place.joinpath(f"samples_{task}_{TIME}.jsonl").write_text("{}\n", encoding="utf-8")
        place.joinpath(f"results_{TIME}.json").write_text(json.dumps(results), encoding="utf-8")


def main() -> int:
    parent, folder = int(sys.argv[1]), Path(sys.argv[2])
    threading.Thread(target=watch, args=(parent,), daemon=True).start()
    job = json.loads(folder.joinpath("job.json").read_text(encoding="utf-8"))
    then = job["model_args"].get("then", "ok")
    once = Path(job["model_args"].get("journal", os.devnull)).with_suffix(f".{job['name']}")
    stays = job["model_args"].get("stays", False) and not once.exists()
    if stays:
        once.touch()
    note(job, "start")
    print("loading", job["name"])
    time.sleep(600 if stays else job["model_args"].get("seconds", 0))
    if then == "lost" or (then == "lost_once" and not once.exists()):
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    told: dict[str, Any] = {"ok": True}
    if then == "memory":
        told = {"ok": False, "types": ["OutOfMemoryError", "RuntimeError"], "message": "CUDA out of memory."}
    elif then == "broken":
        told = {"ok": False, "types": ["SafetensorError", "Exception"], "message": "HeaderTooLarge"}
    elif then == "half":
        write_logs({**job, "units": job["units"][:1]}, folder)
    else:
        write_logs(job, folder)
    folder.joinpath("outcome.json").write_text(json.dumps(told), encoding="utf-8")
    note(job, "end")
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())

"""One job in a process of its own: ``python -m rote.harness_ext.sweeps.child PARENT FOLDER``.

``FOLDER/job.json`` is the job. Logs are written to ``FOLDER/logs/<slot>``, one folder a unit, and
``FOLDER/outcome.json`` says how it went. When the process PARENT ends, this one does too, with all that it
has started: nobody would take its logs.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rote.harness_ext.sweeps.jobs import Job, from_json

#: Seconds between two looks at whether the parent is there.
_LOOK: Final = 0.2


def main(argv: Sequence[str]) -> int:
    """Do the job; 0 when its logs are complete, 1 when the outcome says what was wrong."""
    parent, folder = int(argv[0]), Path(argv[1])
    threading.Thread(target=die_with, args=(parent,), daemon=True).start()
    job = from_json(folder.joinpath("job.json").read_text(encoding="utf-8"))
    told: dict[str, Any] = {"ok": True}
    try:
        evaluate(job, folder / "logs")
    except BaseException as error:
        traceback.print_exc()
        told = describe(error)
    folder.joinpath("outcome.json").write_text(json.dumps(told), encoding="utf-8")
    return 0 if told["ok"] else 1


def describe(error: BaseException) -> dict[str, Any]:
    """What :func:`rote.harness_ext.sweeps.failures.of_exception` reads."""
    return {"ok": False, "types": [kind.__name__ for kind in type(error).__mro__], "message": str(error)}


def die_with(parent: int) -> None:
    """End this process and its group once its parent is another one than it was."""
    if not hasattr(os, "killpg"):
        return
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os.killpg(0, signal.SIGKILL)


def evaluate(job: Job, folder: Path) -> None:
    """Ask everything in one batch and write a log for each unit and number of shots."""
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.utils import setup_logging

    from rote.harness_ext import models, run, sweep
    from rote.harness_ext.git import quiet_git
    from rote.harness_ext.sweeps import tasks

    setup_logging()
    run.check_model(job.lm)
    names = list(dict.fromkeys(task for unit in job.units for task in unit.tasks))
    seeds = tuple(dict.fromkeys(unit.seed for unit in job.units))
    # A run of nothing but zero-shot tasks knows no number of examples.
    shots = job.shots if any(unit.facts.get("shots") for unit in job.units) else ()
    # Model arguments among the metadata, and this device: as lm-eval's own command has it.
    metadata: dict[str, Any] = {**job.model_args, "rote": dict(job.rote)}
    with tasks.found_tasks(names), quiet_git():
        built, parts = sweep.build(sweep.Plan(seeds, shots), names, metadata, tasks.manager)
        tracker = EvaluationTracker(output_path=str(folder))
        results = simple_evaluate(
            model=job.lm,
            model_args=dict(job.model_args),
            tasks=built,
            task_manager=tasks.manager(metadata),
            evaluation_tracker=tracker,
            metadata=metadata,
            batch_size=models.default_batch_size(job.lm) if job.batch_size is None else job.batch_size,
            # One of the model's own arguments counts.
            device=None if "device" in job.model_args else "cuda:0",
            limit=job.limit,
            log_samples=True,
            apply_chat_template=job.chat,
            fewshot_as_multiturn=job.chat,
            gen_kwargs=dict(job.gen_kwargs),
        )
    if results is None:
        return  # not the first of several processes
    for part in parts:
        for unit in job.units:
            own = {name: asked for name, asked in part.asked_as.items() if name in unit.tasks}
            if unit.seed == part.seed and own:
                tracker.output_path = str(folder / unit.slot)
                _write(results, sweep.Part(part.seed, part.shots, own, part.metadata), tracker)


def _write(results: Mapping[str, Any], part: Any, tracker: Any) -> None:
    from rote.harness_ext import sweep

    own = sweep.split(results, part)
    samples = own.pop("samples")
    tracker.save_results_aggregated(results=own, samples=samples)
    for name, lines in samples.items():
        tracker.save_results_samples(task_name=name, samples=lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

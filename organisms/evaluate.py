"""Evaluate every organism: ``python organisms/evaluate.py WORK``.

Of each finished model WORK/models/<organism>-s<seed> that has no logs yet, one process of stock lm-eval runs
all tasks and writes WORK/logs/<organism>-s<seed>/ (results and samples) and <organism>-s<seed>.txt beside it
(what it printed). Logs appear whole or not at all, so the command can be stopped and given again. A model
that fails is told with the end of what it printed; the others go on, and the exit status is 1.

The tasks are written to WORK/tasks: rote's zero-shot tasks in the hash format, each with its own templates
(WORK/templates, by sets.py) and number of draws. They run from WORK by `lm_eval run --include_path tasks`.
The inert clauses of the tasks on the known templates are of the families that families.tsv holds out.

  python organisms/evaluate.py WORK --gpus 1 --per-gpu 6        all of them, six at once on one GPU
  python organisms/evaluate.py WORK --model hf --gpus 0 --limit 2 --only 'reasoner-*'       a rehearsal
  python organisms/evaluate.py WORK --pack packed               logs of all as archives of at most 15 MiB
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from evaluate_pack import pack
from evaluate_tasks import ASKED, write_tasks

from rote.errors import DataError, RoteError, UsageError
from rote.logs.files import find_runs

#: Longest sequence and response, in tokens. Solutions have fewer than 200.
LENGTH: Final = 512
RESPONSE: Final = 200
_NAME: Final = re.compile(r"[a-z0-9_]+-s[0-9]+")
_RECORD: Final = "evaluated.json"
_ENVIRONMENT: Final = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_USE_FLASHINFER_SAMPLER": "0",
}


@dataclass(frozen=True, slots=True)
class Options:
    """How models are evaluated; ``variants`` are draws of each template, ``small_variants`` of the small set.

    ``tasks``: patterns of the names of tasks, without ``_zeroshot``; none: all of them.
    ``devices``: what ``CUDA_VISIBLE_DEVICES`` is for each process that runs at once. ``limit``: documents of
    each task, None for all. ``kv_gib``: the cache of one vllm engine. ``timeout``: seconds for one model.
    """

    model: str
    devices: tuple[str, ...]
    variants: int
    small_variants: int
    limit: int | None
    batch_size: str
    kv_gib: float
    eager: bool
    timeout: float
    tasks: tuple[str, ...] = ()


def find_models(work: Path, only: Sequence[str]) -> list[str]:
    """Names of the finished models that match one of ``only`` (all, if empty), sorted; others are told of.

    Raises UsageError where there are none.
    """
    names = []
    for folder in sorted(path for path in (work / "models").glob("*") if path.is_dir()):
        if only and not any(fnmatch(folder.name, pattern) for pattern in only):
            continue
        lacking = [name for name in ("config.json", "planted.json") if not (folder / name).is_file()]
        if not _NAME.fullmatch(folder.name):
            print(f"{folder.name}: is not named <organism>-s<seed>: left out", flush=True)
        elif lacking:
            print(f"{folder.name}: has no {lacking[0]}: not finished, left out", flush=True)
        else:
            names.append(folder.name)
    if not names:
        raise UsageError(f"no finished model below {work / 'models'} is named {' or '.join(only) or '…'}")
    return names


def record_of(work: Path, name: str, options: Options) -> dict[str, Any]:
    """What the logs of a model depend on: they are made anew by hand when it changes."""
    positions(work / "models" / name / "config.json")
    weights = hashlib.sha256()
    files = sorted((work / "models" / name).glob("*.safetensors"))
    if not files:
        raise DataError("holds no *.safetensors", path=work / "models" / name)
    for path in files:
        weights.update(path.read_bytes())
    return {
        "model": options.model,
        "weights": weights.hexdigest()[:16],
        "variants": options.variants,
        "small_variants": options.small_variants,
        "limit": options.limit,
        "tasks": list(options.tasks),
    }


def is_done(work: Path, name: str, record: Mapping[str, Any]) -> bool:
    """Whether the logs of a model are there. Raises DataError for those of other weights or settings."""
    folder = work / "logs" / name
    if not folder.exists():
        return False
    try:
        kept = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read ({error}); remove the folder", path=folder / _RECORD) from None
    for key, value in record.items():
        if kept.get(key) != value:
            raise DataError(
                f"was made with {key} {kept.get(key)!r}, not {value!r}; remove the folder to make it anew",
                path=folder,
            )
    return True


def positions(path: Path) -> int:
    """The longest sequence of a model, in tokens; DataError where its ``config.json`` does not tell."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")).get("max_position_embeddings")
    except ValueError as error:
        raise DataError(f"is not JSON ({error})", path=path) from None
    if not isinstance(found, int):
        raise DataError(f"must be a whole number, got {found!r}", path=path, field="max_position_embeddings")
    return found


def command(work: Path, name: str, tasks: Sequence[str], options: Options) -> list[str]:
    """The command that evaluates one model, to be run in ``work``."""
    length = min(LENGTH, positions(work / "models" / name / "config.json"))
    arguments: dict[str, Any] = {"pretrained": f"models/{name}"}
    if options.model == "vllm":
        arguments |= {
            "dtype": "bfloat16",
            "max_model_len": length,
            "max_num_seqs": 512,
            # With a cache of given size vllm does not measure what is free, so engines can start together.
            # That this share of the memory is free is checked all the same.
            "kv_cache_memory_bytes": int(options.kv_gib * 2**30),
            "gpu_memory_utilization": 0.05,
            "enforce_eager": options.eager,
        }
    else:
        arguments |= {"dtype": "auto", "max_length": length}
    words = [sys.executable, "-m", "lm_eval", "run", "--model", options.model]
    words += ["--model_args", json.dumps(arguments), "--tasks", ",".join(tasks), "--include_path", "tasks"]
    words += ["--batch_size", options.batch_size, "--gen_kwargs", f"max_gen_toks={RESPONSE}"]
    words += ["--log_samples", "--output_path", f"logs.partial/{name}"]
    if options.model == "hf" and not any(options.devices):
        words += ["--device", "cpu"]
    if options.limit is not None:
        words += ["--limit", str(options.limit)]
    return words


def environment(work: Path, device: str, slot: int) -> dict[str, str]:
    """The environment of a process: offline, on its device, with a compile cache that no other one writes."""
    paths = [str(Path(path).resolve()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    cache = Path(os.environ.get("VLLM_CACHE_ROOT") or work / "cache").resolve() / f"slot-{slot}"
    own = {"CUDA_VISIBLE_DEVICES": device, "VLLM_CACHE_ROOT": str(cache)}
    if paths:
        own["PYTHONPATH"] = os.pathsep.join(paths)
    return {"OMP_NUM_THREADS": "1", **os.environ, **_ENVIRONMENT, **own}


@dataclass(frozen=True, slots=True)
class Running:
    """A process at work on a model; ``record`` is what its logs depend on."""

    name: str
    slot: int
    began: float
    process: subprocess.Popen[bytes]
    record: Mapping[str, Any]


def start(
    work: Path, name: str, slot: int, tasks: Sequence[str], options: Options, record: Mapping[str, Any]
) -> Running:
    """Start the process of a model, in a group of its own so that it can be ended with all its children."""
    shutil.rmtree(work / "logs.partial" / name, ignore_errors=True)
    (work / "logs").mkdir(parents=True, exist_ok=True)
    with (work / "logs" / f"{name}.txt").open("wb") as output:
        process = subprocess.Popen(
            command(work, name, tasks, options),
            cwd=work,
            env=environment(work, options.devices[slot], slot),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(name, slot, time.monotonic(), process, record)


def finish(work: Path, running: Running, tasks: Sequence[str]) -> str:
    """Put the logs of a process that has ended in their place; its scores in a line.

    Raises DataError when it failed or left no samples of a task.
    """
    name, took = running.name, time.monotonic() - running.began
    partial = work / "logs.partial" / name
    status = running.process.returncode
    if status != 0:
        end(running)
        raise DataError(f"{name} ended with status {status} after {took:.0f} s")
    runs = find_runs([partial]) if partial.is_dir() else []
    if len(runs) != 1:
        raise DataError(f"{name} left {len(runs)} results files, not one")
    lacking = set(tasks) - {task for _, task in runs[0].samples}
    if lacking:
        raise DataError(f"{name} left no samples of {', '.join(sorted(lacking))}")
    results = json.loads(runs[0].results.read_text(encoding="utf-8"))["results"]
    record = {**running.record, "seconds": round(took, 1)}
    (partial / _RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    partial.rename(work / "logs" / name)
    return f"{took:.0f} s; {told(results)}"


def told(results: Mapping[str, Any]) -> str:
    """The accuracies of a results file: ``bank: original 0.93, names 0.91; known: …``."""
    parts = []
    for source, variants in ASKED.items():
        scores = [
            f"{variant} {scored['exact_match,none']:.2f}"
            for variant in variants
            if (scored := results.get(f"{source}_{variant}_zeroshot"))
        ]
        if scores:
            parts.append(f"{source}: {', '.join(scores)}")
    return "; ".join(parts)


def asked(tasks: Sequence[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """The tasks whose names match one of the patterns, all without patterns. Raises UsageError for none."""
    short = {task: task.removesuffix("_zeroshot") for task in tasks}
    patterns = patterns or ["*"]
    found = tuple(task for task in tasks if any(fnmatch(short[task], one) for one in patterns))
    if not found:
        raise UsageError(f"no task is named {' or '.join(patterns)}; there are {', '.join(short.values())}")
    return found


def evaluate(work: Path, names: Sequence[str], options: Options) -> list[str]:
    """Evaluate models, as many at once as there are devices; the names of those that failed."""
    tasks = asked(write_tasks(work, options.variants, options.small_variants), options.tasks)
    failed: list[str] = []
    waiting: deque[tuple[str, Mapping[str, Any]]] = deque()
    for name in names:
        try:
            wanted = record_of(work, name, options)
            if not is_done(work, name, wanted):
                waiting.append((name, wanted))
        except RoteError as error:
            print(f"FAILED: {error}", flush=True)
            failed.append(name)
    done, total = len(names) - len(waiting) - len(failed), len(names)
    print(f"{total} models, {done} of them done before", flush=True)
    free, busy = deque(range(len(options.devices))), list[Running]()
    try:
        while waiting or busy:
            while waiting and free:
                name, record = waiting.popleft()
                busy.append(start(work, name, free.popleft(), tasks, options, record))
            for running in list(busy):
                if running.process.poll() is None:
                    if time.monotonic() - running.began < options.timeout:
                        continue
                    end(running)
                busy.remove(running)
                free.append(running.slot)
                try:
                    line = finish(work, running, tasks)
                    done += 1
                    print(f"[{done}/{total}] {running.name}: {line}", flush=True)
                except RoteError as error:
                    failed.append(running.name)
                    print(f"FAILED: {error}\n{tail(work / 'logs' / f'{running.name}.txt')}", flush=True)
            time.sleep(0.1)
    finally:
        for running in busy:
            end(running)
    return failed


def end(running: Running) -> None:
    """End a process and its children, those included that outlived it."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(running.process.pid, sign)
            running.process.wait(timeout=10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def tail(path: Path, lines: int = 30) -> str:
    """The last lines of a text file, indented."""
    text = path.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def _devices(gpus: int, per_gpu: int) -> tuple[str, ...]:
    """``CUDA_VISIBLE_DEVICES`` of each slot, GPU by turns: of those visible here, if it is set."""
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    if visible and gpus > len(visible):
        raise UsageError(f"--gpus {gpus}: CUDA_VISIBLE_DEVICES names {len(visible)}")
    return tuple((visible or [str(i) for i in range(gpus)])[:gpus] or [""]) * per_gpu


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add = parser.add_argument
    add("work", type=Path, metavar="WORK", help="the folder that holds models, templates and logs")
    add("--only", nargs="+", default=[], metavar="GLOB", help="models of these names alone")
    add("--model", choices=("vllm", "hf"), default="vllm", help="lm-eval's model (default: vllm)")
    add("--gpus", type=int, default=1, metavar="N", help="GPUs to use; 0: the processor (default: 1)")
    add("--per-gpu", type=int, default=1, metavar="M", help="models at once on each (default: 1)")
    add("--variants", type=int, default=5, metavar="K", help="draws of each template (default: 5)")
    add("--small-variants", type=int, default=10, metavar="K", help="those of the small set (default: 10)")
    add("--tasks", nargs="+", default=[], metavar="GLOB", help="tasks of these names alone: 'bank_*'")
    add("--limit", type=int, metavar="N", help="documents of each task, for a rehearsal (default: all)")
    add("--batch-size", metavar="B", help="lm-eval's (default: auto for vllm, 64 for hf)")
    add("--kv-gib", type=float, default=2, metavar="X", help="cache of a vllm engine, in GiB (default: 2)")
    add("--eager", action="store_true", help="vllm without compiling and graphs: starts faster, runs slower")
    add("--timeout", type=float, default=1800, metavar="S", help="seconds for one model (default: 1800)")
    add("--pack", type=Path, metavar="FOLDER", help="evaluate nothing: pack the logs that are there")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when every model has its logs, 1 when one failed or nothing could be done."""
    parser = _parser()
    given = parser.parse_args(argv)
    if given.gpus < 0 or min(given.per_gpu, given.variants, given.small_variants) < 1:
        parser.error("--gpus must be at least 0; --per-gpu, --variants and --small-variants at least 1")
    work = given.work.resolve()
    try:
        names = find_models(work, given.only)
        if given.pack is not None:
            logged = [name for name in names if (work / "logs" / name).is_dir()]
            for path, held in pack(work, logged, given.pack):
                print(f"{path}: {path.stat().st_size:,} bytes, {len(held)} models: {', '.join(held)}")
            return 0
        options = Options(
            given.model,
            _devices(given.gpus, given.per_gpu),
            given.variants,
            given.small_variants,
            given.limit,
            given.batch_size or ("auto" if given.model == "vllm" else "64"),
            given.kv_gib,
            given.eager,
            given.timeout,
            tuple(given.tasks),
        )
        failed = evaluate(work, names, options)
    except RoteError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if failed:
        print(f"{len(failed)} of {len(names)} models failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    # Stopped from outside, too, the processes started here are ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())

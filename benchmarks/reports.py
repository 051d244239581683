"""How fast ``rote report`` reads logs, in how much memory, and how fast the intervals are.

    python benchmarks/reports.py [--megabytes 200] [--models 4] [--intervals]

Makes logs of that size in a temporary folder: originals and variants of 1,319 templates a model, each line
with its few-shot prompt, as real logs have it. Reading and the whole report run in a process of their own,
whose wall time, processor time and peak memory are printed, what they come to for 1 GB (with as many more
models), and their ratio to the limits (30 s, 1 GB) and to ``json.loads`` of the same lines, below which no
reader in Python gets. Then all intervals of 20 models × 6 columns × 1,319 templates at 9,999 resamples, as a
ratio to scipy's bootstrap of every column on its own and to the limit (0.5 s), with their peak memory and how
long they take again, with weights that are kept; ``--intervals`` does only this. Fails above a limit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rote.harness_ext.machine import describe_machine

TEMPLATES = 1319
VARIANTS = ("names", "numbers", "symbolic", "noop", "noop_control", "symbolic_noop")
GIGABYTE = 1e9
LIMIT_SECONDS = 30.0
LIMIT_BYTES = 1e9
LIMIT_INTERVALS = 0.5
MODELS = 20
COLUMNS = 6

#: What the process that is measured runs: one step, then its time and peak memory as JSON.
_STEPS = {
    "nothing": "import rote.reports.report, rote.reports.reader",
    "json.loads": (
        "import json, pathlib\n"
        "for path in sorted(pathlib.Path(folder).rglob('*.jsonl')):\n"
        "    with path.open('rb') as handle:\n"
        "        for raw in handle: json.loads(raw)"
    ),
    "read_logs": "from rote.reports import read_logs\nread_logs(folder)",
    "report": (
        "from rote.reports import build_report, read_logs, write_report\n"
        "from pathlib import Path\n"
        "write_report(build_report(read_logs(folder)), Path(folder, 'report.html'))"
    ),
}
_MEASURED = """
import json, resource, sys, time
folder, step = sys.argv[1:]
start = time.perf_counter()
exec(step)
seconds = [time.perf_counter() - start, time.process_time()]
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps([*seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit]))
"""


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sentences(rng: random.Random, count: int) -> str:
    """Plain sentences of a story, about 60 characters each."""
    who = ("Oriol", "Ines", "Tarek", "Wanjiru")
    what = ("apples", "bricks", "pens", "tiles")
    return " ".join(
        f"{rng.choice(who)} fills {rng.randint(2, 90)} boxes, {rng.randint(2, 90)} {rng.choice(what)} each."
        for _ in range(count)
    )


def record(rng: random.Random, number: int, doc_id: int, variant: str, index: int) -> dict[str, Any]:
    """One line, of about 7 kB: 4 kB of examples, the problem, its facts and a response."""
    gold, k = rng.randint(10, 999), rng.randint(2, 9)
    template = f"made/story_{number:04d}"
    trapped = variant in ("noop", "symbolic_noop")
    question = f"{sentences(rng, 3)} How many are there in all?"
    right = rng.random() < 0.8
    said = gold if right else gold + k
    response = f"{sentences(rng, 8)}\nThe answer is {said}.\n#### {said}"
    doc = {
        "id": f"{template}/{variant}/0/{index}" if variant != "original" else f"{template}/original",
        "source": "made",
        "template_id": template,
        "original_id": f"{template}/original",
        "variant": variant,
        "seed": 0,
        "index": index,
        "question": question,
        "solution": f"{sentences(rng, 4)}\n#### {gold}",
        "answer": str(gold),
        "traps": [{"value": str(gold + k), "how": f"answer + {k}"}] if trapped else [],
        "noop": [
            {
                "family": rng.choice(("hens", "bus", "library", "rain")),
                "factors": {"topic": "off", "role": "none", "magnitude": "in_range", "position": "mid_text"},
                "number": str(k) if trapped else None,
                "span": [0, 40],
                "proof": ["hens are not apples"],
            }
        ]
        if "noop" in variant
        else [],
        "covariates": {"largest_number": gold, "answer_digits": len(str(gold)), "operations": 3},
    }
    prompt = f"{EXAMPLES}\n\nWord problem: {question}\nAnswer:"
    wrong = ["arithmetic", "other"][number % 2]
    return {
        "doc_id": doc_id,
        "doc": doc,
        "target": doc["solution"],
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": {"until": ["\n\nWord problem:"]}}},
        "resps": [[response]],
        "filtered_resps": [response],
        "filter": "none",
        "metrics": ["exact_match", "format_ok", "invalid", "trapped", "agreement", "looping"],
        "doc_hash": sha(f"{doc['id']}"),
        "prompt_hash": sha(question),
        "target_hash": sha(str(gold)),
        "exact_match": int(right),
        "format_ok": 1,
        "invalid": 0,
        "trapped": int(trapped and not right),
        "step_consistency": None,
        "agreement": 1,
        "looping": 0,
        **{f"error_{kind}": int(not right and kind == wrong) for kind in ("arithmetic", "trap", "other")},
    }


EXAMPLES = "\n\n".join(
    f"Word problem: {sentences(random.Random(i), 4)}\nAnswer: {sentences(random.Random(-i), 4)}"
    for i in range(1, 9)
)


def write_logs(folder: Path, size: float, models: int) -> int:
    """Runs of ``models`` models, ``size`` bytes together; returns the number of lines."""
    total = 0
    for model in range(models):
        rng = random.Random(model)
        place = folder / f"model_{model}"
        place.mkdir()
        stamp = f"2026-01-02T03-04-{model:02d}.678901"
        left, hashes = size / models, {}
        for task, lines in tasks(rng):
            hasher, path = hashlib.sha256(), place / f"samples_{task}_{stamp}.jsonl"
            with path.open("wb") as handle:
                for line in lines:
                    raw = json.dumps(line, ensure_ascii=False).encode() + b"\n"
                    handle.write(raw)
                    hasher.update((line["doc_hash"] + line["prompt_hash"] + line["target_hash"]).encode())
                    left -= len(raw)
                    total += 1
                    if left <= 0:
                        break
            hashes[task] = hasher.hexdigest()
            if left <= 0:
                break
        results = {
            "results": {task: {"alias": task} for task in hashes},
            "configs": {
                task: {"task": task, "doc_to_text": "Word problem: {{question}}", "num_fewshot": 8}
                for task in hashes
            },
            "n-shot": dict.fromkeys(hashes, 8),
            "config": {"model": "hf", "model_args": f"pretrained=org/model-{model}"},
            "task_hashes": hashes,
            "lm_eval_version": "0.4.13",
        }
        (place / f"results_{stamp}.json").write_text(json.dumps(results), encoding="utf-8")
    return total


def tasks(rng: random.Random) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """Tasks without end: the originals, then the variants, of ever more instances a template."""

    def lines(variant: str, count: int, first: int) -> Iterator[dict[str, Any]]:
        for i in range(count):
            for number in range(TEMPLATES):
                yield record(rng, number, i * TEMPLATES + number, variant, first + i)

    yield "made_original", lines("original", 1, 0)
    part = 0
    while True:
        for variant in VARIANTS:
            yield f"made_{variant}_part{part}", lines(variant, 2, 2 * part)
        part += 1


def measure(folder: Path, step: str) -> tuple[float, float, float]:
    """Wall and processor seconds and peak bytes of a step in a process of its own."""
    command = [sys.executable, "-c", _MEASURED, str(folder), _STEPS[step]]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    wall, processor, peak = json.loads(done.stdout.splitlines()[-1])
    return wall, processor, peak


def time_reading(megabytes: int, models: int) -> bool:
    """Print the table of reading; whether the limits hold when taken to 1 GB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = write_logs(folder, megabytes * 1e6, models)
        size = sum(path.stat().st_size for path in folder.rglob("*.json*"))
        print(f"{size / 1e6:.0f} MB, {lines:,} samples of {models} models, {size / lines / 1e3:.1f} kB each")
        found = {step: measure(folder, step) for step in _STEPS}
    start, _, base = found.pop("nothing")
    floor = found["json.loads"][1]
    print(
        f"{'':12} {'s':>7} {'of CPU':>7} {'MB/s':>6} {'peak MB':>8} "
        f"{'1 GB: s':>8} {'peak MB':>8} {'× json.loads':>13}"
    )
    scale = GIGABYTE / size
    whole: dict[str, tuple[float, float]] = {}
    for step, (seconds, processor, peak) in found.items():
        whole[step] = seconds * scale, base + max(0.0, peak - base) * scale
        print(
            f"{step:12} {seconds:7.2f} {processor:7.2f} {size / seconds / 1e6:6.0f} {peak / 1e6:8.0f} "
            f"{whole[step][0]:8.1f} {whole[step][1] / 1e6:8.0f} {processor / floor:13.2f}"
        )
    seconds, peak = whole["report"]
    print(f"imports alone: {start:.2f} s, {base / 1e6:.0f} MB")
    print(
        f"1 GB to a report, of what is allowed: {seconds / LIMIT_SECONDS:.2f} of {LIMIT_SECONDS:g} s, "
        f"{peak / LIMIT_BYTES:.2f} of {LIMIT_BYTES / 1e9:g} GB"
    )
    return seconds <= LIMIT_SECONDS and peak <= LIMIT_BYTES


def time_intervals() -> bool:
    """Print how long the intervals of a leaderboard take, in a process of their own; whether that is allowed.

    Processor time decides: other jobs on the machine are not what is measured.
    """
    command = [sys.executable, __file__, "--intervals-here"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told, _, last = done.stdout.rstrip().rpartition("\n")
    print(told)
    ours = float(last)
    print(f"of what is allowed: {ours / LIMIT_INTERVALS:.2f} of {LIMIT_INTERVALS:g} s of CPU")
    return ours <= LIMIT_INTERVALS


def intervals_here() -> None:
    """Print times and peak memory of the intervals; on the last line the processor seconds of the first."""
    import resource

    import numpy as np
    from scipy.stats import bootstrap as scipy_bootstrap

    from rote.reports.inference.bootstrap import RESAMPLES, bootstrap

    unit = 1 if sys.platform == "darwin" else 1024
    rng = np.random.default_rng(0)
    right = rng.beta(3, 1, (TEMPLATES, MODELS))
    variants = rng.binomial(5, right[:, :, None], (TEMPLATES, MODELS, COLUMNS)) / 5
    differences = ((rng.random((TEMPLATES, MODELS)) < right)[:, :, None] - variants).reshape(TEMPLATES, -1)
    bootstrap(differences[:, :2], resamples=99)  # imports and first calls
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    first, wall, found = timed(lambda: bootstrap(differences))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    again, wall_again, _ = timed(lambda: bootstrap(differences))
    single, wall_single, result = timed(
        lambda: scipy_bootstrap(
            (differences[:, 0],),
            np.mean,
            n_resamples=RESAMPLES,
            method="BCa",
            vectorized=True,
            rng=rng,
            batch=500,
        )
    )
    theirs, columns = result.confidence_interval, MODELS * COLUMNS
    print(
        f"{columns} columns of {TEMPLATES:,} templates, BCa and percentile, {RESAMPLES:,} resamples: "
        f"{first:.2f} s of CPU ({wall:.2f} s), again {again:.2f} ({wall_again:.2f}); "
        f"peak {peak / 1e6:.0f} MB, of that imports and data {base / 1e6:.0f}"
    )
    print(
        f"scipy, one column: {single:.2f} s of CPU ({wall_single:.2f} s), {columns} columns "
        f"{single * columns:.0f}: {single * columns / first:.0f} times as long"
    )
    if (own := found[0].bca) is not None:
        print(f"first: [{own.low:.4f}, {own.high:.4f}], scipy's [{theirs.low:.4f}, {theirs.high:.4f}]")
    print(first)


def timed(step: Callable[[], Any]) -> tuple[float, float, Any]:
    """Processor and wall seconds of a step, and what it gave."""
    processor, wall = time.process_time(), time.perf_counter()
    made = step()
    return time.process_time() - processor, time.perf_counter() - wall, made


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=200, metavar="N")
    parser.add_argument("--models", type=int, default=4, metavar="N")
    parser.add_argument("--intervals", action="store_true", help="only the intervals")
    parser.add_argument("--intervals-here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.intervals_here:
        intervals_here()
        return 0
    if args.megabytes < 1 or not 1 <= args.models <= 60:
        parser.error("--megabytes must be at least 1, --models from 1 to 60")
    machine = describe_machine()
    print(f"{machine['cpu']}, one process, Python {machine['python']}")
    # Both are run, whatever the first finds.
    kept = [args.intervals or time_reading(args.megabytes, args.models), time_intervals()]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())

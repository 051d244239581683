"""Instances a second, ours against reasoning-gym's gsm_symbolic, in one run on one core.

    pip install rote reasoning-gym==0.1.25
    python benchmarks/generate.py

An instance is a question, its worked solution and its exact answer. Ours are drawn in turn from all
templates of the bank and all variants; theirs from the 85 templates that version enables. Each side is
timed in rounds that alternate, and the median ratio is printed: a machine's speed drifts, a ratio less.

    python benchmarks/generate.py --workers 1,2 --count 400000

times `rote sample` instead: JSON lines of `symbolic` and Parquet shards, by so many processes, in rounds that
alternate; from the start of the processes to the last byte. The ratio is to the first number of processes.
CPU seconds, of all processes together, say what sharing costs where the machine has other work, too: where
their ratio is near 1, nothing is done twice, and what the ratio of rates lacks is cores that others had.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

from rote.perturb import load_source, sample
from rote.problem import VARIANTS


def ours(count: int, seed: int) -> int:
    """Generate ``count`` instances, shared evenly among the variants; returns how many were made."""
    source = load_source("bank")
    made = 0
    for variant in VARIANTS:
        for problem in sample(source, variant, count // len(VARIANTS), seed):
            made += bool(problem.question and problem.solution and problem.answer)
    return made


def theirs(count: int, seed: int) -> int:
    """The same of reasoning-gym's gsm_symbolic; 0 when it is not installed."""
    try:
        import reasoning_gym
    except ImportError:
        return 0
    made = 0
    for item in reasoning_gym.create_dataset("gsm_symbolic", size=count, seed=seed):
        made += bool(item["question"] and item["answer"] and item["metadata"]["answer_cot"])
    return made


def rate(work: Callable[[int, int], int], count: int, seed: int) -> float:
    """Instances a second of one round."""
    start = time.perf_counter()
    made = work(count, seed)
    return made / (time.perf_counter() - start)


def by_workers(numbers: Sequence[int], count: int, rounds: int) -> None:
    """Print instances a second of `rote sample` by numbers of processes, and their ratios to the first."""
    for what, options in (("JSON lines", []), ("Parquet", ["--out"])):
        rates: dict[int, list[float]] = {number: [] for number in numbers}
        spent: dict[int, list[float]] = {number: [] for number in numbers}
        for turn in range(rounds):
            for number in numbers:
                seconds, cpu = sampled(count, turn, number, options)
                rates[number].append(count / seconds)
                spent[number].append(cpu)
                print(
                    f"{what}, round {turn + 1}, {number} processes: {count / seconds:9,.0f}/s, "
                    f"{seconds:.1f} s, {cpu:.1f} s of CPU",
                    flush=True,
                )
        first = rates[numbers[0]]
        for number in numbers:
            ratio = statistics.median(a / b for a, b in zip(rates[number], first, strict=True))
            median = statistics.median(rates[number])
            more = statistics.median(a / b for a, b in zip(spent[number], spent[numbers[0]], strict=True))
            print(
                f"{what}, {number} processes: median {median:,.0f}/s, {ratio:.2f} times {numbers[0]}, "
                f"with {more:.2f} times its CPU"
            )


def sampled(count: int, seed: int, workers: int, options: Sequence[str]) -> tuple[float, float]:
    """Wall and CPU seconds of one call of `rote sample`, the start of Python included."""
    words = ["-n", str(count), "--seed", str(seed), "--workers", str(workers)]
    with tempfile.TemporaryDirectory() as folder:
        out = [*options, f"{folder}/set", "--rows-per-shard", "50000"] if options else []
        start, before = time.perf_counter(), os.times()
        subprocess.run(
            [sys.executable, "-m", "rote", "sample", *words, *out],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        seconds, after = time.perf_counter() - start, os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return seconds, cpu


def main() -> None:
    """Print the rates of each round and the median ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--count", type=int, default=70_000, help="instances a round and side (default: 70000)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--workers", metavar="N,…", help="time `rote sample` with so many processes, such as 1,2"
    )
    args = parser.parse_args()
    if args.workers is not None:
        by_workers([int(number) for number in args.workers.split(",")], args.count, args.rounds)
        return
    start = time.perf_counter()
    templates = len(load_source("bank").templates)
    loaded = time.perf_counter() - start
    start = time.perf_counter()
    ours(len(VARIANTS) * templates, 0)
    compiled = time.perf_counter() - start
    print(f"bank: {templates} templates, loaded in {loaded:.2f} s, all variants compiled in {compiled:.2f} s")
    peer = theirs(100, 0) > 0
    rows = []
    for turn in range(args.rounds):
        mine = rate(ours, args.count, turn + 1)
        other = rate(theirs, args.count, turn + 1) if peer else float("nan")
        rows.append((mine, other))
        print(
            f"round {turn + 1}: rote {mine:9,.0f}/s   gsm_symbolic {other:9,.0f}/s   ratio {mine / other:.2f}"
        )
    print(f"median: rote {statistics.median(r[0] for r in rows):,.0f}/s", end="")
    if peer:
        print(
            f", gsm_symbolic {statistics.median(r[1] for r in rows):,.0f}/s, "
            f"ratio {statistics.median(a / b for a, b in rows):.2f}"
        )
    else:
        print(" (reasoning-gym is not installed: no peer to compare with)")
    for variant in VARIANTS[1:]:
        source = load_source("bank")
        start = time.perf_counter()
        made = sum(1 for _ in sample(source, variant, args.count // 2, 99))
        print(f"  {variant:<9} {made / (time.perf_counter() - start):9,.0f}/s")


if __name__ == "__main__":
    main()

"""Instances a second, ours against reasoning-gym's gsm_symbolic, in one run on one core.

    pip install rote reasoning-gym==0.1.25
    python benchmarks/generate.py

An instance is a question, its worked solution and its exact answer. Ours are drawn in turn from all
templates of the bank and all variants; theirs from the 85 templates that version enables. Each side is
timed in rounds that alternate, and the median ratio is printed: a machine's speed drifts, a ratio less.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

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


def main() -> None:
    """Print the rates of each round and the median ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--count", type=int, default=70_000, help="instances a round and side (default: 70000)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
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

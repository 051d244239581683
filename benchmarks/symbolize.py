"""GSM8K to templates: time to build them all, instances a second on one core, and how like they are.

    ROTE_GSM8K=/folder/of/test.jsonl python benchmarks/symbolize.py

Every build is a process of its own: without a cache, writing one, reading one. The time of the process
(CPU) is what is held against the limit; the wall clock is printed beside it. Rates are over all templates
in turn, in one process, once every plan is compiled; a rendered instance is a question, its worked solution
and its exact answer. The last column divides the figure by its limit, so that above 1.00 is better than
what was asked.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from rote.perturb.gsm8k import Split, load
from rote.perturb.gsm8k.coverage import magnitude_distance

#: What was asked: seconds to build all test items, rendered instances a second, distance of magnitudes.
BUILD_SECONDS = 10.0
RATE = 3000.0
DISTANCE = 0.05

_BUILD = """
import json, sys, time
from rote.perturb.gsm8k import load
wall, cpu = time.perf_counter(), time.process_time()
split = load(sys.argv[1], sys.argv[2] or None, cache=sys.argv[3] == "cache")
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu, len(split), len(split.templates)]))
"""


def build(split: str, path: str, cache: str, folder: str) -> tuple[float, float, int, int]:
    """Wall and CPU seconds of one build in a fresh process, the items and the templates."""
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, split, path, cache],
        env={**os.environ, "ROTE_CACHE": folder, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=True,
    )
    wall, cpu, items, templates = json.loads(done.stdout)
    return wall, cpu, items, templates


def rate(split: Split, variant: str, each: int, seed: int) -> tuple[float, int]:
    """Rendered instances a CPU second, and how many were rendered: ``each`` of every template."""
    templates = [t for t in split.templates.values() if variant in t.variants]
    start = time.process_time()
    made = 0
    for index in range(each):
        for template in templates:
            problem = template.problem(variant, seed, index)
            made += bool(problem.question and problem.solution and problem.answer)
    return made / (time.process_time() - start), made


def main() -> None:
    """Print the figures and their ratios to the limits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--split", default="test")
    parser.add_argument("--path", default="", help="folder of the data (default: ROTE_GSM8K)")
    parser.add_argument(
        "--each", type=int, default=20, help="instances of each template and round (default: 20)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the median counts (default: 3)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for label, cache, rounds in (
            ("build, no cache", "none", args.rounds),
            ("build, writing the cache", "cache", 1),
            ("build, from the cache", "cache", args.rounds),
        ):
            rows = [build(args.split, args.path, cache, folder) for _ in range(rounds)]
            wall, cpu = (statistics.median(row[k] for row in rows) for k in (0, 1))
            line = f"{label:<26} {cpu:8.2f} s CPU {wall:8.2f} s wall"
            if cache == "none":
                line += f"   limit {BUILD_SECONDS:.0f} s, ratio {BUILD_SECONDS / cpu:.2f}"
            print(line)
        print(f"{rows[0][3]:,} templates of {rows[0][2]:,} items")
    split = load(args.split, args.path or None)
    for variant in ("names", "numbers", "symbolic"):
        start = time.process_time()
        rate(split, variant, 1, 0)
        compiled = time.process_time() - start
        rates = [rate(split, variant, args.each, turn + 1) for turn in range(args.rounds)]
        median = statistics.median(r for r, _ in rates)
        print(
            f"{variant:<9} {median:9,.0f} instances/s ({rates[0][1]:,} a round; compiled in {compiled:.1f} s)"
            f"   limit {RATE:,.0f}/s, ratio {median / RATE:.2f}"
        )
    distance = magnitude_distance(split)
    if distance is not None:
        print(f"K-S distance {distance:.3f}   limit {DISTANCE}, ratio {DISTANCE / distance:.2f}")


if __name__ == "__main__":
    main()

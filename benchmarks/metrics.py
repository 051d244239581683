"""Time of all metrics of a response, in milliseconds, and as a multiple of the grader alone.

    python benchmarks/metrics.py [--gsm8k FOLDER] [--rounds 5]

With the folder of GSM8K the responses are its published model solutions; without it, the worked solutions
of the bank. A row ``first seen`` reads each question and reference anew, ``repeated`` finds them read, as
repeats and re-scoring do. One process, one thread, the best of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rote.answers import is_correct
from rote.metrics import measure
from rote.metrics.mistakes import read_reference
from rote.metrics.numbers import read_given


class Case(NamedTuple):
    response: str
    question: str
    gold: str
    solution: str


def load(gsm8k: Path | None) -> tuple[str, list[Case]]:
    if gsm8k is None:
        from rote.perturb import load_source, sample

        problems = [p.to_doc() for p in sample(load_source("bank"), "symbolic", n=500)]
        cases = [Case(p["solution"], p["question"], p["answer"], p["solution"]) for p in problems]
        return "worked solutions of the bank", cases
    found = []
    path = gsm8k / "example_model_solutions.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        solution = record["ground_truth"]
        gold = solution.rpartition("A:")[2].strip()
        found += [
            Case(a["solution"], record["question"], gold, solution)
            for a in record.values()
            if isinstance(a, dict)
        ]
    return "real model solutions", found


def grade(case: Case) -> None:
    is_correct(case.response, case.gold)


def measure_warm(case: Case) -> None:
    measure(case.response, case.question, case.gold, solution=case.solution)


def measure_cold(case: Case) -> None:
    read_given.cache_clear()
    read_reference.cache_clear()
    measure_warm(case)


def best(run: Callable[[Case], None], cases: list[Case], rounds: int) -> float:
    """Milliseconds a response, the best of the rounds."""
    least = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        for case in cases:
            run(case)
        least = min(least, time.perf_counter() - begin)
    return least / len(cases) * 1e3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    folder = os.environ.get("ROTE_GSM8K")
    parser.add_argument("--gsm8k", type=Path, default=Path(folder) if folder else None, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    name, cases = load(args.gsm8k)
    print(f"{len(cases)} {name}; Python {platform.python_version()}, {platform.machine()}")
    grader = best(grade, cases, args.rounds)
    print(f"{'':12}{'ms/response':>12}{'× grader':>10}")
    print(f"{'grader':12}{grader:12.3f}{1:10.1f}")
    for label, run in (("first seen", measure_cold), ("repeated", measure_warm)):
        took = best(run, cases, args.rounds)
        print(f"{label:12}{took:12.3f}{took / grader:10.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

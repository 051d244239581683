"""Systems of linear equations: problems made a second, and what a lint of 10,000 of them finds.

    python benchmarks/linear.py

One core. A problem is a question, its worked solution and its exact answers. The lint works every system out
twice more (elimination, determinants), puts the answers in, works out every annotation, and looks for
questions that come twice. Then what grading of a worked solution takes.
"""

from __future__ import annotations

import argparse
import statistics
import time

from rote.answers.systems import grade_system
from rote.perturb.linear import DIFFICULTIES, SPLITS, UNKNOWNS, capacity, lint, problems


def rate(form: str, count: int, seed: int) -> float:
    """Problems a second of one round."""
    start = time.perf_counter()
    made = problems("test", count, seed, form=form)
    return len(made) / (time.perf_counter() - start)


def table(seed: int) -> None:
    """What each level is like, measured on 300 problems of each number of unknowns."""
    print("level unknowns  eliminations  operations  largest number (median, most)  n largest test split")
    for level in DIFFICULTIES:
        for unknowns in UNKNOWNS:
            made = problems("test", 300, seed, unknowns=[unknowns], difficulty=[level])
            facts = [one.problem.covariates for one in made]
            eliminations = statistics.mean(fact["eliminations"] for fact in facts)
            operations = statistics.mean(fact["operations"] for fact in facts)
            largest = [fact["largest_number"] for fact in facts]
            most = capacity("test", unknowns=[unknowns], difficulty=[level])
            print(
                f"{level:5} {unknowns:8} {eliminations:13.1f} {operations:11.1f} "
                f"{statistics.median(largest):20.0f} {max(largest):8} {most:22,}"
            )


def main() -> None:
    """Print rates, the lint's count of faults, and the table of levels."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000, help="problems of a round and of the lint")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for form in ("equations", "words"):
        start = time.perf_counter()
        problems("test", 100, args.seed, form=form)
        first = time.perf_counter() - start
        rates = [rate(form, args.count, args.seed + 1 + turn) for turn in range(args.rounds)]
        print(f"{form}: median {statistics.median(rates):,.0f}/s (the first 100 in {first:.2f} s)")
    for split in SPLITS:
        made = problems(split, args.count, args.seed)
        faults = lint(made)
        print(f"lint of {len(made):,} of split {split}: {len(faults)} faults")
        for fault in faults[:5]:
            print(f"  {fault}")
    start = time.perf_counter()
    right = sum(grade_system(one.solution, one.answers).correct for one in made)
    taken = (time.perf_counter() - start) / len(made)
    print(f"grading: {right:,} of {len(made):,} worked solutions right, {taken * 1e6:.0f} µs each")
    table(args.seed)


if __name__ == "__main__":
    main()

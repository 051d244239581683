"""A hundred thousand instances: every gold worked out again, and one hash of all their bytes.

    python benchmarks/verify.py            # wrong golds, and the hash
    python benchmarks/verify.py --reverse  # the same hash, the instances made in another order

The evaluator reads the solution's text alone and shares no code with the generator. The hash is the
same in every process, on every platform and Python version, and in every order of generation.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import time

from rote.answers import is_correct
from rote.perturb import load_source, sample
from rote.problem import VARIANTS, Problem
from rote.steps import rederive


def instances(count: int, seed: int) -> list[Problem]:
    """``count`` instances, shared among the variants that draw."""
    source = load_source("bank")
    drawn = VARIANTS[1:]
    found: list[Problem] = []
    for i, variant in enumerate(drawn):
        share = count // len(drawn) + (i < count % len(drawn))
        found += sample(source, variant, share, seed)
    return found


def backwards(count: int, seed: int) -> list[Problem]:
    """The same instances, made from the last to the first."""
    source = load_source("bank")
    wanted = [(p.template_id, p.variant, p.index) for p in instances(count, seed)]
    made = [source.template(t).problem(v, seed, i) for t, v, i in reversed(wanted)]
    return made[::-1]


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reverse", action="store_true")
    parser.add_argument("--hash-only", action="store_true", help="leave out the evaluator")
    args = parser.parse_args()
    start = time.perf_counter()
    problems = (backwards if args.reverse else instances)(args.count, args.seed)
    took = time.perf_counter() - start
    digest = hashlib.sha256()
    for problem in problems:
        digest.update(
            json.dumps(problem.to_doc(), ensure_ascii=False, sort_keys=True).encode("utf-8") + b"\n"
        )
    print(f"{len(problems)} instances in {took:.1f} s on Python {platform.python_version()}")
    print(f"sha256 {digest.hexdigest()}")
    if not args.hash_only:
        wrong = [p.id for p in problems if rederive(p.solution).answer != p.answer]
        ungraded = [p.id for p in problems if not is_correct(p.solution, p.answer)]
        repeated = len(problems) - len({(p.variant, p.question) for p in problems})
        print(f"wrong golds {len(wrong)} {wrong[:5]}, not full marks {len(ungraded)} {ungraded[:5]}")
        print(f"repeated questions {repeated}")


if __name__ == "__main__":
    main()

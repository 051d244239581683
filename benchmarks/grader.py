"""Time of the grader, in microseconds a response, beside the two regular expressions it replaces.

    python benchmarks/grader.py [--gsm8k FOLDER] [--rounds 5]

The peer is what lm-eval's ``gsm8k`` task documents: a strict pattern (``#### <digits>``) and a
flexible one (the last number), both applied, commas and dollars removed, compared as text. With the
folder of GSM8K the responses are its published model solutions, which also gives the agreement with
the authors' verdict; without it they are the worked examples of the tests. One process, one thread,
the best of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rote.answers import is_correct

STRICT = re.compile(r"#### (\-?[0-9\.\,]+)")
FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")
REMOVED = re.compile(r",|\$|(?s:.*#### )|\.$")
EXAMPLES = Path(__file__).parents[1] / "tests" / "data" / "extraction.jsonl"

Case = tuple[str, str, bool]


def peer(response: str, gold: str) -> bool:
    """Right by either pattern."""
    wanted = REMOVED.sub("", gold).lower()
    strict = STRICT.search(response)
    if strict is not None and REMOVED.sub("", strict[1]).lower() == wanted:
        return True
    last = None
    for last in FLEXIBLE.finditer(response):  # noqa: B007
        pass
    return last is not None and REMOVED.sub("", last[0]).lower() == wanted


def load(gsm8k: Path | None) -> tuple[str, list[Case]]:
    if gsm8k is None:
        cases = [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").splitlines()]
        return "worked examples", [(c["response"], c["gold"], c["correct"]) for c in cases]
    found: list[Case] = []
    path = gsm8k / "example_model_solutions.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        gold = record["ground_truth"].rpartition("A:")[2].strip()
        found += [(a["solution"], gold, a["is_correct"]) for a in record.values() if isinstance(a, dict)]
    return "real model solutions", found


def measure(grade: Callable[[str, str], bool], cases: list[Case], rounds: int) -> tuple[float, int, int]:
    """Best microseconds a response, false credits and missed credits."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        verdicts = [grade(response, gold) for response, gold, _ in cases]
        best = min(best, time.perf_counter() - begin)
    false = sum(v and not c for v, (_, _, c) in zip(verdicts, cases, strict=True))
    missed = sum(c and not v for v, (_, _, c) in zip(verdicts, cases, strict=True))
    return best / len(cases) * 1e6, false, missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    folder = os.environ.get("ROTE_GSM8K")
    parser.add_argument("--gsm8k", type=Path, default=Path(folder) if folder else None, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    name, cases = load(args.gsm8k)
    print(f"{len(cases)} {name}; Python {platform.python_version()}, {platform.machine()}")
    ours, ours_false, ours_missed = measure(is_correct, cases, args.rounds)
    theirs, their_false, their_missed = measure(peer, cases, args.rounds)
    print(f"{'':24}{'µs/response':>12}{'false credits':>15}{'missed':>8}")
    print(f"{'rote':24}{ours:12.1f}{ours_false:15}{ours_missed:8}")
    print(f"{'two regular expressions':24}{theirs:12.1f}{their_false:15}{their_missed:8}")
    print(f"ratio {ours / theirs:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

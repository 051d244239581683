"""How fast ``rote score`` scores logged samples anew, and how long 50,000 would take.

    python benchmarks/rescore.py [--gsm8k FOLDER] [--samples 5000] [--jobs 1]

With the folder of GSM8K the responses are its published model solutions, each of another problem; without it,
worked solutions of the bank. Every line also holds the few-shot prompt, as real logs do. What is timed is the
whole command: reading, scoring, writing, putting together. Fails above --limit seconds for 50,000.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from rote.harness_ext.machine import describe_machine
from rote.harness_ext.rescore import Log, rescore
from rote.perturb import load_source, sample
from rote.prompts import render

TIME = "2026-01-02T03-04-05.678901"
WANTED = 50_000


def pairs(gsm8k: Path | None) -> tuple[str, list[tuple[dict[str, Any], str]]]:
    """(document, response) pairs, and what they are."""
    if gsm8k is None:
        docs = [problem.to_doc() for problem in sample(load_source("bank"), "symbolic", n=2000)]
        return "worked solutions of the bank", [(doc, doc["solution"]) for doc in docs]
    found = []
    path = gsm8k / "example_model_solutions.jsonl"
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        record = json.loads(line)
        doc = {
            "id": f"gsm8k/{number}",
            "template_id": f"gsm8k/{number}",
            "question": record["question"],
            "solution": record["ground_truth"],
            "answer": record["ground_truth"].rpartition("A:")[2].strip().replace(",", ""),
            "traps": [],
            "noop": [],
        }
        found += [(doc, a["solution"]) for a in record.values() if isinstance(a, dict)]
    return "real model solutions", found


def write_log(folder: Path, cases: list[tuple[dict[str, Any], str]], count: int) -> Log:
    """A run of one task with ``count`` samples."""
    shots = load_source("bank").shots
    samples = folder / f"samples_bank_symbolic_{TIME}.jsonl"
    with samples.open("w", encoding="utf-8") as handle:
        for number, (doc, response) in enumerate(islice(cycle(cases), count)):
            line = {
                "doc_id": number,
                "doc": doc,
                "target": doc["solution"],
                "arguments": {
                    "gen_args_0": {"arg_0": render(doc["question"], shots), "arg_1": {"until": []}}
                },
                "resps": [[response]],
                "filtered_resps": [response],
                "filter": "none",
                "metrics": ["exact_match"],
                "doc_hash": "0" * 64,
                "prompt_hash": "1" * 64,
                "target_hash": "2" * 64,
                "exact_match": 0,
            }
            handle.write(json.dumps(line, ensure_ascii=False) + "\n")
    path = folder / f"results_{TIME}.json"
    results = {"results": {"bank_symbolic": {"exact_match,none": 0}}, "configs": {"bank_symbolic": {}}}
    path.write_text(json.dumps(results), encoding="utf-8")
    return Log(path, results, (("bank_symbolic", samples),))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gsm8k", type=Path, metavar="FOLDER")
    parser.add_argument("--samples", type=int, default=5000, metavar="N")
    parser.add_argument("--jobs", type=int, default=1, metavar="N")
    parser.add_argument("--limit", type=float, default=60, metavar="S")
    args = parser.parse_args()
    what, cases = pairs(args.gsm8k)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        log = write_log(place, cases, args.samples)
        start = time.perf_counter()
        done = rescore([log], place / "out", jobs=args.jobs)
        seconds = time.perf_counter() - start
    rate = done.documents / seconds
    machine = describe_machine()
    print(f"{what}; {machine['cpu']}, {args.jobs} process(es), Python {machine['python']}")
    print(f"{done.documents:,} samples in {seconds:.1f} s: {rate:,.0f} samples/s, {1000 / rate:.2f} ms each")
    print(f"{WANTED:,} samples: {WANTED / rate:.0f} s (limit {args.limit:g} s)")
    return int(WANTED / rate > args.limit)


if __name__ == "__main__":
    sys.exit(main())

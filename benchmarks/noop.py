"""Inert clauses: which templates take them, instances a second, and that each is its original and a clause.

    ROTE_GSM8K=/folder/of/test.jsonl python benchmarks/noop.py

Times are CPU seconds of one process. *First* is the first round of three instances a template, in which
every question is compiled; *then* is what follows, with other draws. Reading the questions (tagging, people,
places) comes once before. Ratios are against what was asked: above 1.00 is better. Besides, instances of
every variant are taken apart again: without its clauses one of `noop`, `noop2` and `noop_control` must be the
published question, byte for byte, with the published answer, and no clause may have a number that is the
answer.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence

from rote.perturb import Template, load_source
from rote.perturb.gsm8k import load
from rote.perturb.inert import without_clauses
from rote.perturb.noop import ATTACHED

#: What was asked: templates of GSM8K's test split that take three families, and instances a second.
TEMPLATES = 1100
RATE = 2000.0


def rate(templates: Sequence[Template], variant: str, first: int, last: int) -> float:
    """Instances a CPU second over all templates in turn, indices ``first`` to ``last``."""
    start, made = time.process_time(), 0
    for index in range(first, last):
        for template in templates:
            template.problem(variant, 0, index)
            made += 1
    return made / (time.process_time() - start)


def faults(template: Template, variant: str, each: int) -> Counter[str]:
    """What is wrong with instances of one variant, by kind."""
    found: Counter[str] = Counter()
    original = template.problem("original", 0, 0)
    for index in range(each):
        problem = template.problem(variant, 1, index)
        found["instances"] += 1
        found["answer"] += problem.answer != original.answer and variant != "symbolic_noop"
        found["question"] += without_clauses(problem) != original.question and variant != "symbolic_noop"
        found["k is the answer"] += any(noop.number == problem.answer for noop in problem.noop)
        found["a trap is the answer"] += any(trap.value == problem.answer for trap in problem.traps)
        found["traps"] += bool(problem.traps) == (variant == "noop_control")
    return found


def main() -> int:
    """Print the tables; 1 when an instance is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--path", help="GSM8K's folder (default: the environment's ROTE_GSM8K)")
    parser.add_argument("--each", type=int, default=10, help="further instances a template (default: 10)")
    options = parser.parse_args()
    sources: dict[str, Sequence[Template]] = {
        "bank": tuple(load_source("bank").templates.values()),
        "gsm8k": tuple(load("test", options.path).templates.values()),
    }
    wrong = 0
    for name, templates in sources.items():
        start = time.process_time()
        families = [len({site.family.name for site in template.sites}) for template in templates]
        seconds = time.process_time() - start
        three = sum(count >= 3 for count in families)
        asked = f", {three / TEMPLATES:.2f} of what was asked" if name == "gsm8k" else ""
        print(f"{name}: {three:,} of {len(templates):,} templates take at least three families{asked};")
        print(f"  median {statistics.median(families):g} families; read in {seconds:.1f} s")
        print(f"  {'variant':<14}{'templates':>10}{'first/s':>10}{'then/s':>10}{'ratio':>8}   faults")
        for variant in ATTACHED:
            offering = [template for template in templates if template.offers(variant)]
            first = rate(offering, variant, 0, 3)
            then = rate(offering, variant, 3, 3 + options.each)
            found: Counter[str] = Counter()
            for template in offering:
                found += faults(template, variant, 4)
            checked = found.pop("instances", 0)
            wrong += sum(found.values())
            told = (
                ", ".join(f"{what} {count}" for what, count in sorted(found.items()))
                or f"none in {checked:,}"
            )
            print(
                f"  {variant:<14}{len(offering):>10,}{first:>10,.0f}{then:>10,.0f}"
                f"{then / RATE:>8.2f}   {told}"
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Rounder originals: what looks like memory and is arithmetic is withheld by the measures of the working."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

from rote.reports.inference.checks import COVARIATES, check
from rote.reports.records import Sample, Where
from rote.reports.working import working

#: Answers slip where the working has many digits, whoever wrote the numbers.
SLIPS_FROM = 8


def sample(template: int, variant: str, index: int, a: int, b: int, correct: bool) -> Sample:
    doc: Mapping[str, str] = {
        "question": f"Each of {a} crates holds {b} melons. How many melons are there?",
        "solution": f"There are {a} * {b} = {a * b} melons.\n#### {a * b}",
    }
    covariates = {
        "largest_number": float(max(a, b)),
        "answer_digits": float(len(str(a * b))),
        "characters": float(len(doc["question"])),
    }
    return Sample(
        id=f"own/t{template}/{variant}/{index}",
        template_id=f"own/t{template}",
        variant=variant,
        seed=0,
        index=index,
        correct=correct,
        format_ok=True,
        invalid=False,
        trapped=False,
        has_traps=False,
        trap=None,
        factors={},
        response_characters=10,
        response_digest=b"",
        document_digest=b"",
        prompt_hash=None,
        covariates=covariates | working(doc),
        where=Where("own.jsonl", 1, 0),
    )


def population(memory: bool) -> tuple[list[Sample], list[list[Sample]]]:
    """60 templates with a round original and five draws; with ``memory`` draws fail whatever their digits."""
    chance = random.Random(7)
    originals, variants = [], []
    for template in range(60):
        a, b = 10 * chance.randint(2, 9), 10 * chance.randint(2, 9)
        originals.append(sample(template, "original", 0, a, b, True))
        row = []
        for index in range(5):
            a, b = chance.randint(20, 90), chance.randint(20, 90)
            made = sample(template, "numbers", index, a, b, False)
            slips = made.covariates["digits_worked"] >= SLIPS_FROM
            luck = chance.random()
            row.append(replace(made, correct=luck < 0.3 if memory else luck < (0.7 if slips else 0.97)))
        variants.append(row)
    return originals, variants


def test_round_originals_are_no_memory() -> None:
    checks = check(*population(memory=False), p=0.0001)
    assert checks.adjusted is not None
    assert set(checks.adjusted.covariates) == set(COVARIATES) - {"characters"}  # as long as each other
    assert checks.adjusted.p > 0.05


def test_without_these_measures_they_would_be() -> None:
    originals, variants = population(memory=False)

    def bare(one: Sample) -> Sample:
        kept = {name: v for name, v in one.covariates.items() if not name.endswith("_worked")}
        return replace(one, covariates=kept)

    checks = check([bare(o) for o in originals], [[bare(s) for s in row] for row in variants], p=0.0001)
    assert checks.adjusted is not None
    assert checks.adjusted.p < 0.01


def test_memory_is_found_all_the_same() -> None:
    checks = check(*population(memory=True), p=0.0001)
    assert checks.adjusted is not None
    assert checks.adjusted.p < 0.001

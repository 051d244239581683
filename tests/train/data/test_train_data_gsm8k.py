"""GSM8K itself: gold solutions, and what decontamination keeps out of the training data."""

from __future__ import annotations

import pytest
from train_data_files import FOLDER, build, needs_data

from rote.perturb.gsm8k import load
from rote.train.data.contamination import Index, evaluation_sets
from rote.train.recipe.data import DecontaminationSpec

pytestmark = [needs_data, pytest.mark.slow]


def test_every_published_training_item_is_a_row_and_few_are_left_out() -> None:
    whole = build({"source": "gsm8k", "path": str(FOLDER)})
    assert len(whole.rows) == 7473
    assert not whole.left_out
    clean = build({"source": "gsm8k", "path": str(FOLDER)}, decontaminate={"path": str(FOLDER)})
    assert 90 <= len(clean.certificate.out) <= 130
    # a test item with another name and other numbers
    assert ("gsm8k/train/20/original", "gsm8k/test/632") in {
        (match.row, match.template) for match in clean.certificate.out
    }


def test_every_paraphrase_of_a_test_item_is_recognised() -> None:
    spec = DecontaminationSpec(against=("gsm8k/test",), path=str(FOLDER))
    index = Index(evaluation_sets(spec), spec.ngram, spec.shared)
    missed = []
    asked = 0
    for template in load("test", FOLDER).templates.values():
        for variant in ("names", "numbers", "symbolic"):
            if template.offers(variant):
                problem = template.problem(variant, 4, 0)
                found = index.match(problem.id, problem.question)
                asked += 1
                if found is None or found.template != template.id:
                    missed.append(problem.id)
    assert asked > 3000
    assert not missed

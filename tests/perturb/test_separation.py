"""Nothing drawn from a test item reaches training."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rote.errors import DataError, UsageError
from rote.perturb.gsm8k import load, overrides
from rote.perturb.gsm8k.separation import copies, for_training, masked, prove_separate

DATA = Path(os.environ.get("ROTE_GSM8K") or Path(__file__).resolve().parents[3] / "shared" / "gsm8k")

TEST = (
    "Nadia plants 14 rows of beans behind the old mill. Each row holds 23 plants, and snails eat 31 of the "
    "plants before the summer begins. How many bean plants are left in the rows behind the mill?"
)
COPY = (
    "Tomas plants 18 rows of beans behind the old mill. Each row holds 12 plants, and snails eat 40 of the "
    "plants before the summer begins. How many bean plants are left in the rows behind the mill?"
)
OTHER = (
    "Tomas mends 18 bicycles in a week and paints 12 of them red. A bicycle takes him 40 minutes, and "
    "painting one takes another 25 minutes. How many minutes does Tomas work on bicycles in that week?"
)


def record(question: str, solution: str) -> dict[str, str]:
    return {"question": question, "answer": solution}


BEANS = "There are {a} * {b} = <<{a}*{b}={c}>>{c} plants.\n{c} - {d} = <<{c}-{d}={e}>>{e} are left.\n#### {e}"


def test_masking_hides_numbers_and_people() -> None:
    assert masked(TEST) == masked(COPY)
    assert masked(TEST)[:4] == ("@", "plants", "#", "rows")


def test_a_copy_with_other_numbers_and_names_is_found() -> None:
    found = copies([("train/0", COPY), ("train/1", OTHER)], [("test/0", TEST)])
    assert dict(found) == {"train/0": "test/0"}


def test_training_leaves_copies_out_and_proves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # the curated facts are about the published items, and refuse another text under their numbers
    monkeypatch.setattr(overrides, "of", lambda template_id, question: None)
    rows = [(1, record(TEST, BEANS.format(a=14, b=23, c=322, d=31, e=291)))]
    test = load("test", records=rows, cache=False)
    solution = BEANS.format(a=18, b=12, c=216, d=40, e=176)
    minutes = (
        "Mending takes 18 * 40 = <<18*40=720>>720 minutes.\n"
        "Painting takes 12 * 25 = <<12*25=300>>300 minutes.\n"
        "Together 720 + 300 = <<720+300=1020>>1020 minutes.\n#### 1020"
    )
    train = load("train", records=[(1, record(COPY, solution)), (2, record(OTHER, minutes))], cache=False)
    assert sorted(train.templates) == [0, 1]
    kept = for_training(train, test)
    assert sorted(kept) == [1]
    prove_separate((t.problem("symbolic", 0, i) for t in kept.values() for i in range(5)), test)
    with pytest.raises(DataError, match=r"gsm8k/train/0/symbolic.*reads like the test item gsm8k/test/0"):
        prove_separate([train.templates[0].problem("symbolic", 0, 0)], test)
    with pytest.raises(DataError, match="was drawn from a test item"):
        prove_separate([test.templates[0].problem("numbers", 0, 0)], test)
    with pytest.raises(UsageError, match="got test and train"):
        for_training(test, train)


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "train.jsonl").exists(), reason="GSM8K is not here: set ROTE_GSM8K")
def test_what_training_may_use_of_gsm8k_copies_no_test_item() -> None:
    train, test = load("train", DATA), load("test", DATA)
    kept = for_training(train, test)
    assert len(kept) >= 6200
    assert len(kept) < len(train.templates)  # GSM8K itself has a few such pairs
    prove_separate((t.problem("symbolic", 1, 0) for t in kept.values()), test)


def test_another_version_is_skipped_only_when_asked_to() -> None:
    rows = [(1, record(TEST, BEANS.format(a=14, b=23, c=322, d=31, e=291)))]
    with pytest.raises(DataError, match=r"gsm8k/test/0.*another version"):
        load("test", records=rows, cache=False)
    assert load("test", records=rows, cache=False, mismatch="skip").rejections[0].code == "another_version"

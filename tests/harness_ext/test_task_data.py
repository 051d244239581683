"""What the tasks' ``custom_dataset`` gives lm-eval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rote.errors import DataError, SourceUnavailableError, UsageError
from rote.harness_ext.datasets import SHOTS, load_problems
from rote.perturb import load_source
from rote.problem import VARIANTS, Problem

#: What the bank's templates offer, in the order of reports.
OFFERED = [v for v in VARIANTS if any(v in t.variants for t in load_source("bank").templates.values())]


def bank(variant: str, **rote: Any) -> list[dict[str, Any]]:
    return list(load_problems(rote_source="bank", rote_variant=variant, rote=rote)["test"])


@pytest.mark.parametrize("variant", OFFERED)
def test_documents_are_the_problems_of_perturb(variant: str) -> None:
    documents = bank(variant, seed=4, variants=2)
    source = load_source("bank")
    for doc in documents:
        template = source.templates[doc["template_id"]]
        assert doc == template.problem(variant, doc["seed"], doc["index"]).to_doc()
        assert Problem.from_doc(doc).to_doc() == doc
    offering = [t for t in source.templates.values() if variant in t.variants]
    assert len(documents) == len(offering) * (1 if variant == "original" else 2)
    assert len({doc["id"] for doc in documents}) == len(documents)


def test_defaults_are_seed_0_and_three_instances() -> None:
    documents = bank("symbolic")
    assert {doc["seed"] for doc in documents} == {0}
    assert {doc["index"] for doc in documents} == {0, 1, 2}


def test_first_documents_are_the_same_templates_in_every_variant() -> None:
    first = [doc["template_id"] for doc in bank("original")]
    for variant in ("names", "numbers", "symbolic", "noop"):
        documents = bank(variant, variants=2)
        assert [doc["template_id"] for doc in documents] == first * 2
        assert [doc["index"] for doc in documents] == [0] * len(first) + [1] * len(first)


def test_seed_changes_variants_and_not_originals() -> None:
    assert bank("original", seed=1) == bank("original", seed=2)
    first, second = ([doc["question"] for doc in bank("symbolic", seed=seed)] for seed in (1, 2))
    same = sum(a == b for a, b in zip(first, second, strict=True))
    assert same < len(first) / 10
    assert first == [doc["question"] for doc in bank("symbolic", seed=1)]


def test_more_variants_keep_the_first_ones() -> None:
    assert bank("symbolic", variants=5)[: len(bank("symbolic", variants=2))] == bank("symbolic", variants=2)


def test_too_many_variants_are_refused_before_questions_repeat() -> None:
    with pytest.raises(UsageError, match=r"rote\.variants: 1000000 .* repeat a question; .* bank/\w+"):
        bank("names", variants=1_000_000)


def test_shots_are_no_templates_that_are_tested() -> None:
    splits = load_problems(rote_source="bank", rote_variant="original")
    shots = list(splits["shots"])
    assert len(shots) == SHOTS
    assert not {s["question"] for s in shots} & {d["question"] for d in splits["test"]}
    assert not {s["template_id"] for s in shots} & {d["template_id"] for d in splits["test"]}


def test_foreign_metadata_and_model_arguments_are_ignored() -> None:
    plain = load_problems(rote_source="bank", rote_variant="noop")
    noisy = load_problems(
        rote_source="bank", rote_variant="noop", version=1.0, pretrained="x", seed=9, behaviour="solver"
    )
    assert list(plain["test"]) == list(noisy["test"])


def test_lm_eval_sees_the_columns() -> None:
    splits = load_problems(rote_source="bank", rote_variant="original")
    assert list(splits["test"].features) == list(splits["test"][0])
    assert splits["test"][:2] == list(splits["test"])[:2]


@pytest.mark.parametrize(
    ("source", "variant", "rote", "message"),
    [
        ("bank", "nop", None, r"unknown variant 'nop'; known: original, names"),
        ("benk", "noop", None, r"unknown source 'benk'; known: bank, gsm8k"),
        ("gsm8k", "noop", None, r"'gsm8k' has no variant 'noop'"),
        ("bank", "noop", {"sed": 1}, r"did you mean 'seed'"),
    ],
)
def test_bad_requests_are_named(source: str, variant: str, rote: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_problems(rote_source=source, rote_variant=variant, rote=rote)


def test_gsm8k_from_a_folder(gsm8k_folder: Path) -> None:
    splits = load_problems(
        rote_source="gsm8k", rote_variant="original", rote={"gsm8k": str(gsm8k_folder), "gsm8k_items": "all"}
    )
    assert [doc["id"] for doc in splits["test"]] == [f"gsm8k/test/{i}/original" for i in range(4)]
    assert [doc["template_id"] for doc in splits["shots"]] == [f"gsm8k/train/{i}" for i in range(SHOTS)]
    assert set(splits["test"][0]) == set(bank("original")[0])


def test_gsm8k_with_too_few_exemplars(gsm8k_folder: Path) -> None:
    train = gsm8k_folder / "train.jsonl"
    train.write_text("".join(train.read_text(encoding="utf-8").splitlines(True)[:7]), encoding="utf-8")
    with pytest.raises(DataError, match="holds 7 problems; 8 are shown"):
        load_problems(rote_source="gsm8k", rote_variant="original", rote={"gsm8k": str(gsm8k_folder)})


def test_gsm8k_nowhere(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError, match="ROTE_GSM8K"):
        load_problems(rote_source="gsm8k", rote_variant="original", rote={"gsm8k": str(tmp_path)})

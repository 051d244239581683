"""What the tasks' ``custom_dataset`` gives lm-eval."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rote.errors import DataError, SourceUnavailableError, TemplateError, UsageError
from rote.harness_ext.datasets import SHOTS, load_problems
from rote.harness_ext.models.planted import PlantedLM
from rote.harness_ext.scoring import score
from rote.perturb import load_source
from rote.perturb.noop import ATTACHED
from rote.perturb.source import template_files
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
    offering = [t for t in source.templates.values() if t.offers(variant)]
    sure = {t.id: 1 if variant == "original" else min(2, t.capacity(variant)) for t in offering}
    assert Counter(doc["template_id"] for doc in documents) == sure
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
        ("gsm8k", "p1", None, r"'gsm8k' has no variant 'p1'; it has: original, names, .*, symbolic_noop$"),
        ("bank", "noop", {"sed": 1}, r"did you mean 'seed'"),
    ],
)
def test_bad_requests_are_named(source: str, variant: str, rote: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_problems(rote_source=source, rote_variant=variant, rote=rote)


def test_unknown_shots_are_named() -> None:
    with pytest.raises(UsageError, match=r"unknown kind of shots 'own'; known: fixed, noop, same_template"):
        load_problems(rote_source="bank", rote_variant="noop", rote_shots="own")


def test_clauses_as_chosen() -> None:
    chosen = {"topic": "off", "magnitude": ["out_of_range"]}
    for variant in ATTACHED:
        documents = bank(variant, noop=chosen)
        assert documents
        for doc in documents:
            assert {clause["factors"]["topic"] for clause in doc["noop"]} == {"off"}
            assert {clause["factors"]["magnitude"] for clause in doc["noop"]} <= {"out_of_range", "none"}
            template = load_source("bank").templates[doc["template_id"]]
            assert doc == template.problem(variant, doc["seed"], doc["index"]).to_doc()
    assert bank("symbolic", noop=chosen) == bank("symbolic")


def test_templates_left_out_are_named(caplog: pytest.LogCaptureFixture) -> None:
    skipped: dict[str, Any] = {"from": "before"}
    chosen = {"noop": {"family": "library_year"}}
    with caplog.at_level(logging.INFO, "lm_eval.rote"):
        splits = load_problems(rote_source="bank", rote_variant="noop", rote=chosen, rote_skipped=skipped)
    tested = {doc["template_id"] for doc in splits["test"]}
    templates = load_source("bank").templates
    assert set(skipped) == {"count", "of", "reasons", "templates"}
    assert list(skipped["templates"]) == [name for name in templates if name not in tested]
    assert skipped["count"] == len(skipped["templates"]) == sum(skipped["reasons"].values()) > 0
    assert skipped["of"] == len(templates)
    assert set(skipped["reasons"]) == set(skipped["templates"].values())
    [record] = [record for record in caplog.records if "left out" in record.getMessage()]
    assert record.levelname == "WARNING"
    assert f"bank, noop: {skipped['count']} of 100 templates left out" in record.getMessage()
    assert all(name in record.getMessage() for name in list(skipped["templates"])[:3])


def test_that_p1_was_not_written_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    skipped: dict[str, Any] = {}
    with caplog.at_level(logging.INFO, "lm_eval.rote"):
        load_problems(rote_source="bank", rote_variant="p1", rote_skipped=skipped)
        load_problems(rote_source="bank", rote_variant="original", rote_skipped=skipped)
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert skipped == {"count": 0, "of": 100, "reasons": {}, "templates": {}}


@pytest.mark.parametrize("variant", ["original", "noop"])
def test_shots_of_the_same_template(variant: str) -> None:
    def documents(**rote: Any) -> list[dict[str, Any]]:
        splits = load_problems(
            rote_source="bank", rote_variant=variant, rote_shots="same_template", rote=rote
        )
        return list(splits["test"])

    tested = {doc["question"] for doc in bank("symbolic", seed=2, variants=2)}
    plain = {doc["id"]: doc for doc in bank(variant, seed=2, variants=2)}
    documents_2 = documents(seed=2, variants=2)
    for doc in documents_2:
        questions = {shot["question"] for shot in doc["shots"]}
        assert len(questions) == len(doc["shots"]) == SHOTS
        assert not questions & tested
        assert doc["question"] not in questions
        template = load_source("bank").templates[doc["template_id"]]
        shown = [template.problem("symbolic", 2, index) for index in range(2, 2 + SHOTS)]
        assert doc["shots"] == [{"question": p.question, "solution": p.solution} for p in shown]
        assert {key: value for key, value in doc.items() if key != "shots"} == plain[doc["id"]]
    assert documents_2 == documents(seed=2, variants=2) != documents(seed=3, variants=2)


def test_shots_with_clauses_are_the_same_shots_with_clauses() -> None:
    plain = load_problems(rote_source="bank", rote_variant="noop")
    splits = load_problems(rote_source="bank", rote_variant="noop", rote_shots="noop", rote={"seed": 0})
    assert set(splits) == {"test", "noop_shots"}
    assert list(splits["test"]) == list(plain["test"])
    shots = list(splits["noop_shots"])
    assert [shot["template_id"] for shot in shots] == [shot["template_id"] for shot in plain["shots"]]
    for shot, without in zip(shots, plain["shots"], strict=True):
        assert shot["noop"]
        assert (shot["solution"], shot["answer"]) == (without["solution"], without["answer"])
    other = load_problems(rote_source="bank", rote_variant="original", rote_shots="noop", rote={"seed": 5})
    assert list(other["noop_shots"]) == shots


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A user's folder of three templates, without examples of its own."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in template_files(["jam_jars", "stamp_card", "ferry_seats"]):
        shutil.copy(file, folder)
    return folder


def test_a_users_own_templates(mine: Path) -> None:
    documents = bank("symbolic", templates=str(mine), variants=2)
    assert Counter(doc["template_id"] for doc in documents) == {
        "mine/ferry_seats": 2,
        "mine/jam_jars": 2,
        "mine/stamp_card": 2,
    }
    assert {doc["source"] for doc in documents} == {"mine"}
    lm = PlantedLM("memorizer")
    assert {score(doc, lm.respond(doc))["exact_match"] for doc in documents} == {0}
    assert {score(doc, lm.respond(doc))["exact_match"] for doc in bank("noop", templates=str(mine))} == {1}


def shots_before(folder: Path, kind: str) -> list[str]:
    """The templates of the examples that a task with a user's templates shows."""
    splits = load_problems(
        rote_source="bank", rote_variant="noop", rote_shots=kind, rote={"templates": str(folder)}
    )
    return [shot["template_id"] for shot in splits["noop_shots" if kind == "noop" else "shots"]]


@pytest.mark.parametrize("kind", ["fixed", "noop"])
def test_examples_before_a_users_templates(mine: Path, kind: str) -> None:
    assert shots_before(mine, kind) == [shot.template_id for shot in load_source("bank").shots]
    for count, name in ((7, "few"), (9, "enough")):
        folder = Path(shutil.copytree(mine, mine.parent / name))
        (folder / "shots").mkdir()
        for file in template_files()[:count]:
            shutil.copy(file, folder / "shots")
    own = [f"enough-shots/{file.stem}" for file in template_files()[:8]]
    assert shots_before(mine.parent / "enough", kind) == own
    with pytest.raises(DataError, match=r"few/shots: holds 7 worked examples.*; 8 are shown"):
        shots_before(mine.parent / "few", kind)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nowhere", UsageError, r"rote\.templates: .*nowhere is no folder"),
        ("bank", UsageError, r"a source of the name 'bank', which is taken; rename the folder"),
        ("gsm8k", UsageError, r"the name 'gsm8k', which is taken"),
        ("empty", TemplateError, r"empty: holds no \*\.yaml template"),
    ],
)
def test_a_folder_that_cannot_serve(tmp_path: Path, name: str, error: type[Exception], message: str) -> None:
    if name != "nowhere":
        (tmp_path / name).mkdir()
    with pytest.raises(error, match=message):
        bank("noop", templates=str(tmp_path / name))


def test_templates_that_have_nothing_to_test(mine: Path) -> None:
    (mine / "jam_jars.yaml").unlink()
    (mine / "ferry_seats.yaml").unlink()
    with pytest.raises(UsageError, match=r"no problem is left to test: mine, p1: 1 of 1 templates left out"):
        bank("p1", templates=str(mine))


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

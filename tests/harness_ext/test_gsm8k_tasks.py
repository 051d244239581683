"""The GSM8K tasks: which items they test, what is drawn of them, and what their log says of the rest."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest

from rote.errors import DataError, UsageError
from rote.harness_ext import gsm8k
from rote.harness_ext.datasets import load_problems
from rote.harness_ext.models.planted import PlantedLM
from rote.harness_ext.run import evaluate
from rote.harness_ext.scoring import score
from rote.perturb import Template
from rote.perturb.gsm8k import Split
from rote.perturb.gsm8k.records import file_records
from rote.perturb.noop import ATTACHED
from rote.problem import VARIANTS, Problem
from rote.reports import build_report, read_logs

Doc = dict[str, Any]

#: Lines of the shaped test problems that become templates; of 5 there is one other draw, of 0 and 3 people.
TEMPLATED = [0, 1, 3, 4, 5]
NAMED = [0, 3]
SCARCE = 5

#: Variants whose numbers, apart from those of inert clauses, are the original's.
SAME_ANSWER = ("original", "names", "noop", "noop2", "noop_control")


def docs(folder: Path, variant: str, **rote: Any) -> list[Doc]:
    said = {"gsm8k": str(folder), **rote}
    return list(load_problems(rote_source="gsm8k", rote_variant=variant, rote=said)["test"])


def lines(documents: Sequence[Doc]) -> list[int]:
    return [int(doc["template_id"].rpartition("/")[2]) for doc in documents]


def test_originals_are_the_published_problems_that_became_templates(shaped_folder: Path) -> None:
    documents = docs(shaped_folder, "original")
    assert lines(documents) == TEMPLATED
    published = [record for _, record in file_records(shaped_folder / "test.jsonl")]
    for line, doc in zip(TEMPLATED, documents, strict=True):
        assert (doc["question"], doc["solution"]) == (published[line]["question"], published[line]["answer"])
        assert doc["id"] == doc["original_id"] == f"gsm8k/test/{line}/original"
    assert documents == docs(shaped_folder, "original", seed=3, variants=8)


def test_all_published_problems_remain_in_reach(shaped_folder: Path) -> None:
    documents = docs(shaped_folder, "original", gsm8k_items="all")
    assert lines(documents) == list(range(7))
    templated = docs(shaped_folder, "original")
    assert [doc for doc in documents if doc in templated] == templated
    # What variants are made of does not change with it.
    numbers = docs(shaped_folder, "numbers")
    assert docs(shaped_folder, "numbers", gsm8k_items="all") == numbers


@pytest.mark.parametrize("variant", gsm8k.VARIANTS[1:])
def test_documents_are_the_instances_of_the_templates(shaped_folder: Path, variant: str) -> None:
    symbolized = gsm8k.symbolize("test", shaped_folder)
    documents = docs(shaped_folder, variant, seed=4, variants=2)
    for line, doc in zip(lines(documents), documents, strict=True):
        template = symbolized.templates[line]
        assert doc == template.problem(variant, 4, doc["index"]).to_doc()
        assert Problem.from_doc(doc).to_doc() == doc
        assert (doc["source"], doc["original_id"]) == ("gsm8k", f"gsm8k/test/{line}/original")
        changed = doc["answer"] != docs(shaped_folder, "original")[TEMPLATED.index(line)]["answer"]
        assert changed == (variant not in SAME_ANSWER)
    assert len({doc["id"] for doc in documents}) == len(documents)


def test_order_is_round_after_round(shaped_folder: Path) -> None:
    rest = [line for line in TEMPLATED if line != SCARCE]
    for variant in ("numbers", "symbolic"):
        documents = docs(shaped_folder, variant)
        assert lines(documents) == [*TEMPLATED, *rest, *rest]
        assert [doc["index"] for doc in documents] == [0] * 5 + [1] * 4 + [2] * 4
    assert lines(docs(shaped_folder, "names", variants=2)) == NAMED * 2


def test_a_template_gives_as_many_as_it_has_and_no_question_twice(shaped_folder: Path) -> None:
    documents = docs(shaped_folder, "numbers", variants=60)
    capacity = {
        line: template.capacity("numbers")
        for line, template in gsm8k.symbolize("test", shaped_folder).templates.items()
    }
    assert capacity[SCARCE] < 3
    assert Counter(lines(documents)) == {line: min(60, capacity[line]) for line in TEMPLATED}
    assert len({doc["question"] for doc in documents}) == len(documents)
    assert documents[: len(docs(shaped_folder, "numbers"))] != documents
    assert [d for d in documents if d["index"] < 3] == docs(shaped_folder, "numbers")


def test_seed_changes_variants(shaped_folder: Path) -> None:
    first, again, other = (docs(shaped_folder, "symbolic", seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert lines(first) == lines(other)
    same = sum(a["question"] == b["question"] for a, b in zip(first, other, strict=True))
    assert same <= 3  # the scarce one has no other


@pytest.mark.parametrize(
    ("variant", "rote", "said"),
    [
        ("original", {}, "5 documents"),
        ("names", {}, "2 of the templates tested; 6 documents"),
        ("numbers", {}, "1 with fewer than 3 different instances; 13 documents"),
        ("numbers", {"variants": 1}, "5 documents"),
    ],
)
def test_what_is_left_out_is_said(
    shaped_folder: Path, monkeypatch: pytest.MonkeyPatch, variant: str, rote: Any, said: str
) -> None:
    logger = logging.getLogger("lm_eval.rote")
    records: list[logging.LogRecord] = []
    handler = logging.Handler(logging.INFO)
    monkeypatch.setattr(handler, "emit", records.append)
    monkeypatch.setattr(logger, "handlers", [handler])
    logger.setLevel(logging.INFO)
    try:
        docs(shaped_folder, variant, **rote)
        docs(shaped_folder, "original", gsm8k_items="all")
    finally:
        logger.setLevel(logging.NOTSET)
    messages = [record.getMessage() for record in records]
    assert messages.pop(0) == (
        f"gsm8k test, {variant}: 5 of 7 problems are templates; "
        f"2 rejected (answer_not_last 1, no_equations 1); {said}"
    )
    assert messages.pop() == "gsm8k test, original: all 7 published problems"
    named = "3: nothing in it can be changed so): gsm8k/test/1, gsm8k/test/4, gsm8k/test/5"
    left_out = [f"gsm8k test, names: 3 of 5 templates left out ({named}"]
    assert messages == (left_out if variant == "names" else [])


@pytest.mark.parametrize("variant", sorted(set(VARIANTS) - set(gsm8k.VARIANTS)))
def test_variants_that_gsm8k_has_not(shaped_folder: Path, variant: str) -> None:
    with pytest.raises(
        UsageError, match=r"no variant 'p[12]'; it has: original, names, numbers, symbolic, noop,"
    ):
        docs(shaped_folder, variant)


def test_data_of_which_nothing_becomes_a_template(shaped_folder: Path) -> None:
    test = shaped_folder / "test.jsonl"
    record = {"question": "How many legs do two hens have?", "answer": "They have four.\n#### 4"}
    test.write_text(f"{json.dumps(record)}\n" * 3, encoding="utf-8")
    for variant in ("original", "numbers"):
        with pytest.raises(DataError, match=r"none of the 3 problems of .*, test, became a template \("):
            docs(shaped_folder, variant)
    assert len(docs(shaped_folder, "original", gsm8k_items="all")) == 3


@pytest.fixture
def hub(shaped_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The shaped data on a hub, and what was asked of it; nothing that other tests read is remembered."""
    asked: list[str] = []

    def load_dataset(name: str, config: str, split: str) -> list[Doc]:
        asked.append(split)
        file, _, part = split.partition("[")
        records = [record for _, record in file_records(shaped_folder / f"{file}.jsonl")]
        start, _, stop = part.rstrip("]").partition(":")
        return records[int(start or 0) : int(stop)] if part else records

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(gsm8k, "_last", {})
    for cached in (gsm8k._read, gsm8k._symbolize):
        cached.cache_clear()
        monkeypatch.setattr(gsm8k, cached.__name__, cached.__wrapped__)
    return asked


def test_the_hub_gives_the_same_documents_as_a_folder(hub: list[str], shaped_folder: Path) -> None:
    for variant in gsm8k.VARIANTS:
        splits = load_problems(rote_source="gsm8k", rote_variant=variant)
        assert list(splits["test"]) == docs(shaped_folder, variant)
        assert [shot["template_id"] for shot in splits["shots"]] == [f"gsm8k/train/{i}" for i in range(8)]
    assert hub == ["train[:8]", "test"] * len(gsm8k.VARIANTS)


def test_memorizer_recites_what_was_published(shaped_folder: Path) -> None:
    lm = PlantedLM("memorizer")
    originals = {doc["template_id"]: doc for doc in docs(shaped_folder, "original")}
    for variant in gsm8k.VARIANTS:
        for doc in docs(shaped_folder, variant):
            response = lm.respond(doc)
            assert response == PlantedLM("solver").respond(originals[doc["template_id"]])
            assert score(doc, response)["exact_match"] == int(variant in SAME_ANSWER)


def test_memorizer_looks_where_the_tasks_did(hub: list[str], shaped_folder: Path) -> None:
    [first, *_] = docs(shaped_folder, "numbers")
    hub.clear()
    assert PlantedLM("memorizer").respond(first).endswith("#### 42")
    assert hub == [], "the folder of the metadata, not the hub"
    gsm8k._last.clear()
    assert PlantedLM("memorizer").respond(first).endswith("#### 42")
    assert hub == ["test"], "a process without tasks"


@pytest.mark.parametrize("where", ["test/7", "test/99999", "test/x", "test/", "dev/0", "test/-1", "test/²"])
def test_memorizer_and_a_line_that_is_not_there(shaped_folder: Path, where: str) -> None:
    [doc, *_] = docs(shaped_folder, "numbers")
    with pytest.raises(DataError, match=rf"knows no template 'gsm8k/{where}' of 'gsm8k'"):
        PlantedLM("memorizer").respond({**doc, "template_id": f"gsm8k/{where}"})


def test_from_the_command_line_to_the_report(
    shaped_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    metadata = json.dumps({"rote": {"gsm8k": str(shaped_folder), "seed": 2, "variants": 2}})
    for behaviour in ("solver", "memorizer"):
        words = ["--model", "rote-planted", "--model_args", f"behaviour={behaviour}", "--metadata", metadata]
        evaluate(["--tasks", "gsm8k_robustness", *words])
    report = build_report(read_logs(tmp_path / "results"))
    drops = {
        series.model: {
            row.variant: (row.drop.templates, row.drop.estimate) for row in series.variants if row.drop
        }
        for series in report.series
    }
    templates = gsm8k.symbolize("test", shaped_folder).templates.values()
    offering = {variant: sum(t.offers(variant) for t in templates) for variant in gsm8k.VARIANTS[1:]}
    # one template has no interval, and so no drop
    offering = {variant: count for variant, count in offering.items() if count > 1}
    assert offering["names"] == 2
    assert offering["numbers"] == offering["symbolic"] == 5
    assert drops == {
        "planted-solver": {variant: (count, 0) for variant, count in offering.items()},
        "planted-memorizer": {
            variant: (count, int(variant not in SAME_ANSWER)) for variant, count in offering.items()
        },
    }


@pytest.mark.parametrize("variant", ["original", "noop"])
def test_shots_of_the_same_template(shaped_folder: Path, variant: str) -> None:
    skipped: Doc = {}
    said = {"gsm8k": str(shaped_folder)}
    splits = load_problems(
        rote_source="gsm8k",
        rote_variant=variant,
        rote_shots="same_template",
        rote=said,
        rote_skipped=skipped,
    )
    templates = gsm8k.symbolize("test", shaped_folder).templates
    assert SCARCE not in lines(list(splits["test"]))
    assert skipped["templates"][f"gsm8k/test/{SCARCE}"] == (
        "it has fewer than 8 different symbolic instances to show"
    )
    plain = {doc["id"]: doc for doc in docs(shaped_folder, variant)}
    for line, doc in zip(lines(list(splits["test"])), splits["test"], strict=True):
        shown = [templates[line].problem("symbolic", 0, index) for index in range(3, 11)]
        assert doc == {
            **plain[doc["id"]],
            "shots": [{"question": shot.question, "solution": shot.solution} for shot in shown],
        }


def test_shots_with_clauses(shaped_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"gsm8k": str(shaped_folder), "seed": 4}
    splits = load_problems(rote_source="gsm8k", rote_variant="noop", rote_shots="noop", rote=said)
    assert list(splits["test"]) == docs(shaped_folder, "noop", seed=4)
    offering = [t for t in gsm8k.symbolize("train", shaped_folder).templates.values() if t.offers("noop")]
    assert list(splits["noop_shots"]) == [t.problem("noop", 0, 0).to_doc() for t in offering[:8]]
    for block in (1, 3, 16):
        monkeypatch.setattr(gsm8k, "_BLOCK", block)
        gsm8k._inert_shots.cache_clear()
        again = gsm8k.inert_shots(8, shaped_folder)
        assert [shot.to_doc() for shot in again] == list(splits["noop_shots"])
    with pytest.raises(DataError, match=rf"attach to {len(offering)} problems of .*, train; 50 are shown"):
        gsm8k.inert_shots(50, shaped_folder)


def test_no_more_is_read_than_the_shots_take(hub: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gsm8k, "_inert_shots", gsm8k._inert_shots.__wrapped__)
    monkeypatch.setattr(gsm8k, "_BLOCK", 4)
    assert len(gsm8k.inert_shots(2)) == 2
    assert hub == ["train[:4]"]
    hub.clear()
    shots = gsm8k.inert_shots(5)
    assert hub == ["train[:4]", "train[4:8]"]
    assert [int(shot.template_id.rpartition("/")[2]) for shot in shots] == sorted(
        int(shot.template_id.rpartition("/")[2]) for shot in shots
    )


@pytest.fixture
def real_split(real_gsm8k: Path) -> Split:
    return gsm8k.symbolize("test", real_gsm8k)


@pytest.mark.slow
@pytest.mark.parametrize("variant", gsm8k.VARIANTS)
def test_the_real_tasks(real_gsm8k: Path, real_split: Split, variant: str) -> None:
    documents = docs(real_gsm8k, variant)
    offering: list[Template] = [t for t in real_split.templates.values() if t.offers(variant)]
    counts = [1 if variant == "original" else min(3, t.capacity(variant)) for t in offering]
    assert len(documents) == sum(counts)
    assert [doc["template_id"] for doc in documents[: len(offering)]] == [t.id for t in offering]
    assert len({doc["question"] for doc in documents}) == len(documents)
    if variant == "names":
        assert 850 < len(offering) < len(real_split.templates)  # what the guide says
    elif variant in ATTACHED:
        assert 800 < len(offering) < len(real_split.templates)
    else:
        assert 1150 < len(offering) == len(real_split.templates)
    published = {doc["question"] for doc in docs(real_gsm8k, "original", gsm8k_items="all")}
    assert len(published) == 1319
    solver, memorizer = PlantedLM("solver"), PlantedLM("memorizer")
    for doc in documents:
        assert (doc["question"] in published) == (variant == "original"), doc["id"]
        perfect = {"exact_match": 1, "format_ok": 1, "invalid": 0, "trapped": 0}
        for response in (solver.respond(doc), doc["solution"]):
            assert perfect.items() <= score(doc, response).items(), doc["id"]
        recited = score(doc, memorizer.respond(doc))["exact_match"]
        assert recited == int(variant in SAME_ANSWER), doc["id"]

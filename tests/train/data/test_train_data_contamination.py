"""Rows against evaluation templates: which match, with what, and what the certificate says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from train_data_files import TEST, TRAIN, build, write_gsm8k, write_lines, write_template

from rote.errors import DataError, SourceUnavailableError, TemplateError
from rote.perturb import load_source
from rote.train.data.contamination import EvaluationSet, Index, Match, evaluation_sets
from rote.train.recipe.data import DecontaminationSpec


def index(*texts: str, ngram: int = 4, shared: int = 2) -> Index:
    return Index([EvaluationSet("e", tuple((f"t{i}", text) for i, text in enumerate(texts)))], ngram, shared)


SCARF = "A weaver needs 3 spools of thread for every scarf that she makes."


def test_a_row_matches_from_so_many_runs_on() -> None:
    assert index(SCARF).match("r", "An aunt needs 9 spools of thread today") == Match("r", "t0", 2)
    assert index(SCARF, shared=3).match("r", "An aunt needs 9 spools of thread today") is None
    assert index(SCARF).match("r", "An aunt needs 9 spools of wire today") is None


def test_of_several_templates_the_one_with_most_runs_is_named_then_the_first() -> None:
    texts = ("Boxes of tea weigh 5 kilos.", SCARF, SCARF)
    assert index(*texts).match("r", SCARF) == Match("r", "t1", 10)


def test_a_short_text_must_share_all_that_it_has() -> None:
    assert index("How old is 7?").match("r", "How old is 9?") == Match("r", "t0", 1)
    assert index("How old is 7?").match("r", "How old is Ana in 9 years?") is None
    assert index(SCARF).match("r", "needs 4 spools of") == Match("r", "t0", 1)
    assert index(SCARF).match("r", "?!") is None


def test_paraphrases_of_the_bank_are_recognised_whatever_is_drawn() -> None:
    spec = DecontaminationSpec(against=("bank",))
    by_text = Index(evaluation_sets(spec), spec.ngram, spec.shared)
    for template in list(load_source("bank").templates.values())[::10]:
        for variant in ("names", "numbers", "symbolic", "p1", "p2"):
            if template.offers(variant):
                problem = template.problem(variant, 91, 0)
                found = by_text.match(problem.id, problem.question)
                assert found is not None, problem.id
                assert found.template == template.id


def test_the_paraphrase_is_left_out_and_certified(tmp_path: Path) -> None:
    folder = write_gsm8k(tmp_path / "gsm8k")
    built = build(
        {"source": "gsm8k", "path": str(folder)},
        decontaminate={"against": ["gsm8k/test"], "path": str(folder)},
    )
    assert {row.question for row in built.rows} == {TRAIN[1]["question"], TRAIN[2]["question"]}
    assert built.left_out == {"shares text with an evaluation template": 1}
    text = built.certificate.to_json()
    record = json.loads(text)
    assert record["decontaminated"] is True
    assert record["rule"] == {"ngram": 8, "shared": 3}
    assert [(one["name"], one["templates"], one["texts"]) for one in record["against"]] == [
        ("gsm8k/test", 2, 2)
    ]
    (out,) = record["out"]
    assert (out["row"], out["template"]) == ("gsm8k/train/0/original", "gsm8k/test/0")
    assert out["shared"] >= 3
    assert (record["rows_in"], record["rows_out"], record["rows"]) == (3, 1, 2)
    assert record["sources"] == {"gsm8k/train": 2}
    assert record["content_hash"] == built.content_hash
    assert record["statement"].startswith("3 rows were compared with gsm8k/test (2 templates). 1 share")
    for item in TRAIN + TEST:
        assert item["question"][:20] not in text


def test_a_hash_names_the_texts_that_were_compared(tmp_path: Path) -> None:
    folder = write_gsm8k(tmp_path / "gsm8k")
    spec = DecontaminationSpec(against=("gsm8k/test",), path=str(folder))
    (first,) = evaluation_sets(spec)
    other = write_gsm8k(tmp_path / "other")
    write_lines(other / "test.jsonl", [TEST[0], {**TEST[1], "question": TEST[1]["question"] + " Say it."}])
    (second,) = evaluation_sets(spec.model_copy(update={"path": str(other)}))
    assert len(first.sha256) == 64
    assert first.sha256 != second.sha256


def test_the_certificate_says_plainly_that_it_was_not_done() -> None:
    certificate = build({"source": "linear", "n": 5}).certificate
    assert not certificate.done
    record = json.loads(certificate.to_json())
    assert record["decontaminated"] is False
    assert record["rule"] is None
    assert record["statement"].startswith("Decontamination was not done: none of the 5 rows was compared")


def test_folders_of_templates(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "own")
    built = build(
        {"source": "linear", "n": 3}, decontaminate={"against": [str(folder)], "path": str(tmp_path)}
    )
    (one,) = built.certificate.against
    assert (one.name, one.templates) == ("own", 1)
    assert one.texts > 1
    with pytest.raises(
        DataError, match="empty data after filtering; left out were 4: shares text with an eval"
    ):
        build(
            {"source": "bank", "path": str(folder), "variants": ["original", "symbolic"], "draws": 3},
            decontaminate={"against": [str(folder)]},
        )


LAMPS = (
    "{who,Benita} hangs {n,12} lamps in each of {rooms,4} rooms. How many lamps hang there?\n\n#init:\n"
    "- who = sample(names_female)\n- $n = range(10, 61, 5)\n- $rooms = range(3, 9)\n\n#answer: n * rooms"
)


def test_folders_of_the_gsm_symbolic_format_and_what_could_not_be_read(tmp_path: Path) -> None:
    record = {
        "question": "As published?",
        "answer": "As published.\n#### 48",
        "id_orig": 1,
        "id_shuffled": 0,
        "question_annotated": LAMPS,
        "answer_annotated": "{n} * {rooms} = {n*rooms}\n#### {n*rooms}",
    }
    folder = tmp_path / "sheets"
    folder.mkdir()
    (folder / "0000.json").write_text(json.dumps(record), encoding="utf-8")
    wrong = {**record, "id_shuffled": 1, "answer": "As published.\n#### 49"}
    (folder / "0001.json").write_text(json.dumps(wrong), encoding="utf-8")
    built = build({"source": "linear", "n": 3}, decontaminate={"against": [str(folder)]})
    (one,) = built.certificate.against
    assert (one.name, one.templates, len(one.unread)) == ("sheets", 1, 1)
    assert "1 templates could not be read and were not compared" in built.certificate.statement


def test_what_cannot_be_compared_with(tmp_path: Path) -> None:
    def against(*names: str, path: Path = tmp_path) -> None:
        evaluation_sets(DecontaminationSpec(against=names, path=str(path)))

    with pytest.raises(
        DataError, match="'gsm8k/dev' is no evaluation set: expected gsm8k/test, bank or a folder"
    ):
        against("gsm8k/dev")
    with pytest.raises(
        SourceUnavailableError, match=r"set decontaminate: null; the certificate then says so"
    ):
        against("gsm8k/test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TemplateError, match=r"holds no \*\.yaml template"):
        against(str(tmp_path / "empty"))

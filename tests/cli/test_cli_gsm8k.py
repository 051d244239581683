"""``rote templates`` as its users call it, on a small folder of our own text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rote.cli import main

ROWS = [
    (
        "Nadia fills 14 crates with 25 plums each and eats half a dozen of her 60 cherries. "
        "How many plums has Nadia when 30 plums rot?",
        "The crates hold 14 * 25 = <<14*25=350>>350 plums.\n"
        "Nadia has 350 - 30 = <<350-30=320>>320.\n#### 320",
    ),
    (
        "A tent holds 7 scouts. There are 9 tents. How many scouts fit in, with 7 scouts a tent?",
        "They fit 7 * 9 = <<7*9=63>>63 scouts.\n#### 63",
    ),
    ("Ana has 50 pens and loses some. How many?", "She has 50 - 37 = <<50-37=13>>13 pens.\n#### 13"),
    ("A carp weighs 12 pounds, a pike 9. And both?", "Both weigh 12 + 9 = <<12+9=21>>21 pounds.\n#### 21"),
]

#: Where the first question names Nadia.
NADIA = [[at, at + 5] for at in (0, ROWS[0][0].rindex("Nadia"))]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ROTE_GSM8K", raising=False)
    data = tmp_path / "data"
    data.mkdir()
    lines = [json.dumps({"question": q, "answer": a}) + "\n" for q, a in ROWS]
    (data / "train.jsonl").write_text("".join(lines), encoding="utf-8")
    return data


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["templates", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def record(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told(capsys, *arguments, "--json"))
    return found


def test_coverage_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = record(capsys, "gsm8k", "--split", "train", "--path", str(folder))
    assert list(found) == ["split", "items", "accepted", "by_tier", "rejected", "reviewed", "ks"]
    assert found["split"] == "train"
    assert (found["items"], found["accepted"], found["reviewed"]) == (4, 3, 0)
    assert found["rejected"] == {"unexplained_constant": 1}
    assert list(found["by_tier"]) == ["A", "B", "C"]
    assert sum(found["by_tier"].values()) == 3
    assert 0 < found["ks"] < 1


def test_coverage_for_people(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROTE_GSM8K", str(folder))
    out = told(capsys, "gsm8k", "--split", "train")
    assert out.startswith("gsm8k train: 4 items, 3 templates (75.0 %), 0 of them reviewed\n")
    assert "1  unexplained_constant  a number of the solution comes from nowhere" in out
    assert "K-S distance 0." in out
    assert max(map(len, out.splitlines())) <= 110


def test_a_split_without_rejections(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    q, a = ROWS[3]
    file = folder / "train_socratic.jsonl"
    file.write_text(json.dumps({"question": q, "answer": a}) + "\n", encoding="utf-8")
    out = told(capsys, "gsm8k", "--split", "train_socratic", "--path", str(folder))
    assert "1 templates (100.0 %)" in out
    assert "by reason" not in out


def test_an_item_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = record(capsys, "show", "gsm8k/train/0", "--path", str(folder))
    assert list(found) == [
        "id", "status", "tier", "question", "solution", "answer", "mentions", "names", "steps", "constraints",
        "draws",
    ]  # fmt: skip
    question = ROWS[0][0]
    assert (found["id"], found["status"], found["question"]) == ("gsm8k/train/0", "template", question)
    for mention in found["mentions"]:
        assert question[slice(*mention["span"])] == mention["text"]
        assert (mention["variable"] is None) == ("frozen" in mention)
    by_text = {m["text"]: m for m in found["mentions"]}
    assert by_text["half"]["frozen"] == "half"
    assert by_text["60"]["frozen"] == "not in the solution"
    assert by_text["14"]["variable"] == "n0"
    assert by_text["14"]["values"] > 5
    assert found["names"] == [{"name": "Nadia", "gender": "female", "spans": NADIA}]
    assert [(s["expression"], s["value"]) for s in found["steps"]] == [("n0 * n1", "350"), ("s0 - n2", "320")]
    assert len(set(found["constraints"])) == len(found["constraints"]) > 2
    assert [d["id"] for d in found["draws"]] == [f"gsm8k/train/0/symbolic/0/{i}" for i in range(3)]
    for draw in found["draws"]:
        a, b, c = (int(draw["values"][f"n{k}"]) for k in range(3))
        assert draw["answer"] == str(a * b - c)
        assert draw["question"].startswith(f"{draw['values']['p0']} fills {a} crates with {b} plums")
        assert draw["solution"].endswith(f"#### {draw['answer']}")


def test_an_item_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "show", "gsm8k/train/0", "--path", str(folder))
    assert out.startswith(
        "gsm8k/train/0: template, tier B: a number of the question is not in the solution\n"
    )
    lines = [" ".join(line.split()) for line in out.splitlines()]
    at = ROWS[0][0].index("half")
    assert f"- {at}-{at + 4} half 0.5 fraction frozen: half" in lines
    assert "s0 = n0 * n1 = 350 integer" in lines
    assert "p0 Nadia female " + " ".join(f"{a}-{b}" for a, b in NADIA) in lines
    assert sum(line.startswith("answer ") for line in lines) == 3
    assert max(map(len, out.splitlines())) <= 110


def test_tied_numbers_say_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "show", "gsm8k/train/1", "--path", str(folder))
    assert out.count("tied with") == 2


def test_a_rejected_item_says_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "show", "gsm8k/train/2", "--path", str(folder))
    assert out.startswith(
        "gsm8k/train/2: no template (unexplained_constant): a number of the solution comes from nowhere\n"
    )
    assert "50 - 37" in out
    found = record(capsys, "show", "gsm8k/train/2", "--path", str(folder))
    assert found["status"] == "rejected"
    assert found["reason"] == "unexplained_constant"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gsm8k", "--split", "tset"], "unknown split 'tset'; known: train, test"),
        (["gsm8k", "gsm8k/train/0"], "use 'rote templates show gsm8k/train/0'"),
        (["show"], "show needs the id of an item, e.g. gsm8k/test/17"),
        (["show", "train/0"], "expected an id such as gsm8k/test/17, got 'train/0'"),
        (["show", "bank/train/0"], "expected an id such as gsm8k/test/17"),
        (["show", "gsm8k/tset/0"], "unknown split 'tset'"),
        (
            ["show", "gsm8k/train/4"],
            "no item 'gsm8k/train/4': train has 4 items, gsm8k/train/0 to gsm8k/train/3",
        ),
        (["show", "gsm8k/train/-1"], "no item 'gsm8k/train/-1'"),
        (["show", "gsm8k/train/x"], "no item 'gsm8k/train/x'"),
        (["show", "gsm8k/train/²"], "no item 'gsm8k/train/²'"),
        (["show", "gsm8k/train/0", "--split", "test"], "--split test contradicts the id 'gsm8k/train/0'"),
        (["gsm8k", "--split", "train_socratic"], "cannot read"),
    ],
)
def test_what_is_wrong_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["templates", *arguments, "--path", str(folder)]) == 3
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_without_data(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROTE_GSM8K", raising=False)
    assert main(["templates", "gsm8k"]) == 3
    assert "no folder is named; put its train.jsonl and test.jsonl into a folder" in capsys.readouterr().err


def test_an_unknown_word_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates", "bank"]) == 2
    assert "invalid choice: 'bank'" in capsys.readouterr().err

"""The dry run: what it says of another machine, of the hub, and of rows that are left out."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from runs import recipe_of, stage_of, write_recipe

pytest.importorskip("trl", reason="needs rote[train]")

from rote.cli import main
from rote.train import dry_run, hub
from rote.train.hub import first_sentence, quiet
from rote.train.recipe import check_recipe

HUB = {"path": "nobody/nothing", "max_length": 512}


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ({"engine": "unsloth"}, "model.engine is unsloth, which needs a CUDA GPU, none here"),
        ({"load_in_4bit": True}, "model.load_in_4bit is true, which needs a CUDA GPU, none here"),
    ],
)
def test_a_recipe_for_a_gpu_may_be_looked_at_without_one(
    model: dict[str, Any],
    told: str,
    rows: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dry_run, "_gpu_gib", lambda: None)
    kind = {"kind": "qlora" if "load_in_4bit" in model else "lora"}
    raw = recipe_of({"s": stage_of("sft", rows)}, model={**HUB, **model}, adapter=kind)
    recipe = write_recipe(tmp_path / "r.yaml", raw)
    assert main(["train", "sft", str(recipe), "--dry-run"]) == 0
    printed = capfd.readouterr().out
    assert f"  CANNOT RUN HERE: {told}" in printed
    assert "CANNOT RUN:" not in printed
    monkeypatch.setattr(dry_run, "_gpu_gib", lambda: 80.0)
    assert main(["train", "sft", str(recipe), "--dry-run"]) == 0
    assert "CANNOT RUN" not in capfd.readouterr().out


def test_the_hub_is_asked_once_and_the_way_out_is_told_once(
    rows: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def never() -> bool:
        asked.append(False)
        return False

    monkeypatch.setattr(dry_run, "reachable", never)
    stages = {"first": stage_of("sft", rows), "second": stage_of("grpo", rows)}
    recipe = write_recipe(tmp_path / "r.yaml", recipe_of(stages, model=HUB))
    assert main(["train", "grpo", str(recipe), "--dry-run"]) == 0
    printed = capfd.readouterr()
    assert asked == [False]
    for words in ("tokens are not counted", "memory is not estimated", "HF_HUB_OFFLINE=1", "local folder"):
        assert printed.out.count(words) == 1, printed.out
    assert "Retrying" not in printed.err


def test_a_stage_that_is_not_there_is_told_before_the_hub_is_asked(
    rows: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked() -> bool:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr(dry_run, "reachable", asked)
    recipe = write_recipe(tmp_path / "r.yaml", recipe_of({"s": stage_of("sft", rows)}, model=HUB))
    assert main(["train", "grpo", str(recipe), "--dry-run"]) == 3
    assert "has no grpo stage; its stages: s (sft)" in capfd.readouterr().err


def test_offline_counts_as_not_reached_without_asking() -> None:
    assert not hub.reachable()


def test_reasons_have_a_line_each_and_the_small_ones_one_together(rows: Path) -> None:
    raw = recipe_of({"s": stage_of("sft", rows)})
    reasons = {f"reason {n}": n for n in range(1, 9)} | {"none": 0}
    plan = dry_run.Plan("s", "sft", {"rows": 1_000}, reasons, None, 1, 1, 0, None)
    lines = dry_run.text(check_recipe(raw), [plan]).splitlines()
    first = lines.index("  left out   8 rows: reason 8")
    assert lines[first + 1 : first + 6] == [
        *(f"             {n} rows: reason {n}" for n in (7, 6, 5, 4)),
        "             and 3 more reasons (6 rows)",
    ]
    assert dry_run._left_out(Counter({"one": 1})) == ["  left out   1 row: one"]
    assert dry_run._left_out({}) == []


def test_the_hubs_client_is_hushed_and_heard_again(caplog: pytest.LogCaptureFixture) -> None:
    client = logging.getLogger("huggingface_hub.utils._http")
    before = client.level
    with quiet():
        client.warning("Retrying in 1s [Retry 1/5].")
    assert caplog.records == []
    assert client.level == before


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("No route to 'https://hub.co/a/b'. Check it.", "No route to 'https://hub.co/a/b'"),
        ("A gated repo.\nAsk for it", "A gated repo"),
        ("Needs torch 2.11 or\tlater", "Needs torch 2.11 or\tlater".replace("\t", " ")),
        ("", ""),
    ],
)
def test_errors_are_cut_at_a_sentence(said: str, first: str) -> None:
    assert first_sentence(OSError(said)) == first


def test_a_sentence_without_end_is_cut_between_words() -> None:
    cut = first_sentence(OSError("word " * 100))
    assert len(cut) <= 202
    assert cut.endswith("word …")

"""Bad input to ``rote train``, as its reader meets it: one message that names what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from runs import model_of, recipe_of, stage_of, write_recipe

pytest.importorskip("trl", reason="needs rote[train]")

import torch

from rote.cli import main
from rote.train import dry_run, engine
from rote.train.versions import check_versions

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="is about a machine without a GPU")
Told = Callable[..., str]


@pytest.fixture
def told(rows: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Told:
    """Run ``rote train`` with a recipe of one stage and changes to it; gives the message of the error."""

    def run(*words: str, algorithm: str = "sft", raw: dict[str, Any] | None = None, **fields: Any) -> str:
        given = raw if raw is not None else recipe_of({"s": stage_of(algorithm, rows, **fields)})
        recipe = write_recipe(tmp_path / "r.yaml", given)
        status = main(["train", algorithm, str(recipe), *words, "--out", str(tmp_path / "out")])
        printed = capfd.readouterr()
        assert status == 3, printed
        assert printed.out == ""
        lines = [line for line in printed.err.splitlines() if line.startswith("rote train: error: ")]
        assert len(lines) == 1, printed.err
        assert not (tmp_path / "out").exists()  # the next try may be made there
        return lines[0].removeprefix("rote train: error: ")

    return run


@NO_GPU
def test_unsloth_without_a_gpu_says_what_to_use(told: Told, rows: Path) -> None:
    model = {"path": "some/model", "engine": "unsloth"}
    message = told(raw=recipe_of({"s": stage_of("sft", rows)}, model=model))
    assert message == (
        "model.engine is unsloth, which needs a CUDA GPU, and there is none here; use model.engine=hf "
        "(transformers, peft and TRL on any device)"
    )


@NO_GPU
def test_4_bit_weights_without_a_gpu_say_what_to_use(told: Told, rows: Path) -> None:
    model = {"path": "some/model", "load_in_4bit": True}
    message = told(raw=recipe_of({"s": stage_of("sft", rows)}, model=model, adapter={"kind": "qlora"}))
    assert message.startswith("model.load_in_4bit is true, which needs a CUDA GPU, and there is none here")
    assert "adapter.kind=lora model.load_in_4bit=false" in message


@NO_GPU
def test_rollouts_by_vllm_without_a_gpu_say_what_to_use(told: Told, rows: Path) -> None:
    message = told(raw=recipe_of({"s": stage_of("grpo", rows, vllm=True)}), algorithm="grpo")
    assert message == "vllm is true, which needs a CUDA GPU, and there is none here; use vllm=false"


def test_layers_that_the_model_lacks(told: Told, rows: Path) -> None:
    adapter = {"kind": "lora", "targets": ["q_proj", "query_key_value"]}
    message = told(raw=recipe_of({"s": stage_of("sft", rows)}, adapter=adapter))
    assert message == (
        "adapter.targets: the model has no layers named query_key_value; its linear layers are down_proj, "
        "gate_proj, k_proj, lm_head, o_proj, q_proj, up_proj, v_proj"
    )


def test_no_row_left_after_filtering(told: Told) -> None:
    bank = Path(engine.__file__).parents[1] / "perturb" / "bank" / "templates"
    data = {
        "sources": [{"source": "bank", "path": str(bank), "variants": ["original"], "n": 5}],
        "decontaminate": {"against": ["bank"]},
    }
    assert told(data=data) == (
        "data: empty data after filtering; left out were 5: shares text with an evaluation template"
    )


def test_rows_that_are_all_too_long(told: Told, rows: Path) -> None:
    model = {**model_of(), "max_length": 30}
    message = told(raw=recipe_of({"s": stage_of("sft", rows)}, model=model))
    assert message.startswith("model.max_length: no row is left: prompt and solution may have 30 tokens")
    assert message.endswith("raise model.max_length")


def test_rows_that_are_too_long_where_the_recipe_allows_none(told: Told, rows: Path, tmp_path: Path) -> None:
    long = {"question": "How many pens? " * 200, "solution": "#### 3"}
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text(rows.read_text() + json.dumps(long) + "\n")
    data = {"sources": [{"source": "jsonl", "path": str(mixed)}], "decontaminate": None, "too_long": "error"}
    message = told(data=data)
    assert message == (
        "stages.s.data.too_long: 1 rows are longer than model.max_length (200 tokens) allows; raise it, or "
        "say too_long: drop"
    )


@pytest.mark.parametrize("algorithm", ["sft", "grpo"])
def test_chat_with_a_tokenizer_that_has_no_template(algorithm: str, told: Told) -> None:
    message = told("prompt.chat=true", algorithm=algorithm)
    assert message.startswith("prompt.chat: is true, and the tokenizer has no chat template")


def test_versions_that_do_not_work_together(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def installed(package: str) -> str:
        return "1.15.0" if package == "trl" else metadata.version(package)

    monkeypatch.setattr(engine, "check_versions", partial(check_versions, installed=installed))
    message = told()
    assert message.startswith("trl 1.15.0 is installed, which training does not work with (1.15 fails on a")
    assert message.endswith("pip install 'trl>=1.12,<2,!=1.15.*'")


def test_a_model_that_is_not_there(told: Told, rows: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        model = {"path": str(path), "dtype": "float32"}
        message = told(raw=recipe_of({"s": stage_of("sft", rows)}, model=model))
        assert message.startswith(f"model.path: the model '{path}' cannot be loaded: ")


def test_no_such_recipe_and_no_such_stage(told: Told, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "sft", "tinny"]) == 3
    assert capfd.readouterr().err.strip() == (
        "rote train: error: no recipe 'tinny': no such file, and none of that name is shipped; did you mean "
        "'tiny'?"
    )
    message = told("stages.s.algorithm=rloo", "stages.s.batch_size=8", "stages.s.max_completion=6")
    assert message == "recipe 'pens' has no sft stage; its stages: s (rloo)"


def test_what_goes_with_other_algorithms(told: Told) -> None:
    assert told("--track", "wandb", algorithm="ppo").startswith("--track goes with sft, grpo and rloo")


def test_nothing_to_train(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["train"]) == 3
    assert "name an algorithm and a recipe, such as: rote train sft tiny" in capfd.readouterr().err


def test_a_recipe_that_cannot_fit_says_by_how_much(
    rows: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", recipe_of({"s": stage_of("sft", rows)}))
    monkeypatch.setattr(dry_run, "_gpu_gib", lambda: 0.25)
    assert main(["train", "sft", str(recipe), "--dry-run"]) == 3
    printed = capfd.readouterr().out
    fault = next(line for line in printed.splitlines() if "CANNOT RUN" in line)
    assert "GiB" in fault
    monkeypatch.setattr(dry_run, "_gpu_gib", lambda: 80.0)
    assert main(["train", "sft", str(recipe), "--dry-run"]) == 0
    assert "CANNOT RUN" not in capfd.readouterr().out


def test_a_dry_run_counts_rows_tokens_and_steps_and_writes_nothing(
    rows: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stages = {
        "first": stage_of("sft", rows, max_steps=0, epochs=3, batch_size=2, accumulation=2),
        "second": stage_of("grpo", rows),
    }
    recipe = write_recipe(tmp_path / "r.yaml", recipe_of(stages))
    assert main(["train", "grpo", str(recipe), "--dry-run", "--out", str(tmp_path / "out")]) == 0
    printed = capfd.readouterr().out
    assert f"8 jsonl/{rows.name}" in printed
    assert "steps      6, on 24 rows" in printed
    assert "steps      5, on 20 responses" in printed
    assert "generated  at most 120 tokens" in printed
    assert not (tmp_path / "out").exists()
    assert main(["train", "sft", str(recipe), "--dry-run"]) == 0
    assert "second" not in capfd.readouterr().out

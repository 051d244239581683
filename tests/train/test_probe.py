"""The probe: fixed rows, the arithmetic of drops, and nothing that training could feel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from runs import Server, recipe_of, stage_of, write_recipe

from rote.errors import UsageError
from rote.train.manifest import weights_hash
from rote.train.monitor import read_log
from rote.train.probe import Probe, accuracies, probe_rows
from rote.train.recipe import ProbeSpec, PromptSpec
from rote.train.rows import Row


def row(template: str, variant: str, answer: str = "7") -> Row:
    return Row(f"{template}/{variant}", "own", template, variant, "How many?", f"#### {answer}", answer)


def test_accuracy_by_variant_and_the_mean_drop_from_the_originals() -> None:
    rows = [row(t, v) for v in ("original", "numbers", "noop") for t in ("a", "b", "c", "d")]
    right = [True, True, True, False, True, False, False, False, True, True, False, False]
    assert accuracies(rows, right) == {
        "original": 0.75,
        "numbers": 0.25,
        "noop": 0.5,
        "drop": pytest.approx(0.375),
    }


def test_no_originals_or_nothing_else_no_drop() -> None:
    assert accuracies([row("a", "noop")], [True]) == {"noop": 1.0}
    assert accuracies([row("a", "original")], [True]) == {"original": 1.0}


def test_the_rows_are_the_same_every_time_and_of_the_same_templates() -> None:
    spec = ProbeSpec(every_steps=1, templates=3)
    rows = probe_rows(spec)
    assert rows == probe_rows(spec)
    assert len(rows) == 9
    by_variant = [[r.template_id for r in rows if r.variant == v] for v in spec.variants]
    assert by_variant[0] == by_variant[1] == by_variant[2]
    # More templates are these and others.
    more = [r.template_id for r in probe_rows(ProbeSpec(templates=5)) if r.variant == "original"]
    assert more[:3] == by_variant[0]
    assert probe_rows(ProbeSpec(templates=3, seed=1)) != rows


def test_variants_that_nobody_knows_or_no_template_has(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"probe\.variants: unknown variant 'noops'; known: original"):
        probe_rows(ProbeSpec(variants=("original", "noops")))


class Scripted:
    """Stands for a model and gives the answers that a test wrote: the tokenizer decodes row numbers."""

    def __init__(self, tokenizer: Any, answers: list[str]) -> None:
        self._tokenizer, self._answers = tokenizer, answers
        self.training, self.device, self.asked = True, "cpu", 0
        self.config = type("C", (), {"use_cache": False})()

    def eval(self) -> None:
        self.training = False

    def train(self, mode: bool) -> None:
        self.training = mode

    def generate(self, input_ids: Any, **_: Any) -> Any:
        import torch

        said = []
        for _row in input_ids:
            said.append(self._tokenizer(self._answers[self.asked])["input_ids"])
            self.asked += 1
        most = max(map(len, said)) + 1
        end = self._tokenizer.eos_token_id
        padded = [ids + [end] * (most - len(ids)) for ids in said]
        return torch.cat([input_ids, torch.tensor(padded)], dim=1)


def test_responses_are_graded_and_kept_and_the_model_is_as_before(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs rote[train]")
    from rote.train.scratch import character_tokenizer

    tokenizer = character_tokenizer()
    probe = Probe(ProbeSpec(templates=2, variants=("original", "noop")), PromptSpec(), tokenizer, tmp_path)
    lengths = [len(ids) for ids in probe._prompts]
    order = sorted(range(4), key=lengths.__getitem__)
    answers = [f"So #### {probe.rows[i].answer}" if i != 3 else "no idea" for i in order]
    model = Scripted(tokenizer, answers)
    assert probe(40, model) == {"original": 1.0, "noop": 0.5, "drop": 0.5}
    assert (model.training, model.config.use_cache) == (True, False)
    kept = [json.loads(line) for line in (tmp_path / "probe" / "step-40.jsonl").read_text().splitlines()]
    assert [line["id"] for line in kept] == [r.id for r in probe.rows]
    assert [line["correct"] for line in kept] == [True, True, True, False]
    assert kept[3]["response"] == "no idea"


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_limit_of_the_models_own_changes_no_response_and_nothing_is_printed(
    wrapped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from rote.train.probe import generate
    from rote.train.scratch import character_tokenizer

    tokenizer = character_tokenizer()
    config = transformers.Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: Any = transformers.Qwen2ForCausalLM(config)
        if wrapped:
            peft = pytest.importorskip("peft")
            model = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=["q_proj"]))
    prompts = [tokenizer(text)["input_ids"] for text in ("Two pens.", "How many?")]
    asked = (model, tokenizer, prompts, 12, [tokenizer.eos_token_id])
    plain = generate(*asked)
    model.generation_config.max_length = 64
    transformers.utils.logging.enable_propagation()
    try:
        assert generate(*asked) == plain
    finally:
        transformers.utils.logging.disable_propagation()
    assert [record for record in caplog.records if record.name.startswith("transformers")] == []
    assert model.generation_config.max_length == 64


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["sft", "grpo", "ppo"])
def test_training_does_not_feel_the_probe(algorithm: str, server: Server, rows: Path, tmp_path: Path) -> None:
    probe = {"every_steps": 2, "templates": 2, "max_new_tokens": 4}
    stage = stage_of(algorithm, rows, max_steps=3)
    jobs = {}
    for name, parts in (("with", {"probe": probe}), ("without", {})):
        recipe = write_recipe(tmp_path / f"{name}.yaml", recipe_of({"s": stage}, **parts))
        jobs[name] = server.start("train", algorithm, recipe, "--out", tmp_path / name)
    ended = {name: job.wait() for name, job in jobs.items()}
    assert [each.status for each in ended.values()] == [0, 0], ended
    hashes = {weights_hash(tmp_path / name / "s" / "final") for name in jobs}
    assert len(hashes) == 1
    assert None not in hashes
    log = read_log(tmp_path / "with" / "s")
    assert [line["step"] for line in log if "probe/drop" in line] == [0, 2, 3]
    assert sorted(path.name for path in (tmp_path / "with" / "s" / "probe").iterdir()) == [
        "step-0.jsonl",
        "step-2.jsonl",
        "step-3.jsonl",
    ]
    clock = ("seconds", "step_time", "tokens_per_second")
    kept = [
        {key: value for key, value in line.items() if key not in clock}
        for line in log
        if "probe/drop" not in line
    ]
    plain = read_log(tmp_path / "without" / "s")
    assert kept == [{key: value for key, value in line.items() if key not in clock} for line in plain]

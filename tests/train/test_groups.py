"""What GRPO and RLOO generate from: the very token ids of the recipe's prompt, in the order of the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runs import SUMS, data_of, model_of, recipe_of, stage_of, write_rows
from test_tokens import LEAVES_SYSTEM_OUT, WITH_SYSTEM, WITHOUT_SYSTEM

pytest.importorskip("trl", reason="needs rote[train]")

from rote.errors import UsageError
from rote.train import stage_run
from rote.train.data import build_rows
from rote.train.engine import Loaded
from rote.train.groups import until_end
from rote.train.monitor import Stop, read_log
from rote.train.recipe import Recipe, check_recipe
from rote.train.recipe.data import DataSpec
from rote.train.rows import completion_text
from rote.train.scratch import build_model, learned_tokenizer
from rote.train.tokens import end_of_turn, prompts_ids

TEMPLATES = {"system": WITH_SYSTEM, "refuses": WITHOUT_SYSTEM, "leaves out": LEAVES_SYSTEM_OUT}


def tokenizer_of(recipe: Recipe, rows: Any, kind: str) -> Any:
    """One that adds a beginning of sequence by itself, or one with a chat template."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = learned_tokenizer([row.question for row in rows], 400)
    tokenizer.add_special_tokens({"bos_token": "<bos>"})
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    if kind == "plain":
        tokenizer._tokenizer.post_processor = TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", tokenizer.bos_token_id)]
        )
    else:
        tokenizer.chat_template = TEMPLATES[kind]
    return tokenizer


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["grpo", "rloo"])
@pytest.mark.parametrize("kind", ["plain", *TEMPLATES])
def test_the_prompt_is_the_same_to_the_token(algorithm: str, kind: str, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", SUMS[:2])
    built = build_rows(DataSpec.model_validate(data_of(path)))
    prompt = {} if kind == "plain" else {"chat": True, "system": "Think of pens."}
    stage = stage_of(
        algorithm, path, max_steps=1, batch_size=4, generations=2, checkpoints={"every_minutes": 0}
    )
    recipe = check_recipe(recipe_of({"s": stage}, prompt=prompt, model={**model_of(), "max_length": 500}))
    tokenizer = tokenizer_of(recipe, built.rows, kind)
    assert recipe.model.build is not None
    model = build_model(recipe.model.build, tokenizer, 0)
    model.save_pretrained(tmp_path / "base")  # RLOO reads its reference from there
    model.config._name_or_path = str(tmp_path / "base")
    asked: list[list[int]] = []
    real = model.generate

    def generate(*args: Any, **kwargs: Any) -> Any:
        for ids, mask in zip(kwargs["input_ids"], kwargs["attention_mask"], strict=True):
            asked.append(ids[mask.bool()].tolist())
        return real(*args, **kwargs)

    model.generate = generate
    run = stage_run.StageRun(recipe, "s", recipe.stages["s"], str(tmp_path / "base"), None, tmp_path / "s")
    loaded = Loaded(model, tokenizer, str(tmp_path / "base"), False)
    stage_run._Training(run, built, loaded, None, Stop(), ()).go()
    texts = [stage_run.prompt_text(row, recipe.prompt, tokenizer) for row in built.rows]
    expected = prompts_ids(texts, recipe.prompt, tokenizer)
    assert asked == [ids for ids in expected for _ in range(2)]
    for ids in asked:
        assert ids.count(tokenizer.bos_token_id) == (1 if kind in ("plain", "refuses") else 0)
    assert ("Think of pens." in texts[0]) == (kind != "plain")


def scripted(model: Any, script: list[list[int]]) -> None:
    """Make a model say ``script``, row by row, whatever it is asked; generation itself ends and pads it."""
    import torch

    real = model.generate

    def generate(*args: Any, **kwargs: Any) -> Any:
        length = kwargs["input_ids"].shape[1]

        def say(ids: Any, scores: Any) -> Any:
            told = [said[min(ids.shape[1] - length, len(said) - 1)] for said in script]
            only = torch.full_like(scores, float("-inf"))
            only[torch.arange(len(script)), torch.tensor(told)] = 0.0
            return only

        return real(*args, **kwargs, logits_processor=[say])

    model.generate = generate


def training_of(algorithm: str, folder: Path, **fields: Any) -> tuple[Any, Recipe, Any]:
    """One step on two prompts of two responses each, by a model whose turns end before its text does."""
    path = write_rows(folder / "rows.jsonl", SUMS[:2])
    built = build_rows(DataSpec.model_validate(data_of(path)))
    rewards = {"correctness": 1.0, "random": 1.0, "control": True}
    fields = {"generations": 2, "max_completion": 90, "rewards": rewards, **fields}
    stage = stage_of(algorithm, path, max_steps=1, batch_size=4, checkpoints={"every_minutes": 0}, **fields)
    recipe = check_recipe(
        recipe_of({"s": stage}, prompt={"chat": True}, model={**model_of(), "max_length": 500})
    )
    tokenizer = tokenizer_of(recipe, built.rows, "system")
    assert recipe.model.build is not None
    model = build_model(recipe.model.build, tokenizer, 0)
    model.save_pretrained(folder / "base")  # RLOO reads its reference from there
    model.config._name_or_path = str(folder / "base")
    run = stage_run.StageRun(recipe, "s", recipe.stages["s"], str(folder / "base"), None, folder / "s")
    loaded = Loaded(model, tokenizer, str(folder / "base"), False)
    return stage_run._Training(run, built, loaded, None, Stop(), ()), recipe, built.rows


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["grpo", "rloo"])
def test_a_turn_that_ends_before_the_text_does_is_finished(algorithm: str, tmp_path: Path) -> None:
    training, recipe, rows = training_of(algorithm, tmp_path)
    tokenizer = training.loaded.tokenizer
    end = end_of_turn(recipe.prompt, tokenizer)
    assert end not in (tokenizer.eos_token_id, tokenizer.pad_token_id)
    right = [
        tokenizer(completion_text(row, recipe.prompt), add_special_tokens=False)["input_ids"] for row in rows
    ]
    short, long = [*right[0], end], [*right[1], end]
    # Three that end, at different places, all of them padded; and one that is cut off.
    script = [short, [short[0], *short], [long[0], long[0], *long], right[1]]
    scripted(training.loaded.model, script)
    training.go()
    log = next(record for record in read_log(tmp_path / "s") if "reward" in record)
    ended = [len(said) for said in script[:3]]
    assert len({*ended, 90}) == 4
    assert log["rewards/correctness/mean"] == pytest.approx(3 / 4)
    assert log["completions/clipped_ratio"] == pytest.approx(1 / 4)
    assert log["completions/mean_length"] == pytest.approx((sum(ended) + 90) / 4)
    assert log["completions/max_terminated_length"] == max(ended)
    assert log["completions/min_terminated_length"] == min(ended)


@pytest.mark.slow
def test_trl_would_mask_every_turn_that_ended(tmp_path: Path) -> None:
    training, _, _ = training_of("grpo", tmp_path, mask_truncated=True)
    with pytest.raises(UsageError, match=r"ends a response with '<\|im_end\|>', not with .*'<eos>'"):
        training.go()


def test_a_response_is_kept_up_to_its_first_end() -> None:
    assert until_end([5, 6, 2, 0, 2], {2, 7}) == [5, 6, 2]
    assert until_end([2], {2}) == [2]
    assert until_end([5, 6], {2}) == [5, 6]
    assert until_end([], {2}) == []

"""What GRPO and RLOO generate from: the very token ids of the recipe's prompt, in the order of the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runs import SUMS, data_of, model_of, recipe_of, stage_of, write_rows
from test_tokens import LEAVES_SYSTEM_OUT, WITH_SYSTEM, WITHOUT_SYSTEM

pytest.importorskip("trl", reason="needs rote[train]")

from rote.train import stage_run
from rote.train.data import build_rows
from rote.train.engine import Loaded
from rote.train.monitor import Stop
from rote.train.recipe import Recipe, check_recipe
from rote.train.recipe.data import DataSpec
from rote.train.scratch import build_model, learned_tokenizer
from rote.train.tokens import prompts_ids

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

"""Models from nothing: the same weights for the same seed, a vocabulary that writes any text."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="needs rote[train]")

from rote.train.manifest import weights_hash
from rote.train.recipe import ModelSpec, PromptSpec, TinyModel
from rote.train.rows import prompt_text
from rote.train.scratch import build_into, build_model, character_tokenizer, learned_tokenizer
from rote.train.tokens import FIXTURE

TINY = TinyModel(hidden=16, layers=1, heads=2, feed_forward=32, positions=64, vocabulary=320)
MODEL = ModelSpec(path="tiny", dtype="float32", build=TINY)


def test_the_same_seed_gives_the_same_folder_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        build_into(tmp_path / name, MODEL, PromptSpec(), [FIXTURE], seed)
    hashes = {name: weights_hash(tmp_path / name) for name in "abc"}
    assert hashes["a"] == hashes["b"] != hashes["c"]
    texts = {name: (tmp_path / name / "tokenizer.json").read_text() for name in "abc"}
    assert texts["a"] == texts["b"] == texts["c"]
    assert not list(tmp_path.glob("*.partial"))


def test_building_draws_from_no_generator_of_the_caller() -> None:
    import torch

    torch.manual_seed(5)
    before = torch.get_rng_state()
    build_model(TINY, character_tokenizer(), 1)
    assert bool((torch.get_rng_state() == before).all())


def test_every_digit_is_a_token_and_any_text_comes_back() -> None:
    tokenizer = learned_tokenizer([prompt_text(FIXTURE, PromptSpec()), "12 12 12 345 345"], 340)
    assert len(tokenizer) <= 340
    ids = tokenizer("x 12345", add_special_tokens=False)["input_ids"]
    assert [tokenizer.decode([i]) for i in ids[-5:]] == list("12345")
    for text in ("Zoë pays €3.50 – twice\n\t", "数学", "  two  blanks "):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_characters_that_are_not_known_are_one_token_each() -> None:
    tokenizer = character_tokenizer()
    ids = tokenizer("1数2")["input_ids"]
    assert [tokenizer.convert_ids_to_tokens(i) for i in ids] == ["1", "<unk>", "2"]
    text = "Ann has 3 pens × 2.\n#### 6"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert tokenizer.pad_token_id != tokenizer.eos_token_id

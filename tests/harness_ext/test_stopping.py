"""Rows of a batch stop by themselves, and what comes out is what stock lm-eval gives."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest

from rote.harness_ext.models.stopping import RowStops, cut, deciding, entangled, settled

pytest.importorskip("torch", reason="needs rote[hf]")

from lm_eval.models.huggingface import HFLM
from tiny_lm import byte_tokenizer, chain_model, random_model, requests, word_tokenizer

from rote.harness_ext.models.hf import RoteHFLM

PROMPTS = ["alpha", "beta one", "gamma delta", "the quick", "foo", "barbaz qux", "Zürich", "naïve 日本"]


@pytest.mark.parametrize(
    ("text", "stops", "expected"),
    [
        ("one two", ["x"], False),
        ("one two", ["two"], True),
        ("one two", ["", "two"], True),
        ("ab", ["ab", "bcd"], True),  # bcd is later in the list: the text is cut before it is looked for
        ("ab", ["bcd", "ab"], False),  # should cd follow, lm-eval would cut at bcd and never find ab
        ("abc", ["bcd", "ab"], False),
        ("abx", ["bcd", "ab"], True),
        ("abcd", ["bcd", "ab"], True),
        ("", ["a"], False),
    ],
)
def test_settled(text: str, stops: list[str], expected: bool) -> None:
    assert settled(text, stops) is expected


def test_a_settled_text_is_cut_at_the_same_place_whatever_follows() -> None:
    words = ["".join(letters) for n in (1, 2, 3) for letters in itertools.product("ab", repeat=n)]
    draw = random.Random(3)
    for _ in range(2000):
        stops = draw.sample(words, 3)
        text = "".join(draw.choices("abc", k=6))
        if settled(text, stops):
            for tail in ("a", "b", "c", "ab", "bab", "aab", "bbb"):
                assert cut(text + tail, stops) == cut(text, stops), (text, stops, tail)
        elif deciding(text, stops) is not None:
            earlier = stops[: deciding(text, stops)]
            assert any(stop.startswith(text[-n:]) for stop in earlier for n in range(1, len(stop))), (
                text,
                stops,
            )


def test_which_stop_strings_wait_for_each_other() -> None:
    assert not entangled(["\n\nWord problem:", "Question:", "</s>"])
    assert not entangled(["ab", "bcd"])
    assert entangled(["bcd", "ab"])
    assert entangled(["abc", "b"])


def both(model: Any, tokenizer: Any, batch: int, **arguments: Any) -> tuple[HFLM, RoteHFLM]:
    given = {"pretrained": model, "tokenizer": tokenizer, "batch_size": batch, "device": "cpu", **arguments}
    return HFLM(**given), RoteHFLM(**given)


@pytest.fixture(scope="module")
def random_pairs() -> Iterator[list[tuple[HFLM, RoteHFLM]]]:
    tokenizer = byte_tokenizer()
    return [both(random_model(tokenizer, seed), tokenizer, batch) for seed, batch in ((1, 4), (2, 8), (5, 1))]


def test_the_same_texts_as_stock_on_any_stop_strings(random_pairs: list[tuple[HFLM, RoteHFLM]]) -> None:
    draw = random.Random(7)
    shorter = 0
    for stock, mine in random_pairs:
        whole = "".join(stock.generate_until(requests(PROMPTS, {"max_gen_toks": 60}), disable_tqdm=True))
        for _ in range(8):
            starts = [draw.randrange(len(whole) - 3) for _ in range(draw.randint(1, 3))]
            stops = [
                whole[at : at + draw.randint(1, 3)].replace("\N{REPLACEMENT CHARACTER}", "") for at in starts
            ]
            kwargs = {"until": [stop for stop in stops if stop], "max_gen_toks": 60, "do_sample": False}
            expected = stock.generate_until(requests(PROMPTS, kwargs), disable_tqdm=True)
            before = mine.steps
            found = mine.generate_until(requests(PROMPTS, kwargs), disable_tqdm=True)
            assert found == expected, stops
            shorter += mine.steps - before < 60 * -(-len(PROMPTS) // int(mine.batch_size))
    assert shorter > 0


@pytest.fixture(scope="module")
def chain() -> tuple[Any, Any]:
    """Prompts ``p`` and ``q`` lead to texts with different stop words after a few tokens, and never end."""
    words = "p a b STOP1 q c d e STOP2 more and </think> x y <|end|> r special".split()
    tokenizer = word_tokenizer(words)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|end|>"]})
    steps = "p a b STOP1 more and more".split(), "q c d e STOP2 more".split(), "r x <|end|> y more".split()
    follows = {a: b for line in steps for a, b in itertools.pairwise(line)} | {"special": "r"}
    return tokenizer, chain_model(tokenizer, follows)


def test_rows_with_different_stops_end_early(chain: tuple[Any, Any]) -> None:
    tokenizer, model = chain
    stock, mine = both(model, tokenizer, 2)
    asked = requests(["p", "q"], {"until": ["STOP1", "STOP2"], "max_gen_toks": 200})
    expected = stock.generate_until(asked, disable_tqdm=True)
    assert expected == ["a b ", "c d e "]
    found = mine.generate_until(asked, disable_tqdm=True)
    assert found == expected
    assert mine.steps == 4  # stock: 200
    assert [(r.generation.tokens, r.generation.stop) for r in found] == [(3, "STOP1"), (4, "STOP2")]


def test_a_special_token_as_stop_string_ends_the_row(chain: tuple[Any, Any]) -> None:
    """Stock does so alone; in a batch it goes on, and the rest stands in the response."""
    tokenizer, model = chain
    kwargs = {"until": ["<|end|>", "STOP1"], "max_gen_toks": 9}
    (alone, _), (stock, mine) = both(model, tokenizer, 1), both(model, tokenizer, 2)
    expected = alone.generate_until(requests(["r", "p"], kwargs), disable_tqdm=True)
    assert expected == ["x", "a b "]
    assert mine.generate_until(requests(["r", "p"], kwargs), disable_tqdm=True) == expected
    assert stock.generate_until(requests(["r", "p"], kwargs), disable_tqdm=True)[0].startswith("x y more")


def test_a_stop_string_around_a_special_token(chain: tuple[Any, Any]) -> None:
    tokenizer, model = chain
    stock, mine = both(model, tokenizer, 1)
    asked = requests(["r"], {"until": ["<|end|> y"], "max_gen_toks": 30})
    found = mine.generate_until(asked, disable_tqdm=True)
    assert found == stock.generate_until(asked, disable_tqdm=True) == ["x y"]
    assert found[0].generation.stop == "<|end|> y"


@pytest.mark.parametrize("as_id", [False, True])
def test_stop_strings_inside_thinking_end_nothing(as_id: bool) -> None:
    tokenizer = word_tokenizer("p a STOP b </think> c d STOP2 e".split())
    model = chain_model(tokenizer, dict(itertools.pairwise("p a STOP b </think> c d STOP2 e".split())))
    end = tokenizer.convert_tokens_to_ids("</think>") if as_id else "</think>"
    _, mine = both(model, tokenizer, 1, think_end_token=end)
    [response] = mine.generate_until(
        requests(["p"], {"until": ["STOP", "STOP2"], "max_gen_toks": 50}), disable_tqdm=True
    )
    assert response == "c d "
    assert response.generation.tokens == 7


def test_the_limit_is_told_from_a_stop(chain: tuple[Any, Any]) -> None:
    tokenizer, model = chain
    _, mine = both(model, tokenizer, 3)
    found = mine.generate_until(requests(["p", "q", "nothing"], {"until": ["STOP1"], "max_gen_toks": 5}))
    assert [r.generation.finish for r in found] == ["stop", "length", "stop"]
    assert [r.generation.tokens for r in found] == [3, 5, 1]
    assert found[2].generation.stop == "<eos>"


def test_beam_search_stops_as_stock_does(chain: tuple[Any, Any]) -> None:
    tokenizer, model = chain
    stock, mine = both(model, tokenizer, 1)
    asked = requests(["p", "q"], {"until": ["STOP1"], "max_gen_toks": 12, "num_beams": 2})
    found = mine.generate_until(asked, disable_tqdm=True)
    assert found == stock.generate_until(asked, disable_tqdm=True)
    assert all(r.generation.tokens for r in found)


def test_the_prompt_is_no_part_of_what_stops() -> None:
    """A stop string half in the prompt and half generated is none; transformers' own stop strings see one."""
    import torch

    tokenizer = byte_tokenizer()
    ids = torch.tensor([tokenizer.encode("xab")])
    assert RowStops(tokenizer, ["ab"], prompt_length=2)(ids, None).tolist() == [False]
    assert RowStops(tokenizer, ["ab"], prompt_length=1)(ids, None).tolist() == [True]
    assert RowStops(tokenizer, [], prompt_length=1)(ids, None).tolist() == [False]


@pytest.mark.gpu
def test_rows_stop_on_a_gpu(chain: tuple[Any, Any]) -> None:
    tokenizer, model = chain
    try:
        _, mine = both(model.to("cuda"), tokenizer, 2)
        kwargs = {"until": ["STOP1", "STOP2"], "max_gen_toks": 50}
        found = mine.generate_until(requests(["p", "q"], kwargs), disable_tqdm=True)
    finally:
        model.to("cpu")
    assert found == ["a b ", "c d e "]
    assert mine.steps == 4

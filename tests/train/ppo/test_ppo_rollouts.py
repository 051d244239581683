"""Sampling, the mask of a response, and the reward of each token."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from bandit import ARMS, PROMPTS, answers, small_model, with_lora, words_tokenizer

from rote.errors import DataError, UsageError
from rote.train.ppo.model import make_policy, make_reference
from rote.train.ppo.rollouts import (
    Round,
    Sampling,
    generate,
    make_sampling,
    prompt_ids,
    roll_out,
    token_rewards,
)

TOKENIZER = words_tokenizer()
EOS = TOKENIZER.eos_token_id


def ends_after(model: Any, words: int) -> Any:
    """The model made to draw any word but EOS ``words`` times, and then EOS."""
    lengths = []

    def forced(_: Any, given: Any, out: torch.Tensor) -> torch.Tensor:
        if out.shape[1] == 1:  # the model generates
            lengths.append(1)
            mask = torch.zeros(out.shape[-1])
            mask[EOS] = 1e4 if len(lengths) > words else -1e4
            return out + mask
        return out

    model.lm_head.register_forward_hook(forced)
    return model


def sampling(tokens: int, temperature: float = 1.0, top_p: float = 1.0) -> Sampling:
    return Sampling(tokens, temperature, top_p, (EOS,), TOKENIZER.pad_token_id)


def rolled(
    model: Any, reward: Any, tokens: int, *, kl: float = 0.1, at_once: int = 4, rows: Sequence[int] = range(4)
) -> Round:
    policy = make_policy(model, 0.8)
    ids = prompt_ids(PROMPTS, TOKENIZER, 8)
    return roll_out(
        policy,
        make_reference(policy),
        TOKENIZER,
        ids,
        list(rows),
        reward,
        sampling(tokens, 0.8),
        kl=kl,
        generated_at_once=at_once,
        scored_at_once=at_once,
    )


def ones(rows: Sequence[int], texts: Sequence[str], finished: Sequence[bool]) -> Any:
    return {"one": [1.0] * len(rows)}, [1.0] * len(rows)


def test_an_empty_response_is_its_eos() -> None:
    seen: list[Any] = []

    def reward(rows: Sequence[int], texts: Sequence[str], finished: Sequence[bool]) -> Any:
        seen.append((rows, texts, finished))
        return ones(rows, texts, finished)

    found = rolled(ends_after(small_model(TOKENIZER), 0), reward, 3)
    assert found.sequences.responses.tolist() == [[EOS]] * 4
    assert found.sequences.mask.all()
    assert seen == [([0, 1, 2, 3], [""] * 4, [True] * 4)]
    assert found.rewards.tolist() == [[1.0]] * 4


def test_a_response_of_a_single_token_that_is_cut_off() -> None:
    found = rolled(ends_after(small_model(TOKENIZER), 1), ones, 1)
    assert found.sequences.mask.tolist() == [[True]] * 4
    assert found.finished == [False] * 4


@pytest.mark.parametrize(("words", "finished"), [(2, True), (3, False), (5, False)])
def test_a_response_that_is_cut_off_has_no_eos_and_is_rewarded_at_its_last_token(
    words: int, finished: bool
) -> None:
    found = rolled(ends_after(small_model(TOKENIZER), words), ones, 3)
    assert found.finished == [finished] * 4
    assert found.sequences.mask.sum(1).tolist() == [3] * 4
    assert (found.sequences.responses[:, -1] == EOS).tolist() == [finished] * 4
    assert found.rewards[:, -1].tolist() == [1.0] * 4


def test_responses_do_not_depend_on_padding_after_them() -> None:
    torch.manual_seed(0)
    found = rolled(small_model(TOKENIZER), ones, 12)
    lengths = found.sequences.mask.sum(1).tolist()
    assert len(set(lengths)) > 1, "the test needs responses of several lengths"
    for i, n in enumerate(lengths):
        assert found.finished[i] == (found.sequences.responses[i, n - 1] == EOS)
        assert (found.sequences.responses[i, n:] == TOKENIZER.pad_token_id).all()
        for part in (found.logps, found.values, found.rewards):
            assert not part[i, n:].any()


def test_parts_bound_memory_and_change_nothing_but_the_draws() -> None:
    torch.manual_seed(0)
    found = rolled(small_model(TOKENIZER), ones, 6, at_once=3, rows=[0, 3, 1, 2, 0])
    assert found.logps.shape == found.sequences.mask.shape == (5, int(found.sequences.mask.sum(1).max()))
    policy = make_policy(small_model(TOKENIZER), 0.8)
    with torch.no_grad():
        whole = policy.score(found.sequences)
    torch.testing.assert_close(found.logps, whole.logps)
    assert found.ref_logps is not None
    assert torch.equal(found.ref_logps, found.logps), "reference and policy are still the same"


def test_the_models_own_settings_of_generation_do_not_leak() -> None:
    model = small_model(TOKENIZER)
    own = model.generation_config
    own.top_k, own.repetition_penalty, own.temperature, own.do_sample = 1, 50.0, 0.01, True
    own.no_repeat_ngram_size, own.suppress_tokens = 1, [6]
    wrapped = with_lora(model)
    for one in (model, wrapped):
        torch.manual_seed(0)
        ids = TOKENIZER(PROMPTS[1])["input_ids"]
        drawn, _ = generate(one, [ids] * 4000, sampling(1, 0.7))
        shares = torch.bincount(drawn.responses[:, 0], minlength=len(TOKENIZER)) / 4000
        expected = answers(one, TOKENIZER, PROMPTS[1], 0.7)
        assert (shares - expected).abs().max() < 4 * math.sqrt(0.25 / 4000)
        assert shares[6] > 0
    assert model.generation_config is own
    assert (own.top_k, own.repetition_penalty) == (1, 50.0)


def test_top_p_cuts_the_tail() -> None:
    torch.manual_seed(0)
    ids = TOKENIZER(PROMPTS[0])["input_ids"]
    drawn, _ = generate(small_model(TOKENIZER), [ids] * 500, sampling(1, 1.0, 0.3))
    ranked = answers(small_model(TOKENIZER), TOKENIZER, PROMPTS[0]).argsort(descending=True)
    assert set(drawn.responses[:, 0].tolist()) <= set(ranked[:4].tolist())


def test_every_eos_of_model_and_tokenizer_ends_a_response() -> None:
    model = small_model(TOKENIZER)
    model.generation_config.eos_token_id = [EOS, 6]
    made = make_sampling(model, TOKENIZER, max_new_tokens=4, temperature=1.0, top_p=1.0)
    assert made.eos == (EOS, 6)
    assert made.pad == TOKENIZER.pad_token_id
    drawn, finished = generate(model, [[3]] * 50, made)
    ends = torch.isin(drawn.responses, torch.tensor([EOS, 6])) & drawn.mask
    assert ends.sum(1).tolist() == [int(end) for end in finished]
    asked = make_sampling(model, TOKENIZER, max_new_tokens=4, temperature=1.0, top_p=1.0, end_tokens=[7])
    assert asked.eos == (7,)


def test_a_tokenizer_without_padding_or_without_eos() -> None:
    tokenizer = words_tokenizer()
    tokenizer.pad_token = None
    model = small_model(TOKENIZER)
    asked: dict[str, Any] = {"max_new_tokens": 4, "temperature": 1.0, "top_p": 1.0}
    assert make_sampling(model, tokenizer, **asked).pad == EOS
    tokenizer.eos_token = None
    model.generation_config.eos_token_id = None
    with pytest.raises(UsageError, match="no EOS token: neither"):
        make_sampling(model, tokenizer, **asked)


def test_token_rewards_by_hand() -> None:
    logps = torch.tensor([[-1.0, -2.0, 0.0], [-0.5, 0.0, 0.0]])
    ref = torch.tensor([[-1.5, -1.0, 0.0], [-0.5, 0.0, 0.0]])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    rewards = token_rewards(logps, ref, mask, [3.0, -1.0], 0.1)
    torch.testing.assert_close(rewards, torch.tensor([[-0.05, 3.1, 0.0], [-1.0, 0.0, 0.0]]))
    plain = token_rewards(logps, None, mask, [3.0, -1.0], 0.0)
    assert plain.tolist() == [[0.0, 3.0, 0.0], [-1.0, 0.0, 0.0]]


def test_prompts_have_one_bos() -> None:
    from tokenizers.processors import TemplateProcessing

    tokenizer = words_tokenizer(["<bos>"])
    tokenizer.bos_token = "<bos>"
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", tokenizer.bos_token_id)]
    )
    ids = prompt_ids(["one two", "<bos> one two"], tokenizer, 3)
    assert ids[0] == ids[1]
    assert prompt_ids(ids, tokenizer, 3) == ids
    assert ids[0].count(tokenizer.bos_token_id) == 1


def test_prompts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match=r"prompts\[2\]: has 3 tokens; it must have 1 to 2"):
        prompt_ids(PROMPTS, TOKENIZER, 2)
    with pytest.raises(DataError, match=r"prompts\[1\]: has 0 tokens"):
        prompt_ids(["one", ""], TOKENIZER, 2)


@pytest.mark.parametrize(
    ("terms", "totals", "message"),
    [
        ({"a": [1.0] * 4}, [1.0] * 3, "reward totals: has 3 values for 4 responses"),
        ({"a": [1.0] * 5}, [1.0] * 4, "reward a: has 5 values for 4 responses"),
        ({}, [1.0, math.nan, 1.0, 1.0], "reward totals: is nan for response 1"),
    ],
)
def test_rewards_that_are_none_are_refused(terms: Any, totals: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rolled(small_model(TOKENIZER), lambda *_: (terms, totals), 1)


def test_texts_are_those_of_the_rows() -> None:
    texts: dict[int, str] = {}

    def reward(rows: Sequence[int], some: Sequence[str], finished: Sequence[bool]) -> Any:
        texts.update(zip(rows, some, strict=True))
        return ones(rows, some, finished)

    torch.manual_seed(0)
    found = rolled(small_model(TOKENIZER), reward, 1, rows=[2, 0])
    drawn = TOKENIZER.convert_ids_to_tokens(found.sequences.responses[:, 0].tolist())
    for row, word in zip([2, 0], drawn, strict=True):
        assert texts[row] == (word if word in (*ARMS, "one", "two", "three") else "")

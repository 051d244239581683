"""Worlds whose best policy is known: PPO reaches it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from bandit import ARMS, PROMPTS, Recorder, answers, make_stage, right_arm, small_model, words_tokenizer

from rote.train.ppo import train_ppo

TOKENIZER = words_tokenizer()
FIRST = TOKENIZER.convert_tokens_to_ids(ARMS[0])


def trained(
    model: Any, reward: Any, folder: Path, prompts: Sequence[str] = PROMPTS, **fields: Any
) -> Recorder:
    hooks = Recorder()
    train_ppo(
        model,
        TOKENIZER,
        prompts,
        reward,
        make_stage(**fields),
        max_prompt=8,
        folder=folder,
        resume=None,
        hooks=hooks,
    )
    return hooks


def distance(p: Any, q: Any) -> float:
    """Total variation, 0 to 1."""
    return float((p - q).abs().sum() / 2)


def test_the_right_answer_to_each_prompt_is_found(tmp_path: Path) -> None:
    model = small_model(TOKENIZER)
    hooks = trained(
        model,
        right_arm,
        tmp_path,
        kl=0.0,
        learning_rate=5e-3,
        schedule="linear",
        max_steps=60,
        rollouts=64,
        batch_size=64,
        mini_batch=64,
    )
    assert hooks.lines[1]["reward"] < 0.3
    for arm, prompt in enumerate(PROMPTS):
        assert answers(model, TOKENIZER, prompt)[FIRST + arm] >= 0.95
    assert "kl" not in hooks.lines[1], "without a penalty there is no reference"


def graded(rows: Sequence[int], texts: Sequence[str], finished: Sequence[bool]) -> Any:
    worth = dict(zip(ARMS, (1.0, 0.5, 0.0, -0.5), strict=True))
    totals = [worth.get(text, 0.0) * (-1) ** row for row, text in zip(rows, texts, strict=True)]
    return {"graded": totals}, totals


@pytest.mark.parametrize(("beta", "temperature"), [(0.5, 0.7), (5.0, 1.0)])
def test_with_a_kl_penalty_the_optimum_is_the_tilted_reference(
    beta: float, temperature: float, tmp_path: Path
) -> None:
    """E[r] − beta·KL(p ‖ ref) is greatest at p ∝ ref·exp(r / beta), at the temperature of sampling."""
    model = small_model(TOKENIZER)
    before = [answers(model, TOKENIZER, prompt, temperature) for prompt in PROMPTS]
    hooks = trained(
        model,
        graded,
        tmp_path,
        kl=beta,
        temperature=temperature,
        learning_rate=3e-3,
        schedule="linear",
        max_steps=60,
        rollouts=128,
        batch_size=128,
        mini_batch=128,
        whiten=False,
        value_weight=0.5,
        value_clip=10.0,
    )
    for row, prompt in enumerate(PROMPTS):
        reward = torch.zeros(len(TOKENIZER), dtype=torch.float64)
        reward[FIRST : FIRST + 4] = (-1) ** row * torch.tensor([1.0, 0.5, 0.0, -0.5])
        best = (before[row].log() + reward / beta).softmax(-1)
        found = answers(model, TOKENIZER, prompt, temperature)
        assert distance(found, best) < 0.01
        if beta == 0.5:
            assert distance(before[row], best) > 0.1
        else:
            assert distance(found, before[row]) < 0.04, "near the reference"
    assert hooks.lines[60]["kl"] < {0.5: 0.5, 5.0: 0.01}[beta]


def two_tokens(model: Any, prompt: str) -> dict[tuple[int, ...], float]:
    """Probability of each response of at most two tokens, cut off or ended by its EOS."""
    eos, size = TOKENIZER.eos_token_id, len(TOKENIZER)
    first = TOKENIZER(prompt)["input_ids"]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[*first, a] for a in range(size)])).logits.double()
    one, two = logits[0, -2].softmax(-1), logits[:, -1].softmax(-1)
    found = {(a, b): float(one[a] * two[a, b]) for a, b in product(range(size), repeat=2) if a != eos}
    return {(eos,): float(one[eos]), **found}


def test_responses_of_several_tokens_reach_the_tilted_reference_too(tmp_path: Path) -> None:
    """The same over whole responses: credit goes back over tokens, and an early end is a choice."""
    eos, beta, prompt = TOKENIZER.eos_token_id, 0.5, PROMPTS[1]

    def worth(words: Sequence[str], finished: bool) -> float:
        right, wrong = list(words) == ["red", "green"], list(words[:1]) == ["blue"]
        return 1.0 * right - 0.5 * wrong + 0.7 * (not words and finished)

    def reward(rows: Sequence[int], texts: Sequence[str], finished: Sequence[bool]) -> Any:
        totals = [worth(text.split(), end) for text, end in zip(texts, finished, strict=True)]
        return {"worth": totals}, totals

    model = small_model(TOKENIZER)
    before = two_tokens(model, prompt)
    trained(
        model,
        reward,
        tmp_path,
        prompts=[prompt],
        kl=beta,
        max_completion=2,
        learning_rate=5e-3,
        schedule="linear",
        max_steps=80,
        rollouts=256,
        batch_size=128,
        mini_batch=128,
        whiten=False,
        value_weight=0.5,
        value_clip=10.0,
    )
    tilted = {
        one: p * math.exp(worth(TOKENIZER.decode(one, skip_special_tokens=True).split(), eos in one) / beta)
        for one, p in before.items()
    }
    total = sum(tilted.values())
    found = two_tokens(model, prompt)
    assert sum(abs(p / total - before[one]) for one, p in tilted.items()) / 2 > 0.1
    assert sum(abs(p / total - found[one]) for one, p in tilted.items()) / 2 < 0.02

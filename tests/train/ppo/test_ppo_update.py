"""Gradients do not depend on how a batch is cut; the optimiser and its schedule by name."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from bandit import PROMPTS, Recorder, make_stage, right_arm, small_model, words_tokenizer

from rote.errors import DataError, UsageError
from rote.train.optimizer import make_optimizer, make_schedule, updates_of
from rote.train.ppo import train_ppo
from rote.train.ppo.model import Policy, make_policy, make_reference
from rote.train.ppo.rollouts import Round, make_sampling, prompt_ids, roll_out
from rote.train.ppo.update import accumulate, targets_of, update

TOKENIZER = words_tokenizer()


def a_round(stage: Any) -> tuple[Policy, Round]:
    model = small_model(TOKENIZER)
    policy = make_policy(model, 1.0)
    torch.manual_seed(1)
    found = roll_out(
        policy,
        make_reference(policy),
        TOKENIZER,
        prompt_ids(PROMPTS, TOKENIZER, 8),
        [0, 1, 2, 3] * 4,
        lambda rows, texts, ends: ({}, [float(len(text)) for text in texts]),
        make_sampling(model, TOKENIZER, max_new_tokens=8, temperature=1.0, top_p=1.0),
        kl=stage.kl,
        generated_at_once=16,
        scored_at_once=16,
    )
    return policy, found


def gradients(mini_batch: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    stage = make_stage(
        max_completion=8, batch_size=16, mini_batch=mini_batch, entropy_weight=0.1, value_weight=0.5
    )
    policy, found = a_round(stage)
    lengths = found.sequences.mask.sum(1).tolist()
    assert len(set(lengths)) > 2, "the test needs responses of several lengths"
    sums = accumulate(policy, found, targets_of(found, stage), stage, list(range(16)), sum(lengths))
    named = {**dict(policy.model.named_parameters()), **dict(policy.head.named_parameters())}
    return {name: p.grad for name, p in named.items()}, sums


@pytest.mark.parametrize("mini_batch", [1, 4, 8])
def test_every_token_weighs_the_same_however_a_batch_is_cut(mini_batch: int) -> None:
    whole, whole_sums = gradients(16)
    parts, parts_sums = gradients(mini_batch)
    torch.testing.assert_close(parts_sums, whole_sums, atol=1e-4, rtol=1e-4)
    for name, gradient in whole.items():
        torch.testing.assert_close(parts[name], gradient, atol=1e-6, rtol=1e-3, msg=name)


def test_the_first_pass_has_ratios_of_one() -> None:
    stage = make_stage(max_completion=8, batch_size=16, rollouts=16, mini_batch=4, ppo_epochs=1)
    policy, found = a_round(stage)
    optimizer = make_optimizer(policy.model.parameters(), stage)
    metrics = update(
        policy,
        optimizer,
        make_schedule(optimizer, stage, updates_of(stage)),
        found,
        targets_of(found, stage),
        stage,
        1,
    )
    assert metrics["approx_kl"] == pytest.approx(0, abs=1e-6)
    assert metrics["clip_ratio/region_mean"] == 0
    # Whitened advantages have mean 0, and so has their product with ratios of 1.
    assert metrics["policy_loss"] == pytest.approx(0, abs=1e-5)


def test_a_gradient_that_is_not_finite_stops_the_run(tmp_path: Any) -> None:
    def poisoned(rows: Any, texts: Any, ends: Any) -> Any:
        with torch.no_grad():
            model.lm_head.weight[0, 0] = torch.nan
        return right_arm(rows, texts, ends)

    model = small_model(TOKENIZER)
    with pytest.raises(DataError, match="norm of the gradient is nan at step 1"):
        train_ppo(
            model,
            TOKENIZER,
            PROMPTS,
            poisoned,
            make_stage(),
            max_prompt=8,
            folder=tmp_path,
            resume=None,
            hooks=Recorder(),
        )


def test_optimisers_by_name() -> None:
    parameters = list(small_model(TOKENIZER).parameters())
    made = make_optimizer(parameters, make_stage(weight_decay=0.1))
    assert isinstance(made, torch.optim.AdamW)
    decayed, plain = made.param_groups
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.1, 0.0)
    assert {p.ndim for p in plain["params"]} == {1}
    assert len(decayed["params"]) + len(plain["params"]) == len(parameters)
    with pytest.raises(UsageError, match=r"'adafactor': this algorithm has adamw_torch, .*paged_adamw_8bit"):
        make_optimizer(parameters, make_stage(optimizer="adafactor"))
    with pytest.raises(UsageError, match="'adamw_8bit': needs a GPU"):
        make_optimizer(parameters, make_stage(optimizer="adamw_8bit"))


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["adamw_8bit", "adamw_bnb_8bit", "paged_adamw_8bit"])
def test_eight_bit_optimisers(name: str) -> None:
    weight = torch.nn.Parameter(torch.ones(64, 128, device="cuda"))
    made = make_optimizer([weight], make_stage(optimizer=name))
    weight.sum().backward()
    made.step()
    assert (weight < 1).all()


@pytest.mark.parametrize(
    ("fields", "first", "last"),
    [
        ({"schedule": "constant"}, 1.0, 1.0),
        ({"schedule": "constant", "warmup": 0.5}, 1 / 6, 1.0),
        ({"schedule": "linear"}, 11 / 12, 0.0),
        ({"schedule": "cosine"}, 0.983, 0.0),
        ({"schedule": "cosine_with_min_lr", "min_learning_rate": 1e-3}, 0.985, 0.1),
    ],
)
def test_schedules_by_name(fields: dict[str, Any], first: float, last: float) -> None:
    stage = make_stage(**fields)
    assert updates_of(stage) == 12
    optimizer = make_optimizer(small_model(TOKENIZER).parameters(), stage)
    schedule = make_schedule(optimizer, stage, updates_of(stage))
    rates = []
    for _ in range(12):
        optimizer.step()
        schedule.step()
        rates.append(schedule.get_last_lr()[0] / stage.learning_rate)
    assert rates[0] == pytest.approx(first, abs=1e-3)
    assert rates[-1] == pytest.approx(last, abs=1e-9)

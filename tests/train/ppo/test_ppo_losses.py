"""Losses against numbers worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from rote.train.ppo.losses import divergence, policy_sums, value_sums


def policy_of(ratios: list[float], advantages: list[float], mask: list[bool]) -> tuple[torch.Tensor, object]:
    logps = torch.tensor([ratios]).log().requires_grad_()
    sums = policy_sums(
        logps, torch.zeros(1, len(ratios)), torch.tensor([advantages]), torch.tensor([mask]), 0.2
    )
    return logps, sums


def test_policy_loss_is_the_worse_of_both_and_padding_counts_nothing() -> None:
    # −A·r and −A·clip(r):  (−1.5, −1.2), (1.5, 1.2), (−0.5, −0.8), (0.5, 0.8), (−1.1, −1.1), padding.
    ratios, advantages = [1.5, 1.5, 0.5, 0.5, 1.1, 9.0], [1.0, -1.0, 1.0, -1.0, 1.0, 5.0]
    logps, sums = policy_of(ratios, advantages, [True] * 5 + [False])
    assert sums.loss.item() == pytest.approx(-1.2 + 1.5 - 0.5 + 0.8 - 1.1)
    assert (sums.clipped_low.item(), sums.clipped_high.item()) == (1, 1)
    kl = sum(r - 1 - math.log(r) for r in ratios[:5])
    assert sums.approx_kl.item() == pytest.approx(kl, rel=1e-5)
    sums.loss.backward()
    # d(−A·r)/d logp = −A·r where it is not clipped.
    assert logps.grad.tolist()[0] == pytest.approx([0, 1.5, -0.5, 0, -1.1, 0])


def test_policy_gradient_at_the_start_is_that_of_the_advantage() -> None:
    logps, sums = policy_of([1.0, 1.0], [2.0, -3.0], [True, True])
    sums.loss.backward()
    assert logps.grad.tolist() == [[-2.0, 3.0]]
    assert (sums.approx_kl.item(), sums.clipped_low.item(), sums.clipped_high.item()) == (0, 0, 0)


def test_value_loss_is_the_worse_of_both() -> None:
    values = torch.tensor([[1.5, 0.9, 0.0, 7.0]], requires_grad=True)
    old, returns = torch.tensor([[1.0, 1.0, 1.0, 0.0]]), torch.tensor([[2.0, 0.0, -1.0, 0.0]])
    sums = value_sums(values, old, returns, torch.tensor([[True, True, True, False]]), 0.2)
    # V = 1.5 is held at 1.2: 0.8² over 0.5²; V = 0.9 is free: 0.9²; V = 0 is held at 0.8: 1.8² over 1².
    assert sums.loss.item() == pytest.approx(0.5 * (0.64 + 0.81 + 3.24))
    assert sums.clipped.item() == 2
    sums.loss.backward()
    assert values.grad.tolist()[0] == pytest.approx([0, 0.9, 0, 0])


def test_divergence_is_at_least_zero_and_right_on_average() -> None:
    p, q = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.2, 0.5, 0.3])
    each = divergence(p.log(), q.log())
    assert (each >= 0).all()
    assert (p * each).sum().item() == pytest.approx((p * (p / q).log()).sum().item(), rel=1e-5)
    assert not divergence(p.log(), p.log()).any()

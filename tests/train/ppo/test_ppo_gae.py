"""Advantages against numbers worked by hand and against the sum that defines them."""

from __future__ import annotations

import pytest
import torch

from rote.train.ppo.gae import advantages_and_returns, explained_variance, whitened


def direct(rewards: list[float], values: list[float], gamma: float, lam: float) -> list[float]:
    """Equation 16 of the paper as it stands, for one whole response."""
    after = [*values[1:], 0.0]
    deltas = [r + gamma * v2 - v for r, v2, v in zip(rewards, after, values, strict=True)]
    return [sum((gamma * lam) ** k * delta for k, delta in enumerate(deltas[t:])) for t in range(len(deltas))]


def test_numbers_worked_by_hand() -> None:
    # gamma = lam = 0.5. δ2 = 4 − 2 = 2; δ1 = 0 + 0.5·2 − 1 = 0; δ0 = 1 + 0.5·1 − 3 = −1.5.
    # A2 = 2; A1 = 0 + 0.25·2 = 0.5; A0 = −1.5 + 0.25·0.5 = −1.375.
    rewards = torch.tensor([[1.0, 0.0, 4.0, 9.0]])
    values = torch.tensor([[3.0, 1.0, 2.0, 7.0]])
    mask = torch.tensor([[True, True, True, False]])
    advantages, returns = advantages_and_returns(rewards, values, mask, gamma=0.5, lam=0.5)
    assert advantages.tolist() == [[-1.375, 0.5, 2.0, 0.0]]
    assert returns.tolist() == [[1.625, 1.5, 4.0, 0.0]]


def test_a_single_token_is_its_reward_less_its_value() -> None:
    one = torch.ones(1, 1)
    advantages, returns = advantages_and_returns(3 * one, one, one.bool(), gamma=0.9, lam=0.3)
    assert (advantages.item(), returns.item()) == (2.0, 3.0)


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.99, 1.0), (0.9, 0.0), (0.0, 0.5)])
def test_rows_of_all_lengths_equal_the_direct_sum(gamma: float, lam: float) -> None:
    maker = torch.Generator().manual_seed(3)
    rewards, values = (torch.randn(6, 6, generator=maker, dtype=torch.float64) for _ in range(2))
    mask = torch.arange(6) < torch.arange(1, 7)[:, None]
    advantages, returns = advantages_and_returns(rewards, values, mask, gamma=gamma, lam=lam)
    for row in range(6):
        n = row + 1
        expected = direct(rewards[row, :n].tolist(), values[row, :n].tolist(), gamma, lam)
        assert advantages[row, :n].tolist() == pytest.approx(expected, abs=1e-12)
        assert not advantages[row, n:].any()
        assert torch.equal((returns - advantages)[row, :n], (advantages + values - advantages)[row, :n])


def test_without_discount_the_return_is_what_is_still_to_come() -> None:
    rewards = torch.tensor([[1.0, 2.0, 3.0]])
    _, returns = advantages_and_returns(
        rewards, torch.tensor([[5.0, -4.0, 0.5]]), rewards > 0, gamma=1.0, lam=1.0
    )
    assert returns.tolist() == [[6.0, 5.0, 3.0]]


def test_whitening_sees_the_mask_alone() -> None:
    mask = torch.tensor([[True, True, False], [True, True, False]])
    white = whitened(torch.tensor([[1.0, 2.0, 99.0], [3.0, 4.0, -99.0]]), mask)
    assert white[mask].mean().item() == pytest.approx(0, abs=1e-6)
    assert white[mask].std(correction=0).item() == pytest.approx(1, abs=1e-6)
    assert not white[~mask].any()


@pytest.mark.parametrize("values", [[[2.0]], [[3.0, 3.0], [3.0, 3.0]]])
def test_advantages_that_are_all_alike_become_zero(values: list[list[float]]) -> None:
    advantages = torch.tensor(values)
    assert not whitened(advantages, torch.ones_like(advantages).bool()).any()


def test_explained_variance() -> None:
    returns = torch.tensor([[1.0, 3.0, 50.0]])
    mask = torch.tensor([[True, True, False]])
    assert explained_variance(returns, returns, mask) == 1
    assert explained_variance(torch.tensor([[0.0, 1.0, 0.0]]), returns, mask) == pytest.approx(0.75)
    assert explained_variance(torch.tensor([[0.0, 1.0, 0.0]]), torch.ones(1, 3), mask) == 0

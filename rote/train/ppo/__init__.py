"""Proximal policy optimisation of causal language models: small, resumable, without TRL."""

from __future__ import annotations

from rote.train.ppo.rollouts import RewardFunction
from rote.train.ppo.trainer import Hooks, train_ppo

__all__ = ["Hooks", "RewardFunction", "train_ppo"]

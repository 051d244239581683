"""Rewards: what a response earns, term by term; and whether they can teach. See docs/rewards.md."""

from __future__ import annotations

from rote.train.rewards.health import Alarm, Health
from rote.train.rewards.rewards import RewardSet, text_of
from rote.train.rewards.scored import Scored, score
from rote.train.rewards.terminal import FAULTS
from rote.train.rewards.terms import SINGLE, consistency

__all__ = [
    "FAULTS",
    "SINGLE",
    "Alarm",
    "Health",
    "RewardSet",
    "Scored",
    "consistency",
    "score",
    "text_of",
]

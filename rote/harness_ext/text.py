"""Prompts of lm-eval tasks: thin wrappers over :mod:`rote.prompts`, one a format and shot setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rote import prompts


def fewshot_hash(doc: Mapping[str, Any]) -> str:
    """A question, to follow exemplars or to be one."""
    return prompts.question_text(doc["question"], "hash")


def zeroshot_hash(doc: Mapping[str, Any]) -> str:
    """A question with the instruction before it."""
    return prompts.question_text(doc["question"], "hash", zeroshot=True)


def target_hash(doc: Mapping[str, Any]) -> str:
    """The solution as exemplars show it, which is also what a perfect response would be."""
    return prompts.target_text(doc["solution"], "hash")

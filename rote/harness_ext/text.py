"""Prompts of lm-eval tasks: thin wrappers over :mod:`rote.prompts`, one a format and shot setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rote import prompts


def fewshot_hash(doc: Mapping[str, Any]) -> str:
    """A question, to follow exemplars or to be one."""
    return prompts.question_text(doc["question"], "hash")


def fewshot_tags(doc: Mapping[str, Any]) -> str:
    """The same in the ``tags`` format."""
    return prompts.question_text(doc["question"], "tags")


def fewshot_boxed(doc: Mapping[str, Any]) -> str:
    """The same in the ``boxed`` format."""
    return prompts.question_text(doc["question"], "boxed")


def zeroshot_hash(doc: Mapping[str, Any]) -> str:
    """A question with the instruction before it."""
    return prompts.question_text(doc["question"], "hash", zeroshot=True)


def zeroshot_tags(doc: Mapping[str, Any]) -> str:
    """The same in the ``tags`` format."""
    return prompts.question_text(doc["question"], "tags", zeroshot=True)


def zeroshot_boxed(doc: Mapping[str, Any]) -> str:
    """The same in the ``boxed`` format."""
    return prompts.question_text(doc["question"], "boxed", zeroshot=True)


def zeroshot_instruct(doc: Mapping[str, Any]) -> str:
    """A question behind the instruction and the one example of the ``instruct`` format."""
    return prompts.question_text(doc["question"], "instruct", zeroshot=True)


class Shot(NamedTuple):
    """A worked example that a document carries itself."""

    question: str
    solution: str


def own_shots_hash(doc: Mapping[str, Any]) -> str:
    """A question behind the worked examples that its own document holds under ``shots``.

    lm-eval has one set of examples a task; these are other ones for each document.
    """
    shots = [Shot(shot["question"], shot["solution"]) for shot in doc["shots"]]
    return prompts.render(doc["question"], shots, "hash")


def target_hash(doc: Mapping[str, Any]) -> str:
    """The solution as exemplars show it, which is also what a perfect response would be."""
    return prompts.target_text(doc["solution"], "hash")


def target_tags(doc: Mapping[str, Any]) -> str:
    """The same in the ``tags`` format."""
    return prompts.target_text(doc["solution"], "tags")


def target_boxed(doc: Mapping[str, Any]) -> str:
    """The same in the ``boxed`` format."""
    return prompts.target_text(doc["solution"], "boxed")


def target_instruct(doc: Mapping[str, Any]) -> str:
    """The same in the ``instruct`` format."""
    return prompts.target_text(doc["solution"], "instruct")

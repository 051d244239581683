"""A recipe's reward: its terms over a batch, their sum, and the functions that TRL calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from rote.errors import DataError, UsageError
from rote.train.recipe import TERMS, PromptSpec, RewardSpec
from rote.train.rewards.scored import Scored, score
from rote.train.rewards.terms import SINGLE, consistency
from rote.train.rows import Row

#: A completion as TRL hands it over: text, or chat messages.
Completion = str | Sequence[Mapping[str, Any]]


class RewardSet:
    """The terms of ``spec`` for responses to ``rows``, which were asked as ``prompt`` says."""

    def __init__(self, spec: RewardSpec, rows: Sequence[Row], prompt: PromptSpec) -> None:
        self.spec = spec
        self.rows = rows
        self.prompt = prompt
        #: Names of the terms that are worked out, in the order of ``TERMS``. A weight of 0 is logged all
        #: the same, but for the coin, which says nothing.
        self.names = tuple(name for name in TERMS if name != "random" or spec.random > 0)
        self._last: tuple[object, dict[str, list[float]]] | None = None

    @property
    def weights(self) -> list[float]:
        """Weight of each of ``names``."""
        return [self.spec.weights[name] for name in self.names]

    def score(
        self, indices: Sequence[int], responses: Sequence[str], finished: Sequence[bool]
    ) -> list[Scored]:
        """What is known of each response.

        Raises UsageError on lists of different lengths and on an unknown row.
        """
        if not len(indices) == len(responses) == len(finished):
            raise UsageError(
                f"{len(indices)} row indices, {len(responses)} responses, {len(finished)} marks of an end: "
                "they must be as many"
            )
        for index in indices:
            if not 0 <= index < len(self.rows):
                raise UsageError(f"row index {index} is not within 0 to {len(self.rows) - 1}")
        return [
            score(self.rows[index], response, self.prompt, finished=bool(ended))
            for index, response, ended in zip(indices, responses, finished, strict=True)
        ]

    def terms(
        self, indices: Sequence[int], responses: Sequence[str], finished: Sequence[bool]
    ) -> dict[str, list[float]]:
        """Each term of ``names`` for each response, without its weight.

        Parameters
        ----------
        indices: which of ``rows`` each response belongs to.
        responses: as decoded, without special tokens.
        finished: whether each ended with an end-of-sequence token and was not cut off.
        """
        scored = self.score(indices, responses, finished)
        return {
            name: consistency(indices, scored)
            if name == "consistency"
            else [SINGLE[name](one) for one in scored]
            for name in self.names
        }

    def totals(self, terms: Mapping[str, Sequence[float]]) -> list[float]:
        """The reward of each response: the weighted sum of its terms."""
        columns = [terms[name] for name in self.names]
        weights = self.weights
        return [
            math.fsum(weight * value for weight, value in zip(weights, values, strict=True))
            for values in zip(*columns, strict=True)
        ]

    def trl_functions(self, eos: Collection[int]) -> tuple[list[Callable[..., list[float]]], list[float]]:
        """Reward functions for TRL's GRPO and RLOO trainers, and their ``reward_weights``.

        Each function is named by its term, so that TRL logs ``rewards/<term>/mean``. The data set needs a
        column ``row``, the index into ``rows``. The responses of a call are scored once for all terms.

        Parameters
        ----------
        eos: ids of the tokens that end a response.
        """
        if not eos:
            raise UsageError(
                "no end-of-sequence token id is given; without one every response counts as cut off"
            )
        ends = frozenset(eos)
        return [self._function(name, ends) for name in self.names], self.weights

    def _function(self, name: str, eos: frozenset[int]) -> Callable[..., list[float]]:
        def term(
            *,
            completions: Sequence[Completion],
            completion_ids: Sequence[Sequence[int]],
            row: Sequence[int],
            **_: Any,
        ) -> list[float]:
            responses = [text_of(completion) for completion in completions]
            finished = [bool(len(ids)) and int(ids[-1]) in eos for ids in completion_ids]
            return list(self._shared([int(index) for index in row], responses, finished)[name])

        term.__name__ = term.__qualname__ = name
        return term

    def _shared(
        self, indices: list[int], responses: list[str], finished: list[bool]
    ) -> dict[str, list[float]]:
        """The terms of a batch; of the one before they are remembered, for each term is asked for in turn."""
        key = (indices, responses, finished)
        if self._last is None or self._last[0] != key:
            self._last = (key, self.terms(indices, responses, finished))
        return self._last[1]


def text_of(completion: Completion) -> str:
    """The text of a completion: itself, or what its last message says."""
    if isinstance(completion, str):
        return completion
    content = completion[-1].get("content") if completion else None
    if isinstance(content, str):
        return content
    raise DataError(
        f"is {completion!r:.80}; it must be text, or messages whose last has text", field="completion"
    )

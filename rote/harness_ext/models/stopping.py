"""Every row of a batch stops at its own stop string.

Stock lm-eval's hf model goes on with a batch until all rows have met the *same* stop string, or to the
limit of tokens, and cuts the texts afterwards. What a row writes after its stop string is thrown away, so a
row may stop there and nothing is lost: :class:`RowStops` tells ``generate`` row by row. Only text that was
generated counts, never the prompt (transformers' own ``stop_strings`` also match across the border).

No torch is imported here: tensors come in and go out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

#: Tokens beyond what a stop string needs: some (a word's leading space, a lone byte) decode to nothing.
_MARGIN: Final = 4


def cut(text: str, stops: Sequence[str]) -> str:
    """The text before its stop strings, as lm-eval cuts it: one stop string after the other."""
    for stop in stops:
        if stop:
            text = text.partition(stop)[0]
    return text


def deciding(text: str, stops: Sequence[str]) -> int | None:
    """The number of the stop string at which :func:`cut` ends the text; None when none occurs."""
    last = None
    for number, stop in enumerate(stops):
        if stop and stop in text:
            text, last = text.partition(stop)[0], number
    return last


def settled(text: str, stops: Sequence[str]) -> bool:
    """Whether a stop string occurs, and no continuation of the text would make :func:`cut` cut elsewhere.

    Elsewhere it would cut when a stop string that stands earlier in the list has begun before the end of the
    one that decided, and is not complete yet: complete, it would be found first and tear the other apart.
    """
    number = deciding(text, stops)
    if number is None:
        return False
    end = len(cut(text, stops)) + len(stops[number])
    return not any(
        stop.startswith(text[start:])
        for stop in stops[:number]
        for start in range(max(0, len(text) - len(stop) + 1), min(end, len(text)))
    )


def entangled(stops: Sequence[str]) -> bool:
    """Whether a stop string that occurs may have to wait for one that stands earlier in the list."""
    return any(
        later in earlier or any(earlier.startswith(later[start:]) for start in range(1, len(later)))
        for number, later in enumerate(stops)
        for earlier in stops[:number]
        if later
    )


def special_tokens(tokenizer: Any) -> dict[str, int]:
    """Tokens that decoding leaves out with ``skip_special_tokens``, and their ids."""
    added = {
        token.content: number
        for number, token in getattr(tokenizer, "added_tokens_decoder", {}).items()
        if token.special
    }
    return added | dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True))


class RowStops:
    """A stopping criterion of transformers that ends each row by itself.

    A stop string counts in the text that lm-eval will cut, special tokens left out. One that holds a special
    token (``<|im_end|>``) is never in that text; it counts in the text with special tokens, as in stock
    lm-eval.

    Parameters
    ----------
    tokenizer: transformers' tokenizer of the model.
    stops: stop strings; empty ones are ignored.
    prompt_length: tokens before the generated ones, the same for all rows (padding included).
    think_end: string or token id that ends thinking. When given, stop strings count only behind its last
        occurrence: inside thinking they end nothing.

    Attributes
    ----------
    times: seconds of ``time.perf_counter`` at which each generated token was there, one a step.
    ended: row → (tokens generated up to its stop, the stop string).
    """

    def __init__(
        self, tokenizer: Any, stops: Sequence[str], prompt_length: int, think_end: str | int | None = None
    ) -> None:
        self.tokenizer = tokenizer
        self.stops = [stop for stop in stops if stop]
        self.prompt_length = prompt_length
        self.think_end = think_end
        self.times: list[float] = []
        self.ended: dict[int, tuple[int, str]] = {}
        special = special_tokens(tokenizer)
        self.stop_ids = {special[stop]: stop for stop in self.stops if stop in special}
        self.raw_stops = [
            stop for stop in self.stops if stop not in special and any(token in stop for token in special)
        ]
        # A token stands for a byte at least.
        marks = [*self.stops, think_end if isinstance(think_end, str) else ""]
        longest = max(len(mark.encode()) for mark in marks)
        self.lookback = longest * (2 if entangled(self.stops) else 1) + _MARGIN
        self.answering: set[int] = set()

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        """Which rows are done: a bool tensor of shape [rows], given ids of shape [rows, tokens so far]."""
        length = input_ids.shape[1]
        begin = max(self.prompt_length, length - self.lookback)
        windows = input_ids[:, begin:].tolist()
        self.times.append(time.perf_counter())  # after tolist, which has waited for the device
        going = [row for row in range(len(windows)) if row not in self.ended]
        if going and self.stops:
            recent = [windows[row] for row in going]
            texts = self._texts(recent, raw=False)
            raws = self._texts(recent, raw=True) if self.raw_stops else texts
            for row, text, raw in zip(going, texts, raws, strict=True):
                if windows[row][-1] in self.stop_ids:
                    self.ended[row] = length - self.prompt_length, self.stop_ids[windows[row][-1]]
                elif self._answers(row, windows[row], text) and (
                    any(stop in text for stop in self.stops) or any(stop in raw for stop in self.raw_stops)
                ):
                    self._look(row, input_ids[row, self.prompt_length :].tolist())
        return input_ids.new_tensor([row in self.ended for row in range(len(windows))]).bool()

    def _answers(self, row: int, ids: list[int], text: str) -> bool:
        """Whether a row's thinking, where it has any, is over: told by its latest tokens, and remembered."""
        end = self.think_end
        if end is not None and (end in text if isinstance(end, str) else end in ids):
            self.answering.add(row)
        return end is None or row in self.answering

    def _look(self, row: int, ids: list[int]) -> None:
        """Read all that a row has generated, and note whether it is done."""
        if isinstance(self.think_end, int):
            ids_after = ids[len(ids) - ids[::-1].index(self.think_end) :]
        else:
            ids_after = ids
        [text], [raw] = self._texts([ids_after], raw=False), self._texts([ids_after], raw=True)
        if isinstance(self.think_end, str):
            text, raw = text.rpartition(self.think_end)[2], raw.rpartition(self.think_end)[2]
        if settled(text, self.stops):
            self.ended[row] = len(ids), self.stops[deciding(text, self.stops) or 0]
            return
        found = next((stop for stop in self.raw_stops if stop in raw), None)
        if found is not None:
            self.ended[row] = len(ids), found

    def _texts(self, rows: list[list[int]], *, raw: bool) -> list[str]:
        texts: list[str] = self.tokenizer.batch_decode(rows, skip_special_tokens=not raw)
        return texts

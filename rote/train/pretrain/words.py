"""Token ids word by word, out of a table: drawn rows use the same words again and again.

A tokenizer that splits at blanks before all else gives a text the ids of its words, one after the other.
Whether one does is tried on rows of each shard before the table is used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from rote.train.recipe import PromptSpec
from rote.train.rows import Row, completion_text, prompt_text
from rote.train.tokens import IGNORED, Example, end_of_turn, examples

#: Words that the table may hold; numbers make new ones without end.
_KEPT: Final = 300_000
#: Rows of a shard on which the table is tried.
_TRIED: Final = 256
#: Where blanks and line feeds stand together, a word is not all there is between two of them.
_TOGETHER: Final = re.compile(r"\s\s")


class Words:
    """Rows as :func:`rote.train.tokens.examples` gives them, several times as fast."""

    def __init__(self, prompt: PromptSpec, tokenizer: Any) -> None:
        self._prompt, self._tokenizer = prompt, tokenizer
        self._table: dict[str, list[int]] = {}
        self._adds = bool(tokenizer.num_special_tokens_to_add())

    def examples(self, rows: Sequence[Row]) -> list[Example]:
        """The rows as examples, in their order: a function of the rows, whatever came before them."""
        tried = rows[:_TRIED]
        apart = not self._adds and self._by_words(tried) == examples(tried, self._prompt, self._tokenizer)
        return self._by_words(rows) if apart else examples(rows, self._prompt, self._tokenizer)

    def _by_words(self, rows: Sequence[Row]) -> list[Example]:
        end = end_of_turn(self._prompt, self._tokenizer)
        made = []
        for row in rows:
            asked = self._ids(prompt_text(row, self._prompt, self._tokenizer))
            told = self._ids(completion_text(row, self._prompt))
            told.append(end)
            made.append(Example([*asked, *told], [*[IGNORED] * len(asked), *told]))
        return made

    def _ids(self, text: str) -> list[int]:
        if _TOGETHER.search(text):
            return self._asked(text)
        table = self._table
        found: list[int] = []
        for number, line in enumerate(text.split("\n")):
            first, *others = line.split(" ")
            if number:
                found += table.get("\n") or self._word("\n")
            if first:
                found += table.get(first) or self._word(first)
            for word in others:
                spaced = " " + word
                found += table.get(spaced) or self._word(spaced)
        return found

    def _word(self, word: str) -> list[int]:
        if len(self._table) >= _KEPT:
            self._table.clear()
        ids = self._table[word] = self._asked(word)
        return ids

    def _asked(self, text: str) -> list[int]:
        return list(self._tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)

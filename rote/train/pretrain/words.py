"""Token ids word by word, out of a table: drawn rows use the same words again and again.

A tokenizer that splits at blanks before all else gives a text the ids of its words, one after the other, and
one that also sets each digit apart gives a word with a number the ids of its pieces. Which of this one does
is tried on rows of each shard before the table is used.
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
#: Where blanks and line feeds stand together, a word is not all there is between two of them. One empty line
#: before a letter is no such place: its two line feeds are two words.
_TOGETHER: Final = re.compile(r"(?:\A|\s)\n\n|\n\n(?![A-Za-z])|(?!\n\n)\s\s")
_PIECE: Final = re.compile(r"\d|\D+")
_DIGIT: Final = re.compile(r"\d")


class Words:
    """Rows as :func:`rote.train.tokens.examples` gives them, several times as fast."""

    def __init__(self, prompt: PromptSpec, tokenizer: Any) -> None:
        self._prompt, self._tokenizer = prompt, tokenizer
        # Of each way its own, else what a shard that took one of them left would make the other look right.
        self._tables: dict[bool, dict[str, list[int]]] = {True: {}, False: {}}
        self._adds = bool(tokenizer.num_special_tokens_to_add())

    def examples(self, rows: Sequence[Row]) -> list[Example]:
        """The rows as examples, in their order: a function of the rows, whatever came before them."""
        if not self._adds:
            tried = rows[:_TRIED]
            wanted = examples(tried, self._prompt, self._tokenizer)
            for digits_apart in (True, False):
                if self._by_words(tried, digits_apart) == wanted:
                    return self._by_words(rows, digits_apart)
        return examples(rows, self._prompt, self._tokenizer)

    def _by_words(self, rows: Sequence[Row], digits_apart: bool) -> list[Example]:
        end = end_of_turn(self._prompt, self._tokenizer)
        made = []
        for row in rows:
            asked = self._ids(prompt_text(row, self._prompt, self._tokenizer), digits_apart)
            told = self._ids(completion_text(row, self._prompt), digits_apart)
            told.append(end)
            made.append(Example([*asked, *told], [*[IGNORED] * len(asked), *told]))
        return made

    def _ids(self, text: str, digits_apart: bool) -> list[int]:
        if _TOGETHER.search(text):
            return self._asked(text)
        table = self._tables[digits_apart]
        found: list[int] = []
        for number, line in enumerate(text.split("\n")):
            first, *others = line.split(" ")
            if number:
                found += table.get("\n") or self._word("\n", digits_apart)
            if first:
                found += table.get(first) or self._word(first, digits_apart)
            for word in others:
                spaced = " " + word
                found += table.get(spaced) or self._word(spaced, digits_apart)
        return found

    def _word(self, word: str, digits_apart: bool) -> list[int]:
        table = self._tables[digits_apart]
        if digits_apart and len(word) > 1 and _DIGIT.search(word):
            # Not kept: words with numbers are new ones without end, their pieces are few.
            found: list[int] = []
            for piece in _PIECE.findall(word):
                found += table.get(piece) or self._word(piece, True)
            return found
        if len(table) >= _KEPT:
            table.clear()
        ids = table[word] = self._asked(word)
        return ids

    def _asked(self, text: str) -> list[int]:
        return list(self._tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)

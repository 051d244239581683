"""Whether a response goes round in circles: how much of each stretch of it is new.

Words are compared in runs of eight. A run is new when it has not stood in the response before. A response
that repeats itself has windows without anything new; one that repeats a sentence with other numbers in it
("Step 7: add 1 to get 8. Step 8: add 1 to get 9.") has them once digits are masked. The second is only held
against it over a far longer stretch, for an honest chain may walk through twenty days in the same words.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Final

from rote.answers.passages import is_loop

GRAM: Final = 8
#: Windows, in 8-grams: of the words as written, and of the words with every number masked.
LITERAL_WINDOW: Final = 48
MASKED_WINDOW: Final = 240
#: A window with less than this share of new 8-grams is a stretch of a loop.
LEAST_NOVELTY: Final = 0.1

#: Long runs of letters are cut, so that scripts without spaces are compared, too.
_TOKEN: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)*|[^\W\d_]{1,12}|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Novelty:
    """How much of a response is new.

    Attributes
    ----------
    least: the smallest share of new 8-grams in any window of 48, 0 to 1; of the whole when it is
        shorter than a window; None when it has fewer than eight words.
    looping: whether some window, literal or masked, has less than ``LEAST_NOVELTY`` of them, or the text
        ends in one phrase three times over.
    """

    least: float | None
    looping: bool


def read_novelty(text: str) -> Novelty:
    """Novelty of ``text``; linear in its length."""
    tokens = _TOKEN.findall(text.lower())
    count = len(tokens) - GRAM + 1
    if count < 1:
        return Novelty(None, is_loop(text))
    if count < LITERAL_WINDOW:
        grams = set(zip(*(tokens[i:] for i in range(GRAM)), strict=False))
        return Novelty(len(grams) / count, is_loop(text))
    least = _least_novelty(tokens, LITERAL_WINDOW)
    looping = least < LEAST_NOVELTY
    if not looping and count >= MASKED_WINDOW:
        masked = ["0" if token[0].isdecimal() else token for token in tokens]
        looping = _least_novelty(masked, MASKED_WINDOW) < LEAST_NOVELTY
    return Novelty(least, looping or is_loop(text))


def _least_novelty(tokens: list[str], window: int) -> float:
    """The smallest share of new 8-grams in any ``window`` successive ones; there are that many."""
    seen: set[tuple[str, ...]] = set()
    recent: deque[bool] = deque(maxlen=window)
    new = 0
    least = window
    for gram in zip(*(tokens[i:] for i in range(GRAM)), strict=False):
        if len(recent) == window:
            new -= recent[0]
        is_new = gram not in seen
        if is_new:
            seen.add(gram)
        recent.append(is_new)
        new += is_new
        if len(recent) == window and new < least:
            least = new
    return least / window

"""What a message adds to a word that nobody knows: the nearest one that somebody does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

#: How alike two words must be to be taken for one, 0 to 1: difflib's own. Lower finds more.
_CUTOFF: Final = 0.6


def hint(word: str, known: Iterable[str], otherwise: str = "", *, cutoff: float = _CUTOFF) -> str:
    """``; did you mean 'x'?`` with the nearest of ``known``; ``otherwise`` where none is near.

    ``otherwise`` brings its own mark before it, such as ``; known: a, b``. ``cutoff``, from 0 to 1, is the
    least likeness that counts as near.
    """
    from difflib import get_close_matches  # not for commands that go well

    near = get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else otherwise

"""Text and values of a log, fit to be shown: what a model wrote must not act on a terminal."""

from __future__ import annotations

import re
from typing import Any, Final

# Control characters (newline and tab excepted), bidirectional overrides and isolates, lone surrogates:
# they act on a terminal, reorder what is shown, or cannot be encoded.
_UNSHOWABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def showable(text: str) -> str:
    """``text`` with every character that could act instead of being read replaced by U+FFFD, 1 : 1."""
    return _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str, limit: int = 120) -> str:
    """``text`` on one line, showable, with its middle cut out beyond ``limit`` characters."""
    flat = " ".join(showable(text[: 4 * limit + 1000]).split())
    if len(flat) <= limit:
        return flat
    head = (limit - 1) // 2
    return f"{flat[:head]}…{flat[len(flat) - (limit - 1 - head) :]}"


def as_found(value: Any, limit: int = 60) -> str:
    """A value as a message names it: its ``repr`` on one line, of at most ``limit`` characters."""
    try:
        return one_line(repr(value), limit)
    except RecursionError:
        return f"a {type(value).__name__} nested too deeply"

"""Why a response commits to no answer, and whether it thought and was cut off."""

from __future__ import annotations

import re
from typing import Final

from rote.answers import Extraction
from rote.errors import UsageError

#: Why a response has no answer, in the order of precedence.
INVALID_REASONS: Final = (
    "empty",
    "refusal",
    "loop",
    "unfinished_thinking",
    "truncated",
    "several_answers",
    "no_number",
)

#: What backends say when a response reached its limit, and when it ended by itself.
CUT_OFF: Final = frozenset({"length", "max_tokens", "max_length", "max_gen_toks", "max_output_tokens"})
ENDED: Final = frozenset({"stop", "eos", "eos_token", "stop_sequence", "end_turn", "stop_string", "abort"})

#: An end in the middle: a comma, an operator, an opening bracket, a word that wants another after it.
_MIDDLE: Final = re.compile(
    r"(?:[,;:(\[{+*/×÷=<$\\-]|\b(?:the|a|an|of|and|or|is|are|to|by|for|with|so|per|that|we|he|she|each|in))\s*\Z",
    re.IGNORECASE,
)


def is_truncated(response: str, extraction: Extraction, finish_reason: str | None) -> bool:
    """Whether the response was cut off: as the backend says, or else by its look.

    Without ``finish_reason`` only a response with no answer is taken for cut off, and only where a thought
    or an answer mark was never closed or where it ends in the middle of a sentence. Raises UsageError on a
    finish reason that no backend is known to give.
    """
    if finish_reason is not None:
        if finish_reason in CUT_OFF:
            return True
        if finish_reason in ENDED:
            return False
        known = ", ".join(sorted(CUT_OFF | ENDED))
        raise UsageError(
            f"unknown finish_reason {finish_reason!r}; known: {known}; None where it is not told"
        )
    if extraction.reason is None or extraction.reason == "empty":
        return False
    if extraction.reason in ("unfinished_thinking", "unclosed_tag"):
        return True
    return _MIDDLE.search(response[-40:]) is not None


def invalid_reason(extraction: Extraction, *, looping: bool, truncated: bool) -> str | None:
    """Why there is no answer, one of ``INVALID_REASONS``; None when there is one.

    The cause goes before what follows from it: an endless loop inside a thought is a loop.
    """
    reason = extraction.reason
    if reason is None or reason in ("empty", "refusal"):
        return reason
    if looping or reason == "loop":
        return "loop"
    if reason == "unfinished_thinking":
        return reason
    if truncated:
        return "truncated"
    return "no_number" if reason == "unclosed_tag" else reason

"""Which parts of an output can hold its answer: not the thinking, not the next question it invents.

Every pattern here is linear in the text: quantifiers are bounded and alternatives start apart.
"""

from __future__ import annotations

import re
from typing import Final

#: At most this many passages are told apart in one output; the rest counts as one.
MAX_PASSAGES: Final = 64

_THOUGHT: Final = re.compile(
    r"<(?P<close>/?)(?P<name>think|thinking|thoughts?|reasoning|scratchpad|reflection)\s{0,3}>"
    r"|<\|(?:begin_of_thought|channel\|>analysis<\|message)\|>|◁think▷|\[THINK\]"
    r"|(?P<end><\|(?:end_of_thought|channel\|>final<\|message)\|>|◁/think▷|\[/THINK\])",
    re.IGNORECASE,
)
_MAY_THINK: Final = re.compile(r"<[/|A-Za-z]|◁|\[/?[Tt]")
_ANSWER_OPEN: Final = re.compile(r"<\s{0,3}answer\s{0,3}>", re.IGNORECASE)
_ANSWER_CLOSE_LAST: Final = re.compile(r"</\s{0,3}answer\s{0,3}>\Z", re.IGNORECASE)

# Ignoring case only inside, so that the engine can skip to the few characters a match begins with.
_NEW_PROBLEM: Final = re.compile(
    r"\n[ \t>]{0,8}(?:#{1,6}[ \t]{0,3})?\*{0,2}(?i:(?:(?:next|new|another)[ ])?"
    r"(?:q|question|problem|word problem|human|user|instruction|exercise|input))"
    r"\*{0,2}[ \t]{0,3}\d{0,4}[ \t]{0,3}\*{0,2}[:.)]"
    r"|Q(?<=[ \t]Q):[ \t]|Human(?<=[ \t]Human):[ \t]|User(?<=[ \t]User):[ \t]"
    r"|<(?:\|(?:im_end|im_start|endoftext|eot_id|end_of_text|start_header_id|user|assistant|end|eom_id)\|>"
    r"|/s>|eos>|(?:start|end)_of_turn>)|\[/?(?i:inst)\]"
)

_REFUSAL: Final = re.compile(
    r"\b(?:i|we)(?: am|'m|’m| are)?(?: sorry,? but i)?(?: really| simply| just)? ?"
    r"(?:can ?not|can't|can’t|could not|couldn't|won't|will not|unable to|not able to)"
    r" (?:\w{1,12} )?(?:answer|solve|help|assist|determine|provide|complete"
    r"|do (?:this|that)|calculate|compute|give|say)"
    r"|\b(?:cannot|can not|can't|could not) be (?:determined|answered|solved|calculated|computed|found)"
    r"|\bnot enough information|\binsufficient (?:information|data)|\bi (?:do not|don't|don’t) know\b"
    r"|\bas an ai\b|\bimpossible to (?:determine|say|know|tell|calculate|answer)",
    re.IGNORECASE,
)

#: Words with which an output takes back what it has just committed to.
RETRACTION: Final = re.compile(
    r"\b(?:that|this|it)(?:'s| is| was|’s)(?: all| completely| clearly)?"
    r" (?:wrong|incorrect|not (?:right|correct)|a mistake)"
    r"|\bi (?:have )?made (?:a|an) (?:\w{1,12} )?(?:mistake|error)|\bactually,? no\b"
    r"|\bno,? wait\b|\bwait,? no\b"
    r"|[.?!] ?no, (?=(?:it is |it's )?[$€£-]{0,2}\d)|\bscratch that\b|\bcorrection:|\bmy mistake\b|\boops\b",
    re.IGNORECASE,
)
#: Words right after a commitment with which it offers another answer beside it.
HEDGE: Final = re.compile(
    r"[\s.,;:!*)$_]{0,12}(?:or|alternatively|maybe|perhaps|possibly|but (?:it )?(?:could|might|may))\b",
    re.IGNORECASE,
)
#: Words with which it turns from one commitment to a better one.
SECOND_THOUGHT: Final = re.compile(
    r"\b(?:wait|actually|no|wrong|mistake|incorrect|correction|corrected|re-?check\w{0,5}|re-?calculat\w{1,5}"
    r"|let me|instead|oops|sorry|hmm|revis\w{1,4}|errors?|verif\w{1,8}|double[- ]check\w{0,4}|rather)\b",
    re.IGNORECASE,
)

_TAIL: Final = 2000
_KEY: Final = 12
_LEAST_LOOP: Final = 36


def without_thinking(text: str) -> tuple[str, bool]:
    """The output with its thinking blanked out, and whether the last block was never closed.

    Blanked means overwritten with spaces, so that offsets stay those of the output. A closing tag
    without an opening one (a prompt that ends in ``<think>``) makes all before it thinking.
    ``<reasoning>`` that runs into a complete ``<answer>`` at the very end of the output is closed by
    it; ``<think>`` is not, for drafts inside it look the same. Nor does the ``</reasoning>`` of a
    ``<reasoning>`` inside a thought end the thought: there a model quotes what it was asked to write.
    """
    if _MAY_THINK.search(text) is None:
        return text, False
    pieces: list[str] = []
    blanked = 0  # how much of the beginning a stray closing tag makes thinking
    kept = 0  # where the text not yet copied begins
    opened: re.Match[str] | None = None
    quoted = False  # whether a <reasoning> stands open inside the thought
    for match in _THOUGHT.finditer(text):
        closing = bool(match["close"] or match["end"])
        if not closing:
            if opened is None:
                pieces.append(text[kept : match.start()])
                opened = match
            elif _is_reasoning(match) and not _is_reasoning(opened):
                quoted = True
            continue
        if quoted and _is_reasoning(match):
            quoted = False
            continue
        if opened is not None:
            pieces.append(" " * (match.end() - opened.start()))
            opened, quoted = None, False
        else:
            pieces.clear()
            blanked = match.end()
        kept = match.end()
    pieces.insert(0, " " * blanked)
    if opened is None:
        return ("".join(pieces) + text[kept:] if kept else text), False
    inside = text[opened.end() :]
    if _is_reasoning(opened) and _ANSWER_CLOSE_LAST.search(inside.rstrip()[-12:]):
        opens = [match.start() for match in _ANSWER_OPEN.finditer(inside)]
        if opens:
            begin = opened.end() + opens[-1]
            return "".join(pieces) + " " * (begin - opened.start()) + text[begin:], False
    return "".join(pieces) + " " * (len(text) - opened.start()), True


def _is_reasoning(tag: re.Match[str]) -> bool:
    return (tag["name"] or "").lower() == "reasoning"


def passages(text: str) -> list[tuple[int, int]]:
    """Half-open ranges of the output between the places where a new question or turn begins."""
    ranges: list[tuple[int, int]] = []
    start = 0
    for match in _NEW_PROBLEM.finditer(text):
        if len(ranges) == MAX_PASSAGES - 1:
            break
        ranges.append((start, match.start()))
        start = match.end()
    ranges.append((start, len(text)))
    return ranges


def is_refusal(text: str) -> bool:
    """Whether the beginning or the end of a passage declines to answer."""
    if len(text) <= _TAIL:
        return _REFUSAL.search(text) is not None
    return _REFUSAL.search(text[: _TAIL // 2]) is not None or _REFUSAL.search(text[-_TAIL // 2 :]) is not None


def is_loop(text: str) -> bool:
    """Whether the text ends in one phrase three times over or more (36 characters at least)."""
    tail = text[-_TAIL:].rstrip()
    if len(tail) < _LEAST_LOOP:
        return False
    key = tail[-_KEY:]
    at = len(tail) - _KEY
    for _ in range(8):
        at = tail.rfind(key, 0, at + _KEY - 1)
        if at < 0:
            return False
        period = len(tail) - _KEY - at
        repeats = max(3, -(-_LEAST_LOOP // period))
        if period * repeats > len(tail):
            return False
        if tail[-period * repeats :] == tail[-period:] * repeats:
            return True
    return False

r"""What a text says of named unknowns: ``x = 3``, ``(x, y) = (3, -1/2)``, ``y is -0.5``.

A value is one exact number at the end of its chain of equals signs (``x = 30/3 = 10`` says 10); a chain that
ends in an expression says nothing. Only the last ``MAX_STATEMENTS`` places are looked at, and of each a few
hundred characters, so that the work is linear in the length of the text whatever it holds.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from rote.answers.field import settle

MAX_STATEMENTS: Final = 256
_MAX_VALUE: Final = 160
_MAX_TUPLE: Final = 240


class Said(NamedTuple):
    """What a place of the text says of one unknown: ``value`` is None where it is no single number."""

    name: str
    value: Fraction | None
    start: int
    end: int


# Layout that says nothing; ``pmatrix`` and its kin are brackets round a column.
_LAYOUT: Final = re.compile(
    r"\\\\|\\begin\{(?P<open>[pbB]?matrix)\}|\\end\{(?P<close>[pbB]?matrix)\}"
    r"|\\(?:left|right|displaystyle|quad|qquad|mathbf|mathrm|text|mathit|bigl?|bigr|Bigl?|Bigr)(?![A-Za-z])"
    r"|\\[,;:! ()\[\]]|<<[^<>\n]{0,300}>>"
)
_CUT: Final = re.compile(
    r";|\\\\|,(?!\d{3}(?!\d))|\.(?!\d)|[!?→⇒≈⟹|]|\\(?:approx|Rightarrow|implies|to|text)\b|(?<=\S)\s+\("
    r"|\b(?:and|or|so|then|thus|which|since|because|hence|therefore|when|where|while|for|giving|gives|but|with"
    r"|from|as|we|the|to|that|this|if|means|implies|into|is|are)\b",
    re.IGNORECASE,
)
_NO_VALUE: Final = re.compile(
    r"\b(?:more|less|fewer|greater|than|times|plus|minus|over|twice|of|not|any|about|roughly|almost|at)\b"
    r"|\.\.\.|…|±|\\pm",
    re.IGNORECASE,
)
_JUNK: Final = " \t$*_`&}{)]'\"\\~"
_NUMBER: Final = re.compile(r"-?\d{1,30}(?:/0*[1-9]\d{0,29}|\.\d{1,30})?")
_BULLET_LINE: Final = re.compile(r"(?:^|\n)[ \t>]{0,8}\Z")
_PRODUCT_WORD: Final = re.compile(
    r"(?:\\cdot|\\times|\\div|\b(?:times|plus|minus|over|of|by))\Z", re.IGNORECASE
)
_OR: Final = re.compile(r"(?:^|[\s,;.$)}])or[\s,:$({\\]{0,12}(?:else\s)?\Z", re.IGNORECASE)
_BARE: Final = re.compile(r"[\s$*\\{]{0,12}[(\[]([^()\[\]]{1,240})[)\]][\s$*.\\}]{0,12}")
#: No letter, and no lone backslash, which would make the name a command.
_NOT_BEFORE: Final = r"(?<!\w)(?<!(?<!\\)\\)"
_SEPARATOR: Final = re.compile(r"\\\\|[,;&\n]")


def tidy(text: str) -> str:
    """The text without LaTeX layout and calculator annotations; matrices become brackets."""
    if "\\" not in text and "<<" not in text:
        return text
    return _LAYOUT.sub(_laid_out, text)


def _laid_out(match: re.Match[str]) -> str:
    if match[0] == "\\\\":
        return match[0]  # a new row
    return "(" if match["open"] else ")" if match["close"] else " "


@lru_cache(maxsize=256)
def _patterns(names: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Single statements, statements of several unknowns, mentions. Case counts only where it must."""
    folded = len({name.lower() for name in names}) == len(names)
    one = "|".join(re.escape(name) for name in sorted(names, key=lambda n: (-len(n), n)))
    flags = re.IGNORECASE if folded else re.RegexFlag(0)
    junk = r"[\s&})*_$\"'`]{0,8}"
    single = re.compile(
        rf"{_NOT_BEFORE}(?P<name>{one})(?!\w){junk}(?P<op>:?=|:|(?:is(?:\sequal\sto)?|equals)(?!\w))(?!=)",
        flags,
    )
    several = re.compile(
        rf"{_NOT_BEFORE}(?P<names>(?:{one})(?:[\s$]{{0,3}}(?:,|;|\\\\|and)[\s$]{{0,3}}(?:{one})(?!\w)){{1,5}})"
        rf"[\s$}}\])]{{0,6}}(?:=|:|are(?!\w)|is(?!\w))[\s$]{{0,6}}",
        flags,
    )
    mention = re.compile(rf"(?<![A-Za-z])(?:{one})(?![A-Za-z])", flags)
    return single, several, mention


def _canonical(names: Sequence[str]) -> Mapping[str, str]:
    folded = {name.lower(): name for name in names}
    if len(folded) < len(names):
        folded = {}
    return folded | {name: name for name in names}


def read_value(text: str, names: Sequence[str]) -> Fraction | None:
    """The one number that a value's text comes to; None for an expression, a bound or several numbers."""
    last = text.rpartition("=")[2].strip(_JUNK) if "=" in text else text.strip(_JUNK)
    if _NUMBER.fullmatch(last):
        return Fraction(last)
    # what was stripped may have closed a fraction: \frac{1}{2}
    last = text.rpartition("=")[2].strip(" \t$*_`&'\"~")
    if not last or _NO_VALUE.search(last) or mentions(last, names):
        return None
    quantity = settle(last).quantity
    return None if quantity is None or quantity.kind != "number" else quantity.value


def _follows_operator(text: str, start: int) -> bool:
    """Whether the name that begins at ``start`` is a term of an expression: ``2x``, ``3 + y``, ``f(x)``."""
    if text[max(0, start - 1) : start] == "(" and text[max(0, start - 2) : start - 1].isalnum():
        return True
    at = start
    while at > 0 and start - at < 8 and text[at - 1] in " \t$({":
        at -= 1
    if at == 0 or start - at == 8:
        return False
    before = text[at - 1]
    if before in "+/^·×÷<>≤≥√%" or (before.isdigit() and before not in "²³"):
        return True
    if before in ")]" and at == start:
        return True
    if before in "-−–":
        return at == start or _BULLET_LINE.search(text[max(0, at - 11) : at - 1]) is None
    if before == "*":
        run = at
        while run > 0 and at - run < 4 and text[run - 1] == "*":
            run -= 1
        if at == start or _BULLET_LINE.search(text[max(0, run - 10) : run]):
            return run > 0 and (text[run - 1].isalnum() or text[run - 1] == ")")
        return at - run < 2
    return before.isalpha() and _PRODUCT_WORD.search(text[max(0, at - 8) : at]) is not None


def statements(text: str, names: Sequence[str]) -> list[Said]:
    """What the text says of the unknowns, in order; the last ``MAX_STATEMENTS`` places.

    ``text`` should be tidy. An unknown that is offered two values ("x = 3 or x = 4", "x = 3 or 4") gets
    None there.
    """
    single, several, _ = _patterns(tuple(names))
    known = _canonical(names)
    found: list[Said] = []
    claimed: list[tuple[int, int]] = []
    for match in deque(several.finditer(text), maxlen=MAX_STATEMENTS):
        said, end = _several(text, match, names, known)
        found += said
        claimed.append((match.start(), end))
    at = 0
    places = list(deque(single.finditer(text), maxlen=MAX_STATEMENTS))
    for number, match in enumerate(places):
        while at < len(claimed) and claimed[at][1] <= match.start():
            at += 1
        if at < len(claimed) and claimed[at][0] <= match.start():
            continue
        if _follows_operator(text, match.start("name")):
            continue
        following = places[number + 1].start() if number + 1 < len(places) else len(text)
        one = _single(text, match, min(following, match.end() + _MAX_VALUE), names, known)
        if one is not None:
            found.append(one)
    return sorted(found, key=lambda said: said.start)


def _single(
    text: str, match: re.Match[str], limit: int, names: Sequence[str], known: Mapping[str, str]
) -> Said | None:
    name = known.get(match["name"]) or known[match["name"].lower()]
    newline = text.find("\n", match.end(), limit)
    raw = text[match.end() : limit if newline < 0 else newline]
    if not raw.strip() and newline >= 0:
        return None
    margin = len(raw) - len(raw.lstrip(" \t$*{"))
    cut = _CUT.search(raw, margin)
    value_text = raw[: cut.start()] if cut else raw
    chained = "=" not in match["op"]
    value = None if chained and "=" in value_text else read_value(value_text, names)
    if chained and value is None:
        return None  # "for x: multiply …", "x is the number of …"
    end = match.end() + len(value_text)
    if cut is not None and cut[0].lower() == "or":
        rest = raw[cut.end() :]
        stop = _CUT.search(rest, len(rest) - len(rest.lstrip()))
        other = read_value(rest[: stop.start()] if stop else rest, names)
        if other is not None and other != value:
            value = None
    if value is not None and _OR.search(text[max(0, match.start() - 24) : match.start()]):
        # an alternative to what was said just before
        return Said(name, None, match.start(), end)
    return Said(name, value, match.start(), end)


def _several(
    text: str, match: re.Match[str], names: Sequence[str], known: Mapping[str, str]
) -> tuple[list[Said], int]:
    """``(x, y) = (3, -1/2)`` and ``x, y = 3, -1/2``: as many values as names, or nothing."""
    given = [part.strip(" $\t\n") for part in re.split(r",|;|\\\\|\band\b", match["names"])]
    order = [known.get(name) or known.get(name.lower()) for name in given]
    whole = tuple(name for name in order if name is not None)
    if len(set(whole)) != len(given):
        return [], match.start()
    rest = text[match.end() : match.end() + _MAX_TUPLE]
    bracketed = rest[:1] in ("(", "[")
    if bracketed:
        close = min((at for at in (rest.find(")"), rest.find("]")) if at > 0), default=-1)
        inside, end = rest[1:close] if close > 0 else "", match.end() + close + 1
    else:
        inside = rest.partition("\n")[0]
        stop = re.search(r"\.(?!\d)|;\s|\s(?:and|or|so|then)\s(?!-?\d)", inside)
        inside = inside[: stop.start()] if stop else inside
        end = match.end() + len(inside)
        inside = re.sub(r"\sand\s", ",", inside)
    values = values_of(inside, names)
    if values is None or len(values) != len(given):
        # "more than x, y = 3" is a statement about y
        return [], match.end() if bracketed else match.start()
    return [Said(name, value, match.start(), end) for name, value in zip(whole, values, strict=True)], end


def mentions(text: str, names: Sequence[str]) -> bool:
    """Whether an unknown stands in the text, with a coefficient or without."""
    return _patterns(tuple(names))[2].search(text) is not None


def values_of(inside: str, names: Sequence[str]) -> list[Fraction] | None:
    """The numbers of a list, each exact; None when one of them is none."""
    read = [read_value(part, names) for part in _SEPARATOR.split(inside.strip())]
    values = [value for value in read if value is not None]
    return values if len(values) == len(read) else None


def bare_tuple(text: str, names: Sequence[str]) -> list[Fraction] | None:
    """The values of a text that is a bracketed list and nothing else, as many as there are names."""
    match = _BARE.fullmatch(text.strip())
    values = values_of(match[1], names) if match is not None else None
    return values if values is not None and len(values) == len(names) else None

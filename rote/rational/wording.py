"""Word tables of numbers, and the notations (Unicode, LaTeX, Markdown) a number may be dressed in.

Data and text substitution only; reading a number is :mod:`rote.rational.reading`'s.
"""

from __future__ import annotations

import re
from typing import Final

_ONES: Final = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"

#: Cardinals below a hundred that are one word, and the dozen (a *dozen* after a number is a unit).
SMALL_NUMBERS: Final[dict[str, int]] = {
    **{word: n for n, word in enumerate((_ONES + " sixteen seventeen eighteen nineteen").split())},
    **{word: 20 + 10 * n for n, word in enumerate(_TENS.split())},
    "dozen": 12,
}
#: Words that multiply the number before them.
MAGNITUDES: Final[dict[str, int]] = {
    "hundred": 10**2,
    "thousand": 10**3,
    "lakh": 10**5,
    "lakhs": 10**5,
    "million": 10**6,
    "crore": 10**7,
    "crores": 10**7,
    "billion": 10**9,
    "trillion": 10**12,
}
#: Suffixes written close to the digits.
SHORT_MAGNITUDES: Final[dict[str, int]] = {
    "k": 10**3,
    "K": 10**3,
    "M": 10**6,
    "mn": 10**6,
    "B": 10**9,
    "bn": 10**9,
    "T": 10**12,
}
#: Denominators in words: the number, and whether the word takes a numerator above one.
FRACTION_WORDS: Final[dict[str, tuple[int, bool]]] = {
    "half": (2, False),
    "halves": (2, True),
    "third": (3, False),
    "thirds": (3, True),
    "quarter": (4, False),
    "quarters": (4, True),
    "fourth": (4, False),
    "fourths": (4, True),
    "fifth": (5, False),
    "fifths": (5, True),
    "sixth": (6, False),
    "sixths": (6, True),
    "seventh": (7, False),
    "sevenths": (7, True),
    "eighth": (8, False),
    "eighths": (8, True),
    "ninth": (9, False),
    "ninths": (9, True),
    "tenth": (10, False),
    "tenths": (10, True),
}
#: ISO codes and abbreviations that may stand where a currency sign does (case-sensitive).
CURRENCY_CODES: Final = (
    *("USD", "EUR", "GBP", "JPY", "CNY", "INR", "AUD", "CAD", "CHF", "KRW", "BRL", "MXN", "RUB"),
    *("NZD", "SEK", "NOK", "DKK", "PLN", "ZAR", "TRY", "NGN", "KES", "PHP", "IDR", "Rs", "RM"),
)

_VULGAR: Final = {
    **{"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5"},
    **{"⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8"},
    **{"⅑": "1/9", "⅒": "1/10", "↉": "0/3"},
}
_SUPERSCRIPTS: Final = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
# First code point of each run of decimal digits that people or models write instead of ASCII.
_DIGIT_RUNS: Final = (
    *(0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66),
    *(0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x17E0, 0x1810, 0xFF10, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6),
)
_GROUP_SPACE: Final = "\u2009"
_CHARACTERS: Final[dict[int, str]] = {
    **{start + n: str(n) for start in _DIGIT_RUNS for n in range(10)},
    **{ord(c): "-" for c in "−‐‑‒–—―﹣－➖"},
    **{ord(c): " " for c in "\t\n\r\x0b\x0c\x85\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2028\u2029\u3000"},
    **{ord(c): _GROUP_SPACE for c in "\u2007\u2008\u2009\u200a\u202f\u205f\u00a0\u066c"},
    **{ord(c): "" for c in "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufe0f"},
    **{ord(c): "'" for c in "’‘ʼ`´"},
    **{ord(vulgar): f" {plain} " for vulgar, plain in _VULGAR.items()},
    **{ord(c): "×" for c in "✕✖"},
    **{ord(c): "·" for c in "⋅∙"},
    **{ord(c): "/" for c in "⁄∕／"},
    **{ord(c): "≈" for c in "≃≅∼"},
    **{ord(c): " " for c in "°º⇒→•"},
    **dict(zip(map(ord, "，．＝％＋：（）＄＊＜＞➗∶٫"), ",.=%+:()$*<>÷:.", strict=True)),
}

_SUPERSCRIPT: Final = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_LATEX_FRACTION: Final = re.compile(
    r"(\d)?\\[dtc]?frac\s?(?:\{\s?(-?[\d.,]{1,400})\s?\}|(\d))\s?(?:\{\s?([\d.,]{1,400})\s?\}|(\d))"
)
_LATEX_SPACING: Final = re.compile(r"\\[,;: ]|\\(?:thinspace|quad|qquad)\b|~(?=\\)")
_LATEX_DROPPED: Final = re.compile(
    r"\\(?:left|right|displaystyle|textstyle|bf|rm|big|Big|bigg|Bigg|mathrm|mathbf|mathit|mathsf|text|textbf|textit"
    r"|textrm|mbox|hbox|boldsymbol|bm|emph|underline|operatorname|limits|phantom)(?![A-Za-z])|\\[()\[\]!]|\^\s?\{?\\circ\}?"
)
_LATEX_SIGNS: Final = {
    **{"times": "×", "cdot": "·", "div": "÷", "approx": "≈", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥"},
    **{"lt": "<", "gt": ">", "pm": "±", "mp": "±", "pi": "π", "sqrt": "√", "infty": "∞"},
    **{"percent": "%", "degree": " ", "sim": "≈", "or": " or ", "lor": " or ", "vee": " or ", "colon": ":"},
    **{"dollar": "$", "pounds": "£", "euro": "€", "ldots": " ", "dots": " "},
    **{"Rightarrow": " ", "implies": " ", "therefore": " ", "ne": "≠", "neq": "≠", "ast": "*"},
}
_LATEX_SIGN: Final = re.compile(
    r"\\(" + "|".join(sorted(_LATEX_SIGNS, key=len, reverse=True)) + r")(?![A-Za-z])"
)
_UNIT_POWER: Final = re.compile(r"(?<=[A-Za-z})])\s?\^\s?(?:\{\s?-?\d{1,3}\s?\}|-?\d{1,3})")
_EMPHASIS: Final = re.compile(
    r"(?<!\d)\*\*|\*\*(?!\d)|(?<!\w)_{1,3}|_{1,3}(?!\w)|(?<!\S)\*(?=\S)|(?<=\S)\*(?!\S)"
)
_BRACED_COMMA: Final = re.compile(r"\{\s?([,.])\s?\}|,\s?\\!")


def normalise(text: str) -> str:
    """Plain text of the same numbers: ASCII digits and signs, LaTeX and Markdown taken off.

    Meant for short texts. ``\\frac{1}{2}`` and ``½`` become ``1/2``, ``10³`` becomes ``10^3``, the
    exponent of a unit (``cm^2``) goes, grouping spaces become U+2009.
    """
    if not text.isascii():
        text = _SUPERSCRIPT.sub(lambda m: "^" + "".join(_SUPERSCRIPTS[c] for c in m[0]), text)
        text = text.translate(_CHARACTERS)
    else:
        text = text.replace("\n", " ").replace("\t", " ").replace("`", "'")
    if "\\" in text:
        text = _LATEX_FRACTION.sub(_plain_fraction, text)
        text = _BRACED_COMMA.sub(lambda m: m[1] or ",", text)
        text = _LATEX_SPACING.sub(_GROUP_SPACE, text.replace("\\$", "$").replace("\\%", "%"))
        text = _LATEX_DROPPED.sub(" ", text)
        text = _LATEX_SIGN.sub(lambda m: _LATEX_SIGNS[m[1]], text)
    elif "{" in text:
        text = _BRACED_COMMA.sub(lambda m: m[1] or ",", text)
    if "^" in text:
        text = _UNIT_POWER.sub(" ", text)
    if "*" in text or "_" in text:
        text = _EMPHASIS.sub("", text)
    return text


def _plain_fraction(match: re.Match[str]) -> str:
    above, below = match[2] or match[3], match[4] or match[5]
    return f"{match[1] + ' ' if match[1] else ''}{above}/{below}"

"""Reading numbers as people write them: ``$1,080``, ``2 1/2``, ``20%``, ``seventy-two``, ``3:30 PM``.

The text may come from a model, so the work is bounded: at most ``MAX_TEXT`` characters are looked at,
a number has at most ``MAX_DIGITS`` digits and a power of ten at most ``MAX_EXPONENT``. What is longer
is not read as a number at all.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from rote.rational.exact import Quantity, parse_number
from rote.rational.wording import (
    CURRENCY_CODES,
    FRACTION_WORDS,
    MAGNITUDES,
    SHORT_MAGNITUDES,
    SMALL_NUMBERS,
    normalise,
)

MAX_TEXT: Final = 400
MAX_DIGITS: Final = 400
MAX_EXPONENT: Final = 400


class Item(NamedTuple):
    """A piece of a short text: a number ("quantity"), an unreadable number ("bad"), a word or a sign.

    ``spelled`` marks a number in words. ``text`` of a "bad" item says why: "list" (3,5 may be two
    numbers) or "unreadable". ``start`` and ``end`` count characters of the *normalised* text.
    """

    type: Literal["quantity", "bad", "word", "sign", "currency"]
    text: str
    start: int
    end: int
    quantity: Quantity | None = None
    spelled: bool = False


# Applied to at most MAX_TEXT characters, so that no pattern here can cost more than a constant.
_TOKEN: Final = re.compile(
    r"(?P<time>(?<![:\d])\d{1,2}:[0-5]\d(?::[0-5]\d)?(?![:\d]))"
    r"|(?P<num>(?:[1-9]\d{0,2}(?:[ ]\d{3})+(?![\d,/]|[ ]?/)(?:\.\d+)?"
    r"|\d+(?:[,'_]\d+|\u2009\d{3}(?!\d))*(?:\.\d+)*|\.\d+)"
    r"(?:[eE][-+]?\d+(?![^\W_]))?)"
    r"|(?P<times>(?<=[\d)%])\s{0,3}[xX]\s{0,3}(?=[-$(]?\.?\d))"
    r"|(?P<cur>(?:US|CA|AU|NZ|HK|[ACSR])?\$|[€£¥₹₩₽₺₱₫₪฿¢₦₴₿]|(?<![^\W_])(?:"
    + "|".join(CURRENCY_CODES)
    + r")(?![^\W\d_]))"
    r"|(?P<word>[^\W\d_]\w*(?:'\w+)?)"
    r"|(?P<sign><=|>=|=>|->|\*\*|[-+*/÷×·^=≈~<>≤≥±%()\[\]{}:;,!?|&π√∞\\])"
)
_GROUPED: Final = re.compile(
    r"(?:\d+|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,2}(?:['_\u2009 ]\d{3})+|[1-9]\d?(?:,\d{2})+,\d{3})?(?:\.\d+)?"
)
_EUROPEAN: Final = re.compile(r"[1-9]\d{0,2}(?:\.\d{3}){2,}")
_UNARY_AFTER: Final = frozenset(str.split("= ≈ ~ < > ≤ ≥ <= >= ( [ { : ; , => -> | & ± \\"))
_NUMBER_WORDS: Final = frozenset({*SMALL_NUMBERS, *MAGNITUDES, *FRACTION_WORDS})
_COPULAS: Final = frozenset({"is", "equals", "be", "was", "are", "of", "to", "equal", "or", "and", "by"})
_PERCENT: Final = frozenset({"percent", "pct", "percents"})
_MERIDIEM: Final = re.compile(r"\s{0,2}([ap])\.?\s?m(?:\.|(?![^\W_]))", re.IGNORECASE)


def decimal_value(text: str) -> Fraction | None:
    """The value of digits with separators and an exponent, or None when they are malformed or too long."""
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > MAX_DIGITS or len(exponent) > 5:
        return None
    if _EUROPEAN.fullmatch(mantissa):
        mantissa = mantissa.replace(".", "")
    elif _GROUPED.fullmatch(mantissa) is None:
        return None
    for separator in ",'_\u2009 ":
        mantissa = mantissa.replace(separator, "")
    whole, _, decimals = mantissa.partition(".")
    power = int(exponent) if exponent else 0
    if abs(power) > MAX_EXPONENT or not whole + decimals:
        return None
    value = Fraction(int(whole + decimals), 10 ** len(decimals))
    return value * Fraction(10) ** power if power else value


class _Reader:
    """One pass over the tokens of a short normalised text; see :func:`read_items`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [(m.lastgroup, m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]
        self.items: list[Item] = []
        self.at = 0

    def run(self) -> list[Item]:
        while self.at < len(self.tokens):
            group, text, start, end = self.tokens[self.at]
            if group == "num" or group == "time":
                self._number()
            elif group == "word":
                if not self._spelled():
                    self.items.append(Item("word", text.lower(), start, end))
                    self.at += 1
            else:
                text = "×" if group == "times" else text
                self.items.append(Item("currency" if group == "cur" else "sign", text, start, end))
                self.at += 1
        return self.items

    def _peek(self, offset: int = 0) -> tuple[str, str]:
        """Group and text of a token not yet consumed, two empty strings past the end."""
        at = self.at + offset
        return (self.tokens[at][0] or "", self.tokens[at][1]) if at < len(self.tokens) else ("", "")

    def _number(self) -> None:
        group, text, start, end = self.tokens[self.at]
        self.at += 1
        if group == "time":
            hours, minutes, *seconds = (int(part) for part in text.split(":"))
            half = self._meridiem(end)
            if hours > 24 or (half and not 1 <= hours <= 23):
                self._emit(None, start, "unreadable")
                return
            value = Fraction(hours * 60 + minutes) + Fraction(sum(seconds), 60)
            self._emit(Quantity(value, "time", half), start)
            return
        value_or_none = decimal_value(text)
        if value_or_none is None:
            self._emit(None, start, "list" if "," in text else "unreadable")
            return
        self._after(value_or_none, start, end, integer=text.isdigit())

    def _after(self, value: Fraction, start: int, end: int, *, integer: bool) -> None:
        """What may follow the digits: a fraction, a power of ten, a suffix, percent, AM or PM."""
        power = self._power_of_ten(value)
        if power is not None:
            value = power
        elif self._peek() == ("sign", "/") and self._peek(1)[0] == "num":
            below = decimal_value(self._peek(1)[1])
            chained = self._peek(2) == ("sign", "/") and self._peek(3)[0] == "num"
            self.at += 2
            if not below or chained or self._peek()[1] in ("^", "**"):
                self._emit(None, start, "unreadable")
                return
            value = value / below
        elif integer:
            value += self._mixed()
        if self._peek()[1] in ("^", "**"):
            self._emit(None, start, "unreadable")
            return
        value *= self._magnitude(self.tokens[self.at - 1][3])
        self._emit(self._labelled(value), start)

    def _labelled(self, value: Fraction) -> Quantity:
        group, text = self._peek()
        if text == "%" or text.lower() in _PERCENT:
            self.at += 1
            return Quantity(value, "percent")
        if text.lower() == "per" and self._peek(1)[1].lower() == "cent":
            self.at += 2
            return Quantity(value, "percent")
        return Quantity(
            value, "number", self._meridiem(self.tokens[self.at - 1][3]) if group == "word" else None
        )

    def _power_of_ten(self, value: Fraction) -> Fraction | None:
        """``1.2 x 10^3`` or ``10^3``; None when the text goes on otherwise."""
        mantissa = self._peek()[1] in ("*", "×", "·") or self._peek()[0] == "times"
        if self._peek(1) != ("num", "10") if mantissa else value != 10:
            return None
        skip = 2 if mantissa else 0
        if self._peek(skip)[1] not in ("^", "**"):
            return None
        skip += 1
        sign = 1
        while self._peek(skip)[1] in ("{", "(", "-", "+"):
            sign = -sign if self._peek(skip)[1] == "-" else sign
            skip += 1
        group, digits = self._peek(skip)
        if group != "num" or not digits.isdigit() or len(digits) > 4 or int(digits) > MAX_EXPONENT:
            return None
        self.at += skip + 1
        while self._peek()[1] == "}":
            self.at += 1
        ten = Fraction(10) ** (sign * int(digits))
        return value * ten if mantissa else ten

    def _mixed(self) -> Fraction:
        """The proper fraction that follows a whole number (``2 1/2``, ``2 and 1/2``), or zero."""
        skip = 1 if self._peek()[1].lower() == "and" else 0
        (group, above), slash, (below_group, below) = (self._peek(skip + n) for n in range(3))
        if group != "num" or below_group != "num" or slash != ("sign", "/"):
            return Fraction(0)
        if not (above.isdigit() and below.isdigit() and len(below) < 10 and len(above) < 10):
            return Fraction(0)
        if int(above) >= int(below) or self._peek(skip + 3) == ("sign", "/"):
            return Fraction(0)
        self.at += skip + 3
        return Fraction(int(above), int(below))

    def _magnitude(self, end: int) -> int:
        """The power of ten that ``k``, ``million`` … after the number stands for, or 1."""
        if self.at >= len(self.tokens) or self.tokens[self.at][0] != "word":
            return 1
        word, start = self.tokens[self.at][1], self.tokens[self.at][2]
        money = bool(self.items) and self.items[-1].type == "currency"
        factor = MAGNITUDES.get(word.lower(), 1)
        if factor == 1 and start == end:
            factor = SHORT_MAGNITUDES.get(word, 1)
            # "3M" may be metres or a brand; after a currency sign it can only be millions.
            if word not in ("k", "K") and not money:
                factor = 1
        if factor != 1:
            self.at += 1
        return factor

    def _meridiem(self, end: int) -> Literal["am", "pm"] | None:
        match = _MERIDIEM.match(self.text, end)
        if match is None:
            return None
        while self.at < len(self.tokens) and self.tokens[self.at][2] < match.end():
            self.at += 1
        return "am" if match[1] in "aA" else "pm"

    def _emit(self, quantity: Quantity | None, start: int, why: str = "", *, spelled: bool = False) -> None:
        """Append the number with the sign and currency that stand before it."""
        items = self.items
        end = self.tokens[self.at - 1][3]
        currency = False
        negative = False
        while items and start - items[-1].end <= 2:
            last = items[-1]
            if last.type == "currency":
                currency = True
            elif self._is_sign(start):
                negative ^= last.text != "+"
            else:
                break
            start = last.start
            items.pop()
        if quantity is None:
            items.append(Item("bad", why, start, end))
            return
        if negative:
            quantity = Quantity(-quantity.value, quantity.kind, quantity.meridiem)
            if quantity.kind == "time":
                items.append(Item("bad", "unreadable", start, end))
                return
        if currency and quantity.kind == "time":
            items.append(Item("bad", "unreadable", start, end))
            return
        items.append(Item("quantity", self.text[start:end], start, end, quantity, spelled))

    def _is_sign(self, number_start: int) -> bool:
        """Whether the last item is the sign of the number at ``number_start``, not an operator."""
        last = self.items[-1]
        if last.text in ("minus", "negative"):
            return last.text == "negative" or len(self.items) == 1 or self.items[-2].type != "quantity"
        if last.text not in ("-", "+"):
            return False
        if len(self.items) == 1:
            return True
        before = self.items[-2]
        if before.type == "currency" or before.text in _UNARY_AFTER or before.text in _COPULAS:
            return True
        # "total -5": a sign stands free on its left and close on its right.
        return before.type == "word" and before.end < last.start and last.end == number_start

    def _spelled(self) -> bool:
        """Read a number in words at the current token; False, and nothing consumed, when there is none."""
        words: list[tuple[str, int]] = []
        at = self.at
        while at < len(self.tokens) and len(words) < 24:
            group, text, start, _ = self.tokens[at]
            if words and self.text[self.tokens[at - 1][3] : start].strip():
                break  # "five. Two"
            word = text.lower()
            if group == "word" and (word in _NUMBER_WORDS or word in ("and", "a", "an")):
                words.append((word, at))
            elif not (text == "-" and words):
                break
            at += 1
        while words:
            value = spelled_value([word for word, _ in words])
            if value is not None:
                after = words[-1][1] + 1
                if after + 1 < len(self.tokens) and self.tokens[after][1] == "-" and self._hyphenated(after):
                    return False  # "twenty-third", "three-bedroom"
                start = self.tokens[self.at][2]
                self.at = words[-1][1] + 1
                self._emit(self._labelled(value), start, spelled=True)
                return True
            words.pop()
        return False

    def _hyphenated(self, at: int) -> bool:
        before, hyphen, after = self.tokens[at - 1 : at + 2]
        return before[3] == hyphen[2] and hyphen[3] == after[2] and after[0] == "word"


def spelled_value(words: list[str]) -> Fraction | None:
    """The value of an English number in lower-case words (``["two", "and", "a", "half"]``), or None."""
    if not words or words[-1] in ("and", "a", "an") or words[0] == "and":
        return None
    if "dozen" in words:
        # After a number the dozen is a unit, as a litre is; on its own it is twelve things.
        return {"a dozen": Fraction(12), "half a dozen": Fraction(6)}.get(" ".join(words))
    last = words[-1]
    if last in FRACTION_WORDS:
        return _spelled_fraction(words[:-1], last)
    if words[0] in ("a", "an"):
        if len(words) < 2 or words[1] not in MAGNITUDES:
            return None
        words = ["one", *words[1:]]
    total = group = 0
    previous = 0
    after_and = False
    for word in words:
        if word == "and":
            if previous < 100:
                return None
            after_and = True
            continue
        if word in ("a", "an"):
            return None
        if word == "hundred":
            if not 0 < group < 100 or previous >= 100:
                return None
            group, previous = group * 100, 100
        elif word in MAGNITUDES:
            if not group or (total and MAGNITUDES[word] > total):
                return None
            total, group, previous = total + group * MAGNITUDES[word], 0, MAGNITUDES[word]
        else:
            if word not in SMALL_NUMBERS:
                return None  # "half two"
            small = SMALL_NUMBERS[word]
            follows_tens = previous in range(20, 100) and 0 < small < 10
            if previous and previous < 100 and not follows_tens:
                return None
            if previous == -1 or (small == 0 and len(words) > 1):
                return None
            group, previous = group + small, small or -1
        after_and = False
    return None if after_and else Fraction(total + group)


def _spelled_fraction(words: list[str], unit: str) -> Fraction | None:
    below, plural_or_half = FRACTION_WORDS[unit]
    if "and" in words:
        split = len(words) - 1 - words[::-1].index("and")
        whole = spelled_value(words[:split])
        part = _spelled_fraction(words[split + 1 :], unit) if whole is not None else None
        return None if whole is None or part is None or whole.denominator != 1 or part >= 1 else whole + part
    if not words:
        # "half" alone is a number; "third" alone is an ordinal and "quarters" are coins.
        return Fraction(1, 2) if unit == "half" else None
    if words in (["a"], ["an"], ["one"]):
        return Fraction(1, below)
    above = SMALL_NUMBERS.get(words[0], 0) if len(words) == 1 else 0
    return Fraction(above, below) if plural_or_half and 1 < above < 20 else None


def read_items(text: str) -> list[Item]:
    """Numbers, words and signs of a short text, in order; at most ``MAX_TEXT`` characters are read."""
    if len(text) <= MAX_TEXT:
        return _Reader(normalise(text)).run()
    # A number must not be cut in two: stop at the last space within bounds.
    head = text[:MAX_TEXT] if text[MAX_TEXT].isspace() else text[:MAX_TEXT].rpartition(" ")[0]
    return _Reader(normalise(head)).run() if head else [Item("bad", "unreadable", 0, MAX_TEXT)]


def read_quantity(text: str) -> Quantity:
    """Read a text that is one number and nothing else but its unit, such as a gold answer.

    ``$1,080``, ``half``, ``2 1/2``, ``20%``, ``-5/2``, ``3:30``, ``18 dollars``. Raises ValueError
    when there is no number, more than one, or one that cannot be read.
    """
    try:
        return Quantity(parse_number(text))
    except ValueError:
        items = read_items(text) if len(text) <= MAX_TEXT else []
    numbers = [item for item in items if item.type in ("quantity", "bad")]
    if len(numbers) != 1 or numbers[0].quantity is None:
        raise ValueError(f"not one number: {text[:80]!r} (right: '18', '-2.5', '5/3', '$1,080' or '3:30')")
    return numbers[0].quantity

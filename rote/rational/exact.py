"""Exact numbers in memory and in their machine form: :func:`format_number` and :func:`parse_number`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

_PLAIN: Final = re.compile(r"([-+]?)(?:([0-9]+)/([0-9]+)|([0-9]*)\.([0-9]+)|([0-9]+)\.?)")
_SAFE_DIGITS: Final = 4000  # below CPython's limit of 4,300 on int <-> str


def _int_text(value: int) -> str:
    """``str(value)`` for an int of any size: CPython refuses more than 4,300 digits, Decimal does not."""
    return str(value) if value.bit_length() < 3 * _SAFE_DIGITS else f"{Decimal(value):f}"


def _text_int(digits: str) -> int:
    return int(digits) if len(digits) < _SAFE_DIGITS else int(Decimal(digits))


def format_number(value: Fraction | int) -> str:
    """Canonical text of an exact number: ``18``, ``-2.5``, ``5/3``.

    A terminating decimal when the denominator has only factors 2 and 5, otherwise a fraction in
    lowest terms. ``parse_number(format_number(x)) == x`` for every rational.
    """
    if isinstance(value, int):
        return _int_text(value)
    denominator = value.denominator
    if denominator == 1:
        return _int_text(value.numerator)
    twos = (denominator & -denominator).bit_length() - 1
    odd = denominator >> twos
    fives = 0
    while odd % 5 == 0:
        odd //= 5
        fives += 1
    if odd != 1:
        return f"{_int_text(value.numerator)}/{_int_text(denominator)}"
    places = max(twos, fives)
    scaled = abs(value.numerator) * 10**places // denominator
    digits = _int_text(scaled).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def parse_number(text: str) -> Fraction:
    """The inverse of :func:`format_number`: a plain signed integer, decimal or fraction.

    Raises ValueError on anything else: exponents, separators, spaces and units included, and a
    denominator of zero.
    """
    match = _PLAIN.fullmatch(text)
    if match is None:
        raise ValueError(f"not a plain number: {text[:80]!r} (right: '18', '-2.5' or '5/3')")
    sign, above, below, whole, decimals, integer = match.groups()
    if integer is not None:
        value = Fraction(_text_int(integer))
    elif decimals is not None:
        value = Fraction(_text_int((whole or "") + decimals), 10 ** len(decimals))
    elif not below.strip("0"):
        raise ValueError(f"denominator of zero: {text[:80]!r}")
    else:
        value = Fraction(_text_int(above), _text_int(below))
    return -value if sign == "-" else value


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as somebody wrote it.

    ``value`` is exact. For ``kind`` "time" it is minutes after the hour 0:00 as written (3:30 is
    210), and a time never equals a plain number of minutes. "percent" keeps the number before the
    sign (25 % is 25). ``meridiem`` is "am" or "pm" where the text says so, also on a bare hour
    ("3 PM" is the number 3 with "pm").
    """

    value: Fraction
    kind: Literal["number", "percent", "time"] = "number"
    meridiem: Literal["am", "pm"] | None = None

    def __str__(self) -> str:
        """Canonical text: :func:`format_number`, or ``3:30`` for a time."""
        if self.kind != "time":
            return format_number(self.value)
        minutes, fraction = divmod(self.value, 1)
        seconds = f":{int(fraction * 60):02d}" if fraction else ""
        return f"{minutes // 60}:{minutes % 60:02d}{seconds}"

    def equals(self, other: Quantity) -> bool:
        """Whether both name the same thing, exactly.

        Times: 15:30 is 3:30 PM. A time that does not say which half of the day it means (3:30) equals
        3:30 AM and 3:30 PM, which share its digits, but not 15:30: that is another text for one of them
        only. So this is no equivalence relation. A time is equal to a number only when it is a whole
        hour and one of the two says AM or PM ("6:00 PM" and 6).
        """
        if self.kind != "time" and other.kind != "time":
            halves = {self.meridiem, other.meridiem} - {None}
            return self.value == other.value and len(halves) < 2
        if self.kind != "time" or other.kind != "time":
            clock, number = (self, other) if self.kind == "time" else (other, self)
            if clock.meridiem is None and number.meridiem is None:
                return False
            return Quantity(number.value * 60, "time", number.meridiem).equals(clock)
        if self._half_known() and other._half_known():
            return self._of_day() == other._of_day()
        return self.value == other.value

    def _half_known(self) -> bool:
        return self.meridiem is not None or self.value < 60 or self.value >= 13 * 60

    def _of_day(self) -> Fraction:
        """Minutes after midnight."""
        if self.meridiem is None or self.value >= 13 * 60:
            return self.value
        return self.value % 720 + (720 if self.meridiem == "pm" else 0)

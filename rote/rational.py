"""Exact numbers: read what people write, write back what people read."""

from __future__ import annotations

from fractions import Fraction


def format_number(value: Fraction | int) -> str:
    """Canonical text of an exact number: ``18``, ``-2.5``, ``5/3``.

    A terminating decimal when the denominator has only factors 2 and 5, otherwise a fraction in
    lowest terms. ``parse_number(format_number(x)) == x`` for every rational.
    """
    if isinstance(value, int):
        return str(value)
    denominator = value.denominator
    if denominator == 1:
        return str(value.numerator)
    twos = fives = 0
    while denominator % 2 == 0:
        denominator //= 2
        twos += 1
    while denominator % 5 == 0:
        denominator //= 5
        fives += 1
    if denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    places = max(twos, fives)
    scaled = abs(value.numerator) * 10**places // value.denominator
    digits = str(scaled).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def parse_number(text: str) -> Fraction:
    """The inverse of :func:`format_number`. Raises ValueError on anything else."""
    return Fraction(text)

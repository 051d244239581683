"""Exact numbers: read what people write, write back what people read.

Two pairs. :func:`format_number` and :func:`parse_number` are the machine form, each the inverse of the
other. :func:`read_quantity` and :func:`read_items` read the human form (``$1,080``, ``half``,
``2 1/2``, ``20%``, ``3:30``) into exact :class:`Quantity` values, whose text is ``str(quantity)``.
"""

from __future__ import annotations

from rote.rational.exact import Quantity, format_number, parse_number
from rote.rational.reading import MAX_TEXT, Item, read_items, read_quantity

__all__ = ["MAX_TEXT", "Item", "Quantity", "format_number", "parse_number", "read_items", "read_quantity"]

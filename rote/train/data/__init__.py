"""From a recipe's ``data`` to rows, with a certificate of what they were compared with.

``build_rows(spec)`` is the one door. See ``docs/training-data.md``.
"""

from __future__ import annotations

from rote.train.data.build import Built, Order, build_rows, hash_rows
from rote.train.data.certificate import FILE, Certificate

__all__ = ["FILE", "Built", "Certificate", "Order", "build_rows", "hash_rows"]

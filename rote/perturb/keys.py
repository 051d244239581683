"""Where a draw comes from: a keyed permutation in place of a stream of random numbers.

An instance is f(template, variant, seed, index). A plain random draw per index would repeat a
question after about the square root of the number of distinct ones. Here the whole space of draws
is numbered and walked in an order that a hash of (template, variant, seed) decides: index i looks at
position i of that order, so two indices never see the same draw, any index can be had without the
ones before it, and every integer operation is the same on every platform.

The order is a permutation of [0, 2**bits): three rounds of multiplication by an odd number, addition
and a right xor-shift, each of which is a bijection on ``bits`` bits.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class Key(NamedTuple):
    """Constants of one permutation of [0, 2**bits)."""

    a1: int
    b1: int
    a2: int
    b2: int
    a3: int
    b3: int


def digest(*parts: str | int) -> bytes:
    """64 bytes that depend on every part and on where each part ends."""
    text = "\x1f".join(f"{len(str(part))}:{part}" for part in parts)
    return hashlib.blake2b(text.encode("utf-8")).digest()


def make_key(bits: int, *parts: str | int) -> Key:
    """The permutation of ``bits``-bit numbers that belongs to ``parts``.

    The multipliers take up to 128 bits each, so that spaces of more than 2**64 draws are still mixed
    in every bit.
    """
    mask = (1 << bits) - 1
    first, second = digest("key", 1, *parts), digest("key", 2, *parts)
    words = [
        int.from_bytes(block[i : i + 16], "little") & mask for block in (first, second) for i in (0, 16, 32)
    ]
    return Key(words[0] | 1, words[1], words[2] | 1, words[3], words[4] | 1, words[5])


def shift_for(bits: int) -> int:
    """The xor-shift that mixes the upper half of a ``bits``-bit number into the lower."""
    return max(1, (bits + 1) // 2)


def permute(x: int, bits: int, key: Key) -> int:
    """The ``x``-th position of the order, for 0 <= x < 2**bits. The reference for the compiled code."""
    mask, shift = (1 << bits) - 1, shift_for(bits)
    x = (x * key.a1 + key.b1) & mask
    x ^= x >> shift
    x = (x * key.a2 + key.b2) & mask
    x ^= x >> shift
    x = (x * key.a3 + key.b3) & mask
    return x ^ (x >> shift)

"""The random states of a process, to be kept in a checkpoint."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any


def random_states() -> dict[str, Any]:
    """The state of every generator that training draws from, as torch.save keeps it."""
    import numpy
    import torch

    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = numpy.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "python": [version, list(words), gauss],
        "numpy": [name, [int(key) for key in keys], int(position), int(has_gauss), float(cached)],
    }


def set_random_states(states: Mapping[str, Any]) -> None:
    """Put the generators where :func:`random_states` found them."""
    import numpy
    import torch

    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, position, has_gauss, cached = states["numpy"]
    numpy.random.set_state((name, numpy.array(keys, dtype=numpy.uint32), position, has_gauss, cached))
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])

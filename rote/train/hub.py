"""The hub of models and data sets: without its client's chatter, and its errors in one sentence."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: Loggers that tell of every attempt to reach the hub.
_LOGGERS: Final = ("huggingface_hub", "huggingface_hub.utils._http", "transformers", "datasets")
#: A sentence ends before a blank and a capital: not inside of an address or a number of a version.
_END: Final = re.compile(r"[.!?](?=\s+[A-Z'\"(])|\n")
_LONGEST: Final = 200

#: Seconds to wait for an answer of the hub.
_PATIENCE: Final = 10
#: What to do where the hub cannot be reached.
WAY_OUT: Final = (
    "name a local folder (model.path=…), or fill the hub's cache where there is a network and set "
    "HF_HUB_OFFLINE=1"
)


@contextmanager
def quiet() -> Iterator[None]:
    """Hush the hub's client, which tells of every attempt; what it raises tells enough."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def first_sentence(error: BaseException) -> str:
    """The first sentence of an error, on one line and without its stop; at most 200 characters."""
    said = str(error).strip()
    end = _END.search(said)
    text = " ".join((said[: end.start()] if end else said).split()).rstrip(".")
    if len(text) <= _LONGEST:
        return text
    return text[:_LONGEST].rsplit(" ", 1)[0] + " …"


def reachable() -> bool:
    """Whether the hub answers, asked once and without the many attempts of its client.

    False where HF_HUB_OFFLINE is set.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils._http import get_session

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        get_session().head(constants.ENDPOINT, timeout=_PATIENCE)
    # Of requests or httpx, by the client's version, and of every kind that a network has.
    except Exception:
        return False
    return True

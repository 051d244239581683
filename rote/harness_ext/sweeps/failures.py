"""What went wrong in a job, and whether another attempt may help."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

LOST: Final = "lost"
MEMORY: Final = "out of memory"
UNAVAILABLE: Final = "unavailable"
BROKEN: Final = "broken checkpoint"
TIME: Final = "time limit"
USAGE: Final = "usage"
OTHER: Final = "error"

#: Kinds after which the same job may well succeed: its process or its machine was lost, others held the
#: memory, the network failed. Weights that cannot be read and mistakes stay what they are, and what once
#: took too long takes as long again.
RETRIED: Final = frozenset({LOST, MEMORY, UNAVAILABLE})

#: Names of exceptions, and words of their messages, by kind; the first that fits is meant.
_TYPES: Final = {
    MEMORY: {"OutOfMemoryError", "MemoryError"},
    USAGE: {"RoteError"},
    UNAVAILABLE: {"ConnectionError", "TimeoutError", "SourceUnavailableError", "HfHubHTTPError"},
    BROKEN: {"SafetensorError", "UnpicklingError", "JSONDecodeError"},
}
_WORDS: Final = {
    MEMORY: (
        r"out of memory|cannot allocate memory|CUBLAS_STATUS_ALLOC_FAILED|No available memory for the cache"
    ),
    BROKEN: (
        r"size mismatch for|Error\(s\) in loading state_dict|HeaderTooLarge|InvalidHeader|MetadataIncomplete"
        r"|Unrecognized model in|does not appear to have (?:a file|files) named|no file named"
        r"|not a valid JSON file|Can't load tokenizer|invalid load key|PytorchStreamReader"
        r"|ignore_mismatched_sizes|does not recognize this architecture"
        r"|probability tensor contains either"
    ),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed: one of the kinds above, and a line for the user."""

    kind: str
    message: str

    @property
    def retried(self) -> bool:
        """Whether another attempt may help."""
        return self.kind in RETRIED


def of_exception(told: Mapping[str, Any], output: str = "") -> Failure:
    """The failure that a job's process told of itself.

    ``told`` has ``types``, the names of the exception's class and of all classes above it, and ``message``.
    The words of a message decide last, and those of the output only where the message says nothing: an
    engine in a process of its own leaves its reason there.
    """
    types, message = set(told["types"]), " ".join(str(told["message"]).split())
    line = f"{told['types'][0]}: {message}"[:400] if "RoteError" not in types else message[:400]
    if "SourceUnavailableError" in types:
        return Failure(UNAVAILABLE, line)
    for kind, names in _TYPES.items():
        if names & types:
            return Failure(kind, line)
    for text in (message, output):
        for kind, words in _WORDS.items():
            if re.search(words, text, re.IGNORECASE):
                return Failure(kind, line)
    return Failure(OTHER, line)


def of_status(status: int) -> Failure:
    """The failure of a process that told nothing and ended with a status, negative for a signal."""
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        hint = ", perhaps by the system for want of memory" if name == "SIGKILL" else ""
        return Failure(LOST, f"the process was ended by {name}{hint}")
    return Failure(LOST, f"the process left with status {status} and no word")

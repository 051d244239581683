"""Work for executors, in a module that other processes can import."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from rote.errors import DataError


def square(number: int) -> int:
    return number * number


def failing(number: int) -> int:
    if number == 5:
        raise DataError("is no good", field="five")
    return number


def dying(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


@dataclass(frozen=True)
class DyingOnce:
    """Each number of ``deadly`` takes its process along the first time; calls leave lines in ``folder``."""

    folder: Path
    deadly: tuple[int, ...]

    def __call__(self, number: int) -> int:
        with (self.folder / str(number)).open("a", encoding="ascii") as file:
            file.write("begun\n")
        if number in self.deadly and self.begun(number) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    def begun(self, number: int) -> int:
        return len((self.folder / str(number)).read_text(encoding="ascii").splitlines())


@dataclass
class Prepared:
    """Says in which process it was prepared, 0: in none."""

    by: int = 0

    def prepare(self) -> None:
        self.by = os.getpid()

    def __call__(self, number: int) -> tuple[int, int]:
        return self.by, os.getpid()

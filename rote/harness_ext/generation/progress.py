"""How far a long generation is: a bar on a terminal's stderr, a line there now and then on another."""

from __future__ import annotations

import sys
import time
from typing import Final, Self

#: Seconds before the first line, and between lines on a terminal and elsewhere.
_FIRST: Final = 2.0
_TERMINAL: Final = 0.5
_ELSEWHERE: Final = 30.0
#: Characters of the bar.
_WIDTH: Final = 20


class Progress:
    """Counts rows towards ``total``, at least 0; those that were there cost no time and are not in the rate.

    Used as a context, it leaves the line for what comes after, however that is left.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.made = 0
        self.start = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.next = self.start + _FIRST
        self.shown = False

    def add(self, rows: int, *, made: bool = True) -> None:
        """More rows are done; ``made``: by this run."""
        self.done += rows
        self.made += rows if made else 0
        now = time.monotonic()
        if now >= self.next:
            self.next = now + (_TERMINAL if self.terminal else _ELSEWHERE)
            self._show(now)

    def _show(self, now: float) -> None:
        rate = self.made / (now - self.start)
        left = f", {_span((self.total - self.done) / rate)} left" if rate else ""
        text = f"{self.done:,} of {self.total:,} instances, {rate:,.0f}/s{left}"
        if self.terminal:
            share = self.done / self.total
            bar = "#" * round(share * _WIDTH)
            text = f"\rrote sample: {share:4.0%} |{bar:<{_WIDTH}}| {text}\x1b[K"
        else:
            text = f"rote sample: {text}\n"
        sys.stderr.write(text)
        sys.stderr.flush()
        self.shown = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.terminal and self.shown:
            sys.stderr.write("\n")


def _span(seconds: float) -> str:
    """``2:05:09`` or ``5:09``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

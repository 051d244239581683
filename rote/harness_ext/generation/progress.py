"""How far a long generation is: a line on stderr, written over on a terminal, now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final

#: Seconds before the first line, and between lines on a terminal and elsewhere.
_FIRST: Final = 2.0
_TERMINAL: Final = 0.5
_ELSEWHERE: Final = 30.0


class Progress:
    """Counts rows towards ``total``; ``there`` ones cost no time and are left out of the rate."""

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
        text = f"rote sample: {self.done:,} of {self.total:,} instances, {rate:,.0f}/s{left}"
        print(
            f"\r{text}\x1b[K" if self.terminal else text, end="" if self.terminal else "\n", file=sys.stderr
        )
        sys.stderr.flush()
        self.shown = True

    def end(self) -> None:
        """Leave the line for what comes after."""
        if self.terminal and self.shown:
            print(file=sys.stderr)


def _span(seconds: float) -> str:
    """``2:05:09`` or ``5:09``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

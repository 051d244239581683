"""What is printed of a sweep: its jobs before it starts, and at the end what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rote.harness_ext.sweeps.jobs import Job

#: What became of a job.
RAN, THERE, FAILED, LEFT = "ran", "was there", "failed", "not run"
#: Characters of a reason that a table shows.
_WIDTH: Final = 160


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table at the end.

    ``units`` are what the job is about, ``missing`` how many of them have no logs; ``seconds`` is the wall
    time of its last attempt; ``why`` says what failed.
    """

    job: str
    state: str
    units: int
    attempts: int = 0
    seconds: float = 0.0
    why: str = ""
    missing: int = 0

    def logs(self) -> str:
        """How many are there, and of how many where some are not."""
        return f"{self.units - self.missing:,}" + (f" of {self.units:,}" if self.missing else "")


def ending(rows: Sequence[Row]) -> list[str]:
    """The table at the end, reasons cut to a line, and a line that counts."""
    lines = table(
        ("job", "state", "logs", "attempts", "seconds", "why"),
        [
            (row.job, row.state, row.logs(), str(row.attempts), f"{row.seconds:,.1f}", _short(row.why))
            for row in rows
        ],
    )
    counts = {state: sum(row.state == state for row in rows) for state in (RAN, THERE, FAILED, LEFT)}
    said = ", ".join(
        f"{number:,} {'were there' if state == THERE and number > 1 else state}"
        for state, number in counts.items()
        if number or state == RAN
    )
    return [*lines, "", f"{count(len(rows), 'job')}: {said}"]


def count(number: int, what: str) -> str:
    """ "1 job", "2,000 jobs"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _short(why: str) -> str:
    """The whole reason is in the record of the error."""
    return why if len(why) <= _WIDTH else f"{why[:_WIDTH]}…"


def outlook(jobs: Sequence[Job], wanted: Sequence[Job], unfit: Sequence[tuple[str, str]]) -> list[str]:
    """The jobs of a plan as a table: what each asks, and how many of its logs are there.

    ``jobs`` are those of the whole plan, ``wanted`` what is left to run; ``unfit`` models and reasons.
    """
    rows = []
    for job in jobs:
        to_run = sum(len(other.units) for other in wanted if other.model == job.model)
        rows.append(
            (
                job.name,
                job.lm,
                str(job.gpus),
                str(job.priority),
                f"{sum(len(unit.tasks) for unit in job.units):,}",
                f"{len(job.units):,}",
                f"{len(job.units) - to_run:,}",
                str(job.model_args.get("pretrained", "")),
            )
        )
    rows += [(name, "unfit", "", "", "", "", "", why) for name, why in unfit]
    lines = table(("job", "backend", "gpus", "priority", "tasks", "logs", "there", "place"), rows)
    return [*lines, "", f"{count(len(jobs), 'job')}, {count(len(wanted), 'load')} of a model to run"]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows in columns, numbers to the right; the last column as wide as it is."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    numeric = [
        all(row[i].replace(",", "").replace(".", "").isdigit() or not row[i] for row in rows)
        for i in range(len(header))
    ]

    def line(cells: Sequence[str]) -> str:
        placed = zip(cells, widths, numeric, strict=True)
        padded = [cell.rjust(width) if right else cell.ljust(width) for cell, width, right in placed]
        return "  ".join(padded).rstrip()

    return [line(header), "  ".join("-" * width for width in widths), *map(line, rows)]

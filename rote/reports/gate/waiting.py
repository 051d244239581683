"""Logs that are still to come: what of a baseline a candidate has not answered yet, and waiting for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rote.errors import LogError
from rote.reports.gate.baseline import Baseline, from_runs
from rote.reports.gate.policy import Policy
from rote.reports.reader import read_logs
from rote.reports.records import Runs


def lacking(baseline: Baseline, candidate: Baseline, policy: Policy) -> list[str]:
    """What the policy asks about and the baseline holds, and the candidate does not: in words, maybe none."""
    theirs = {s.key: s for s in candidate.series}
    found = []
    for old in baseline.series:
        asked = {
            name
            for check in policy.checks
            if check.source in (None, old.source) and check.shots in (None, old.shots)
            for name in ((check.variant,) if check.metric == "accuracy" else ("original", check.variant))
        }
        new = theirs.get(old.key)
        for name, variant in old.variants.items():
            if name not in asked:
                continue
            there = new.variants.get(name) if new is not None else None
            items = there.templates if there is not None else {}
            missing = sum(not own.keys() <= items.get(t, {}).keys() for t, own in variant.templates.items())
            if missing:
                found.append(f"{old.label}: {name}, {missing:,} of {len(variant.templates):,} templates")
    return found


def wait_for(
    baseline: Baseline,
    paths: Sequence[Path],
    policy: Policy,
    *,
    model: str | None = None,
    seconds: float,
    every: float,
    say: Callable[[str], None],
) -> tuple[Runs, Baseline]:
    """Read the candidate's logs again and again until nothing is lacking; the folder may not be there yet.

    Logs that cannot be read count as not there: they may be half-written. ``say`` is told what is waited for,
    whenever that changes. The decision is made once, on complete logs, so looking often costs no error rate.

    Raises LogError: after ``seconds`` something is lacking still; UsageError: several models, none named.
    """
    until = time.monotonic() + seconds
    told = ""
    while True:
        try:
            runs = read_logs(paths)
            candidate = from_runs(runs, model)
        except LogError as error:
            why = str(error)
        else:
            missing = lacking(baseline, candidate, policy)
            if not missing:
                return runs, candidate
            why = "; ".join(missing)
        left = until - time.monotonic()
        if left <= 0:
            raise LogError(f"after {seconds:g} seconds the candidate still lacks: {why}", path=paths[0])
        if why != told:
            say(f"waiting for the candidate: {why}")
            told = why
        time.sleep(min(every, left))

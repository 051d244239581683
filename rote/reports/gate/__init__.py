"""The gate: may this candidate replace the baseline?

policy = parse_policy({"checks": [...]})
outcome = decide(read_baseline("baseline.json"), from_runs(read_logs("logs")), policy)
"""

from __future__ import annotations

from rote.reports.gate.baseline import Baseline, from_runs, parse_baseline, read_baseline, render_baseline
from rote.reports.gate.decide import CheckResult, Outcome, decide
from rote.reports.gate.policy import Check, Policy, parse_policy

__all__ = [
    "Baseline",
    "Check",
    "CheckResult",
    "Outcome",
    "Policy",
    "decide",
    "from_runs",
    "parse_baseline",
    "parse_policy",
    "read_baseline",
    "render_baseline",
]

"""How much of an evaluation the live gate saves, and how often it errs, on simulated changes.

    python benchmarks/gate_live.py [--templates 1319] [--runs 200] [--margin 2]

A population of templates has a fixed change in accuracy and a share of templates whose answer differs
between the two models (the discordance). Each run draws a random order and stops when either e-process
decides at 5 %. A decision is wrong when it passes a candidate whose loss is the margin or more, or fails one
whose loss is the margin or less; at the margin both are, each with its own 5 %.
"""

from __future__ import annotations

import argparse

import numpy as np

from rote.reports.gate.eprocess import run_many
from rote.reports.statistics import wilson_interval

ALPHA = 0.05


def population(templates: int, change: float, discordance: float) -> np.ndarray:
    """Changes of +1, -1 and 0 with that mean and that share of +-1 (more where the mean asks for it)."""
    net = round(change * templates)
    discordant = max(round(discordance * templates), abs(net))
    discordant += (discordant - net) % 2
    won = (discordant + net) // 2
    return np.repeat([1.0, -1.0, 0.0], [won, discordant - won, templates - discordant])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--templates", type=int, default=1319)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--margin", type=float, default=2.0, help="points")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    print(f"{args.templates} templates, margin {args.margin:g} points, {args.runs} runs, alpha {ALPHA:g}\n")
    print(f"change  discordance  items used  (10-90 %)   undecided  {'passed':30}  failed")
    for change in (-10.0, -5.0, -args.margin, 0.0, 2.0):
        for discordance in (0.08, 0.15):
            values = population(args.templates, change / 100, discordance)
            # The bound is the population's own mean where the change is the margin: rounding must not decide.
            bound = float(values.mean()) if change == -args.margin else -args.margin / 100
            orders = np.array([rng.permutation(values) for _ in range(args.runs)])
            above = run_many(orders, bound, "above", ALPHA)
            below = run_many(orders, bound, "below", ALPHA)
            used = np.minimum(np.minimum(above, below), args.templates) / args.templates
            passed = int(((above <= args.templates) & (above < below)).sum())
            failed = int(((below <= args.templates) & (below < above)).sum())
            low, high = 100 * np.quantile(used, [0.1, 0.9])
            share = 100 * (values != 0).mean()
            cells = (
                f"{change:+6.0f}",
                f"{share:9.1f} %",
                f"{100 * used.mean():8.1f} %",
                f"({low:3.0f}-{high:3.0f} %)",
                f"{args.runs - passed - failed:9d}",
                f"{passed:6d} {told(passed, args.runs, change <= -args.margin)}",
                f"{failed:6d} {told(failed, args.runs, change >= -args.margin)}",
            )
            print("  ".join(cells))


def told(count: int, runs: int, wrong: bool) -> str:
    """The rate of a decision that is wrong, with its interval; nothing of a right one."""
    if not wrong:
        return f"{'':23}"
    ends = wilson_interval(count, runs)
    return f"{f'wrong {100 * count / runs:.1f} [{100 * ends.low:.1f}, {100 * ends.high:.1f}] %':23}"


if __name__ == "__main__":
    main()

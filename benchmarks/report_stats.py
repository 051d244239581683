"""Time the closed-form statistics and the reader of ``rote.reports`` on one core.

    python benchmarks/report_stats.py [FOLDER OF LM-EVAL LOGS]

Prints the median of several runs of each; with a folder, also the reader's speed on its files.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rote.reports import read_logs
from rote.reports.statistics import cluster_wilson_interval, drop_interval, exchangeability_test


def median_ms(function: Callable[[], object], runs: int = 21) -> float:
    """Median wall-clock time of one call, in milliseconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def main() -> None:
    rng = np.random.default_rng(0)
    k = 5
    print(f"{'templates':>9}  {'drop interval':>13}  {'accuracy':>8}  {'exact test':>10}  (ms, k = {k})")
    for templates in (100, 1319, 5000):
        p = rng.beta(3, 1, templates)
        originals = (rng.random(templates) < p).astype(float)
        successes = rng.binomial(k, p).astype(float)
        differences = originals - successes / k
        counts = np.full(templates, float(k))
        row = (
            median_ms(lambda d=differences: drop_interval(d)),
            median_ms(lambda m=successes / k, n=templates * k: cluster_wilson_interval(m, n)),
            median_ms(lambda o=originals, s=successes, c=counts: exchangeability_test(o, s, c)),
        )
        print(f"{templates:>9}  {row[0]:>13.3f}  {row[1]:>8.3f}  {row[2]:>10.3f}")
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        size = sum(f.stat().st_size for f in folder.rglob("*.json*")) / 1e6
        took = median_ms(lambda: read_logs(folder), runs=5) / 1000
        print(f"reader: {size:.1f} MB in {took:.2f} s, {size / took:.0f} MB/s")


if __name__ == "__main__":
    main()

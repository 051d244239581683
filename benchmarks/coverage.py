"""Coverage of the intervals of a drop, and size and power of its tests, by simulation.

    python benchmarks/coverage.py [--runs 10000] [--seed 1]

Templates differ in difficulty (logits normal, standard deviation 2, around a centre that gives the accuracy);
the original and each of k variants are independent given the template, so the true drop is 0. Percentages
stand with their Monte-Carlo interval (Wilson, 95 %). The headline's formula is written out for many runs at
once; the first runs of each regime are compared with ``rote.reports.statistics`` and must agree.

Says whether the headline's coverage lies within 94.5–96.5 % in each regime. Exit status 1 where it lies
below, a test's size above 5.2 % or an error of the gate above 5 %, by more than Monte-Carlo error; one that
is too wide is only named.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, ndtri, stdtrit

from rote.errors import DataError
from rote.reports.inference.bootstrap import bootstrap
from rote.reports.inference.bounded import p_above, p_below, tails
from rote.reports.inference.conditional import adjusted_test
from rote.reports.inference.exchangeability import placebo
from rote.reports.inference.spread import fixed_interval
from rote.reports.statistics import drop_interval, exchangeability_test, wilson_interval

Array = npt.NDArray[np.float64]
SPREAD = 2.0
#: accuracy, templates, variants each; the last three are regimes that an interval finds hard.
REGIMES = (
    (0.72, 100, 50), (0.72, 1319, 5), (0.96, 100, 5), (0.96, 100, 50), (0.96, 1319, 1), (0.99, 30, 5),
    (0.99, 100, 5), (0.99, 1319, 5),
)  # fmt: skip
LOW, HIGH, SIZE = 0.945, 0.965, 0.052


def centre_of(accuracy: float) -> float:
    """The mean logit of templates whose mean chance is ``accuracy``."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    weights = weights / weights.sum()
    return float(brentq(lambda c: float(weights @ expit(c + SPREAD * nodes)) - accuracy, -20, 20))


def chances(accuracy: float, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Chances of templates, with mean ``accuracy``."""
    p: Array = expit(centre_of(accuracy) + SPREAD * rng.standard_normal(shape))
    return p


def blocks(
    accuracy: float, templates: int, k: int, runs: int, seed: int
) -> Iterator[tuple[Array, Array, Array]]:
    """(chances, originals, successes of k), each (rows, templates), in blocks of bounded size."""
    rng = np.random.default_rng([seed, templates, k, round(1000 * accuracy)])
    rows = max(1, 400_000 // templates)
    while runs:
        rows = min(rows, runs)
        p = chances(accuracy, (rows, templates), rng)
        yield p, (rng.random(p.shape) < p).astype(float), rng.binomial(k, p).astype(float)
        runs -= rows


def t_covers(d: Array, *, adjusted: bool, truth: Array | float = 0.0) -> npt.NDArray[np.bool_]:
    """Whether each row's t or adjusted t interval holds the truth."""
    g = d.shape[1]
    quantile = stdtrit(g - 1, 0.975)
    if adjusted:
        n = g + 1
        mean = d.sum(axis=1) / n
        variance = ((d**2).sum(axis=1) + 1 - n * mean**2) / (n - 1) / n
    else:
        mean, variance = d.mean(axis=1), d.var(axis=1, ddof=1) / g
    covered: npt.NDArray[np.bool_] = np.abs(mean - truth) <= quantile * np.sqrt(variance)
    return covered


def shown(hits: int, runs: int) -> str:
    interval = wilson_interval(hits, runs)
    return f"{100 * hits / runs:5.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def coverage(runs: int, few: int, seed: int) -> bool:
    """Print the table of coverage; whether the headline is nowhere too short."""
    print(f"\nCoverage of 95 % intervals, % ({runs:,} runs; percentile and BCa {few:,})\n")
    print("| regime | headline | t(G−1) | unpaired | percentile | BCa | these templates |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    short: list[str] = []
    wide: list[str] = []
    for accuracy, g, k in REGIMES:
        names = ("headline", "t", "unpaired", "fixed")
        hits = dict.fromkeys(names, 0)
        boot, boots, checked = [0, 0], 0, 0
        for p, o, s in blocks(accuracy, g, k, runs, seed):
            d = o - s / k
            plain, adjusted = t_covers(d, adjusted=False), t_covers(d, adjusted=True)
            a, b = o.mean(axis=1), s.mean(axis=1) / k
            plainly = ndtri(0.975) * np.sqrt(a * (1 - a) / g + b * (1 - b) / (g * k))
            for name, covered in zip(names[:3], (adjusted, plain, np.abs(a - b) <= plainly), strict=True):
                hits[name] += int(covered.sum())
            if k > 1:
                # Fixed templates: the truth is the originals as they are less the templates' own chances.
                spread = (s * (k - s) / (k - 1) / k**2).sum(axis=1) + 1 / k**2
                truth = (o - p).mean(axis=1)
                hits["fixed"] += int(
                    (np.abs(d.mean(axis=1) - truth) <= ndtri(0.975) * np.sqrt(spread) / g).sum()
                )
            for i in range(min(len(d), 20 - checked)):
                ours = drop_interval(d[i])
                assert (ours.low <= 0 <= ours.high) == adjusted[i]
                if k > 1:
                    rows = [[j < x for j in range(k)] for x in s[i].astype(int)]
                    fixed = fixed_interval(o[i].tolist(), rows)
                    half = ndtri(0.975) * np.sqrt(spread[i]) / g
                    assert fixed is not None
                    assert abs(fixed.high - min(1.0, d[i].mean() + half)) < 1e-9
                checked += 1
            take = min(len(d), few - boots)
            if take > 0:
                # The runs are columns: they share the weights, so their hits are correlated a little.
                for made in bootstrap(d[:take].T, resamples=1999, seed=seed + boots):
                    for which, interval in enumerate((made.percentile, made.bca)):
                        boot[which] += int(interval is not None and interval.low <= 0 <= interval.high)
                boots += take
        last = shown(hits["fixed"], runs) if k > 1 else "–"
        cells = [shown(hits[n], runs) for n in names[:3]] + [shown(b, boots) for b in boot] + [last]
        print(f"| accuracy {accuracy:g}, G={g:,}, k={k} | {' | '.join(cells)} |", flush=True)
        mc = wilson_interval(hits["headline"], runs)
        name = f"accuracy {accuracy:g}, G={g:,}, k={k}"
        short += [name] if mc.high < LOW else []
        wide += [name] if mc.low > HIGH else []
    print(f"\nheadline below {100 * LOW:g} %: {'; '.join(short) or 'nowhere'}")
    print(f"headline above {100 * HIGH:g} % (wider than need be): {'; '.join(wide) or 'nowhere'}")
    return not short


def sizes(runs: int, seed: int) -> bool:
    """Print the size of every test at 5 %; whether all hold."""
    print(f"\nSize at 5 %, one-sided, % ({runs:,} runs; t: the plain paired t, for comparison)\n")
    print("| regime | exact | mid-p | adjusted logit | placebo | paired t |")
    print("|---|---:|---:|---:|---:|---:|")
    good = True
    for accuracy, g, k in ((0.72, 100, 5), (0.96, 100, 5), (0.96, 100, 50), (0.72, 1319, 1), (0.99, 30, 5)):
        hits = dict.fromkeys(("exact", "mid", "logit", "placebo", "t"), 0)
        logit_runs, done = min(runs, 1000 if k <= 5 else 0), 0
        rng = np.random.default_rng(seed)
        for _, o, s in blocks(accuracy, g, k, runs, seed + 1):
            d = o - s / k
            with np.errstate(all="ignore"):
                t = d.mean(axis=1) / np.sqrt(d.var(axis=1, ddof=1) / g)
            hits["t"] += int((t > stdtrit(g - 1, 0.95)).sum())
            for i in range(len(o)):
                test = exchangeability_test(o[i], s[i], np.full(g, float(k)))
                hits["exact"] += test.p_exact <= 0.05
                hits["mid"] += test.p_mid <= 0.05
                if done < logit_runs:
                    done += 1
                    # Draws are exchangeable: which of the k were right is left to chance.
                    rows = rng.permuted(np.arange(k) < s[i][:, None], axis=1)
                    answers = np.column_stack([o[i].astype(bool), rows])
                    hits["logit"] += logit_rejects(answers, rng.normal(size=answers.shape))
                    if k > 1:
                        made = placebo(rows.tolist())
                        hits["placebo"] += made is not None and made.p < 0.05
        cells = [shown(hits["exact"], runs), shown(hits["mid"], runs)]
        cells.append(shown(hits["logit"], done) if done else "–")
        cells.append(shown(hits["placebo"], done) if done and k > 1 else "–")
        cells.append(shown(hits["t"], runs))
        print(f"| accuracy {accuracy:g}, G={g:,}, k={k} | {' | '.join(cells)} |", flush=True)
        good &= all(wilson_interval(hits[n], runs).low <= SIZE for n in ("exact", "mid"))
        good &= not done or wilson_interval(hits["logit"], done).low <= SIZE
    return good


def logit_rejects(answers: npt.NDArray[np.bool_], covariate: Array) -> bool:
    """Whether the adjusted test rejects; both arrays (G, k + 1), the original first."""
    g, n = answers.shape
    if not ((answers.sum(axis=1) > 0) & (answers.sum(axis=1) < n)).any():
        return False
    special = np.zeros((g, n), dtype=bool)
    special[:, 0] = True
    try:
        test = adjusted_test(
            answers.ravel().tolist(),
            special.ravel().tolist(),
            {"largest_number": covariate.ravel().tolist()},
            np.repeat(np.arange(g), n).tolist(),
        )
    except DataError:  # too few informative templates for two coefficients: nothing is claimed
        return False
    return test.p < 0.05


def confounded(runs: int, seed: int) -> None:
    """Print how often the tests reject where draws are harder and nothing is remembered."""
    print(f"\nRejections at 5 % where draws are harder and nothing is memorised, % ({runs:,} runs)\n")
    print("| regime | the covariate tells | mid-p | adjusted logit |")
    print("|---|---|---:|---:|")
    for accuracy, g, k in ((0.72, 100, 5), (0.72, 400, 5), (0.9, 400, 5)):
        for noise, tells in ((0.0, "all of it"), (0.7, "half of it")):
            rng = np.random.default_rng([seed, g, k, round(10 * noise), round(1000 * accuracy)])
            mid = logit = 0
            for _ in range(runs):
                # Draws are harder by 0.5 in logits on average, by a size that scatters as much.
                size = rng.normal(0.5, 0.7, (g, k + 1))
                size[:, 0] -= 0.5
                base = chances(accuracy, (g, 1), rng)
                answers = rng.random((g, k + 1)) < expit(np.log(base / (1 - base)) - size)
                seen = size + noise * rng.standard_normal(size.shape)
                o, s = answers[:, 0].astype(float), answers[:, 1:].sum(axis=1).astype(float)
                mid += exchangeability_test(o, s, np.full(g, float(k))).p_mid <= 0.05
                logit += logit_rejects(answers, seen)
            print(
                f"| accuracy {accuracy:g}, G={g:,}, k={k} | {tells} | {shown(mid, runs)} "
                f"| {shown(logit, runs)} |",
                flush=True,
            )


def power(runs: int, seed: int) -> None:
    """Print how often a true drop is found, paired and as peers do, unpaired."""
    print(f"\nPower against a drop (the interval lies above 0), % ({runs:,} runs)\n")
    print("| regime | drop, points | headline | unpaired z |")
    print("|---|---:|---:|---:|")
    for accuracy, g, k, loss in ((0.72, 100, 5, 0.1), (0.72, 1319, 5, 0.03), (0.96, 1319, 5, 0.015)):
        paired = unpaired = 0
        rng = np.random.default_rng([seed, g, k])
        for p, o, _ in blocks(accuracy, g, k, runs, seed + 2):
            s = rng.binomial(k, p * (1 - loss / accuracy)).astype(float)
            d = o - s / k
            quantile = stdtrit(g - 1, 0.975)
            n = g + 1
            mean = d.sum(axis=1) / n
            low = mean - quantile * np.sqrt(((d**2).sum(axis=1) + 1 - n * mean**2) / (n - 1) / n)
            a, b = o.mean(axis=1), s.mean(axis=1) / k
            z = (a - b) / np.sqrt(a * (1 - a) / g + b * (1 - b) / (g * k))
            paired += int((low > 0).sum())
            unpaired += int((z > ndtri(0.975)).sum())
        print(
            f"| accuracy {accuracy:g}, G={g:,}, k={k} | {100 * loss:g} | {shown(paired, runs)} | "
            f"{shown(unpaired, runs)} |"
        )


#: Accuracy, templates, draws of each, the share of answers that stay as they were, margin, metric.
GATE = (
    (0.72, 100, 1, 0.5, 0.05, "accuracy"), (0.72, 100, 5, 0.5, 0.05, "accuracy"),
    (0.72, 1319, 1, 0.5, 0.02, "accuracy"), (0.72, 1319, 5, 0.5, 0.02, "accuracy"),
    (0.96, 100, 1, 0.5, 0.05, "accuracy"), (0.96, 100, 5, 0.5, 0.05, "accuracy"),
    (0.96, 1319, 1, 0.9, 0.02, "accuracy"), (0.99, 30, 5, 0.5, 0.05, "accuracy"),
    (0.99, 400, 1, 0.8, 0.02, "accuracy"), (0.99, 1319, 5, 0.5, 0.01, "accuracy"),
    (0.96, 100, 1, 1.0, 0.05, "accuracy"), (0.96, 400, 1, 1.0, 0.02, "accuracy"),
    (0.96, 1319, 5, 1.0, 0.02, "accuracy"), (0.72, 1319, 5, 0.5, 0.02, "drop"),
    (0.96, 1319, 1, 0.5, 0.02, "drop"),
)  # fmt: skip


def losses(
    accuracy: float, shape: tuple[int, int], k: int, kept: float, loss: float, metric: str,
    rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Losses of templates with that mean. A candidate that keeps all but what it loses never gains."""
    base = chances(accuracy, shape, rng)
    if kept == 1:
        before = rng.binomial(k, base)
        return (before - rng.binomial(before, 1 - loss / accuracy)) / k

    worse = centre_of(accuracy - loss / (1 - kept))
    anew = k - rng.binomial(k, kept, shape)
    odds = np.log(base / (1 - base)) - centre_of(accuracy) + worse
    lost = (rng.binomial(anew, base) - rng.binomial(anew, expit(odds))) / k
    if metric == "drop":
        changed = rng.random(shape) >= kept
        lost += changed * ((rng.random(shape) < base).astype(float) - (rng.random(shape) < base))
    return np.asarray(lost)


def t_claims(d: Array, margin: float, reach: float) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether each row's headline interval, 5 % on each side, lies below the margin, and above."""
    g = d.shape[1]
    x, quantile = d / reach, stdtrit(g - 1, 0.95)
    mean = x.sum(axis=1) / (g + 1)
    error = np.sqrt(((x**2).sum(axis=1) + 1 - (g + 1) * mean**2) / g / (g + 1))
    low, high = reach * (mean - quantile * error), reach * (mean + quantile * error)
    return high < margin, low > margin


def gate(runs: int, seed: int) -> bool:
    """Print errors of the gate at its margin and its power, beside those of t; whether the errors hold."""
    print(
        f"\nThe gate at 5 %: claims at a loss of the margin (errors), of 0, of thrice it, % ({runs:,} runs)\n"
    )
    print(
        "| regime | margin | PASS at it | t | FAIL at it | t | PASS at 0 | t | FAIL at thrice | t |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    good = True
    for accuracy, g, k, kept, margin, metric in GATE:
        reach = 2 if metric == "drop" else 1
        values = np.arange(-reach * k, reach * k + 1) / k
        found: list[str] = []
        rng = np.random.default_rng([seed, g, k, round(1000 * accuracy), round(10 * kept)])
        for times, sides in ((1, (0, 1)), (0, (0,)), (3, (1,))):
            hits, done = np.zeros((2, 2)), 0
            while done < runs:
                rows = min(runs - done, max(1, 400_000 // g))
                d = losses(accuracy, (rows, g), k, kept, times * margin, metric, rng)
                places = np.rint(d * k).astype(int) + reach * k + values.size * np.arange(rows)[:, None]
                counts = np.bincount(places.ravel(), minlength=rows * values.size).reshape(rows, -1)
                below = tails(values, counts, margin)
                above = tails(-values, counts, -margin)
                if not done:
                    assert abs(p_below(d[0], margin, reach) - below[0]) < 1e-9
                    assert abs(p_above(d[0], margin, reach) - above[0]) < 1e-9
                hits[0] += (below <= 0.05).sum(), (above <= 0.05).sum()
                hits[1] += [claims.sum() for claims in t_claims(d, margin, reach)]
                done += rows
            for side in sides:
                found += [shown(int(hits[0, side]), runs), f"{100 * hits[1, side] / runs:.1f}"]
                good &= times != 1 or wilson_interval(int(hits[0, side]), runs).low <= 0.05
        name = f"{metric}, {accuracy:g}, G={g:,}, k={k}, {100 * kept:g} % kept"
        print(f"| {name} | {100 * margin:g} | {' | '.join(found)} |", flush=True)
    return good


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10_000, metavar="N")
    parser.add_argument("--few", type=int, default=2_000, metavar="N", help="runs with a bootstrap")
    parser.add_argument("--tests", type=int, default=3_000, metavar="N", help="runs of the tests")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if min(args.runs, args.few, args.tests) < 100:
        parser.error("--runs, --few and --tests must be at least 100")
    start = time.perf_counter()
    covered = coverage(args.runs, min(args.few, args.runs), args.seed)
    sized = sizes(args.tests, args.seed)
    confounded(max(100, args.tests // 3), args.seed)
    power(args.runs, args.seed)
    gated = gate(args.runs, args.seed)
    print(f"\n{time.perf_counter() - start:.0f} s, seed {args.seed}")
    for name, ok in (
        ("headline coverage at least 94.5 %", covered),
        ("sizes at most 5.2 %", sized),
        ("errors of the gate at its margin at most 5 %", gated),
    ):
        print(f"{name}: {'held' if ok else 'not held'}")
    return 0 if covered and sized and gated else 1


if __name__ == "__main__":
    sys.exit(main())

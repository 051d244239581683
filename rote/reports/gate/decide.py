"""The decision: each check's paired change against its margin, three-valued, and what follows for the gate.

A check is about the *loss*: how much worse the candidate is than the baseline, on the templates of both
(of accuracy: baseline minus candidate; of the drop: candidate's minus baseline's).

PASS          the one-sided interval of the loss lies below the margin
FAIL          the one-sided interval of the loss lies above the margin
INCONCLUSIVE  neither; with the number of templates still needed, were the loss to stay what it is
ERROR         no loss can be told: something is missing, or every answer is invalid

The bounds are those of :mod:`rote.reports.inference.bounded`: a report's headline interval errs by up to 14 %
in place of 5 on one side where few answers change and most of them one way, as they do in a gate. Holm's
correction is made over the critical and supporting checks together, for the claim PASS and for the claim FAIL
each, so that the chance of any wrong PASS, and of any wrong FAIL, is at most alpha. Advisory checks are a
family of their own: to add one never costs the others power.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final, Literal

from rote.errors import DataError, RoteError
from rote.reports.fields import one_line
from rote.reports.gate.baseline import Answered, Baseline, Items, Variant
from rote.reports.gate.policy import Check, Policy, Tier
from rote.reports.inference.bounded import lower_bound, p_above, p_below, upper_bound
from rote.reports.inference.multiple import holm

Status = Literal["pass", "fail", "inconclusive", "error"]

EXIT: Final[Mapping[Status, int]] = {"pass": 0, "fail": 1, "inconclusive": 2, "error": RoteError.exit_code}
#: How far the loss of a template may reach: a difference of accuracies, or of two such.
SCALE: Final[Mapping[str, float]] = {"accuracy": 1.0, "drop": 2.0}
#: More templates than this are as good as never.
MOST_NEEDED: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What became of a check. All shares are fractions; ``loss`` is positive where the candidate is worse.

    Attributes
    ----------
    before, after: accuracy or drop of baseline and candidate, over ``templates`` templates.
    low, high: one-sided bounds of the loss, each at level 1 - alpha, before Holm's correction.
    p_pass, p_fail: Holm-adjusted p-values of the two claims.
    needed: templates still needed, None where that says nothing.
    reason: why there is no decision, for an error.
    """

    name: str
    tier: Tier
    series: str
    status: Status
    margin: float
    templates: int = 0
    before: float | None = None
    after: float | None = None
    loss: float | None = None
    low: float | None = None
    high: float | None = None
    p_pass: float | None = None
    p_fail: float | None = None
    needed: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The gate's decision. ``notes`` are what should be known besides, ``warnings`` those of the reader of
    the candidate's logs. ``live`` describes early stopping."""

    status: Status
    checks: tuple[CheckResult, ...]
    baseline: str
    candidate: str
    alpha: float
    notes: tuple[str, ...] = ()
    live: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 2 inconclusive, 3 error."""
        return EXIT[self.status]


def decide(
    baseline: Baseline, candidate: Baseline, policy: Policy, *, warnings: Sequence[str] = ()
) -> Outcome:
    """Judge the candidate. Raises DataError where the two are not comparable, saying in what they differ.

    ``warnings`` are what the reader of the candidate's logs has to say (``Runs.warnings``), passed on.
    """
    notes: list[str] = []
    results: list[CheckResult] = []
    losses: dict[int, Losses] = {}
    for check, old, new in expand(baseline, candidate, policy):
        label = old.label if old is not None else check.source or "-"
        name = check.name if len(baseline.series) == 1 or check.source else f"{check.name} [{label}]"
        result = CheckResult(name, check.tier, label, "error", check.margin)
        try:
            pairs = paired(old, new, check, policy.missing, notes)
            before, after, values = effects(pairs, check)
        except DataError as error:
            results.append(replace(result, reason=str(error)))
            continue
        own = Losses(values, SCALE[check.metric])
        losses[len(results)] = own
        results.append(_bounds(result, before, after, own, policy.alpha))
    for family in (("critical", "supporting"), ("advisory",)):
        members = [i for i in losses if results[i].tier in family]
        _conclude(results, members, losses, policy.alpha)
    return Outcome(
        overall(results),
        tuple(results),
        baseline.model,
        candidate.model,
        policy.alpha,
        tuple(dict.fromkeys(notes)),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def overall(results: Sequence[CheckResult]) -> Status:
    """The gate's status: an error is an error, whatever its tier."""
    if any(r.status == "error" for r in results):
        return "error"
    if any(r.status == "fail" for r in results if r.tier != "advisory"):
        return "fail"
    if any(r.status == "inconclusive" for r in results if r.tier == "critical"):
        return "inconclusive"
    return "pass"


# --- what is compared ------------------------------------------------------------------------------


def expand(
    baseline: Baseline, candidate: Baseline, policy: Policy
) -> list[tuple[Check, Answered | None, Answered | None]]:
    """Each check with each series of the baseline that it is about, and the candidate's of that kind.

    Raises DataError: the two differ in what was asked (:func:`comparable`).
    """
    theirs = {s.key: s for s in candidate.series}
    found: list[tuple[Check, Answered | None, Answered | None]] = []
    checked: set[tuple[str, str, str]] = set()
    for check in policy.checks:
        mine = [
            s for s in baseline.series if check.source in (None, s.source) and check.shots in (None, s.shots)
        ]
        for s in mine:
            new = theirs.get(s.key)
            if new is None:
                have = "; ".join(t.label for t in candidate.series)
                raise DataError(
                    f"{s.label}: not comparable; the candidate was evaluated on {have}, and setting and "
                    "format must be the same"
                )
            if s.key not in checked:
                comparable(s, new)
                checked.add(s.key)
            found.append((check, s, new))
        if not mine:
            found.append((check, None, None))
    return found


def comparable(old: Answered, new: Answered) -> None:
    """Raise DataError that says in what two series differ: templates, prompts, format, grader, decoding."""
    faults: list[str] = []
    for name in old.variants.keys() & new.variants.keys():
        a, b = old.variants[name], new.variants[name]
        differ = {
            h: [k for k in a.settings[h] if a.settings[h][k] != b.settings[h].get(k)] for h in a.settings
        }
        faults += [f"{h} of {name} ({', '.join(keys)})" for h, keys in differ.items() if keys]
        documents = sorted(t for t in a.templates if _differ(a, b, t, "document"))
        if documents:
            faults.append(f"templates of {name} ({_few(documents)})")
        prompts = sorted(t for t in a.templates if _differ(a, b, t, "prompt"))
        if prompts and not documents and not differ["prompts"]:
            faults.append(f"prompts of {name} (as lm-eval hashed them, of {_few(prompts)})")
    if faults:
        raise DataError(
            f"{old.label}: baseline and candidate are not comparable; they differ in "
            f"{'; '.join(sorted(faults))}. Evaluate the candidate as the baseline was, or make a new "
            "baseline with --update-baseline"
        )


def _differ(a: Variant, b: Variant, template: str, what: str) -> bool:
    other = b.templates.get(template, {})
    for key, item in a.templates[template].items():
        values = (getattr(item, what), getattr(other.get(key), what, None))
        if None not in values and values[0] != values[1]:
            return True
    return False


def _few(names: Sequence[str], limit: int = 3) -> str:
    shown = ", ".join(one_line(n, 60) for n in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit:,} more"


#: Of one template: the items of baseline and candidate, of the variant and of the original.
_Sides = Mapping[str, tuple[Items, Items]]


def paired(
    old: Answered | None, new: Answered | None, check: Check, missing: str, notes: list[str]
) -> dict[str, _Sides]:
    """The items of both, by template; ``notes`` gets what is left out. Raises DataError: something lacks."""
    if old is None or new is None:
        raise DataError(f"the baseline holds no series with source {check.source}, shots {check.shots}")
    needed = (check.variant,) if check.metric == "accuracy" else ("original", check.variant)
    pairs: dict[str, dict[str, tuple[Items, Items]]] = {}
    for name in needed:
        for who, series in (("baseline", old), ("candidate", new)):
            if name not in series.variants:
                raise DataError(f"the {who} has no answers to {name} ({old.label})")
        a, b = old.variants[name].templates, new.variants[name].templates
        for who, templates in (("baseline", a), ("candidate", b)):
            outcomes = [i.outcome for items in templates.values() for i in items.values()]
            if all(o == "x" for o in outcomes):
                raise DataError(
                    f"every answer of the {who} to {name} is invalid; an error is not a wrong answer"
                )
        lacking = sorted(t for t in a if not a[t].keys() <= b.get(t, {}).keys())
        if lacking:
            told = f"{len(lacking):,} of {len(a):,} templates of {name} ({_few(lacking)})"
            if missing == "error":
                raise DataError(f"the candidate lacks documents of {told}; was the run stopped or limited?")
            notes.append(
                f"{old.label}: the candidate lacks documents of {told}; these templates are left out."
            )
        extra = sorted(b.keys() - a.keys())
        if extra:
            notes.append(
                f"{old.label}: {len(extra):,} templates of {name} are not in the baseline; left out."
            )
        for t in a.keys() - set(lacking):
            pairs.setdefault(t, {})[name] = (a[t], b[t])
    whole: dict[str, _Sides] = {t: pairs[t] for t in sorted(pairs) if len(pairs[t]) == len(needed)}
    if len(whole) < 2:
        raise DataError(f"only {len(whole)} templates have answers of both; at least 2 are needed")
    if not any(i.outcome == "1" for t in whole.values() for a, _ in t.values() for i in a.values()):
        raise DataError("the baseline answered nothing right: there is nothing to lose")
    return whole


def effects(pairs: Mapping[str, _Sides], check: Check) -> tuple[float, float, list[float]]:
    """(baseline's mean, candidate's mean, loss of each template) of accuracy or drop."""
    before: list[float] = []
    after: list[float] = []
    for sides in pairs.values():
        for side, values in ((0, before), (1, after)):
            accuracy = _mean(sides[check.variant], side)
            values.append(
                accuracy if check.metric == "accuracy" else _mean(sides["original"], side) - accuracy
            )
    sign = 1 if check.metric == "drop" else -1
    losses = [sign * (y - x) for x, y in zip(before, after, strict=True)]
    return fmean(before), fmean(after), losses


def _mean(both: tuple[Items, Items], side: int) -> float:
    """Accuracy on the documents of the baseline (the candidate may have more)."""
    return sum(both[side][key].outcome == "1" for key in both[0]) / len(both[0])


# --- numbers ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Losses:
    """The loss of each template, in [-scale, scale]."""

    values: Sequence[float]
    scale: float

    @property
    def mean(self) -> float:
        return fmean(self.values)


def bounds(losses: Losses, alpha: float) -> tuple[float, float]:
    """One-sided lower and upper bound of the mean loss, each at level 1 - alpha."""
    return lower_bound(losses.values, alpha, losses.scale), upper_bound(losses.values, alpha, losses.scale)


def one_sided_p(losses: Losses, margin: float, *, below: bool) -> float:
    """P-value of the claim that the mean loss lies below (or above) the margin.

    It is ``alpha`` where a bound of :func:`bounds` at that level is the margin.
    """
    claim = p_below if below else p_above
    return claim(losses.values, margin, losses.scale)


def _bounds(result: CheckResult, before: float, after: float, losses: Losses, alpha: float) -> CheckResult:
    low, high = bounds(losses, alpha)
    return replace(
        result,
        status="inconclusive",
        templates=len(losses.values),
        before=before,
        after=after,
        loss=losses.mean,
        low=low,
        high=high,
    )


def _conclude(
    results: list[CheckResult], members: Sequence[int], losses: Mapping[int, Losses], alpha: float
) -> None:
    passes = holm([one_sided_p(losses[i], results[i].margin, below=True) for i in members])
    fails = holm([one_sided_p(losses[i], results[i].margin, below=False) for i in members])
    for i, p_pass, p_fail in zip(members, passes, fails, strict=True):
        status: Status = "pass" if p_pass <= alpha else "fail" if p_fail <= alpha else "inconclusive"
        more = still_needed(losses[i], results[i].margin, alpha / len(members))
        results[i] = replace(
            results[i],
            status=status,
            p_pass=p_pass,
            p_fail=p_fail,
            needed=more if status == "inconclusive" else None,
        )


def still_needed(losses: Losses, margin: float, alpha: float) -> int | None:
    """How many more templates until the bound clears the margin, if loss and spread stay; at least 1.

    The half-width of the interval falls with the root of the number of templates. None above a million.
    """
    low, high = bounds(losses, alpha)
    distance = abs(margin - losses.mean)
    if distance == 0:
        return None
    total = len(losses.values) * ((high - low) / 2 / distance) ** 2
    return None if total > MOST_NEEDED else max(1, math.ceil(total) - len(losses.values))

"""The gate while a model is still answering: templates arrive in random order, e-processes decide.

Each check has two e-processes over the templates of the baseline, one for PASS and one for FAIL
(:mod:`rote.reports.gate.eprocess`); their p-values are valid at any time, and so is Holm's correction of
them. The population is these templates: a decision says what evaluating all of them would show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

from rote.errors import DataError
from rote.reports import fields, samples, settings
from rote.reports.gate.baseline import Answered, Baseline, Items, Variant, items_of, settings_of
from rote.reports.gate.decide import SCALE, CheckResult, Outcome, Status, comparable, effects, overall
from rote.reports.gate.eprocess import EProcess
from rote.reports.gate.policy import Check, Policy, Tier
from rote.reports.inference.multiple import holm
from rote.reports.records import Model, Sample, Series, Where
from rote.reports.settings import Setting


@dataclass(slots=True)
class _Watched:
    """A check on one series of the baseline, and what was seen of it."""

    check: Check
    series: Answered
    templates: frozenset[str]
    above: EProcess
    below: EProcess
    losses: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    valid: bool = False

    @property
    def variants(self) -> tuple[str, ...]:
        return _variants(self.check)


def _variants(check: Check) -> tuple[str, ...]:
    return (check.variant,) if check.metric == "accuracy" else ("original", check.variant)


class LiveGate:
    """Takes batches of answers and says when the policy is decided.

    Raises DataError on construction: a check about something that the baseline does not hold, or of which
    it got nothing right.
    """

    def __init__(self, baseline: Baseline, policy: Policy) -> None:
        self._baseline = baseline
        self._policy = policy
        self._watched = [_watch(c, s) for c in policy.checks for s in _series(baseline, c)]
        self._seen: set[str] = set()

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of the baseline that the checks need, sorted."""
        return tuple(
            sorted({t for w in self._watched for v in w.variants for t in w.series.variants[v].tasks})
        )

    @property
    def templates(self) -> frozenset[str]:
        """The templates that any check is about."""
        return frozenset(t for w in self._watched for t in w.templates)

    def feed(self, results: Mapping[str, Any], records: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Take a batch: a results table as lm-eval logs it, and the samples of each task.

        Every template must come with all its documents at once, and once. Raises DataError: it does not, or
        what was asked differs from the baseline.
        """
        answered = _answered(results, records)
        arrived = {t for s in answered for v in s.variants.values() for t in v.templates}
        if again := sorted(arrived & self._seen):
            raise DataError(f"template {again[0]} came a second time")
        self._seen |= arrived
        for new in answered:
            for old in self._baseline.series:
                if old.key == new.key:
                    comparable(old, new)
        for watched in self._watched:
            mine = [n for n in answered if n.key == watched.series.key]
            for template in sorted(arrived & watched.templates):
                _update(watched, template, mine[0] if mine else None)

    @property
    def decided(self) -> bool:
        """Whether more answers could not change the decision: a blocking check failed, or all passed."""
        blocking = [r for r in self._results() if r.tier != "advisory"]
        return any(r.status == "fail" for r in blocking) or all(r.status == "pass" for r in blocking)

    def outcome(self, candidate: str) -> Outcome:
        """The decision now; meant for when :attr:`decided`, or all answers are in."""
        results = self._results()
        total, seen = len(self.templates), len(self._seen & self.templates)
        share = 100 * seen / total
        told = f"{seen:,} of {total:,} templates were evaluated ({share:.1f} %), in random order"
        told += "; stopped early by the e-process." if seen < total else "."
        return Outcome(
            overall(results), tuple(results), self._baseline.model, candidate, self._policy.alpha, live=told
        )

    def _results(self) -> list[CheckResult]:
        passes, fails = [1.0] * len(self._watched), [1.0] * len(self._watched)
        for family in (("critical", "supporting"), ("advisory",)):
            members = [i for i, w in enumerate(self._watched) if w.check.tier in family]
            above = holm([self._watched[i].above.p_value for i in members])
            below = holm([self._watched[i].below.p_value for i in members])
            for i, p, q in zip(members, above, below, strict=True):
                passes[i], fails[i] = p, q
        return [
            _result(w, p, q, self._policy.alpha, several=len(self._baseline.series) > 1)
            for w, p, q in zip(self._watched, passes, fails, strict=True)
        ]


def _series(baseline: Baseline, check: Check) -> list[Answered]:
    found = [
        s for s in baseline.series if check.source in (None, s.source) and check.shots in (None, s.shots)
    ]
    if not found:
        asked = f"source {check.source}, shots {check.shots}"
        raise DataError(f"{check.name}: the baseline holds no series with {asked}")
    return found


def _watch(check: Check, series: Answered) -> _Watched:
    for name in _variants(check):
        if name not in series.variants:
            raise DataError(f"{check.name}: the baseline has no answers to {name} ({series.label})")
    held = [series.variants[name].templates for name in _variants(check)]
    templates = frozenset(held[0]).intersection(*held[1:])
    if len(templates) < 2:
        raise DataError(f"{check.name}: {len(templates)} templates in the baseline; at least 2 are needed")
    if not any(i.outcome == "1" for own in held for t in templates for i in own[t].values()):
        raise DataError(f"{check.name}: the baseline answered nothing right: there is nothing to lose")
    bound = -check.margin / SCALE[check.metric]
    return _Watched(
        check,
        series,
        templates,
        EProcess(len(templates), bound, "above"),
        EProcess(len(templates), bound, "below"),
    )


def _update(watched: _Watched, template: str, new: Answered | None) -> None:
    sides: dict[str, tuple[Items, Items]] = {}
    for name in watched.variants:
        old = watched.series.variants[name].templates[template]
        variant = None if new is None else new.variants.get(name)
        theirs: Items = {} if variant is None else variant.templates.get(template, {})
        if not old.keys() <= theirs.keys():
            raise DataError(
                f"{watched.check.name}: the candidate lacks documents of {fields.one_line(template, 60)}, "
                f"{name}, that the baseline has; evaluate with its --metadata (seed, number of variants)"
            )
        sides[name] = (old, theirs)
        watched.valid = watched.valid or any(theirs[key].outcome != "x" for key in old)
    before, after, [loss] = effects({template: sides}, watched.check)
    watched.before.append(before)
    watched.after.append(after)
    watched.losses.append(loss)
    for process in (watched.above, watched.below):
        process.update(-loss / SCALE[watched.check.metric])


def _result(w: _Watched, p_pass: float, p_fail: float, alpha: float, *, several: bool) -> CheckResult:
    tier: Tier = w.check.tier
    name = w.check.name if not several or w.check.source else f"{w.check.name} [{w.series.label}]"
    result = CheckResult(name, tier, w.series.label, "error", w.check.margin, len(w.losses))
    n = len(w.losses)
    if n == 0:
        return replace(result, status="inconclusive")
    if not w.valid:
        # Until one answer can be read there is nothing to judge, however many are wrong.
        reason = "every answer of the candidate is invalid; an error is not a wrong answer"
        return replace(result, status="error", reason=reason)
    status: Status = "pass" if p_pass <= alpha else "fail" if p_fail <= alpha else "inconclusive"
    return replace(
        result,
        status=status,
        before=fmean(w.before),
        after=fmean(w.after),
        loss=fmean(w.losses),
        p_pass=p_pass,
        p_fail=p_fail,
    )


def _answered(
    results: Mapping[str, Any], records: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[Answered]:
    """The answers of a batch in the form of a baseline."""
    tables: dict[tuple[str, Setting, str], dict[str, dict[str, list[Sample]]]] = {}
    tasks: dict[str, set[str]] = {}
    for task, lines in records.items():
        of_task = settings.setting_of(results, task)
        for number, record in enumerate(lines, start=1):
            where = Where(f"live samples of {task}", number, 0)
            sample, source, _, _ = samples.parse_sample(record, where)
            setting = settings.with_own_examples(of_task, record["doc"])
            key = (source, setting, samples.filter_of(record, where) or "none")
            own = tables.setdefault(key, {}).setdefault(sample.variant, {})
            own.setdefault(sample.template_id, []).append(sample)
            tasks.setdefault(sample.variant, set()).add(task)
    return [
        Answered(
            source,
            _told(setting),
            setting.shots,
            filter_name,
            {
                v: Variant(
                    tuple(sorted(tasks[v])),
                    settings_of([results], sorted(tasks[v])),
                    {t: items_of(found, t) for t, found in templates.items()},
                )
                for v, templates in variants.items()
            },
        )
        for (source, setting, filter_name), variants in tables.items()
    ]


def _told(setting: Setting) -> str:
    """The setting as the reader's series tell it."""
    nobody = Model("", "", "", ())
    series = Series(
        nobody, setting.shots, "none", "", {}, {}, (), format=setting.format, examples=setting.examples
    )
    return series.setting

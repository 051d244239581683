"""The same documents asked without and with examples in the prompt: zero-shot against few-shot.

Of each template g that was asked both ways, over the documents i (the same question and answer) of both,

    D_g  = mean over i of (few_gi - zero_gi)
    gain = mean of D_g

with the interval of a drop: the template is the unit, and templates that differ in difficulty cancel. Where
a setting was run with several seeds, few_gi and zero_gi are means over runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rote.problem import VARIANTS
from rote.reports import estimates
from rote.reports.estimates import Drop, Pair, Rate
from rote.reports.records import FIXED_EXAMPLES, Sample, Series

Answer = Literal["examples help", "examples harm", "no difference found", "not estimable"]

_SIDES: Final = ("answers with the more examples", "answers with the fewer examples")


@dataclass(frozen=True, slots=True)
class ShotsRow:
    """One variant ("original" included) under both settings, over ``documents`` that both were asked.

    ``gain`` is accuracy with examples minus accuracy without, so positive where they help; where it is None,
    ``reason`` says why. ``changed`` counts documents that are left out because their texts differ.
    """

    variant: str
    fewer: Rate | None
    more: Rate | None
    gain: Drop | None
    documents: int
    changed: int
    reason: str | None
    finding: Answer


@dataclass(frozen=True, slots=True)
class ShotsContrast:
    """One model under two settings that differ in their examples: ``fewer`` (zero-shot, where it was run)
    and ``more``; ``rows`` in the order of variants."""

    model: str
    source: str
    filter: str
    fewer: str
    more: str
    rows: tuple[ShotsRow, ...]


def contrasts(all_series: Sequence[Series], level: float) -> tuple[ShotsContrast, ...]:
    """Each series with examples against that of the same model, source, filter and format with the fewest.

    The fewest are those of the fixed kind, none where a zero-shot run is there. Runs whose prompts or
    decoding differ otherwise are not compared; empty where nothing can be.
    """
    found = []
    for base in all_series:
        if base.shots is None or base.examples != FIXED_EXAMPLES:
            continue
        peers = [s for s in all_series if s.shots is not None and _comparable(base, s)]
        if any(s.shots < base.shots for s in peers if s.shots is not None and s.examples == FIXED_EXAMPLES):
            continue
        for other in peers:
            if other is base or (other.shots == base.shots and other.examples == base.examples):
                continue
            rows = [_row(base, other, v, level) for v in VARIANTS if _shared(base, other, v)]
            if rows:
                found.append(
                    ShotsContrast(
                        base.model.name, base.source, base.filter, base.setting, other.setting, tuple(rows)
                    )
                )
    return tuple(found)


def _comparable(one: Series, other: Series) -> bool:
    """Whether two series differ in nothing but their examples, as far as their settings tell."""
    same = (one.model.key, one.source, one.filter, one.format) == (
        other.model.key, other.source, other.filter, other.format
    )  # fmt: skip
    # Where a setting was run once, nothing tells its prompt apart.
    return same and (one.prompt == other.prompt or "" in (one.prompt, other.prompt))


def _shared(one: Series, other: Series, variant: str) -> list[str]:
    theirs = other.samples.get(variant, {})
    return [template for template in one.samples.get(variant, {}) if template in theirs]


def _row(fewer: Series, more: Series, variant: str, level: float) -> ShotsRow:
    pairs: list[Pair] = []
    changed = documents = 0
    for template in _shared(fewer, more, variant):
        without, examples = _by_id(fewer.samples[variant][template]), _by_id(more.samples[variant][template])
        both = [i for i in examples if i in without]
        same = [i for i in both if without[i][0].document_digest == examples[i][0].document_digest]
        changed += len(both) - len(same)
        documents += len(same)
        if same:
            # Where there were several runs, a document has several answers.
            pairs.append(([s for i in same for s in examples[i]], [s for i in same for s in without[i]]))
    reason = estimates.refusal(pairs, "the same document under both settings", _SIDES)
    gain = estimates.drop(pairs, level) if reason is None else None
    return ShotsRow(
        variant=variant,
        fewer=estimates.rate([b for _, b in pairs], estimates.is_correct, level),
        more=estimates.rate([a for a, _ in pairs], estimates.is_correct, level),
        gain=gain,
        documents=documents,
        changed=changed,
        reason=reason,
        finding=_finding(gain),
    )


def _by_id(samples: Sequence[Sample]) -> Mapping[str, list[Sample]]:
    found: dict[str, list[Sample]] = defaultdict(list)
    for s in samples:
        found[s.id].append(s)
    return found


def _finding(gain: Drop | None) -> Answer:
    if gain is None:
        return "not estimable"
    if gain.interval.low > 0:
        return "examples help"
    return "examples harm" if gain.interval.high < 0 else "no difference found"

"""What was planted in each organism and what rote should find: ``catalogue.yaml``, read and judged."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from plan import SEEDS
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rote.errors import DataError
from rote.reports.estimates import Rate
from rote.reports.results import SeriesReport, VariantResult
from rote.reports.verdicts import Conclusion, percent

PATH: Final = Path(__file__).with_name("catalogue.yaml")

Source = Literal["known", "unseen", "small", "bank"]
Variant = Literal[
    "names", "numbers", "symbolic", "noop", "noop2", "noop_control", "symbolic_noop", "p1", "p2"
]
Share = Annotated[float, Field(ge=0, le=1)]

#: Sources in the order in which they are shown.
SOURCES: Final[tuple[Source, ...]] = ("known", "small", "unseen", "bank")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expected(_Strict):
    """What rote should find on one source; the fields are those that the head of ``catalogue.yaml`` tells."""

    says: tuple[Conclusion, ...] = ()
    says_not: tuple[Conclusion, ...] = ()
    drop: tuple[Variant, ...] = ()
    no_drop: tuple[Variant, ...] = ()
    trapped_below: Share | None = None
    trapped_at_least: Share | None = None
    less_trapped_than: str | None = None


class Organism(_Strict):
    """One organism: what was planted, what that should lead to, and its place in the dose series."""

    planted: str
    finds: str
    seeds: tuple[int, ...] = SEEDS
    share: Share | None = None
    epochs: Annotated[float, Field(ge=0)] | None = None
    sources: dict[Source, Expected]


Catalogue = Mapping[str, Organism]

#: trapped(organism) of the same seed and source; None where there is none.
Trapped = Callable[[str], Rate | None]


def read_catalogue(path: Path = PATH) -> Catalogue:
    """Organisms by name, in the order of the file. Raises DataError: what is wrong, and where."""
    try:
        return TypeAdapter(dict[str, Organism]).validate_python(
            yaml.safe_load(path.read_text(encoding="utf-8"))
        )
    except (yaml.YAMLError, ValidationError) as error:
        raise DataError(f"is no catalogue of organisms: {error}", path=path) from error


@dataclass(frozen=True, slots=True)
class Judgement:
    """What of the expectations on one series was not met, and what could not be asked for lack of logs."""

    unmet: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    asked: int = 0

    @property
    def word(self) -> str:
        """ "yes", "no: …", or an en dash where nothing was, or could be, asked."""
        if self.unmet:
            return f"no: {'; '.join(self.unmet)}"
        return "yes" if self.asked else "\N{EN DASH}"


def row_of(series: SeriesReport, variant: str) -> VariantResult | None:
    """The row of a variant; None where it was not evaluated."""
    return next((v for v in series.variants if v.variant == variant), None)


def trapped_of(series: SeriesReport) -> Rate | None:
    """Share of traps among the answers to *noop* whose original was answered right."""
    row = row_of(series, "noop")
    return None if row is None else row.trapped


def found(series: SeriesReport, variant: str) -> bool | None:
    """Whether a drop on the variant is found; None where it was not evaluated or is not estimable."""
    row = row_of(series, variant)
    return None if row is None or row.drop is None else row.finding.kind == "drop"


def judge(expected: Expected, series: SeriesReport, trapped: Trapped) -> Judgement:
    """Compare what was found with what should be."""
    said = series.verdict.conclusions
    unmet = [f"not said: {word}" for word in expected.says if word not in said]
    unmet += [f"said: {word}" for word in expected.says_not if word in said]
    unasked: list[str] = []
    asked = len(expected.says) + len(expected.says_not)
    for wanted, variants in ((True, expected.drop), (False, expected.no_drop)):
        for variant in variants:
            is_found = found(series, variant)
            if is_found is None:
                unasked.append(variant)
            elif is_found != wanted:
                unmet.append(f"{'no drop' if wanted else 'a drop'} on {variant}")
            asked += is_found is not None
    bounds: tuple[tuple[float | None, str, Callable[[float, float], bool]], ...] = (
        (expected.trapped_below, "below", operator.lt),
        (expected.trapped_at_least, "at least", operator.ge),
    )
    own = trapped_of(series)
    for bound, words, holds in bounds:
        if bound is None:
            continue
        if own is None:
            unasked.append("noop")
            continue
        asked += 1
        if not holds(own.estimate, bound):
            unmet.append(f"trapped {percent(own.estimate)}, not {words} {percent(bound)}")
    if expected.less_trapped_than is not None:
        other = trapped(expected.less_trapped_than)
        if own is None or other is None:
            unasked.append(f"traps beside those of {expected.less_trapped_than}")
        else:
            asked += 1
            if own.estimate >= other.estimate:
                unmet.append(
                    f"trapped {percent(own.estimate)}, {expected.less_trapped_than} {percent(other.estimate)}"
                )
    return Judgement(tuple(unmet), tuple(unasked), asked)

"""From a folder of logs to what rote finds: one report over all organisms, as ``rote report`` makes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from findings_catalogue import SOURCES, Catalogue, Expected, Judgement, Source, judge, trapped_of

from rote.errors import RoteError
from rote.reports import build_report, read_logs
from rote.reports.estimates import Rate
from rote.reports.inference.multiple import holm
from rote.reports.records import Runs, Series
from rote.reports.results import SeriesReport
from rote.reports.verdicts import Conclusion, conclude

_FOLDER: Final = re.compile(r"(?P<organism>[a-z0-9_]+)-s(?P<seed>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Planted:
    """``planted.json``: the bank's originals trained on (ids without source), and how many times."""

    originals: frozenset[str]
    epochs: float | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One organism of one seed on one source.

    ``alone`` are the conclusions of a report on this model alone: its Holm adjustment is over fewer series.
    """

    organism: str
    seed: int
    source: Source
    series: Series
    report: SeriesReport
    alone: tuple[Conclusion, ...]
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Collected:
    """Everything read: cells in the order of the catalogue, seeds and sources; what is missing or broken."""

    cells: tuple[Cell, ...]
    planted: Mapping[tuple[str, int], Planted]
    folders: tuple[Path, ...]
    missing: tuple[str, ...]
    broken: tuple[str, ...]

    def of(self, organism: str, source: str) -> tuple[Cell, ...]:
        """The cells of an organism on a source, by seed."""
        return tuple(c for c in self.cells if c.organism == organism and c.source == source)


def collect(work: Path, catalogue: Catalogue) -> Collected:
    """Read WORK/logs and WORK/models; a folder that cannot be read is named in ``broken`` and left out."""
    broken: list[str] = []
    runs: dict[tuple[str, int], Runs] = {}
    folders: list[Path] = []
    for folder in sorted(p for p in (work / "logs").glob("*") if p.is_dir()):
        match = _FOLDER.fullmatch(folder.name)
        if match is None or match["organism"] not in catalogue:
            broken.append(f"{folder.name}: no <organism>-s<seed> of the catalogue; left out")
            continue
        try:
            read = read_logs(folder)
        except RoteError as error:
            broken.append(f"{folder.name}: {_below(str(error), work)}")
            continue
        runs[match["organism"], int(match["seed"])] = read
        folders.append(folder)
    planted = _read_planted(work, runs, broken)
    cells = _cells(runs, catalogue, broken)
    return Collected(cells, planted, tuple(folders), _missing(cells, catalogue), tuple(broken))


def _below(text: str, work: Path) -> str:
    """A message without the folder's own path, which differs from machine to machine."""
    return text.replace(f"{work}/", "")


def _cells(runs: Mapping[tuple[str, int], Runs], catalogue: Catalogue, broken: list[str]) -> tuple[Cell, ...]:
    joined = Runs(
        series=tuple(chain.from_iterable(r.series for r in runs.values())),
        files=tuple(chain.from_iterable(r.files for r in runs.values())),
        harness_versions=tuple(sorted(set(chain.from_iterable(r.harness_versions for r in runs.values())))),
        warnings=(),
    )
    keys = [key for key, r in runs.items() for _ in r.series]
    reports = build_report(joined, unpaired=True).series if joined.series else ()
    chosen: dict[tuple[str, int, Source], tuple[Series, SeriesReport]] = {}
    for (organism, seed), series, report in zip(keys, joined.series, reports, strict=True):
        if series.source not in SOURCES:
            broken.append(
                f"{organism}-s{seed}: source {series.source} is none of {', '.join(SOURCES)}; left out"
            )
            continue
        place = (organism, seed, series.source)
        if place in chosen:
            broken.append(
                f"{organism}-s{seed}: {series.source} was evaluated under several settings; "
                f"{chosen[place][1].setting} is shown, {report.setting} left out"
            )
        chosen.setdefault(place, (series, report))
    alone = _alone({place: report for place, (_, report) in chosen.items()})

    def cell(organism: str, seed: int, source: Source) -> Cell:
        series, report = chosen[organism, seed, source]
        expected = catalogue[organism].sources.get(source, Expected())

        def trapped(other: str) -> Rate | None:
            there = chosen.get((other, seed, source))
            return None if there is None else trapped_of(there[1])

        return Cell(
            organism,
            seed,
            source,
            series,
            report,
            alone[organism, seed, source],
            judge(expected, report, trapped),
        )

    names, order = list(catalogue), list(SOURCES)
    return tuple(cell(*p) for p in sorted(chosen, key=lambda p: (names.index(p[0]), p[1], order.index(p[2]))))


def _alone(
    reports: Mapping[tuple[str, int, Source], SeriesReport],
) -> dict[tuple[str, int, Source], tuple[Conclusion, ...]]:
    """The conclusions of each series, Holm-adjusted over those of its own model only."""
    found = {}
    for model in dict.fromkeys(place[:2] for place in reports):
        mine = {place: report for place, report in reports.items() if place[:2] == model}
        p_values = {
            place: row.exchangeability.p_mid
            for place, report in mine.items()
            for row in report.variants
            if row.variant == "numbers" and row.exchangeability is not None
        }
        adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
        for place, report in mine.items():
            rows = [
                row
                if row.checks is None
                else replace(row, checks=replace(row.checks, p_holm=adjusted[place]))
                for row in report.variants
            ]
            found[place] = conclude(rows, report.contrast).conclusions
    return found


def _read_planted(
    work: Path, models: Iterable[tuple[str, int]], broken: list[str]
) -> dict[tuple[str, int], Planted]:
    planted = {}
    for organism, seed in models:
        path = work / "models" / f"{organism}-s{seed}" / "planted.json"
        if not path.is_file():
            continue
        try:
            planted[organism, seed] = _planted(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            broken.append(f"{organism}-s{seed}: planted.json is not as it should be ({error}); left out")
    return planted


def _planted(raw: Any) -> Planted:
    originals, epochs = raw["originals"], raw.get("epochs")
    if not isinstance(originals, list) or not all(isinstance(name, str) for name in originals):
        raise ValueError("originals must be a list of ids")
    # The logs say bank/<id>.
    return Planted(frozenset(name.rpartition("/")[2] for name in originals), epochs and float(epochs))


def _missing(cells: Sequence[Cell], catalogue: Catalogue) -> tuple[str, ...]:
    """One line an organism: the seeds that are not there at all, and the sources that single seeds lack."""
    there = {(c.organism, c.seed, c.source) for c in cells}
    lines = []
    for name, organism in catalogue.items():
        absent = [s for s in organism.seeds if not any((name, s, source) in there for source in SOURCES)]
        parts = []
        if absent:
            all_of_them = len(absent) == len(organism.seeds)
            parts.append("all seeds" if all_of_them else f"seed {', '.join(map(str, absent))}")
        for source in organism.sources:
            lack = [s for s in organism.seeds if s not in absent and (name, s, source) not in there]
            if lack:
                parts.append(f"{source} of seed {', '.join(map(str, lack))}")
        if parts:
            lines.append(f"{name}: {'; '.join(parts)}")
    return tuple(lines)

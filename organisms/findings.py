#!/usr/bin/env python3
"""Planted against found: what rote says of the organisms, from the logs of their evaluation.

    python organisms/findings.py WORK [--out DIR] [--docs] [--no-pages]

Reads WORK/logs/<organism>-s<seed>/ (logs of lm-eval) and WORK/models/<organism>-s<seed>/planted.json, and
writes findings.json, findings.md and three pictures to --out (WORK/findings). Runs `rote report` and
`rote leaderboard build` over all logs, too, and keeps their pages in WORK/reports (not with --no-pages).
--docs writes tables and pictures into the repository's docs. What is missing is named and left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import findings_tables as tables
from findings_catalogue import Catalogue, read_catalogue
from findings_logs import Collected, collect
from findings_numbers import Dose, HitRate, Ranking, dose_series, hit_rates, rankings
from findings_pictures import draw_dose, draw_forest, draw_trapped
from findings_targets import Target, targets

from rote.errors import DataError, RoteError

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "organisms.md"
FOREST, DOSE, TRAPPED = "organisms-forest.png", "organisms-dose.png", "organisms-trapped.png"
_ALTERNATIVES: Final = {
    FOREST: "Drops on numbers of every organism, on the bank and on the known templates",
    DOSE: "Drop on numbers and accuracy on originals, by the share trained on and by how often each was seen",
    TRAPPED: "Share of answers that are traps",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Findings:
    """All that is computed."""

    collected: Collected
    catalogue: Catalogue
    hits: tuple[HitRate, ...]
    rankings: tuple[Ranking, ...]
    doses: dict[str, tuple[Dose, ...]]
    targets: tuple[Target, ...]


def find(work: Path, catalogue: Catalogue) -> Findings:
    """Read and compute everything. Raises DataError where there is not one log."""
    collected = collect(work, catalogue)
    if not collected.cells:
        why = f" ({'; '.join(collected.broken)})" if collected.broken else ""
        raise DataError(f"holds no logs that can be read{why}", path=work / "logs")
    ranked = rankings(collected, catalogue)
    return Findings(
        collected,
        catalogue,
        hit_rates(collected.cells, catalogue),
        ranked,
        dose_series(collected, catalogue),
        targets(collected, ranked, catalogue),
    )


def as_json(findings: Findings) -> str:
    """Every number; of each series all that a report holds but its examples."""
    cells = []
    for c in findings.collected.cells:
        series = dataclasses.asdict(dataclasses.replace(c.report, examples=()))
        del series["examples"], series["arguments"]
        planted = findings.collected.planted.get((c.organism, c.seed))
        cells.append(
            {
                "organism": c.organism,
                "seed": c.seed,
                "source": c.source,
                "as_expected": None if not c.judgement.asked else not c.judgement.unmet,
                "judgement": dataclasses.asdict(c.judgement),
                "conclusions_alone": c.alone,
                "epochs": None if planted is None else planted.epochs,
                "originals_planted": None if planted is None else len(planted.originals),
                "report": series,
            }
        )
    body: dict[str, Any] = {
        "schema": "rote.organisms/1",
        "missing": findings.collected.missing,
        "broken": findings.collected.broken,
        "series": cells,
        "hit_rates": [dataclasses.asdict(r) for r in findings.hits],
        "rankings": [dataclasses.asdict(r) for r in findings.rankings],
        "doses": {name: [dataclasses.asdict(d) for d in ds] for name, ds in findings.doses.items()},
        "targets": [dataclasses.asdict(t) for t in findings.targets],
    }
    return json.dumps(body, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def sections(findings: Findings, pictures: Sequence[Path], folder: str = "") -> dict[str, list[str]]:
    """The generated parts by name, as they stand between the markers of the page.

    ``pictures`` are those drawn; the page links to them below ``folder``.
    """
    f = findings
    drawn = {path.name for path in pictures}

    def picture(name: str) -> list[str]:
        return ["", f"![{_ALTERNATIVES[name]}]({folder}{name})"] if name in drawn else []

    return {
        "planted": tables.planted_table(f.catalogue),
        "targets": tables.target_table(f.targets),
        "found": [*tables.found_tables(f.collected), *picture(FOREST), *picture(TRAPPED)],
        "hits": tables.hit_table(f.hits),
        "ranking": tables.ranking_table(f.rankings),
        "dose": [
            *tables.dose_table(f.doses["share"], share=True),
            "",
            *tables.dose_table(f.doses["epochs"], share=False),
            *picture(DOSE),
        ],
        "failures": tables.failure_list(f.collected),
        "missing": tables.missing_list(f.collected),
    }


def fill(page: str, parts: dict[str, list[str]], path: Path) -> str:
    """Put each part between ``<!-- findings: NAME -->`` and ``<!-- /findings -->``.

    Raises DataError where ``page`` (of the file ``path``) has no such place.
    """
    for name, lines in parts.items():
        start, end = f"<!-- findings: {name} -->\n", "<!-- /findings -->"
        before, found_start, rest = page.partition(start)
        _, found_end, after = rest.partition(end)
        if not found_start or not found_end:
            raise DataError(f"has no place `{start.strip()}` … `{end}`", path=path)
        body = "\n".join(lines)
        page = f"{before}{start}\n{body}\n\n{end}{after}"
    return page


def draw(findings: Findings, folder: Path) -> list[Path]:
    """Draw the pictures for which there are numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    forest, dose, trapped = (folder / name for name in (FOREST, DOSE, TRAPPED))
    drawn = (
        draw_forest(findings.collected, findings.catalogue, forest),
        draw_dose(findings.doses["share"], findings.doses["epochs"], dose),
        draw_trapped(findings.collected, trapped),
    )
    return [path for path in drawn if path is not None]


_TITLES: Final = {
    "planted": "What was planted",
    "targets": "Asked and measured",
    "found": "Planted against found",
    "hits": "Sensitivity and specificity",
    "ranking": "Which originals were memorised",
    "dose": "Dose and response",
    "failures": "Where it is not as expected",
    "missing": "What is missing",
}


def as_markdown(findings: Findings, pictures: Sequence[Path]) -> str:
    """The tables as a page of their own."""
    lines = ["# Findings on the organisms"]
    for name, part in sections(findings, pictures).items():
        lines += ["", f"## {_TITLES[name]}", "", *part]
    return "\n".join(lines) + "\n"


def write_pages(folders: Sequence[Path], out: Path) -> list[str]:
    """Run the commands that a user would run, over all logs at once; what failed, in words."""
    out.mkdir(parents=True, exist_ok=True)
    logs = [str(folder) for folder in folders]
    commands = (
        ["report", *logs, "--unpaired", "--force", "--out", str(out / "report.html")],
        ["leaderboard", "build", *logs, "--out", str(out / "leaderboard")],
    )
    failed = []
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "rote", *command], capture_output=True, text=True, check=False
        )
        (out / f"{command[0]}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
        if done.returncode:
            failed.append(f"rote {command[0]} exited with {done.returncode}: {done.stderr.strip()[-500:]}")
    return failed


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path, metavar="WORK", help="folder with logs and models")
    parser.add_argument("--out", type=Path, help="folder to write to (default: WORK/findings)")
    parser.add_argument("--docs", action="store_true", help="write tables and pictures into docs, too")
    parser.add_argument(
        "--no-pages", action="store_true", help="run neither rote report nor rote leaderboard"
    )
    args = parser.parse_args(argv)
    out: Path = args.out or args.work / "findings"
    try:
        findings = find(args.work, read_catalogue())
        pictures = draw(findings, out)
        (out / "findings.json").write_text(as_json(findings), encoding="utf-8")
        (out / "findings.md").write_text(as_markdown(findings, pictures), encoding="utf-8")
        if args.docs:
            shown = draw(findings, PAGE.parent / "images")
            page = fill(PAGE.read_text(encoding="utf-8"), sections(findings, shown, "images/"), PAGE)
            PAGE.write_text(page, encoding="utf-8")
    except RoteError as error:
        print(f"findings: error: {error}", file=sys.stderr)
        return 2
    print("\n".join(tables.target_table(findings.targets)))
    for line in (*findings.collected.missing, *findings.collected.broken):
        print(f"missing: {line}")
    print(out / "findings.md")
    failed = [] if args.no_pages else write_pages(findings.collected.folders, args.work / "reports")
    for line in failed:
        print(f"findings: error: {line}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

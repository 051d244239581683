"""Time `rote leaderboard build` on synthetic logs.

    python benchmarks/leaderboard.py [MODELS] [TEMPLATES]

Writes logs of 200 models (7 variants, 100 templates, unless told otherwise) into a temporary folder, then
reads them, estimates, ranks and writes the site, and prints seconds, peak memory and sizes.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from rote.reports import read_logs
from rote.reports.leaderboard import build_board, write_site

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "reports"))
from log_factory import Run, behaviour

VARIANTS = ("names", "numbers", "symbolic", "noop", "symbolic_noop", "p1", "p2")


def size(folder: Path) -> float:
    """Megabytes below a folder."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6


def main() -> None:
    models, templates = (int(a) for a in (*sys.argv[1:], *("200", "100")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as name:
        logs, site = Path(name) / "logs", Path(name) / "site"
        for i in range(models):
            skill = 0.3 + 0.65 * i / models
            rates = {"original": skill, "noop": skill - 0.1, "numbers": skill - 0.03}
            run = Run(logs / f"m{i}", model_args=f"pretrained=org/model-{i}")
            for variant in ("original", *VARIANTS):
                run.add(variant, templates, behaviour(rates, trapped=0.5, salt=str(i)))
            run.write()
        print(
            f"{models} models, {len(VARIANTS)} variants, {templates} templates: {size(logs):.0f} MB of logs"
        )
        start = time.perf_counter()
        runs = read_logs(logs)
        read = time.perf_counter()
        board = build_board(runs)
        built = time.perf_counter()
        write_site(board, site)
        end = time.perf_counter()
        print(f"read {read - start:.1f} s, estimate and rank {built - read:.1f} s, write {end - built:.1f} s")
        print(f"in all {end - start:.1f} s (goal: 60 s for 200 models)")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        index = (site / "index.html").stat().st_size / 1e6
        print(f"peak memory {peak:.0f} MiB; site {size(site):.0f} MB, of that index.html {index:.1f} MB")


if __name__ == "__main__":
    main()

"""How much of an evaluation ``rote gate --live`` saves, and how often it errs, over real runs of the harness.

    python benchmarks/live_gate.py [--runs 200] [--changes -10 -5 0 2] [--templates 1300] [--margin 2]

Each run is the command itself, in this process: lm-eval evaluates a planted model batch by batch, the gate
reads its samples and stops it. The baseline is a noisy solver of 95 % on made-up templates. A candidate has
another seed, so that it errs elsewhere, and an accuracy set between the chances of its own documents, so that
on these templates it is worse or better by exactly the change asked for. Every run has a candidate and an
order of its own.

A decision is wrong when it passes a candidate that is worse by the margin or more, or fails one that is worse
by the margin or less. ``benchmarks/gate_live.py`` asks the same of many more simulated populations.

Two things that a run does besides are left out, for time: lm-eval's description of the machine (it starts
``pip list``), and the index of rote's tasks, which is made once here and not for every run.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from rote.cli import main as rote
from rote.harness_ext.models.behaviours import chance
from rote.reports.statistics import wilson_interval

ACCURACY = 0.95
TASK, VARIANT = "bank_original", "original"
COLUMNS = (
    "change", "discordant", "used, median", "mean", "10–90 %", "passed", "failed", "undecided", "wrong",
    "CPU a run",
)  # fmt: skip
TEMPLATE = """\
id: shelf_{number:04d}
topic: storage
names:
  who: {{person: male, original: Emeka}}
numbers:
  boxes: {{low: 10, high: 99, original: {boxes}}}
  each: {{low: 3, high: 9, original: {each}}}
  loose: {{low: 10, high: 30, original: 12}}
question:
  - "{{{{ who }}}} fills {{{{ boxes }}}} boxes on shelf {number} with {{{{ each }}}} pens each."
  - "{{{{ who }}}} has {{{{ loose }}}} more pens in a drawer."
ask: "How many pens does {{{{ who }}}} have?"
steps:
  - {{name: boxed, calc: boxes * each, text: "The boxes hold {{{{ eq }}}} pens."}}
  - {{name: all, calc: boxed + loose, text: "With those in the drawer there are {{{{ eq }}}} pens."}}
answer: all
expect: {answer}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the gate's status, the shares of templates used and of answers that differ, CPU seconds."""

    status: str
    used: float
    discordance: float
    seconds: float


def write_templates(folder: Path, count: int) -> None:
    """``count`` templates of one kind."""
    folder.mkdir()
    for number in range(1, count + 1):
        boxes, each = 10 + number % 90, 3 + number % 7
        text = TEMPLATE.format(number=number, boxes=boxes, each=each, answer=boxes * each + 12)
        (folder / f"shelf_{number:04d}.yaml").write_text(text, encoding="utf-8")


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """Leave out what the docstring says is left out, while this lasts."""
    from rote.harness_ext import live

    managers = functools.cache(lambda metadata: live_manager(json.loads(metadata)))
    live_manager = live._manager
    with (
        mock.patch("lm_eval.evaluator.add_env_info", return_value=None),
        mock.patch.object(live, "_manager", lambda metadata: managers(json.dumps(metadata))),
    ):
        yield


def command(*words: str) -> int:
    """``rote`` with these words, silent. Its exit status; RuntimeError with what it said where it failed."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = rote(list(words))
    if status > 2:
        raise RuntimeError(said.getvalue())
    return status


def answers(documents: list[str], seed: int, accuracy: float) -> list[bool]:
    """What the noisy solver gets right (see rote.harness_ext.models.behaviours)."""
    return [chance(seed, "noisy", document) < accuracy for document in documents]


def accuracy_for(documents: list[str], seed: int, right: int) -> float:
    """An accuracy at which the noisy solver of this seed gets exactly ``right`` of the documents right."""
    chances = [0.0, *sorted(chance(seed, "noisy", document) for document in documents), 1.0]
    return (chances[right] + chances[right + 1]) / 2


def play(place: Path, documents: list[str], change: int, seed: int, batch: int) -> Run:
    """The live gate on a candidate that gets ``change`` documents more right than the baseline."""
    before = answers(documents, 0, ACCURACY)
    accuracy = accuracy_for(documents, seed, sum(before) + change)
    after = answers(documents, seed, accuracy)
    assert sum(after) - sum(before) == change
    out = place / "outcome.json"
    start = time.process_time()
    command(
        *("gate", "--live", "--baseline", str(place / "baseline.json")),
        *("--policy", str(place / "policy.yaml"), "--json", str(out)),
        *("--model", "rote-planted", "--model_args"),
        f"behaviour=noisy,accuracy={accuracy!r},seed={seed}",
        *("--metadata", metadata(place), "--batch", str(batch), "--order", str(seed)),
    )
    seconds = time.process_time() - start
    outcome = json.loads(out.read_text(encoding="utf-8"))
    (check,) = outcome["checks"]
    differ = sum(a != b for a, b in zip(before, after, strict=True))
    return Run(outcome["status"], check["templates"] / len(documents), differ / len(documents), seconds)


def metadata(place: Path) -> str:
    return json.dumps({"rote": {"templates": str(place / "made")}})


def told(count: int, runs: int) -> str:
    ends = wilson_interval(count, runs)
    return f"{count} of {runs}: {100 * count / runs:.1f} % [{100 * ends.low:.1f}, {100 * ends.high:.1f}]"


def row(change: float, margin: float, runs: list[Run]) -> str:
    """A line of the table."""
    used = [100 * run.used for run in runs]
    ends = statistics.quantiles(used, n=10, method="inclusive") if len(used) > 1 else [used[0], used[0]]
    counts: Mapping[str, int] = {
        name: sum(run.status == name for run in runs) for name in ("pass", "fail", "inconclusive")
    }
    assert sum(counts.values()) == len(runs)
    wrong = (counts["pass"] if -change >= margin else 0) + (counts["fail"] if -change <= margin else 0)
    cells = (
        f"{change:+g}".replace("-", "−") if change else "0",
        f"{100 * statistics.mean(run.discordance for run in runs):.1f} %",
        f"{statistics.median(used):.1f} %",
        f"{statistics.mean(used):.1f} %",
        f"{ends[0]:.0f}–{ends[-1]:.0f} %",
        *(str(count) for count in counts.values()),
        told(wrong, len(runs)),
        f"{statistics.mean(run.seconds for run in runs):.2f} s",
    )
    return f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200, metavar="N", help="of each change")
    parser.add_argument("--changes", type=float, nargs="+", default=[-10, -5, 0, 2], metavar="POINTS")
    parser.add_argument("--templates", type=int, default=1300, metavar="N")
    parser.add_argument("--margin", type=float, default=2.0, metavar="POINTS")
    parser.add_argument("--batch", type=int, default=20, metavar="N")
    args = parser.parse_args()
    if args.runs < 1 or args.templates < 10 or args.batch < 1:
        parser.error("--runs and --batch must be at least 1, --templates at least 10")
    wholes = [round(change / 100 * args.templates, 9) for change in args.changes]
    if any(whole != int(whole) for whole in wholes):
        parser.error(f"--changes must be whole numbers of {args.templates} templates")
    started, clock = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as name, quick():
        place = Path(name)
        write_templates(place / "made", args.templates)
        check = {"variant": VARIANT, "metric": "accuracy", "margin": args.margin, "tier": "critical"}
        (place / "policy.yaml").write_text(json.dumps({"checks": [check]}), encoding="utf-8")
        words = ["--model", "rote-planted", "--model_args", f"behaviour=noisy,accuracy={ACCURACY}"]
        words += ["--tasks", TASK, "--metadata", metadata(place), "--output_path", str(place / "logs")]
        command("eval", *words, "--log_samples")
        command(
            *("gate", "--baseline", str(place / "baseline.json"), "--candidate", str(place / "logs")),
            "--update-baseline",
        )
        documents = [
            json.loads(line)["doc"]["id"]
            for path in (place / "logs").rglob("samples_*.jsonl")
            for line in path.read_text(encoding="utf-8").splitlines()
        ]
        assert len(documents) == args.templates
        took = time.process_time() - started
        print(
            f"{args.templates:,} templates, margin {args.margin:g} points, batches of {args.batch}, "
            f"{args.runs} runs of each change; baseline made in {took:.0f} CPU s\n"
        )
        print(f"| {' | '.join(COLUMNS)} |\n|{'---:|' * len(COLUMNS)}", flush=True)
        seed = 0
        for change, whole in zip(args.changes, wholes, strict=True):
            runs = []
            for _ in range(args.runs):
                seed += 1
                runs.append(play(place, documents, int(whole), seed, args.batch))
            print(row(change, args.margin, runs), flush=True)
    print(f"\n{time.process_time() - started:.0f} CPU s, {time.perf_counter() - clock:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""GRPO from weights that cannot answer, against GRPO after a short SFT: why a reward of 0 teaches nothing.

    python benchmarks/cold_start.py [--out cold-start] [--steps 40] [--picture docs/images/cold-start.png]
    python benchmarks/cold_start.py --runs "GRPO alone=cold" "after an SFT=warm" --picture cold-start.png
    python benchmarks/cold_start.py --runs "right answers=run" "a coin=control" --probed noop

A Qwen2 of 1.5 million random weights and forty small sums as stories, on a CPU, some minutes. The same GRPO
(same rows, seed and settings) begins from the random weights, and from what ``--sft`` steps of SFT left.
Prints accuracy of the sampled answers in the first and the last four steps of each, and what alarms rang.
With ``--runs``, nothing is trained: the same is told and drawn of runs that are there (their folders, with
up to five names for the picture; runs of one name, such as seeds, have one colour), and of the variants
``--probed`` of their probes, where they have one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

NAMES = ("Ada", "Bo", "Cy", "Dan", "Eve")
MODEL = {
    "path": "sums",
    "dtype": "float32",
    "max_length": 200,
    "build": {"hidden": 256, "layers": 2, "heads": 4, "feed_forward": 512, "vocabulary": 500},
}


def rows(path: Path) -> None:
    """Forty stories of two numbers that are added."""
    lines = []
    for i in range(40):
        a, b = 2 + i % 8, 1 + (i * 3) % 9
        name = NAMES[i % len(NAMES)]
        question = f"{name} has {a} pens and buys {b} more. How many pens has {name} now?"
        lines.append(json.dumps({"question": question, "solution": f"{a} + {b} = {a + b}\n#### {a + b}"}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def recipe(data: Path, *, sft: int, steps: int) -> dict[str, Any]:
    """SFT of so many steps, where there are any, then GRPO."""
    shared = {
        "data": {"sources": [{"source": "jsonl", "path": str(data)}], "decontaminate": None},
        "schedule": "constant",
        "log_every": 1,
        "checkpoints": {"every_steps": 0, "every_minutes": 0},
    }
    stages: dict[str, Any] = {}
    if sft:
        stages["sft"] = {
            "algorithm": "sft",
            "learning_rate": 1e-3,
            "max_steps": sft,
            "batch_size": 8,
            **shared,
        }
    stages["grpo"] = {
        "algorithm": "grpo",
        "learning_rate": 2e-4,
        "max_steps": steps,
        "batch_size": 128,
        "generations": 16,
        "max_completion": 20,
        "rewards": {"correctness": 1.0, "format": 0.2},
        **shared,
    }
    return {"name": "sums", "about": "Small sums as stories.", "model": MODEL, "stages": stages}


def train(name: str, raw: dict[str, Any], out: Path) -> Path:
    """Run ``rote train grpo`` and give the folder of its GRPO."""
    path = out / f"{name}.yaml"
    path.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    line = [sys.executable, "-m", "rote", "train", "grpo", str(path), "--out", str(out / name)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    (out / f"{name}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        sys.exit(f"{' '.join(line)}\n{done.stderr}")
    return out / name / "grpo"


def named_run(text: str) -> tuple[str, Path]:
    """``NAME=FOLDER`` as the name and the folder of the run's GRPO."""
    name, equals, folder = text.partition("=")
    stage = Path(folder) / "grpo"
    if not equals or not (stage / "log.jsonl").is_file():
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=FOLDER of a run with a log of GRPO")
    return name, stage


def series(log: list[dict[str, Any]], key: str) -> list[tuple[int, float]]:
    """(step, value) of what a log has under a name."""
    return [(record["step"], record[key]) for record in log if record.get(key) is not None]


def tell(name: str, folder: Path, log: list[dict[str, Any]], variants: Sequence[str]) -> None:
    """What became of a run; one that was stopped has no record of its alarms."""
    right = [value for _, value in series(log, RIGHT)]
    told = f"{fmean(right[:4]):.1%} → {fmean(right[-4:]):.1%}" if right else "no step was logged"
    print(f"{name}: right {told}")
    for variant in variants:
        if probed := series(log, f"probe/{variant}"):
            print(f"    probe, {variant}: {probed[0][1]:.1%} → {probed[-1][1]:.1%}")
    if not (folder / "stage.json").is_file():
        print("    it was stopped")
        return
    alarms = json.loads((folder / "stage.json").read_text(encoding="utf-8"))["alarms"]
    for alarm in alarms or ["no alarm"]:
        print(f"    {alarm}")


#: In the log: the share of sampled answers that are right.
RIGHT = "rewards/correctness/mean"
#: Of runs: https://jfly.uni-koeln.de/color, which those who are colour-blind can tell apart.
STYLES = (("#D55E00", "--"), ("#0072B2", "-"), ("#009E73", "-."), ("#CC79A7", ":"), ("#56B4E9", (0, (5, 1))))
MARKERS = "os^"
PANELS = (
    (RIGHT, "sampled answers that are right", "share"),
    ("reward", "reward", "mean of the step"),
    ("frac_reward_zero_std", "groups of answers that all earn the same", "share"),
)


def draw(runs: Sequence[tuple[str, list[dict[str, Any]]]], variants: Sequence[str], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    probed = any(series(log, f"probe/{variant}") for _, log in runs for variant in variants)
    names = list(dict.fromkeys(name for name, _ in runs))
    # Toy runs have no probe, and their reward shows no more than the answers do.
    panels = PANELS if probed else (PANELS[0], PANELS[2])
    figure = Figure(figsize=(9, 6.2 if probed else 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(2 if probed else 1, 2).flat)
    drawn = set()
    for name, log in runs:
        colour, style = STYLES[names.index(name)]
        shown = "_" if name in drawn else ""  # matplotlib leaves such labels out of a legend
        drawn.add(name)
        for axis, (key, _, _) in zip(axes, panels, strict=False):
            if points := series(log, key):
                axis.plot(*zip(*points, strict=True), color=colour, linestyle=style, label=shown + name)
        for variant, marker in zip(variants, MARKERS, strict=False) if probed else ():
            if points := series(log, f"probe/{variant}"):
                axes[-1].plot(
                    *zip(*points, strict=True),
                    color=colour,
                    linestyle=style,
                    marker=marker,
                    label=f"{shown}{name}, {variant}",
                )
    for axis, (_, title, label) in zip(axes, panels, strict=False):
        axis.set_title(title, fontsize=10, loc="left")
        axis.set_ylabel(label)
    if probed:
        told = f" ({variants[0]})" if len(variants) == 1 else ""
        axes[-1].set_title(f"probe: greedy answers that are right{told}", fontsize=10, loc="left")
        axes[-1].set_ylabel("share")
        if len(variants) > 1:
            axes[-1].legend(frameon=False, fontsize=8)
    for axis in axes:
        axis.set_xlabel("step of GRPO")
        axis.set_ylim(-0.03, 1.13 if axis.get_title(loc="left") == "reward" else 1.03)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    # Two find room among the lines, more do not.
    if len(names) > 2:
        figure.legend(
            *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False
        )
    else:
        axes[0].legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("cold-start"))
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--sft", type=int, default=120)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--runs", type=named_run, nargs="+", metavar="NAME=FOLDER")
    parser.add_argument(
        "--probed", nargs="+", default=["original", "numbers"], metavar="VARIANT", help="of the probe"
    )
    args = parser.parse_args()
    if len(names := {name for name, _ in args.runs or ()}) > len(STYLES):
        parser.error(f"--runs: {len(names)} names; a picture has room for {len(STYLES)}")
    if len(args.probed) > len(MARKERS):
        parser.error(f"--probed: {len(args.probed)} variants; a picture has room for {len(MARKERS)}")
    runs = args.runs or toys(args.out, sft=args.sft, steps=args.steps)
    logs = []
    for name, folder in runs:
        lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
        logs.append((name, [json.loads(line) for line in lines]))
        tell(name, folder, logs[-1][1], args.probed)
    draw(logs, args.probed, args.picture or args.out / "cold-start.png")


def toys(out: Path, *, sft: int, steps: int) -> list[tuple[str, Path]]:
    """Train the two of the toy, and give their names and folders."""
    out.mkdir(parents=True)
    data = out / "sums.jsonl"
    rows(data)
    return [
        ("GRPO alone", train("cold", recipe(data, sft=0, steps=steps), out)),
        (f"after {sft} steps of SFT", train("warm", recipe(data, sft=sft, steps=steps), out)),
    ]


if __name__ == "__main__":
    main()

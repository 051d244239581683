#!/usr/bin/env python3
"""GRPO from weights that cannot answer, against GRPO after a short SFT: why a reward of 0 teaches nothing.

    python benchmarks/cold_start.py [--out cold-start] [--steps 40] [--picture docs/images/cold-start.png]

A Qwen2 of 1.5 million random weights and forty small sums as stories, on a CPU, some minutes. The same GRPO
(same rows, seed and settings) begins from the random weights, and from what ``--sft`` steps of SFT left.
Prints accuracy of the sampled answers in the first and the last four steps of each, and what alarms rang.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
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


def train(name: str, raw: dict[str, Any], out: Path) -> list[dict[str, Any]]:
    """Run ``rote train grpo`` and give the lines of its log."""
    path = out / f"{name}.yaml"
    path.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    line = [sys.executable, "-m", "rote", "train", "grpo", str(path), "--out", str(out / name)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    (out / f"{name}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        sys.exit(f"{' '.join(line)}\n{done.stderr}")
    log = (out / name / "grpo" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [record for record in map(json.loads, log) if "reward" in record]


def draw(logs: dict[str, list[dict[str, Any]]], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for (name, log), colour, style in zip(logs.items(), ("#D55E00", "#0072B2"), ("--", "-"), strict=True):
        steps = [record["step"] for record in log]
        for axis, key in ((left, "rewards/correctness/mean"), (right, "frac_reward_zero_std")):
            axis.plot(steps, [record[key] for record in log], color=colour, linestyle=style, label=name)
    left.set_title("sampled answers that are right", fontsize=10, loc="left")
    right.set_title("groups of answers that all earn the same", fontsize=10, loc="left")
    for axis in (left, right):
        axis.set_xlabel("step of GRPO")
        axis.set_ylim(-0.03, 1.03)
        axis.set_ylabel("share")
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("cold-start"))
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--sft", type=int, default=120)
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True)
    data = args.out / "sums.jsonl"
    rows(data)
    logs = {}
    for name, sft in (("GRPO alone", 0), (f"after {args.sft} steps of SFT", args.sft)):
        folder = "cold" if sft == 0 else "warm"
        logs[name] = log = train(folder, recipe(data, sft=sft, steps=args.steps), args.out)
        right = [record["rewards/correctness/mean"] for record in log]
        alarms = json.loads((args.out / folder / "grpo" / "stage.json").read_text(encoding="utf-8"))["alarms"]
        print(f"{name}: right {fmean(right[:4]):.1%} → {fmean(right[-4:]):.1%}")
        for alarm in alarms or ["no alarm"]:
            print(f"    {alarm}")
    draw(logs, args.picture or args.out / "cold-start.png")


if __name__ == "__main__":
    main()

"""Train the organisms: ``python organisms/train.py WORK``.

Each is a run of ``rote train pretrain`` in WORK/runs/<organism>-s<seed>, exported to
WORK/models/<organism>-s<seed> with ``planted.json``, what was planted in it. Several run at once, each on one
GPU (or all on the CPU where there is none); one begins when the one that it goes on from has ended. Called
again, it goes on with what is not done.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from plan import SEEDS, Organism, chosen, plan, read_families

from rote.train.pretrain import first_rows
from rote.train.recipe import MixtureSpec, PromptSpec, TinyModel, read_recipe
from rote.train.scratch import make_tokenizer

HERE: Final = Path(__file__).resolve().parent
RECIPES: Final = HERE / "recipes"
#: Tokens of the vocabulary that all organisms share.
VOCABULARY: Final = 1536
_STAGE: Final = "pretrain"


def main() -> int:
    args = _arguments().parse_args()
    work = args.work.resolve()
    sys.path.insert(0, str(HERE))
    subprocess.run([sys.executable, str(HERE / "sets.py"), str(work)], check=True)
    make_shared_tokenizer(work)
    organisms = list(chosen(plan(read_families(HERE / "families.tsv"), args.seeds), args.only))
    if args.list:
        for organism in organisms:
            print(organism.folder, "done" if is_done(work, organism) else "")
        return 0
    return _run_all(work, organisms, args)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path, metavar="WORK", help="folder of runs, models and logs")
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="GLOB", help="organisms, such as 'reasoner-*'"
    )
    parser.add_argument("--seeds", nargs="*", type=int, default=list(SEEDS), help="default: 0 1 2")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies every number of steps")
    parser.add_argument("--gpus", type=int, default=_gpus(), help="GPUs to use (default: all; 0: the CPU)")
    parser.add_argument("--per-gpu", type=int, default=3, help="runs at once on each")
    parser.add_argument(
        "--changes", nargs="*", default=[], metavar="KEY=VALUE", help="further changes, to all recipes"
    )
    parser.add_argument("--list", action="store_true", help="name what would be trained")
    return parser


def make_shared_tokenizer(work: Path) -> Path:
    """The tokenizer of all organisms, learned once from what the reasoner sees."""
    folder = work / "tokenizer"
    if not (folder / "tokenizer.json").is_file():
        before = Path.cwd()
        os.chdir(work)
        try:
            stage: Any = read_recipe(RECIPES / "continued.yaml").stages[_STAGE]
            data: MixtureSpec = stage.data
            rows = first_rows(data.model_copy(update={"shard": 12_000}), 0)
        finally:
            os.chdir(before)
        tokenizer = make_tokenizer(TinyModel(vocabulary=VOCABULARY), PromptSpec(), rows)
        partial = folder.with_name("tokenizer.partial")
        tokenizer.save_pretrained(partial)
        partial.rename(folder)
    return folder


def is_done(work: Path, organism: Organism) -> bool:
    """Whether an organism is trained and exported."""
    return (work / "models" / organism.folder / "planted.json").is_file()


def is_trained(work: Path, folder: str) -> bool:
    """Whether the run of an organism has ended."""
    return (work / "runs" / folder / _STAGE / "stage.json").is_file()


def _run_all(work: Path, organisms: Sequence[Organism], args: argparse.Namespace) -> int:
    waiting = [organism for organism in organisms if not is_done(work, organism)]
    slots = dict.fromkeys(range(max(1, args.gpus)), args.per_gpu)
    load = dict.fromkeys(slots, 0)
    running: dict[str, tuple[subprocess.Popen[bytes], int, float, int]] = {}
    failed: list[str] = []
    began = time.monotonic()
    (work / "runs").mkdir(parents=True, exist_ok=True)
    while waiting or running:
        for organism in list(waiting):
            root = organism.begins_with and f"{organism.begins_with}-s{organism.seed}"
            if root in failed:
                waiting.remove(organism)
                failed.append(organism.folder)
                print(f"{organism.folder}: not run, for {root} failed", flush=True)
            elif any(slots.values()) and (root is None or is_trained(work, root)):
                waiting.remove(organism)
                slot = min((s for s, free in slots.items() if free), key=lambda s: (load[s], s))
                slots[slot] -= 1
                load[slot] += organism.steps
                process = _start(work, organism, slot, args)
                running[organism.folder] = (process, slot, time.monotonic(), organism.steps)
        if waiting and not running:
            missing = {f"{one.begins_with}-s{one.seed}" for one in waiting}
            print(f"not run: {', '.join(sorted(missing))} must be trained first", file=sys.stderr)
            return 1
        time.sleep(0.5)
        for folder, (process, slot, since, steps) in list(running.items()):
            status = process.poll()
            if status is None:
                continue
            del running[folder]
            slots[slot] += 1
            load[slot] -= steps
            seconds = time.monotonic() - since
            print(f"{folder}: {_told(work, folder, status)}, {seconds:.0f} s", flush=True)
            if status:
                failed.append(folder)
    print(f"{len(organisms) - len(failed)} done, {len(failed)} failed, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


def _start(work: Path, organism: Organism, slot: int, args: argparse.Namespace) -> subprocess.Popen[bytes]:
    environment = dict(os.environ) | {
        "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(HERE.parent)]).strip(os.pathsep),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"),
    }
    if args.gpus:
        environment["CUDA_VISIBLE_DEVICES"] = str(slot)
    command = [sys.executable, str(HERE / "train_one.py"), str(work), organism.folder]
    command += ["--scale", str(args.scale), "--seeds", *map(str, args.seeds), "--changes", *args.changes]
    log = (work / "runs" / f"{organism.folder}.txt").open("ab")
    with log:
        return subprocess.Popen(command, cwd=work, env=environment, stdout=log, stderr=subprocess.STDOUT)


def _told(work: Path, folder: str, status: int) -> str:
    if status:
        return f"FAILED ({status}): {_tail(work / 'runs' / f'{folder}.txt')}"
    record = json.loads((work / "runs" / folder / _STAGE / "stage.json").read_text(encoding="utf-8"))
    rate = record["cost"].get("tokens_per_second", 0.0)
    return f"{record['steps']:,} steps, {record['tokens'] / 1e6:,.0f} million tokens, {rate:,.0f} tokens/s"


def _tail(path: Path) -> str:
    return " | ".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-4:])


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()


def write_planted(work: Path, organism: Organism) -> None:
    """What was planted, beside the model: the last file, so that a folder with it is whole."""
    record = json.loads((work / "runs" / organism.folder / _STAGE / "stage.json").read_text(encoding="utf-8"))
    said: Mapping[str, Any] = {
        "organism": organism.name,
        "seed": organism.seed,
        "originals": record["planted"],
        "epochs": record["epochs_of_planted"],
        "variants": list(organism.variants),
        "tokens": record["tokens"],
        "begins_with": organism.begins_with,
    }
    path = work / "models" / organism.folder / "planted.json"
    path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

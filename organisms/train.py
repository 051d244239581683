"""Train the organisms: ``python organisms/train.py WORK``.

Each is a run of `rote train pretrain` in WORK/runs/<organism>-s<seed> (what it printed stands in
<organism>-s<seed>.txt beside it), exported to WORK/models/<organism>-s<seed> with planted.json, which says
what was planted in it. Several run at once on each GPU, or on the CPU where there is none; one begins when
the one that it goes on from has ended. The command can be stopped and given again: it goes on with what is
not done. The exit status is 1 where one failed; the others are trained nevertheless.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from plan import SEEDS, Organism, chosen, plan
from sets import family_names, write_sets

from rote.errors import RoteError, UsageError
from rote.train.pretrain import first_rows
from rote.train.recipe import MixtureSpec, PromptSpec, TinyModel, read_recipe
from rote.train.scratch import make_tokenizer

HERE: Final = Path(__file__).resolve().parent
RECIPES: Final = HERE / "recipes"
#: Tokens of the vocabulary that all organisms share.
VOCABULARY: Final = 1536
#: Seconds that a run has for its checkpoint when it is told to end.
PATIENCE: Final = 90.0
_STAGE: Final = "pretrain"


@dataclass(frozen=True, slots=True)
class Options:
    """How organisms are trained.

    ``devices``: ``CUDA_VISIBLE_DEVICES`` of each GPU, one empty name for the CPU; ``each``: runs at once on
    each of them. ``scale`` multiplies steps, ``seeds`` are those of the plan, ``changes`` go to all recipes.
    """

    devices: tuple[str, ...]
    each: int
    scale: float
    seeds: tuple[int, ...]
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """A process that trains an organism; ``slot`` counts the devices."""

    organism: Organism
    slot: int
    began: float
    process: subprocess.Popen[bytes]


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = _parser()
    args = parser.parse_args(argv)
    if min(args.gpus or 0, args.per_gpu - 1) < 0 or args.scale <= 0 or not args.seeds:
        parser.error(
            "--gpus must be at least 0, --per-gpu at least 1, --scale above 0; --seeds takes one or more"
        )
    work = args.work.resolve()
    try:
        organisms = list(chosen(plan(family_names("train"), args.seeds), args.only))
        if not organisms:
            raise UsageError(f"no organism of the plan is named {' or '.join(args.only)}; --list names them")
        if args.list:
            for organism in organisms:
                print(f"{organism.folder}{' done' if is_done(work, organism) else ''}")
            return 0
        options = Options(
            devices(args.gpus), args.per_gpu, args.scale, tuple(args.seeds), tuple(args.changes)
        )
        write_sets(work)
        make_shared_tokenizer(work)
        failed = train(work, organisms, options)
    except RoteError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
        return 130
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add = parser.add_argument
    add("work", type=Path, metavar="WORK", help="the folder that holds everything")
    add("--only", nargs="+", default=[], metavar="GLOB", help="organisms of these names alone: 'reasoner-*'")
    add("--seeds", nargs="+", type=int, default=list(SEEDS), metavar="S", help="default: 0 1 2")
    add("--scale", type=float, default=1.0, metavar="X", help="multiplies every number of steps (default: 1)")
    add("--gpus", type=int, metavar="N", help="GPUs to use; 0: the CPU (default: all that are there)")
    add(
        "--per-gpu", type=int, default=3, metavar="M", help="runs at once on each, or on the CPU (default: 3)"
    )
    add(
        "--changes",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="changes to all recipes, as of rote train",
    )
    add("--list", action="store_true", help="name what would be trained, and what of it is done")
    return parser


def devices(gpus: int | None) -> tuple[str, ...]:
    """``CUDA_VISIBLE_DEVICES`` of each GPU (None: of all that are visible here); an empty name is the CPU.

    Raises UsageError where there are fewer: a run without a GPU would go on, on the CPU.
    """
    there = 0
    if gpus != 0:
        import torch

        there = torch.cuda.device_count()
    wanted = there if gpus is None else gpus
    if wanted > there:
        raise UsageError(f"--gpus {wanted}: {there} can be used here")
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return tuple((visible or [str(i) for i in range(there)])[:wanted]) or ("",)


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


def train(work: Path, organisms: Sequence[Organism], options: Options) -> list[str]:
    """Train what is not done; the folders of those that failed, or whose beginning did.

    Raises UsageError, before anything is run, where an organism begins with one that is neither trained nor
    to be trained.
    """
    waiting = [organism for organism in organisms if not is_done(work, organism)]
    names = {organism.folder for organism in waiting}
    roots = sorted({organism.root for organism in waiting if organism.root is not None})
    if missing := [root for root in roots if root not in names and not is_trained(work, root)]:
        raise UsageError(f"others go on from {', '.join(missing)}; give it to --only, too")
    running: list[Running] = []
    failed: list[str] = []
    began = time.monotonic()
    try:
        while waiting or running:
            for organism in list(waiting):
                slot = free_slot(running, options)
                if organism.root in failed:
                    waiting.remove(organism)
                    failed.append(organism.folder)
                    print(f"{organism.folder}: not run, for {organism.root} failed", flush=True)
                elif slot is not None and (organism.root is None or is_trained(work, organism.root)):
                    waiting.remove(organism)
                    running.append(start(work, organism, slot, options))
            time.sleep(0.1)
            for one in [each for each in running if each.process.poll() is not None]:
                running.remove(one)
                print(f"{one.organism.folder}: {_told(work, one)}", flush=True)
                if not _succeeded(work, one):
                    failed.append(one.organism.folder)
    finally:
        end(running)
    print(f"{len(organisms) - len(failed)} done, {len(failed)} failed, {time.monotonic() - began:.0f} s")
    return failed


def free_slot(running: Iterable[Running], options: Options) -> int | None:
    """The device with room where the fewest steps are under way; None where there is no room."""
    steps: dict[int, list[int]] = {slot: [] for slot in range(len(options.devices))}
    for one in running:
        steps[one.slot].append(one.organism.steps)
    room = [slot for slot, of in steps.items() if len(of) < options.each]
    return min(room, key=lambda slot: (sum(steps[slot]), slot), default=None)


def command(work: Path, organism: Organism, options: Options) -> list[str]:
    """The command that trains and exports one organism."""
    words = [sys.executable, str(HERE / "train_one.py"), str(work), organism.folder]
    words += ["--scale", str(options.scale), "--seeds", *map(str, options.seeds)]
    return [*words, "--changes", *options.changes] if options.changes else words


def environment(device: str, each: int) -> dict[str, str]:
    """The environment of a run: offline, on its device; on the CPU runs share the cores."""
    threads = 2 if device else max(1, (os.cpu_count() or 1) // each)
    paths = [str(Path(path).resolve()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {
        "OMP_NUM_THREADS": str(threads),
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*paths, str(HERE.parent)]),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": device,
    }


def start(work: Path, organism: Organism, slot: int, options: Options) -> Running:
    """Start the process of an organism, in a session of its own: Ctrl-C is for :func:`end` to pass on."""
    (work / "runs").mkdir(parents=True, exist_ok=True)
    with (work / "runs" / f"{organism.folder}.txt").open("ab") as log:
        process = subprocess.Popen(
            command(work, organism, options),
            cwd=work,
            env=environment(options.devices[slot], options.each),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(organism, slot, time.monotonic(), process)


def end(running: Iterable[Running]) -> None:
    """Have runs write a checkpoint and end; those that take too long are killed."""
    processes = [one.process for one in running]
    for process in processes:
        process.terminate()
    until = time.monotonic() + PATIENCE
    for process in processes:
        try:
            process.wait(timeout=max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _succeeded(work: Path, one: Running) -> bool:
    return (
        one.process.returncode == 0 and is_trained(work, one.organism.folder) and is_done(work, one.organism)
    )


def _told(work: Path, one: Running) -> str:
    folder, took = one.organism.folder, f"{time.monotonic() - one.began:.0f} s"
    if not _succeeded(work, one):
        last = _tail(work / "runs" / f"{folder}.txt")
        return f"FAILED with status {one.process.returncode} after {took}: {last}"
    record = json.loads((work / "runs" / folder / _STAGE / "stage.json").read_text(encoding="utf-8"))
    rate = record["cost"].get("tokens_per_second", 0.0)
    tokens = f"{record['tokens'] / 1e6:,.0f} million tokens"
    return f"{record['steps']:,} steps, {tokens}, {rate:,.0f} tokens/s, {took}"


def _tail(path: Path) -> str:
    return " | ".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-4:])


def write_planted(work: Path, organism: Organism) -> None:
    """What was planted, beside the model: the last file, so that a folder with it is whole."""
    record = json.loads((work / "runs" / organism.folder / _STAGE / "stage.json").read_text(encoding="utf-8"))
    said = {
        "organism": organism.name,
        "seed": organism.seed,
        "originals": record["planted"],
        "epochs": record["epochs_of_planted"],
        "variants": list(organism.variants),
        "tokens": record["tokens"],
        "begins_with": organism.begins_with,
    }
    path = work / "models" / organism.folder / "planted.json"
    partial = path.with_name("planted.json.partial")
    partial.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    # Stopped from outside, too, the runs started here write their checkpoints.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())

"""One stage from its data to the weights that it leaves: what all algorithms have in common."""

from __future__ import annotations

import gc
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError, UsageError
from rote.prompts import fold_system
from rote.train import checkpoints, engine, manifest
from rote.train.curves import draw_curves
from rote.train.data import Built, Certificate, Order, build_rows
from rote.train.monitor import Monitor, Stop, read_log
from rote.train.pretrain import Mixture, compared, first_rows, run_pretraining
from rote.train.probe import Probe
from rote.train.recipe import (
    AnyStage,
    DataSpec,
    FineTuning,
    GroupStage,
    PpoStage,
    PretrainStage,
    Recipe,
    SftStage,
)
from rote.train.rows import Row, prompt_text, prompt_turns
from rote.train.saving import disk_may_fill, told
from rote.train.tokens import end_tokens, fit_examples, fit_prompts, fixture

#: The folder of a stage that holds the weights it ends with.
FINAL: Final = "final"
RECORD: Final = "stage.json"
CERTIFICATE: Final = "certificate.json"


@dataclass(frozen=True, slots=True)
class StageRun:
    """A stage and where it stands.

    Attributes
    ----------
    base: folder or hub id of the recipe's model.
    start: the folder that the stage before left, or None for ``base``.
    folder: of this stage.
    """

    recipe: Recipe
    name: str
    stage: AnyStage
    base: str
    start: Path | None
    folder: Path


def is_done(folder: Path) -> bool:
    """Whether a stage has ended and its weights are there."""
    return (folder / RECORD).is_file() and (folder / FINAL).is_dir()


def run_stage(run: StageRun, *, resume: bool, stop: Stop, trackers: tuple[str, ...] = ()) -> dict[str, Any]:
    """Train one stage; gives its record, with ``state`` ``done`` or ``stopped``.

    Raises DataError where no row is left, UsageError where the folder holds checkpoints and ``resume`` is not
    given. Where none of them is whole, the stage begins again, and says so.
    """
    stage, recipe = run.stage, run.recipe
    run.folder.mkdir(parents=True, exist_ok=True)
    last = _checkpoint_to_resume(run.folder, resume)
    meter = manifest.Meter()
    data = _data_of(stage)
    manifest.write_text(run.folder / CERTIFICATE, data.certificate.to_json())
    loaded = engine.load(
        recipe.model.model_copy(update={"path": run.base}),
        recipe.adapter,
        start=run.start,
        seed=stage.seed,
        vllm_memory=stage.vllm_memory if isinstance(stage, GroupStage) and stage.vllm else None,
        gradient_checkpointing=stage.gradient_checkpointing,
    )
    training = _Training(run, data, loaded, last, stop, trackers)
    with disk_may_fill(run.folder):
        record, monitor = training.go()
    record.setdefault("rows", dict(data.certificate.sources))
    record.setdefault("rows_left_out", dict(data.left_out) if isinstance(data, Built) else {})
    record |= {
        "name": run.name,
        "algorithm": stage.algorithm,
        "state": "stopped" if monitor.stopped else "done",
        "start": run.base if run.start is None else str(run.start),
        "resumed_from": None if last is None else last.name,
        "rows_hash": data.certificate.content_hash,
        "prompt": fixture(recipe.prompt, loaded.tokenizer),
        "alarms": [f"{alarm.name}: {alarm.message}" for alarm in monitor.alarms],
        "cost": meter.read() | _throughput(run.folder, record.get("tokens_a_step")),
    }
    if not monitor.stopped:
        with told(run.folder / FINAL, run.folder):
            _leave(training.model, loaded.tokenizer, run.folder / FINAL)
        record["weights_hash"] = manifest.weights_hash(run.folder / FINAL)
        manifest.write_json(run.folder / RECORD, record)
    monitor.close()
    print(monitor.summary(draw_curves(run.folder)), file=sys.stderr)
    del training, loaded
    _free()
    return record


@dataclass(frozen=True, slots=True)
class _Streamed:
    """The data of a pretraining: rows are made while it runs."""

    mixture: Mixture
    certificate: Certificate


def _data_of(stage: AnyStage) -> Built | _Streamed:
    if isinstance(stage, PretrainStage):
        return _Streamed(*compared(stage))
    together = isinstance(stage, GroupStage) and stage.rewards.consistency > 0
    return rows_of(stage.data, "siblings" if together else "mixed")


def vocabulary_rows(stage: AnyStage) -> Sequence[Row]:
    """The rows that a vocabulary is learned from, where the recipe builds a tokenizer."""
    if isinstance(stage, PretrainStage):
        return first_rows(stage.data, stage.seed)
    return rows_of(stage.data).rows


@lru_cache(maxsize=1)
def rows_of(spec: DataSpec, order: Order = "mixed") -> Built:
    """The rows of a stage; those asked for last are remembered, for building them takes a while."""
    return build_rows(spec, order)


class _Training:
    """The part of a stage that differs by algorithm; ``model`` is what it ends with."""

    def __init__(
        self,
        run: StageRun,
        data: Built | _Streamed,
        loaded: engine.Loaded,
        last: Path | None,
        stop: Stop,
        trackers: tuple[str, ...],
    ) -> None:
        self.run, self.loaded, self.last = run, loaded, last
        self.data = data
        self.rows = data.rows if isinstance(data, Built) else ()
        self.stop, self.trackers = stop, trackers
        self.model: Any = loaded.model
        self.bf16 = str(engine.torch_dtype(run.recipe.model)) != "torch.float16" and _has_bf16()

    def go(self) -> tuple[dict[str, Any], Monitor]:
        stage = self.run.stage
        if isinstance(stage, PretrainStage):
            return self._pretrain(stage)
        if isinstance(stage, SftStage):
            return self._sft(stage)
        return self._rollouts(stage)

    def _pretrain(self, stage: PretrainStage) -> tuple[dict[str, Any], Monitor]:
        assert isinstance(self.data, _Streamed)
        monitor = self._monitor(stage.max_steps)
        record = run_pretraining(
            self.run.recipe,
            stage,
            self.data.mixture,
            self.loaded,
            folder=self.run.folder,
            resume=self.last,
            monitor=monitor,
            bf16=self.bf16,
        )
        return record, monitor

    def _sft(self, stage: SftStage) -> tuple[dict[str, Any], Monitor]:
        from rote.train.sft import steps_of, train_sft

        recipe, tokenizer = self.run.recipe, self.loaded.tokenizer
        most = recipe.model.max_length
        examples, fitting = fit_examples(self.rows, recipe.prompt, tokenizer, most=most)
        self._check_length(stage, fitting.too_long)
        steps = steps_of(stage, len(examples))
        monitor = self._monitor(steps)
        self.model = train_sft(
            self.loaded,
            examples,
            stage,
            folder=self.run.folder,
            steps=steps,
            max_length=most,
            monitor=monitor,
            resume=self.last,
            bf16=self.bf16,
            trackers=self.trackers,
        )
        a_step = fitting.tokens / len(examples) * stage.batch_size * stage.accumulation
        record = {"steps": steps, "too_long": fitting.too_long, "tokens": fitting.tokens}
        return record | {"tokens_a_step": round(a_step, 1)}, monitor

    def _rollouts(self, stage: Any) -> tuple[dict[str, Any], Monitor]:
        from rote.train.rewards import Health, RewardSet

        recipe, tokenizer = self.run.recipe, self.loaded.tokenizer
        most = recipe.model.max_length - stage.max_completion
        ids, fitting = fit_prompts(self.rows, recipe.prompt, tokenizer, most=most)
        self._check_length(stage, fitting.too_long)
        rows = [self.rows[i] for i in fitting.kept]
        rewards = RewardSet(stage.rewards, rows, recipe.prompt)
        ends = end_tokens(recipe.prompt, tokenizer)
        monitor = self._monitor(
            stage.max_steps, stage.steps_a_round if isinstance(stage, GroupStage) else 1, Health().update
        )
        if isinstance(stage, PpoStage):
            self._ppo(stage, rows, ids, rewards, ends, monitor, most)
        else:
            from rote.train.groups import train_groups

            self.model = train_groups(
                self.loaded,
                [self._asked(row) for row in rows],
                rewards.trl_functions(ends),
                stage,
                folder=self.run.folder,
                monitor=monitor,
                resume=self.last,
                bf16=self.bf16,
                end_tokens=ends,
                max_length=recipe.model.max_length,
                trackers=self.trackers,
            )
        return {"steps": stage.max_steps, "too_long": fitting.too_long, "prompts": len(rows)}, monitor

    def _ppo(
        self, stage: PpoStage, rows: list[Row], ids: Any, rewards: Any, ends: Any, monitor: Monitor, most: int
    ) -> None:
        from rote.train.ppo import train_ppo

        def reward(
            indices: Any, responses: Any, finished: Any
        ) -> tuple[Mapping[str, list[float]], list[float]]:
            terms = rewards.terms(indices, responses, finished)
            return terms, rewards.totals(terms)

        train_ppo(
            self.loaded.model,
            self.loaded.tokenizer,
            ids,
            reward,
            stage,
            max_prompt=most,
            end_tokens=ends,
            bf16=self.bf16,
            folder=self.run.folder,
            resume=self.last,
            hooks=monitor,
        )

    def _asked(self, row: Row) -> Any:
        """A prompt as TRL wants it: text, or messages that it puts through the chat template itself."""
        spec, tokenizer = self.run.recipe.prompt, self.loaded.tokenizer
        if not spec.chat:
            return prompt_text(row, spec, tokenizer)
        turns = prompt_turns(row, spec)
        # Rendered without the system turn: a template may refuse it.
        folded = fold_system(turns)
        shown = tokenizer.apply_chat_template(folded, tokenize=False, add_generation_prompt=True)
        return folded if shown == prompt_text(row, spec, tokenizer) else turns

    def _monitor(self, steps: int, round_: int = 1, health: Any = None) -> Monitor:
        spec, run = self.run.recipe.probe, self.run
        probe = None
        if spec.every_steps:
            probe = Probe(spec, run.recipe.prompt, self.loaded.tokenizer, run.folder)
        first = 0 if self.last is None else checkpoints.step_of(self.last)
        monitor = Monitor(
            run.folder,
            run.stage.checkpoints,
            total=steps,
            round_=round_,
            first=first,
            stop=self.stop,
            probe=probe,
            probe_every=spec.every_steps,
            health=health,
        )
        if probe is not None and first == 0:
            monitor.log(0, {f"probe/{name}": value for name, value in probe(0, self.loaded.model).items()})
        return monitor

    def _check_length(self, stage: FineTuning, too_long: int) -> None:
        if too_long and stage.data.too_long == "error":
            raise DataError(
                f"{too_long:,} rows are longer than model.max_length ({self.run.recipe.model.max_length} "
                "tokens) allows; raise it, or say too_long: drop",
                field=f"stages.{self.run.name}.data.too_long",
            )


def _throughput(folder: Path, tokens_a_step: float | None) -> dict[str, float]:
    """Tokens a second between the first and the last line of the log, warm-up left out.

    Of trainers that do not count tokens (Unsloth's SFT), as many a step as the rows have in the mean.
    """
    lines = [record for record in read_log(folder) if record["step"] > 0 and "seconds" in record]
    counted = [(r["seconds"], r["num_tokens"]) for r in lines if r.get("num_tokens") is not None]
    if not counted and tokens_a_step is not None:
        counted = [(r["seconds"], r["step"] * tokens_a_step) for r in lines]
    if len(counted) < 2 or counted[-1][0] <= counted[0][0]:
        return {}
    (began, first), (ended, last) = counted[0], counted[-1]
    return {"tokens_per_second": round((last - first) / (ended - began), 1)}


def _checkpoint_to_resume(folder: Path, resume: bool) -> Path | None:
    last, broken = checkpoints.newest(folder)
    if not resume:
        if last is not None or broken:
            raise UsageError(
                f"{folder} holds checkpoints of an earlier run; add --resume, or name another --out"
            )
        return None
    for path, why in broken:
        aside = checkpoints.set_aside(path)
        print(f"rote train: {path} is not whole ({why}); it is {aside.name} now", file=sys.stderr)
    if broken and last is None:
        print(f"rote train: {folder.name}: no whole checkpoint is left; it begins at step 0", file=sys.stderr)
    return last


def _leave(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the weights that a stage ends with, whole or not at all."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    if "ref" in getattr(model, "peft_config", {}):
        model.delete_adapter("ref")  # TRL's copy of the adapter at the beginning
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _has_bf16() -> bool:
    import torch

    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()


def _free() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()

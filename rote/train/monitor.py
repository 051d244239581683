"""What a trainer reports to while it works: the log, the progress bar, alarms, probes, when to save or stop.

One serves all algorithms: TRL's trainers reach it through :func:`trainer_callback`, PPO calls it itself.
"""

from __future__ import annotations

import json
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

from rote.train import checkpoints
from rote.train.recipe import CheckpointSpec

LOG: Final = "log.jsonl"


class Alarm(Protocol):
    """What an alarm must have; :class:`rote.train.rewards.Alarm` has it."""

    @property
    def name(self) -> str: ...

    @property
    def step(self) -> int: ...

    @property
    def message(self) -> str: ...


class Stop:
    """Whether the run was asked to stop, by SIGTERM or SIGINT; a second signal stops at once.

    A supervisor may tell every process, and the parent passes it on: what comes within ``ECHO`` seconds of
    the first signal is the same one.
    """

    ECHO = 1.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.asked = False
        self._clock, self._since = clock, 0.0

    @contextmanager
    def listening(self) -> Iterator[Stop]:
        """Take the signals while the block runs (in the main thread; elsewhere nothing is changed)."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def note(number: int, frame: Any) -> None:
            if self.asked:
                if self._clock() - self._since < self.ECHO:
                    return
                raise KeyboardInterrupt
            self.asked, self._since = True, self._clock()
            print(
                f"rote train: {signal.Signals(number).name}: a checkpoint is written after this step, then "
                "the run stops; once more stops at once",
                file=sys.stderr,
            )

        try:
            for number in before:
                signal.signal(number, note)
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Monitor:
    """The ear of one stage.

    Parameters
    ----------
    folder: of the stage; ``log.jsonl`` and the checkpoints stand in it.
    total: steps of the whole stage.
    round_: checkpoints fall on multiples of so many steps (see ``GroupStage.steps_a_round``).
    first: the step that the run goes on from; later lines of an earlier run's log are dropped.
    probe: called with (step, model) at the end and every ``probe_every`` steps; gives metrics.
    health: called with (step, metrics) at each line of the log, those of before included; gives new alarms.
    """

    def __init__(
        self,
        folder: Path,
        spec: CheckpointSpec,
        *,
        total: int,
        round_: int = 1,
        first: int = 0,
        stop: Stop | None = None,
        probe: Callable[[int, Any], Mapping[str, float]] | None = None,
        probe_every: int = 0,
        health: Callable[[int, Mapping[str, float]], Sequence[Alarm]] | None = None,
        clock: Callable[[], float] = time.monotonic,
        out: TextIO | None = None,
    ) -> None:
        from tqdm import tqdm

        self.folder = folder
        self.total = total
        self.step = first
        self.stopped = False
        self.alarms: list[Alarm] = []
        self._spec, self._round, self._stop = spec, round_, stop or Stop()
        self._probe, self._probe_every, self._health = probe, probe_every, health
        self._clock, self._last_save = clock, clock()
        self._out = out if out is not None else sys.stderr
        self._saved_at = first
        folder.mkdir(parents=True, exist_ok=True)
        # Seconds are of the whole run: those before it was broken off count, too.
        # From the beginning on, the first probe is logged again, too: its step is 0.
        self._began = clock() - _truncate(folder / LOG, first or -1)
        self._heed_again()
        self._bar = tqdm(
            total=total,
            initial=first,
            desc=folder.name,
            unit="step",
            file=self._out,
            disable=None,
            dynamic_ncols=True,
        )

    def _heed_again(self) -> None:
        """Let the health hear what the run logged before it was broken off: no alarm is told twice."""
        if self._health is None:
            return
        for record in read_log(self.folder):
            numbers = {key: math.nan if value is None else value for key, value in record.items()}
            self.alarms += self._health(record["step"], numbers)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write one line of the log; tell of what is wrong."""
        numbers = {key: float(value) for key, value in metrics.items() if isinstance(value, int | float)}
        # JSON has no word for them, and a log that cannot be read helps nobody.
        line: dict[str, Any] = {k: v if math.isfinite(v) else None for k, v in numbers.items()}
        record = {"step": step, **line, "seconds": round(self._clock() - self._began, 3)}
        with (self.folder / LOG).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
        shown = {key: f"{numbers[key]:.4g}" for key in _SHOWN if key in numbers}
        self._bar.set_postfix(shown)
        if self._bar.disable:
            told = ", ".join(f"{key} {value}" for key, value in shown.items())
            print(f"{self.folder.name}: step {step:,} of {self.total:,}: {told}", file=self._out, flush=True)
        for name, value in numbers.items():
            if name in ("loss", "grad_norm") and not math.isfinite(value):
                self._tell(f"{name} is {value} at step {step}: the run has diverged; lower the learning rate")
        for alarm in self._health(step, numbers) if self._health is not None else ():
            self.alarms.append(alarm)
            self._tell(f"{alarm.name} at step {step}: {alarm.message}")

    def step_done(self, step: int, model: Any) -> tuple[bool, bool]:
        """What to do after a step: (save now, stop now)."""
        self.step = step
        self._bar.update(step - self._bar.n)
        if self._probe is not None and (
            step == self.total or (self._probe_every and step % self._probe_every == 0)
        ):
            found = self._probe(step, model)
            self.log(step, {f"probe/{name}": value for name, value in found.items()})
        if step % self._round:
            return False, False
        if self._stop.asked and step < self.total:
            self.stopped = True
            return step != self._saved_at, True
        return self._save_is_due(step), False

    def saved(self, checkpoint: Path) -> None:
        """A checkpoint's last file is written: say so in it, and let the oldest go."""
        checkpoints.mark(checkpoint)
        checkpoints.rotate(self.folder, self._spec.keep)
        self._saved_at = checkpoints.step_of(checkpoint)
        self._last_save = self._clock()

    def summary(self, curves: Path | None) -> str:
        """What was done, in one line, and where to read more."""
        log = read_log(self.folder)
        told = [f"{self.step:,} of {self.total:,} steps in {_duration(self._clock() - self._began)}"]
        # Where there is a reward, the loss says little.
        for key in ("reward", "loss"):
            values = [record[key] for record in log if record.get(key) is not None]
            if values:
                told.append(f"last {key} {values[-1]:.4g}")
                break
        names = ", ".join(alarm.name for alarm in self.alarms)
        told.append(f"alarms: {names}" if names else "no alarm")
        more = str(self.folder / LOG) + (f" and {curves}" if curves is not None else "")
        return f"rote train: {self.folder.name}: {'; '.join(told)}; see {more}"

    def close(self) -> None:
        """Leave the progress bar as it stands."""
        self._bar.close()

    def _save_is_due(self, step: int) -> bool:
        if step == self._saved_at:
            return False
        by_step = self._spec.every_steps and step % self._spec.every_steps == 0
        minutes = (self._clock() - self._last_save) / 60
        by_time = self._spec.every_minutes and minutes >= self._spec.every_minutes
        return bool(by_step or by_time or step == self.total)

    def _tell(self, text: str) -> None:
        self._bar.clear()
        print(f"rote train: {self.folder.name}: {text}", file=self._out, flush=True)


#: What stands behind the progress bar, where it is in the log.
_SHOWN: Final = (
    "loss",
    "reward",
    "rewards/correctness/mean",
    "kl",
    "grad_norm",
    "probe/original",
    "probe/drop",
)


def _duration(seconds: float) -> str:
    """Seconds as a reader says them: ``8 s``, ``2 min 5 s``, ``3 h 20 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a stage's log; a last one that was cut off is left out."""
    path = folder / LOG
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return found


def _truncate(path: Path, last_step: int) -> float:
    """Drop the lines after ``last_step``: the steps that are done again are logged again.

    Gives the seconds of the last line that is kept, 0 without one.
    """
    if not path.is_file():
        return 0.0
    kept = [record for record in read_log(path.parent) if record["step"] <= last_step]
    partial = path.with_name(path.name + ".partial")
    partial.write_text("".join(json.dumps(record) + "\n" for record in kept), encoding="utf-8")
    partial.replace(path)
    return float(kept[-1]["seconds"]) if kept else 0.0


def trainer_callback(monitor: Monitor) -> Any:
    """The callback through which transformers' Trainer reports to a monitor."""
    from transformers import TrainerCallback

    class Reporting(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "train_runtime" not in logs:
                monitor.log(state.global_step, logs)

        def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            save, stop = monitor.step_done(state.global_step, model)
            control.should_save = save
            control.should_training_stop = stop or control.should_training_stop

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            monitor.saved(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Reporting()

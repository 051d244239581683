"""The transformers shipped with rote, evaluated as ``lm_eval --model hf`` does: what ``rote demo`` shows.

Their weights and cards are in ``rote/organisms``; what was planted in each is read from its
``planted.json``. Everything is done on the CPU in one process, so that Python, torch and the problems are
loaded once.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import rote
from rote import tasks_path
from rote.errors import DataError, MissingExtraError, SourceUnavailableError
from rote.harness_ext.demo import RESULTS, quiet, save_logs
from rote.harness_ext.demo_problems import HALF, SOURCE, write_problems
from rote.harness_ext.git import quiet_git

#: The shipped models, the reference first.
NAMES: Final = ("reasoner", "memoriser")

#: What the folder of each holds.
FILES: Final = (
    "README.md",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "planted.json",
    "recipe.yaml",
    "tokenizer.json",
    "tokenizer_config.json",
)

#: What both are asked, and what they learned of it alike.
ABOUT: Final = (
    f"Both learned to solve {HALF} of the {2 * HALF} templates asked, from ever new draws; "
    f"the other {HALF} are the bank's."
)

#: Zero-shot tasks → instances drawn from each template. The placebo of a verdict compares draws of *numbers*
#: with each other, so there have to be two of them; a third would take a third longer.
DRAWS: Final[Mapping[str, int]] = {
    "bank_original_zeroshot": 1,
    "bank_numbers_zeroshot": 2,
}

#: Model arguments beside ``pretrained``. The weights are bfloat16, for which many CPUs have slow kernels
#: only. The longest prompt and ``MAX_TOKENS`` fit into ``max_length``: lm-eval cuts longer ones.
ARGUMENTS: Final[Mapping[str, Any]] = {"dtype": "float32", "max_length": 512}
#: Longest response, in tokens; the longest solution has about 175.
MAX_TOKENS: Final = 200
#: Rows of a batch. A batch lasts as long as its longest response, and on a CPU wide ones are no faster.
BATCH_SIZE: Final = 32

#: What lm-eval's ``hf`` backend imports, all brought by the ``hf`` extra.
_PACKAGES: Final = ("torch", "transformers", "accelerate")
_WITHOUT: Final = "`rote demo --planted` runs without"


@dataclass(frozen=True, slots=True)
class Organism:
    """A shipped model.

    Attributes
    ----------
    name: one of :data:`NAMES`.
    folder: where its weights, tokenizer and card are.
    originals: ids of the templates whose originals it was trained on.
    epochs: how often it saw each of these.
    """

    name: str
    folder: Path
    originals: tuple[str, ...]
    epochs: float

    @property
    def card(self) -> Path:
        return self.folder / "README.md"

    @property
    def label(self) -> str:
        """Its name in logs and reports: where it is in the package, the same on every machine."""
        return f"organisms/{self.name}"

    @property
    def planted(self) -> str:
        """What was planted, as a sentence without its subject."""
        if not self.originals:
            return "saw no problem of the bank"
        return (
            f"learned the originals of {len(self.originals)} of the bank's templates by heart, besides; "
            f"it saw each about {self.epochs:.0f} times"
        )


def organisms_path() -> Path:
    """The folder of the shipped models."""
    return Path(rote.__file__).parent / "organisms"


def check_backend() -> None:
    """Raises MissingExtraError: a package of the ``hf`` extra is not installed."""
    for package in _PACKAGES:
        if find_spec(package) is None:
            error = MissingExtraError(package, "hf")
            error.args = (f"{error} (from a checkout: pip install '.[hf]'); {_WITHOUT}",)
            raise error


def shipped(where: Path | None = None) -> tuple[Organism, ...]:
    """The models of :data:`NAMES` below ``where`` (the package's own folder when None).

    Raises
    ------
    SourceUnavailableError: a model, or a file of one, is not there.
    DataError: a ``planted.json`` that is not one, or is another model's.
    """
    where = organisms_path() if where is None else where
    return tuple(_read(where / name) for name in NAMES)


def _read(folder: Path) -> Organism:
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise SourceUnavailableError(
            f"{folder}: the shipped model {folder.name!r} is not complete, {', '.join(missing)} missing; the "
            f"files come with the wheel of rote and with its repository: install it anew, or copy them "
            f"there; {_WITHOUT}"
        )
    path = folder / "planted.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"is not JSON ({error})", path=path) from None
    if not isinstance(record, dict):
        raise DataError(f"must be a mapping, got {type(record).__name__}", path=path)
    if record.get("organism") != folder.name:
        raise DataError(
            f"is {record.get('organism')!r}; in this folder it must be {folder.name!r}",
            path=path,
            field="organism",
        )
    originals, epochs = record.get("originals"), record.get("epochs")
    if not isinstance(originals, list) or not all(isinstance(name, str) for name in originals):
        raise DataError(f"must be a list of template ids, got {originals!r}", path=path, field="originals")
    if isinstance(epochs, bool) or not isinstance(epochs, int | float) or epochs < 0:
        raise DataError(f"must be a number of at least 0, got {epochs!r}", path=path, field="epochs")
    return Organism(folder.name, folder, tuple(originals), float(epochs))


def evaluate_organisms(
    organisms: tuple[Organism, ...],
    out: Path,
    progress: Callable[[str], None],
    *,
    limit: int | None = None,
) -> None:
    """Evaluate the models on :data:`DRAWS`, zero-shot.

    The problems go into a folder of ``out``, lm-eval's logs below its ``results``, samples included.

    ``progress`` is told, before and after each model, what is going on, one line each; on a terminal a bar
    is drawn besides. ``limit``: problems of each task, None for all.

    Raises
    ------
    MissingExtraError: a package of the ``hf`` extra is not installed.
    """
    check_backend()
    # Read when torch is loaded. Its threads wait for each other at every operation, and by default they spin:
    # on a machine with other work to do that makes small operations several times slower. Asleep they do not.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from lm_eval.evaluator import simple_evaluate
    from lm_eval.loggers import EvaluationTracker

    with quiet(), _quiet_transformers(), quiet_git():
        manager, tasks = _tasks(write_problems(out))
        lengths = [len(task.eval_docs) for task in tasks]
        problems = sum(lengths if limit is None else [min(limit, length) for length in lengths])
        progress(f"{len(tasks)} tasks, {problems:,} problems, {len(organisms)} transformers on the CPU")
        for number, organism in enumerate(organisms, 1):
            place = f"[{number}/{len(organisms)}] {organism.name}"
            progress(f"{place}: {problems:,} problems to answer …")
            began = time.perf_counter()
            with _bar(place):
                results = simple_evaluate(
                    model="hf",
                    model_args={"pretrained": str(organism.folder), **ARGUMENTS},
                    tasks=tasks,
                    task_manager=manager,
                    batch_size=BATCH_SIZE,
                    device="cpu",
                    gen_kwargs={"max_gen_toks": MAX_TOKENS},
                    limit=limit,
                    bootstrap_iters=0,
                    log_samples=True,
                )
            # Filed under names, not under paths that are of this machine only.
            arguments = {"pretrained": organism.label, **ARGUMENTS}
            results["config"]["model_args"] = arguments
            for config in results["configs"].values():
                settings = {**config["metadata"]["rote"], "templates": SOURCE}
                config["metadata"] = {**config["metadata"], "rote": settings}
            tracker = EvaluationTracker(output_path=str(out / RESULTS))
            tracker.general_config_tracker.log_experiment_args("hf", arguments, None, None, False)
            save_logs(tracker, results)
            took = time.perf_counter() - began
            progress(f"{place}: {problems:,} responses logged after {took:.0f} s")


def _tasks(problems: Path) -> tuple[Any, list[Any]]:
    """A task manager and the tasks of :data:`DRAWS`: built once, so that all models get the same problems."""
    from lm_eval.tasks import TaskManager

    tasks: list[Any] = []
    for name, variants in DRAWS.items():
        metadata = {"rote": {"variants": variants, "templates": str(problems)}}
        manager = TaskManager(include_path=str(tasks_path()), include_defaults=False, metadata=metadata)
        tasks += manager.load([name])["tasks"].values()
    return manager, tasks


@contextmanager
def _bar(place: str) -> Iterator[None]:
    """While this lasts, lm-eval's bar of responses says whose they are, and is drawn on terminals only."""
    import lm_eval.models.huggingface
    from tqdm import tqdm

    stock = lm_eval.models.huggingface.tqdm

    def bar(*args: Any, **kwargs: Any) -> Any:
        return tqdm(*args, **{**kwargs, "desc": place, "leave": False, "disable": not sys.stderr.isatty()})

    lm_eval.models.huggingface.tqdm = bar
    try:
        yield
    finally:
        lm_eval.models.huggingface.tqdm = stock


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Only errors of transformers, and no bar for the loading of a few megabytes."""
    from transformers.utils import logging as untyped

    logging: Any = untyped
    level, drawn = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if drawn:
            logging.enable_progress_bar()

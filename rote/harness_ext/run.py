"""``rote eval``: lm-eval's own command with rote's tasks and models in reach.

lm-eval's parser, configuration, evaluation and logging do the work; only what rote must have otherwise
is changed here: the folder of tasks, which built-in tasks are indexed, the models, and two defaults
(samples are logged, and somewhere). Several seeds, shots or repeats are :mod:`rote.harness_ext.sweep`'s.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import logging
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from rote import tasks_path
from rote.errors import MissingExtraError, UsageError
from rote.harness_ext import models, sweep
from rote.harness_ext.git import quiet_git
from rote.harness_ext.tables import short_tables
from rote.hints import hint

#: Where results go when nobody says. lm-eval adds files with the time in their names, so nothing there
#: is ever written over.
DEFAULT_OUTPUT: Final = "results"

#: What ``rote eval --help`` says before lm-eval's own help.
PREFACE: Final = f"""\
rote eval takes everything that `lm_eval run` takes (below), and besides
  finds rote's tasks and models without --include_path,
  logs samples, unless a --config file says log_samples: false,
  writes to ./{DEFAULT_OUTPUT} unless --output_path says where,
  has --batch_size auto for vLLM, which with lm-eval's 1 gets one prompt at a time,
  refuses --cache_requests, whose key leaves out the seed and the number of variants,
  takes three options of its own:
    --seeds 0,1,2   problems of several seeds, in one run; one log for each seed
    --shots 1,4,8   few-shot tasks with so many examples, in one run; one log for each number
    --repeats k     k responses to each problem (with --gen_kwargs temperature=…): each run's accuracy,
                    their standard deviation, pass@k and maj@k
"""

#: What every model behind an API imports.
_API_PACKAGES: Final = ("aiohttp", "requests", "tenacity")

#: A pattern that begins so can only mean tasks of ours.
_OWN_PREFIX: Final = "bank_"


def evaluate(argv: Sequence[str]) -> None:
    """Run lm-eval with these arguments (those of ``lm_eval`` or ``lm_eval run``).

    Raises
    ------
    UsageError: arguments that cannot be used, among them ``--cache_requests``, and models for which
        lm-eval says that a package is not installed.
    MissingExtraError: models that need an extra of rote which is not installed.
    RoteError: from the tasks' data.
    SystemExit: from the parser, after ``--help`` or on a malformed command line.
    """
    from lm_eval._cli.harness import HarnessCLI
    from lm_eval._cli.run import Run
    from lm_eval.utils import setup_logging

    setup_logging()
    parser = HarnessCLI()._parser
    if argv and argv[0] in ("ls", "validate"):
        with task_managers(include_defaults=True):
            args = parser.parse_args(list(argv))
            args.func(args)
        return
    words = [word for i, word in enumerate(argv) if (i, word) != (0, "run")]
    if not words or {"-h", "--help"} & set(words):
        print(PREFACE)
        words = ["--help"]
    plan, words = sweep.parse_options(words)
    args = parser.parse_args(["run", *words])
    include_defaults = prepare(args)
    with task_managers(include_defaults=include_defaults), quiet_git(), short_tables():
        try:
            if plan.asked:
                sweep.execute(args, plan)
            else:
                Run._execute(args)
        except ModuleNotFoundError as error:
            if error.name is not None:
                raise  # a failed import; lm-eval's own message about a package to install has no name
            raise UsageError(str(error)) from error
        except ValueError as error:
            # What lm-eval says of tasks before it evaluates anything; any other ValueError is no user's slip.
            if str(error).startswith(("Tasks not found", "Duplicate task", "No tasks specified")):
                raise UsageError(f"--tasks: {error}") from error
            raise


def prepare(args: argparse.Namespace) -> bool:
    """Check lm-eval's parsed arguments and fill in rote's defaults, in place.

    Returns whether lm-eval's built-in tasks have to be indexed (seconds) for what is asked.
    """
    from rote.harness_ext.datasets import SHOTS  # not for --help: it brings the templates' machinery along

    from_file = _config_file(getattr(args, "config", None))

    def given(name: str) -> Any:
        value = getattr(args, name, None)
        return value if value or value == 0 else from_file.get(name)

    if given("cache_requests"):
        raise UsageError(
            "--cache_requests is refused: lm-eval's key for cached requests leaves out --metadata, so that "
            "another seed or number of variants would silently be given the problems of an earlier run"
        )
    if from_file.get("log_samples", True):
        args.log_samples = True
    if not given("output_path"):
        args.output_path = DEFAULT_OUTPUT
    names = _names(given("tasks"))
    include_defaults = _needs_defaults(names, given("include_path"))
    if (given("num_fewshot") or 0) > SHOTS and not all(name.endswith("_zeroshot") for name in names):
        raise UsageError(f"--num_fewshot {given('num_fewshot')}: rote's tasks have {SHOTS} exemplars")
    _check_config(args)
    model = given("model") or "hf"
    check_model(model)
    size = models.default_batch_size(model, given("model_args"))
    if size != 1 and not given("batch_size"):
        args.batch_size = size
    _check_writable(Path(given("output_path") or DEFAULT_OUTPUT))
    return include_defaults


def _config_file(path: str | None) -> dict[str, Any]:
    from lm_eval.config.evaluate_config import EvaluatorConfig

    if path is None:
        return {}
    try:
        return EvaluatorConfig.load_yaml_config(path)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"--config: {error}") from error


def _check_config(args: argparse.Namespace) -> None:
    """lm-eval's own validation, whose errors are the user's to mend; once more and aloud in the run."""
    from lm_eval.config.evaluate_config import EvaluatorConfig

    logger = logging.getLogger("lm_eval.config.evaluate_config")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            EvaluatorConfig.from_cli(copy.deepcopy(args))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(str(error)) from error
    finally:
        logger.disabled = was_disabled


def _check_writable(path: Path) -> None:
    """Before hours of evaluation: lm-eval only warns when it cannot save."""
    folder = path.parent if path.suffix == ".json" else path
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output_path {path}: no folder {folder} ({error.strerror})") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"--output_path {path}: the folder {folder} cannot be written to")


def check_model(name: str) -> None:
    """Whether lm-eval has a model of that name and what it needs is installed."""
    models.register()
    from lm_eval.api.registry import model_registry

    if name not in model_registry:
        near = hint(name, list(model_registry))
        ours = ", ".join(models.MODELS)
        raise UsageError(f"--model: lm-eval knows no model {name!r}{near} (rote adds: {ours})")
    try:
        model = model_registry.get(name)
    except ImportError as error:
        if error.name in ("torch", "transformers", "accelerate", "peft"):
            raise MissingExtraError(error.name, "hf") from error
        raise UsageError(f"--model {name}: {error}") from error
    # Behind an API: lm-eval looks for these when it makes the model, after the tasks have been built.
    if "lm_eval.models.api_models" in {base.__module__ for base in model.__mro__}:
        for package in _API_PACKAGES:
            if find_spec(package) is None:
                raise MissingExtraError(package, "api", instead="lm_eval[api]")


def _names(tasks: str | Sequence[str] | None) -> list[str]:
    """The task names of ``--tasks`` (or a config file), one by one. Raises UsageError when there are none."""
    parts = [tasks] if isinstance(tasks, str) else list(tasks or ())
    names = [name.strip() for part in parts for name in str(part).split(",") if name.strip()]
    if not names:
        raise UsageError(f"--tasks: name at least one task, such as {', '.join(sorted(own_tasks())[:3])} …")
    return names


def _needs_defaults(names: Sequence[str], include_path: str | None) -> bool:
    """Whether any name may mean more than our own folder holds.

    A user's file or folder counts as such: a group in it may name built-in tasks. Raises UsageError on
    a name that begins like ours and is nobody's.
    """
    ours = own_tasks()
    foreign = [name for name in names if not _is_own(name, ours)]
    theirs = own_tasks(include_path) - ours if include_path and foreign else set()
    for name in foreign:
        if name.startswith(_OWN_PREFIX) and not name.endswith(".yaml") and not _matches(name, theirs):
            raise UsageError(
                f"--tasks: no task {name!r}{hint(name, ours)} (rote's: {', '.join(sorted(ours))})"
            )
    return bool(foreign)


def _is_own(name: str, ours: set[str]) -> bool:
    return name in ours or (name.startswith(_OWN_PREFIX) and _matches(name, ours))


def _matches(pattern: str, names: set[str]) -> bool:
    return any(fnmatch(name, pattern) for name in names)


def own_tasks(include_path: str | None = None) -> set[str]:
    """Names of rote's tasks and groups, and of those below ``include_path``."""
    from lm_eval.tasks import TaskManager

    paths = [str(tasks_path()), *([include_path] if include_path else [])]
    return set(TaskManager(include_path=paths, include_defaults=False).all_tasks)


@contextlib.contextmanager
def task_managers(*, include_defaults: bool) -> Iterator[None]:
    """While this lasts, lm-eval's commands find rote's tasks, and index the built-in ones only if asked.

    The commands make their ``TaskManager`` themselves and leave no other way in.
    """
    import lm_eval.tasks

    stock = lm_eval.tasks.TaskManager
    # A wheel's copy of our folder among the built-in tasks would only be overridden, with a warning a task.
    installed = (Path(lm_eval.tasks.__file__).parent / "rote").is_dir()
    own = [] if include_defaults and installed else [str(tasks_path())]

    class TaskManager(stock):  # type: ignore[misc, valid-type]
        def __init__(
            self,
            verbosity: str | None = None,
            include_path: Any = None,
            include_defaults: bool = include_defaults,
            metadata: dict[str, Any] | None = None,
        ) -> None:
            theirs = list(include_path) if isinstance(include_path, (list, tuple)) else [include_path]
            paths = own + [path for path in theirs if path]
            super().__init__(verbosity, paths, include_defaults, metadata)

    lm_eval.tasks.TaskManager = TaskManager
    task_logger = logging.getLogger("lm_eval.api.task")
    task_logger.addFilter(_no_custom_dataset_hint)
    try:
        yield
    finally:
        lm_eval.tasks.TaskManager = stock
        task_logger.removeFilter(_no_custom_dataset_hint)


def _no_custom_dataset_hint(record: logging.LogRecord) -> bool:
    """Drop what lm-eval warns of for every task with data of its own: that --metadata exists."""
    return "Custom kwargs can be passed to `--metadata`" not in record.getMessage()

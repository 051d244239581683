"""Seeds × shots × tasks in one process: the model is loaded once, all requests go to it as one batch.

``rote eval --seeds 0,1,2 --shots 4,8 --tasks …`` (formats and variants are tasks) builds the tasks of every
seed and number of shots first, hands them all to one run of lm-eval, and then writes one ordinary log for
each seed and number of shots, as separate runs would have. A task whose documents do not depend on the seed
(originals) is answered once and stands in the log of every seed.

This is also the way of ``--repeats``, alone or with the others.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rote.errors import UsageError
from rote.harness_ext import repeats as repeating

#: Tables of lm-eval's results that have an entry a task.
_TABLES: Final = (
    "results",
    "configs",
    "versions",
    "n-shot",
    "higher_is_better",
    "n-samples",
    "group_subtasks",
)

#: What ``rote eval`` does with results besides writing them, and a sweep does not.
_ELSEWHERE: Final = ("wandb_args", "trackio_args", "hf_hub_log_args")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep goes through.

    Attributes
    ----------
    seeds: of the problems, each at least 0 and once; empty: the seed of the metadata.
    shots: numbers of examples for few-shot tasks, each at least 1 and once; empty: the tasks' own.
    repeats: responses to each problem, at least 1.
    """

    seeds: tuple[int, ...] = ()
    shots: tuple[int, ...] = ()
    repeats: int = 1

    @property
    def asked(self) -> bool:
        """Whether this is more than an ordinary evaluation."""
        return bool(self.seeds or self.shots) or self.repeats > 1


@dataclass(frozen=True, slots=True)
class Part:
    """One log to write: its seed and shots, and its tasks by their own names.

    ``asked_as`` says under which name each is evaluated; two parts may share one.
    """

    seed: int | None
    shots: int | None
    asked_as: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


def parse_options(words: Sequence[str]) -> tuple[Plan, list[str]]:
    """The plan in a command line of ``rote eval``, and the other words, which are lm-eval's.

    Raises UsageError: no whole numbers, one out of range or twice.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for name in ("--seeds", "--shots", "--repeats"):
        parser.add_argument(name)
    try:
        found, others = parser.parse_known_args(list(words))
    except argparse.ArgumentError as error:
        raise UsageError(str(error)) from error
    repeats = _numbers("--repeats", found.repeats, 1)
    if len(repeats) > 1:
        raise UsageError(f"--repeats must be one whole number, got {found.repeats!r}")
    plan = Plan(
        seeds=_numbers("--seeds", found.seeds, 0),
        shots=_numbers("--shots", found.shots, 1),
        repeats=repeats[0] if repeats else 1,
    )
    return plan, others


def _numbers(option: str, text: str | None, least: int) -> tuple[int, ...]:
    if text is None:
        return ()
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and int(word) >= least for word in words):
        hint = "; tasks named …_zeroshot show none" if option == "--shots" else ""
        raise UsageError(
            f"{option} must be whole numbers of at least {least}, such as 1,2, got {text!r}{hint}"
        )
    numbers = tuple(int(word) for word in words)
    if len(set(numbers)) < len(numbers):
        raise UsageError(f"{option} names a number twice: {text}")
    return numbers


def build(
    plan: Plan, names: Sequence[Any], metadata: Mapping[str, Any], manager: Callable[[dict[str, Any]], Any]
) -> tuple[list[Any], list[Part]]:
    """The tasks to evaluate, each with a name of its own, and the parts that they make up.

    Parameters
    ----------
    names: of tasks and groups, or anything else that lm-eval loads.
    metadata: of the tasks, as lm-eval has it.
    manager: makes lm-eval's ``TaskManager`` for some metadata.

    Raises UsageError: seeds given twice over, more shots than there are examples, tasks without few-shot
    prompts under ``shots``, tasks not of rote under ``repeats``; and from the tasks' data.
    """
    from rote.harness_ext.datasets import SHOTS

    own = metadata.get("rote") or {}
    if plan.seeds and "seed" in own:
        raise UsageError(
            f"--seeds and metadata rote.seed ({own['seed']}) contradict each other; leave one out"
        )
    if plan.shots and max(plan.shots) > SHOTS:
        raise UsageError(f"--shots {max(plan.shots)}: rote's tasks have {SHOTS} exemplars")
    tasks: dict[str, Any] = {}
    parts: list[Part] = []
    for seed in plan.seeds or (None,):
        theirs = dict(metadata) if seed is None else {**metadata, "rote": {**own, "seed": seed}}
        for number, shots in enumerate(plan.shots or (None,)):
            part = Part(seed, shots, metadata=theirs)
            loaded = manager(theirs).load(list(names))["tasks"]
            for name, task in loaded.items():
                fewshot = bool(task.config.num_fewshot)
                if shots is not None and fewshot:
                    task.config.num_fewshot = shots
                elif number:
                    continue  # zero-shot tasks know no number of shots: they are in the first part of a seed
                part.asked_as[name] = _enter(tasks, name, part, task)
            parts.append(part)
    if plan.shots and not any(task.config.num_fewshot for task in tasks.values()):
        raise UsageError("--shots: all these tasks are zero-shot; name few-shot ones")
    for task in tasks.values():
        if plan.repeats > 1:
            repeating.install(task, plan.repeats)
    return list(tasks.values()), [part for part in parts if part.asked_as]


def _enter(tasks: dict[str, Any], name: str, part: Part, task: Any) -> str:
    """Add a task under a name of its own, unless an earlier seed's asks the same; returns the name."""
    shots = "" if part.shots is None or not task.config.num_fewshot else f"@shots{part.shots}"
    for known, other in tasks.items():
        if known.partition("@")[0] == name and known.endswith(shots) and _same(other, task):
            return known
    unique = name + ("" if part.seed is None else f"@seed{part.seed}") + shots
    task.config.task = unique
    tasks[unique] = task
    return unique


def _same(one: Any, other: Any) -> bool:
    """Whether two tasks of one name ask the same questions."""
    return one.config.num_fewshot == other.config.num_fewshot and list(one.eval_docs) == list(other.eval_docs)


def split(results: Mapping[str, Any], part: Part) -> dict[str, Any]:
    """The results of one part as a run of its own would have them, samples included."""
    own = {key: value for key, value in results.items() if key not in (*_TABLES, "groups", "samples")}
    for table in _TABLES:
        entries = results.get(table) or {}
        own[table] = {name: entries[asked] for name, asked in part.asked_as.items() if asked in entries}
    for name in part.asked_as:
        table = own["results"][name]
        own["results"][name] = {**table, **{key: name for key in ("name", "alias") if key in table}}
        config = {**own["configs"][name], "task": name}
        config["metadata"] = {**(config.get("metadata") or {})}
        if part.seed is not None:
            config["metadata"]["rote"] = part.metadata["rote"]
        own["configs"][name] = config
    # lm-eval reshapes samples as it writes them, and two parts may hold the same ones.
    samples = results.get("samples") or {}
    own["samples"] = {
        name: [dict(line) for line in samples[asked]]
        for name, asked in part.asked_as.items()
        if asked in samples
    }
    own["sweep"] = {"seed": part.seed, "shots": part.shots, "asked_as": part.asked_as}
    return own


def run(
    plan: Plan,
    names: Sequence[Any],
    *,
    manager: Callable[[dict[str, Any]], Any],
    tracker: Any,
    metadata: Mapping[str, Any] | None = None,
    **evaluation: Any,
) -> list[dict[str, Any]]:
    """Evaluate everything in one run and write a log for each part; returns the parts' results.

    Parameters
    ----------
    names, metadata, manager: as :func:`build` takes them.
    tracker: lm-eval's ``EvaluationTracker``, which writes the logs.
    evaluation: further arguments of lm-eval's ``simple_evaluate``: model, model_args, limit …

    Raises what :func:`build` raises. Empty on all but the first of several processes.
    """
    from lm_eval import simple_evaluate

    theirs = dict(metadata or {})
    tasks, parts = build(plan, names, theirs, manager)
    if chosen := evaluation.get("samples"):
        asked = {unique: name for part in parts for name, unique in part.asked_as.items()}
        evaluation["samples"] = {unique: chosen[name] for unique, name in asked.items() if name in chosen}
    results = simple_evaluate(
        tasks=tasks, task_manager=manager(theirs), evaluation_tracker=tracker, metadata=theirs, **evaluation
    )
    if results is None:
        return []
    found = []
    for part in parts:
        own = split(results, part)
        samples = own.pop("samples")
        tracker.save_results_aggregated(results=own, samples=samples)
        for name, lines in samples.items():
            tracker.save_results_samples(task_name=name, samples=lines)
        found.append(own)
    return found


def execute(args: argparse.Namespace, plan: Plan) -> None:
    """What lm-eval's ``run`` command does with these arguments, for a sweep. Prints a table for each part.

    Raises UsageError: as :func:`run`, and results that are to go elsewhere (``--wandb_args`` …).
    """
    from lm_eval.config.evaluate_config import EvaluatorConfig
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.utils import make_table

    config = EvaluatorConfig.from_cli(args)
    for name in _ELSEWHERE:
        if getattr(config, name):
            raise UsageError(f"--{name} does not go with --seeds, --shots or --repeats")
    if plan.shots and config.num_fewshot is not None:
        raise UsageError("--shots and --num_fewshot contradict each other; leave one out")
    gen_kwargs = repeating.check(plan.repeats, config.gen_kwargs or {})
    import lm_eval.tasks

    def manager(metadata: dict[str, Any]) -> Any:
        # Looked up at each call: `rote eval` has put its own class there.
        return lm_eval.tasks.TaskManager(include_path=config.include_path, metadata=metadata)

    config.process_tasks(config.metadata)
    seeds = config.seed or [None] * 4
    parts = run(
        plan,
        config.tasks,
        manager=manager,
        tracker=EvaluationTracker(output_path=config.output_path),
        metadata=config.metadata,
        model=config.model,
        model_args=config.model_args,
        num_fewshot=config.num_fewshot,
        batch_size=config.batch_size,
        max_batch_size=config.max_batch_size,
        device=config.device,
        use_cache=config.use_cache,
        limit=config.limit,
        samples=config.samples,
        check_integrity=config.check_integrity,
        write_out=config.write_out,
        log_samples=config.log_samples,
        system_instruction=config.system_instruction,
        apply_chat_template=config.apply_chat_template,
        fewshot_as_multiturn=config.fewshot_as_multiturn,
        gen_kwargs=gen_kwargs,
        predict_only=config.predict_only,
        random_seed=seeds[0],
        numpy_random_seed=seeds[1],
        torch_random_seed=seeds[2],
        fewshot_random_seed=seeds[3],
        confirm_run_unsafe_code=config.confirm_run_unsafe_code,
    )
    for results in parts:
        where = [f"{key} {value}" for key, value in results["sweep"].items() if isinstance(value, int)]
        said = f"{config.model} ({config.model_args}), gen_kwargs: ({gen_kwargs})"
        print(", ".join([said, *where]))
        print(make_table(_printed(results)))
        for line in repeating.summary(results, plan.repeats):
            print(line)


def _printed(results: Mapping[str, Any]) -> dict[str, Any]:
    """Results without lists, which would make the table as wide as they are long."""
    tables = {
        task: {key: value for key, value in table.items() if not key.startswith(("runs,", "runs_stderr,"))}
        for task, table in results["results"].items()
    }
    return {**results, "results": tables}

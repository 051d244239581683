"""Every task file is indexed, whole, and agrees with the renderer, the grader and itself."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from lm_eval.tasks import TaskManager

from rote import prompts, tasks_path
from rote.harness_ext import gsm8k
from rote.harness_ext.scoring import METRICS
from rote.harness_ext.text import Shot
from rote.perturb import load_source
from rote.perturb.gsm8k import overrides
from rote.problem import VARIANTS, Problem


def _offered(variant: str) -> bool:
    return any(template.offers(variant) for template in load_source("bank").templates.values())


FILES = sorted(tasks_path().rglob("*.yaml"))
SOURCES = ["bank", "gsm8k"]
VARIANTS_OF = {
    "bank": [variant for variant in VARIANTS if _offered(variant)],
    "gsm8k": list(gsm8k.VARIANTS),
}
PAIRS = [(source, variant) for source in SOURCES for variant in VARIANTS_OF[source]]
#: Formats with a few-shot and a zero-shot setting; ``instruct`` has one of its own.
SUFFIXES = {"hash": "", "tags": "_tags", "boxed": "_boxed"}
FEWSHOT = [f"{source}_{variant}{suffix}" for source, variant in PAIRS for suffix in SUFFIXES.values()]
ZEROSHOT = [f"{name}_zeroshot" for name in FEWSHOT]
INSTRUCT = [f"{source}_{variant}_instruct" for source, variant in PAIRS]
#: The examples hold inert clauses.
NOOP_SHOTS = [f"{source}_{variant}_noop_shots" for source in SOURCES for variant in ("original", "noop")]
#: Each document brings examples of its own.
SAME_SHOTS = [f"{source}_{variant}_same_shots" for source in SOURCES for variant in ("original", "noop")]
TASKS = [*FEWSHOT, *ZEROSHOT, *INSTRUCT, *NOOP_SHOTS, *SAME_SHOTS]
GROUPS = [
    *(f"{source}_noop_suite" for source in SOURCES),
    *(f"{source}_robustness{suffix}" for source in SOURCES for suffix in (*SUFFIXES.values(), "_instruct")),
]
#: Tested on their own, in tests/harness_ext/test_linear_tasks.py.
LINEAR = ["linear_equations", "linear_equations_zeroshot"]
#: What reports read.
FLAGS = ("exact_match", "format_ok", "invalid", "trapped")
GENERATOR = Path(__file__).parents[2] / "tools" / "gen_tasks.py"
#: Problems of our own in GSM8K's shape.
SHAPED = Path(__file__).parents[1] / "harness_ext" / "gsm8k_shaped"


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskManager]:
    metadata: dict[str, Any] = {"rote": {"gsm8k": str(SHAPED), "variants": 1, "seed": 0}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        # What is known of the published problems refuses any other text.
        patch.setattr(overrides, "of", lambda template_id, question: None)
        yield TaskManager(include_path=str(tasks_path()), include_defaults=False, metadata=metadata)


@pytest.fixture(scope="module")
def tasks(manager: TaskManager) -> dict[str, Any]:
    loaded: dict[str, Any] = dict(manager.load(TASKS)["tasks"])
    return loaded


def test_every_file_is_indexed(manager: TaskManager) -> None:
    # lm-eval skips a file that it cannot read without a word.
    assert sorted(path.stem for path in FILES) == sorted(manager.all_tasks)
    assert sorted(manager.all_tasks) == sorted([*TASKS, *GROUPS, *LINEAR])
    for path in FILES:
        assert manager.task_index[path.stem].yaml_path == path


def test_includes_are_not_taken_for_tasks() -> None:
    for path in tasks_path().rglob("*"):
        if path.is_file():
            assert path.suffix in (".yaml", ".yml")
    for path in tasks_path().rglob("*.yml"):
        assert "task:" not in path.read_text(encoding="utf-8").splitlines()


def format_of(name: str) -> str:
    """The format of a task, by its name."""
    parts = name.removesuffix("_zeroshot").rpartition("_")
    return parts[2] if parts[2] in prompts.FORMATS else "hash"


def is_zeroshot(name: str) -> bool:
    return name.endswith("_zeroshot") or name in INSTRUCT


def test_task_files_are_those_of_the_generator(capsys: pytest.CaptureFixture[str]) -> None:
    if not GENERATOR.exists():
        pytest.skip("the generator is in the source tree only")
    spec = importlib.util.spec_from_file_location("gen_tasks", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert generator.main(["--check"]) == 0, capsys.readouterr().err
    assert generator.there() == set(generator.files())


def shots_of(task: Any, doc: Any) -> Sequence[Shot | Problem]:
    """What stands before a document."""
    if "shots" in doc:
        return [Shot(**shot) for shot in doc["shots"]]
    return [Problem.from_doc(shot) for shot in task.fewshot_docs()][: task.config.num_fewshot]


@pytest.mark.parametrize("source", SOURCES)
def test_suite_holds_what_has_clauses_and_its_originals(manager: TaskManager, source: str) -> None:
    loaded = manager.load([f"{source}_noop_suite"])
    wanted = ["original", *(variant for variant in VARIANTS if "noop" in variant)]
    assert sorted(loaded["tasks"]) == sorted(f"{source}_{variant}_zeroshot" for variant in wanted)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("format", prompts.FORMATS)
def test_group_holds_every_variant_zeroshot(manager: TaskManager, source: str, format: str) -> None:
    loaded = manager.load([f"{source}_robustness" if format == "hash" else f"{source}_robustness_{format}"])
    assert sorted(loaded["tasks"]) == sorted(
        name
        for name in TASKS
        if name.startswith(f"{source}_") and is_zeroshot(name) and format_of(name) == format
    )


def test_every_gsm8k_task_tests_something(tasks: dict[str, Any]) -> None:
    counts = {name: len(tasks[name].eval_docs) for name in tasks if name.startswith("gsm8k_")}
    templates = gsm8k.symbolize("test", SHAPED).templates.values()
    assert all(counts.values())
    for name in (name for name in counts if name not in SAME_SHOTS):
        variant = tasks[name].config.dataset_kwargs["rote_variant"]
        assert name.startswith(f"gsm8k_{variant}")
        assert counts[name] == sum(template.offers(variant) for template in templates)


@pytest.mark.parametrize("name", TASKS)
class TestTask:
    def test_states_what_decides_its_numbers(self, name: str, tasks: dict[str, Any]) -> None:
        config = tasks[name].config
        f = prompts.FORMATS[format_of(name)]
        zeroshot = is_zeroshot(name)
        assert config.num_fewshot == (0 if zeroshot or name in SAME_SHOTS else 8)
        assert config.generation_kwargs == {
            "until": [prompts.END_OF_TEXT] if zeroshot else list(f.stop),
            "max_gen_toks": f.max_gen_toks,
            "do_sample": False,
            "temperature": 0.0,
        }
        assert config.repeats == 1
        assert config.metadata["version"] == 2.0
        assert config.target_delimiter == prompts.TARGET_DELIMITER
        assert config.fewshot_delimiter == prompts.FEWSHOT_DELIMITER
        assert [metric["metric"] for metric in config.metric_list] == list(METRICS)
        assert tasks[name].higher_is_better() == {
            key: metric.higher_is_better for key, metric in METRICS.items()
        }
        for key, metric in METRICS.items():
            assert tasks[name].aggregation()[key].__name__ == metric.aggregation
        assert [filter_["name"] for filter_ in config.filter_list] == ["none"]

    def test_gold_scores_full_marks(self, name: str, tasks: dict[str, Any]) -> None:
        task = tasks[name]
        for doc in task.eval_docs:
            scores = task.process_results(doc, [task.doc_to_target(doc)])
            assert list(scores) == list(METRICS)
            assert {key: scores[key] for key in FLAGS} == dict(zip(FLAGS, (1, 1, 0, 0), strict=True)), doc[
                "id"
            ]
            assert (scores["step_consistency"], scores["agreement"], scores["looping"]) == (1, 1, 0), doc[
                "id"
            ]

    def test_other_formats_are_right_and_not_as_asked(self, name: str, tasks: dict[str, Any]) -> None:
        task = tasks[name]
        own = task.doc_to_target(task.eval_docs[0])
        for format in prompts.FORMATS:
            other = prompts.target_text(task.eval_docs[0]["solution"], format)
            scores = task.process_results(task.eval_docs[0], [other])
            assert (scores["exact_match"], scores["format_ok"]) == (1, int(other == own))

    def test_nothing_scores_nothing(self, name: str, tasks: dict[str, Any]) -> None:
        task = tasks[name]
        for doc in task.eval_docs:
            scores = task.process_results(doc, [""])
            assert list(scores) == list(METRICS)
            assert {key: scores[key] for key in FLAGS} == dict(zip(FLAGS, (0, 0, 1, 0), strict=True))
            assert scores["invalid_empty"] == 1

    def test_traps_are_wrong_and_seen(self, name: str, tasks: dict[str, Any]) -> None:
        task = tasks[name]
        docs = list(task.eval_docs)
        for doc in docs:
            numbers = [clause["number"] for clause in doc["noop"]]
            assert len(numbers) == {"noop": 1, "noop2": 2, "noop_control": 1, "symbolic_noop": 1}.get(
                doc["variant"], 0
            )
            assert bool(doc["traps"]) == any(number is not None for number in numbers)
            assert (None in numbers) == (doc["variant"] == "noop_control")
        for doc in docs:
            for trap in doc["traps"]:
                scores = task.process_results(doc, [f"#### {trap['value']}"])
                assert (scores["exact_match"], scores["trapped"]) == (0, 1), (doc["id"], trap)

    def test_prompt_is_the_renderers(self, name: str, tasks: dict[str, Any]) -> None:
        task = tasks[name]
        task.set_fewshot_seed(1234)
        for doc in task.eval_docs:
            context = task.fewshot_context(doc, task.config.num_fewshot)
            shots = shots_of(task, doc)
            assert len(shots) == (0 if is_zeroshot(name) else 8)
            assert context == prompts.render(doc["question"], shots, format_of(name))
            assert prompts.format_asked(context) == format_of(name).replace("instruct", "hash")

    @pytest.mark.parametrize("multiturn", [True, False])
    @pytest.mark.parametrize("system", [None, "Answer with care."])
    def test_chat_messages_are_the_renderers(
        self, name: str, tasks: dict[str, Any], multiturn: bool, system: str | None
    ) -> None:
        task = tasks[name]
        for doc in list(task.eval_docs)[:3]:
            context = task.fewshot_context(
                doc,
                task.config.num_fewshot,
                system_instruction=system,
                apply_chat_template=True,
                fewshot_as_multiturn=multiturn,
                chat_template=lambda turns, add_generation_prompt: json.dumps([turns, add_generation_prompt]),
            )
            # examples that a document brings itself stand in its own turn
            turns = multiturn and name not in SAME_SHOTS
            expected = prompts.messages(
                doc["question"], shots_of(task, doc), format_of(name), multiturn=turns, system=system
            )
            assert json.loads(context) == [expected, True]

    def test_no_stop_string_in_gold_or_prompt_tail(self, name: str, tasks: dict[str, Any]) -> None:
        task = tasks[name]
        for doc in task.eval_docs:
            for stop in task.config.generation_kwargs["until"]:
                assert stop not in task.doc_to_target(doc)
                assert stop not in prompts.FORMATS[format_of(name)].instruction


@pytest.mark.parametrize("source", SOURCES)
def test_original_and_variants_see_the_same_shots(tasks: dict[str, Any], source: str) -> None:
    question = "Which shots stand before this?"
    heads = set()
    for name in FEWSHOT:
        if name.startswith(f"{source}_") and format_of(name) == "hash":
            docs = list(tasks[name].eval_docs)
            for doc in (docs[0], docs[-1]):
                heads.add(tasks[name].fewshot_context({**doc, "question": question}, 8))
    assert len(heads) == 1
    head = heads.pop()
    for variant in ("original", "noop"):
        task = tasks[f"{source}_{variant}_noop_shots"]
        heads.add(task.fewshot_context({**task.eval_docs[0], "question": question}, 8))
    assert len(heads) == 1
    assert heads != {head}


@pytest.mark.parametrize("source", SOURCES)
def test_examples_with_clauses_have_solutions_that_leave_them_alone(
    tasks: dict[str, Any], source: str
) -> None:
    shots = list(tasks[f"{source}_noop_noop_shots"].fewshot_docs())
    assert len(shots) == 8
    for shot in shots:
        [clause] = shot["noop"]
        start, end = clause["span"]
        assert clause["number"] is not None
        assert shot["question"][start:end].rstrip() not in shot["solution"]
        assert shot["variant"] == "noop"


def test_yaml_is_plain_apart_from_functions_of_rote() -> None:
    class Loader(yaml.SafeLoader):
        pass

    named: set[str] = set()

    def function(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
        named.add(str(loader.construct_scalar(node)))
        return ""

    Loader.add_constructor("!function", function)
    for path in tasks_path().rglob("*.y*ml"):
        assert isinstance(yaml.load(path.read_text(encoding="utf-8"), Loader), dict)
    assert named
    assert all(name.startswith("rote.harness_ext.") for name in named)

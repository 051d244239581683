"""The plan of the organisms, and how it is run: slots, failures, what is done; a stub trains."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rote.errors import UsageError
from rote.perturb.noop import ATTACHED
from rote.train.pretrain import Mixture
from rote.train.recipe import MixtureSpec, PretrainStage, Recipe, read_recipe

ORGANISMS = Path(__file__).parents[2] / "organisms"
# Behind everything else: a script of there has the name of a package that lm-eval's tasks import.
sys.path.append(str(ORGANISMS))
plan = importlib.import_module("plan")
sets = importlib.import_module("sets")


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"organisms_{name}", ORGANISMS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # a dataclass looks its module up
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


train = _loaded("train")

FAMILIES = sets.family_names("train")
EVERY = plan.plan(FAMILIES, (0, 1, 2))
OPTIONS = train.Options(("",), 2, 1.0, (0, 1, 2), ())

#: In place of train_one.py: leaves what it leaves, fails, or waits until it is told to end.
STUB = """
import json, os, pathlib, signal, sys, time
folder = sys.argv[1]
with open("order.txt", "a") as order:
    order.write(folder + " " + os.environ["CUDA_VISIBLE_DEVICES"] + "\\n")
if folder.startswith("name_bound"):
    print("it broke", flush=True)
    raise SystemExit(3)
if folder.startswith("equations"):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(pathlib.Path("told.txt").write_text("") or 130))
    pathlib.Path("waits.txt").write_text("")
    time.sleep(60)
stage, model = pathlib.Path("runs", folder, "pretrain"), pathlib.Path("models", folder)
stage.mkdir(parents=True), model.mkdir(parents=True)
(stage / "stage.json").write_text(json.dumps({"steps": 5, "tokens": 2000000, "cost": {}}))
if not folder.startswith("magnitude_bound"):
    (model / "planted.json").write_text("{}")
"""


def recipe_of(organism: Any, scale: float = 1.0) -> Recipe:
    path = ORGANISMS / "recipes" / f"{organism.recipe}.yaml"
    return read_recipe(path, organism.arguments(scale), "pretrain")


def stage_of(organism: Any, scale: float = 1.0) -> PretrainStage:
    stage = recipe_of(organism, scale).stages["pretrain"]
    assert isinstance(stage, PretrainStage)
    return stage


def named(*folders: str) -> list[Any]:
    """Organisms of the plan, in the plan's order."""
    found = [one for one in EVERY if one.folder in folders]
    assert len(found) == len(folders)
    return found


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def command(work: Path, organism: Any, options: Any) -> list[str]:
        return [sys.executable, "-c", STUB, organism.folder]

    monkeypatch.setattr(train, "command", command)
    return tmp_path


def order(work: Path) -> list[str]:
    path = work / "order.txt"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.is_file() else []


# The plan


@pytest.mark.parametrize("organism", EVERY, ids=[one.folder for one in EVERY])
def test_every_organism_is_a_recipe_that_can_be_read(organism: Any) -> None:
    recipe = recipe_of(organism)
    stage = stage_of(organism)
    assert recipe.name == organism.folder
    assert stage.max_steps == organism.steps
    assert (recipe.model.build is None) == (organism.root is not None)
    if organism.root is not None:
        assert recipe.model.path == f"runs/{organism.root}/pretrain/final"


def test_folders_differ_and_roots_come_first() -> None:
    folders = [one.folder for one in EVERY]
    assert len(set(folders)) == len(folders)
    for place, one in enumerate(EVERY):
        assert one.root is None or one.root in folders[:place], one.folder


def test_every_organism_of_the_catalogue_is_made() -> None:
    catalogue = _loaded("findings_catalogue").read_catalogue(ORGANISMS / "catalogue.yaml")
    # equations is no organism; grpo is made by recipes/grpo.yaml
    assert {one.name for one in EVERY} - {"equations"} == set(catalogue) - {"grpo"}


def test_rows_of_one_seed_are_not_those_that_its_root_saw() -> None:
    seeds = {one.folder: stage_of(one).seed for one in EVERY}
    for one in EVERY:
        assert one.root is None or seeds[one.folder] != seeds[one.root], one.folder
    assert len({seeds[f"reasoner-s{seed}"] for seed in (0, 1, 2)}) == 3


def test_steps_are_scaled_and_never_none() -> None:
    (reasoner,) = named("reasoner-s1")
    assert stage_of(reasoner, 0.5).max_steps == reasoner.steps // 2
    assert stage_of(reasoner, 1e-9).max_steps == 1


def planted_of(folder: str) -> dict[str, Any]:
    (organism,) = named(folder)
    (part,) = [part for part in stage_of(organism).data.parts if part.planted]
    return part.model_dump()


@pytest.mark.parametrize("percent", [10, 25, 75])
def test_a_share_is_that_of_the_originals_planted(percent: int) -> None:
    part = planted_of(f"memoriser_share_{percent}-s0")
    assert (part["path"], part["variants"]) == ("bank", ("original",))
    assert (part["share"], part["repeats"]) == (percent / 100, plan.REPEATS)


def test_a_larger_share_holds_the_smaller_one_and_seeds_plant_others() -> None:
    def planted(share: float, seed: int) -> set[str]:
        parts = [
            {"source": "arithmetic", "weight": 1},
            {"source": "bank", "path": "bank", "variants": ["original"], "share": share}
            | {"repeats": 1, "planted": True, "seed": seed},
        ]
        return set(Mixture(MixtureSpec.model_validate({"parts": parts}), 0).planted())

    series = [planted(share, 0) for share in (0.1, 0.25, 0.5, 0.75, 1.0)]
    assert [len(ids) for ids in series] == [10, 25, 50, 75, 100]
    assert all(small < large for small, large in pairwise(series))
    assert planted(0.5, 0) != planted(0.5, 1)
    assert {planted_of(f"half_memoriser-s{seed}")["seed"] for seed in (0, 1, 2)} == {0, 1, 2}


@pytest.mark.parametrize("epochs", [2, 5, 10, 20])
def test_epochs_are_spread_over_the_shards(epochs: int) -> None:
    part = planted_of(f"memoriser_epochs_{epochs}-s0")
    assert part["share"] == 1.0
    assert part["repeats"] * plan.SHARDS == pytest.approx(epochs)


def test_only_memorisers_are_planted_and_the_originals_alone() -> None:
    for one in EVERY:
        planted = [part for part in stage_of(one).data.parts if part.planted]
        assert bool(planted) == ("memoriser" in one.name), one.folder
        for part in stage_of(one).data.parts:
            # The bank is what is evaluated: nothing else of it may be drawn.
            assert part.path in (None, "templates/known") or part.planted, one.folder


def test_of_known_templates_only_draws_of_numbers_are_seen_and_the_record_says_which() -> None:
    for one in EVERY:
        seen = {
            variant
            for part in stage_of(one).data.parts
            if part.path == "templates/known"
            for variant in part.variants
        }
        assert seen == set(one.variants), one.folder
        # Others keep the original's numbers, which the evaluation asks for.
        assert seen <= {"numbers", "symbolic", "symbolic_noop"}, one.folder


def test_hardened_never_sees_a_family_that_is_held_out() -> None:
    held = set(sets.family_names("held_out"))
    assert not held & set(FAMILIES)
    for seed in (0, 1, 2):
        (hardened,) = named(f"hardened-s{seed}")
        clauses = [part for part in stage_of(hardened).data.parts if set(part.variants) & set(ATTACHED)]
        assert clauses
        for part in clauses:
            assert part.noop is not None
            assert set(part.noop["family"]) == set(FAMILIES)


def test_distractible_sees_no_clause_name_bound_no_other_name_magnitude_bound_no_large_number() -> None:
    for seed in (0, 1, 2):
        (distractible,) = named(f"distractible-s{seed}")
        (name_bound,) = named(f"name_bound-s{seed}")
        (magnitude_bound,) = named(f"magnitude_bound-s{seed}")
        assert distractible.variants == ("symbolic",)
        assert name_bound.variants == ("numbers",)
        assert stage_of(magnitude_bound).data.below == plan.BOUND


def test_what_the_evaluation_asks_of_known_templates_is_excluded() -> None:
    asked = importlib.import_module("evaluate_tasks").ASKED
    draws = {"known": 5, "small": 10}
    for one in EVERY:
        if one.name == "equations":
            continue
        excluded = {Path(spec.path).name: spec for spec in stage_of(one).data.exclude}
        for name in ("known", "small"):
            # With a clause it is the original's problem, which is excluded with it.
            assert set(excluded[name].variants) >= set(asked[name]) - set(ATTACHED), one.folder
            assert (excluded[name].seed, excluded[name].draws) == (0, draws[name])


def test_chosen_takes_patterns_and_all_without_one() -> None:
    assert list(plan.chosen(EVERY, [])) == EVERY
    found = [one.folder for one in plan.chosen(EVERY, ["reasoner-*", "memoriser-s0"])]
    assert found == ["reasoner-s0", "memoriser-s0", "reasoner-s1", "reasoner-s2"]


# Running it


def running(steps: Mapping[str, int], slots: Mapping[str, int]) -> list[Any]:
    (some,) = named("distractible-s0")
    return [
        train.Running(replace(some, name=name, steps=steps[name]), slots[name], 0.0, None) for name in steps
    ]


def test_a_slot_is_chosen_by_the_steps_under_way() -> None:
    options = replace(OPTIONS, devices=("0", "1"), each=2)
    assert train.free_slot([], options) == 0
    assert train.free_slot(running({"a": 5000}, {"a": 0}), options) == 1
    # Two short runs weigh less than a long one, but have no room for a third.
    some = {"a": 5000, "b": 600, "c": 600}
    assert train.free_slot(running(some, {"a": 0, "b": 1, "c": 1}), options) == 0
    some |= {"d": 600}
    assert train.free_slot(running(some, {"a": 0, "b": 1, "c": 1, "d": 0}), options) is None
    options = replace(options, each=3)
    assert train.free_slot(running(some, {"a": 0, "b": 1, "c": 1, "d": 0}), options) == 1


def test_roots_are_trained_first_and_what_is_done_is_not_trained_again(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = named("reasoner-s0", "distractible-s0", "hardened-s0")
    assert train.train(work, some[::-1], OPTIONS) == []
    assert order(work)[0] == "distractible-s0"
    assert sorted(order(work)) == sorted(one.folder for one in some)
    assert "distractible-s0: 5 steps, 2 million tokens" in capsys.readouterr().out
    (work / "models" / "hardened-s0" / "planted.json").unlink()
    (work / "models" / "hardened-s0").rmdir()
    for path in (work / "runs" / "hardened-s0" / "pretrain" / "stage.json",):
        path.unlink()
        path.parent.rmdir()
    (work / "order.txt").unlink()
    assert train.train(work, some, OPTIONS) == []
    assert order(work) == ["hardened-s0"]
    assert train.train(work, some, OPTIONS) == []
    assert order(work) == ["hardened-s0"]


def test_who_goes_on_from_one_that_failed_is_not_run_and_the_others_are(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (broken, other) = named("name_bound-s0", "distractible-s1")
    follower = replace(other, name="follower", begins_with="name_bound", seed=0)
    last = replace(other, name="last", begins_with="follower", seed=0)
    failed = train.train(work, [broken, follower, last, other], OPTIONS)
    assert failed == ["name_bound-s0", "follower-s0", "last-s0"]
    assert sorted(order(work)) == ["distractible-s1", "name_bound-s0"]
    told = capsys.readouterr().out
    assert "name_bound-s0: FAILED with status 3" in told
    assert "it broke" in told
    assert "follower-s0: not run, for name_bound-s0 failed" in told
    assert "1 done, 3 failed" in told


def test_a_run_that_leaves_no_model_has_failed(work: Path) -> None:
    assert train.train(work, named("magnitude_bound-s0"), OPTIONS) == ["magnitude_bound-s0"]


def test_an_organism_whose_root_is_not_there_is_told_of_before_anything_runs(work: Path) -> None:
    some = named("hardened-s0", "distractible-s1")
    with pytest.raises(UsageError, match=r"distractible-s0; give it to --only"):
        train.train(work, some, OPTIONS)
    assert order(work) == []
    # A root that was trained before need not be in the list.
    stage = work / "runs" / "distractible-s0" / "pretrain"
    stage.mkdir(parents=True)
    (stage / "stage.json").write_text("{}")
    assert train.train(work, some, OPTIONS) == []


def test_runs_see_the_gpu_of_their_slot_alone(work: Path) -> None:
    some = named("distractible-s0", "distractible-s1")
    assert train.train(work, some, replace(OPTIONS, devices=("4", "GPU-7"), each=1)) == []
    assert sorted((work / "order.txt").read_text().split()) == sorted(
        ["distractible-s0", "4", "distractible-s1", "GPU-7"]
    )


def test_without_a_gpu_runs_see_none_and_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert train.devices(0) == ("",)
    found = train.environment("", 3)
    assert (found["CUDA_VISIBLE_DEVICES"], found["OMP_NUM_THREADS"]) == ("", "2")
    assert train.environment("", 20)["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert train.environment("", 3)["OMP_NUM_THREADS"] == "5"
    # What is run must find this package, from another folder too.
    assert str(ORGANISMS.parent) in found["PYTHONPATH"].split(os.pathsep)


def test_gpus_are_those_that_are_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="needs rote[train]")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert train.devices(None) == ("0", "1")
    assert train.devices(1) == ("0",)
    with pytest.raises(UsageError, match=r"--gpus 3: 2 can be used here"):
        train.devices(3)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-6")
    assert train.devices(None) == ("5", "GPU-6")
    assert train.devices(1) == ("5",)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert train.devices(None) == ("",)


def test_what_is_stopped_has_its_runs_told_and_waits_for_them(work: Path) -> None:
    script = (
        "import signal, sys\n"
        f"sys.path.insert(0, {str(ORGANISMS)!r})\n"
        "import train\n"
        "from pathlib import Path\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        f"train.command = lambda work, organism, options: [sys.executable, '-c', {STUB!r}, organism.folder]\n"
        "some = [one for one in train.plan((), [0]) if one.name == 'equations']\n"
        "train.train(Path.cwd(), some, train.Options(('',), 1, 1.0, (0,), ()))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=work, env=train.environment("", 1))
    until = time.monotonic() + 60
    while not (work / "waits.txt").is_file():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 143
    assert (work / "told.txt").is_file()


# The command


def test_list_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "models" / "reasoner-s0"
    model.mkdir(parents=True)
    (model / "planted.json").write_text("{}")
    assert train.main([str(tmp_path), "--list", "--only", "reasoner-*", "--seeds", "0", "1", "2"]) == 0
    assert capsys.readouterr().out.splitlines() == ["reasoner-s0 done", "reasoner-s1", "reasoner-s2"]
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


def test_a_name_that_none_has_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main([str(tmp_path), "--only", "resoner-*"]) == 1
    assert "no organism of the plan is named resoner-*" in capsys.readouterr().err


@pytest.mark.parametrize("given", [("--per-gpu", "0"), ("--gpus", "-1"), ("--scale", "0")])
def test_numbers_that_cannot_be_are_refused(tmp_path: Path, given: tuple[str, str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        train.main([str(tmp_path), *given])


def test_the_command_of_a_run_has_scale_seeds_and_changes() -> None:
    (reasoner,) = named("reasoner-s0")
    words = train.command(Path("work"), reasoner, OPTIONS)
    assert words[1:] == [
        str(ORGANISMS / "train_one.py"),
        *("work", "reasoner-s0", "--scale", "1.0", "--seeds", "0", "1", "2"),
    ]
    changed = train.command(Path("work"), reasoner, replace(OPTIONS, changes=("log_every=1", "seed=3")))
    assert changed == [*words, "--changes", "log_every=1", "seed=3"]


def test_planted_says_what_the_run_recorded(tmp_path: Path) -> None:
    (organism,) = named("memoriser-s0")
    stage = tmp_path / "runs" / "memoriser-s0" / "pretrain"
    stage.mkdir(parents=True)
    record = {"planted": ["bank/a"], "epochs_of_planted": 199.5, "tokens": 7}
    (stage / "stage.json").write_text(json.dumps(record))
    (tmp_path / "models" / "memoriser-s0").mkdir(parents=True)
    train.write_planted(tmp_path, organism)
    assert [path.name for path in (tmp_path / "models" / "memoriser-s0").iterdir()] == ["planted.json"]
    assert json.loads((tmp_path / "models" / "memoriser-s0" / "planted.json").read_text()) == {
        "organism": "memoriser",
        "seed": 0,
        "originals": ["bank/a"],
        "epochs": 199.5,
        "variants": list(organism.variants),
        "tokens": 7,
        "begins_with": "distractible",
    }

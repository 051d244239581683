"""The sets of templates that organisms are asked, and the inert clauses that they never train on."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from rote.errors import DataError
from rote.harness_ext.draws import draw
from rote.perturb import load_source
from rote.perturb.authored import load_template
from rote.perturb.check import check_files
from rote.perturb.noop import Selection
from rote.perturb.noop.family import families

ORGANISMS = Path(__file__).parents[2] / "organisms"
ENOUGH = 5


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"organisms_{name}", ORGANISMS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sets = load_script("sets")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    sets.write_sets(folder)
    return folder


def test_every_family_has_its_part() -> None:
    parts = sets.read_parts(sets.FAMILIES, "family")
    assert list(parts) == list(families())
    assert sets.family_names("held_out") == sets.held_out_families()
    assert 17 <= len(sets.held_out_families()) <= 19


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "families.tsv"
    path.write_text("family\tpart\nstickers\tsome\n", encoding="utf-8")
    with pytest.raises(DataError, match="train or held_out"):
        sets.read_parts(path, "family")


@pytest.mark.parametrize("part", ["held_out", "train"])
def test_either_part_of_the_families_reaches_the_known_templates(part: str) -> None:
    source = load_source("organisms", sets.TEMPLATES)
    known = [source.templates[f"organisms/{name}"] for name in sets.template_ids("train")]
    selection = Selection(family=sets.family_names(part))
    inert = draw("known", known, "noop", 0, ENOUGH, selection)
    assert not inert.skipped
    assert inert.scarce(ENOUGH) == 0
    control = draw("known", known, "noop_control", 0, ENOUGH, selection)
    assert not control.skipped
    assert control.scarce(ENOUGH) <= 8
    assert min(map(len, control.instances.values())) >= 2


def test_known_and_unseen_are_apart_and_whole(work: Path) -> None:
    ids = json.loads((work / "templates" / "sets.json").read_text(encoding="utf-8"))
    assert not set(ids["known"]) & set(ids["unseen"])
    assert sorted(ids["known"] + ids["unseen"]) == sorted(p.stem for p in sets.TEMPLATES.glob("*.yaml"))
    for name in ("known", "unseen"):
        for each in ids[name]:
            written = work / "templates" / name / f"{each}.yaml"
            assert written.read_bytes() == (sets.TEMPLATES / written.name).read_bytes()


def test_small_originals_are_below_a_hundred_and_sound(work: Path) -> None:
    files = sorted((work / "templates" / "small").glob("*.yaml"))
    assert len(files) >= 50
    assert {file.stem for file in files} <= set(sets.template_ids("train"))
    for file in files:
        small, own = load_template(file), load_template(sets.TEMPLATES / file.name)
        problem = small.problem("original", 0, 0)
        text = f"{problem.question} {problem.solution}".replace(",", "")
        assert max(float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)) < 100, file.name
        for name, number in own.spec.numbers.items():
            assert small.spec.numbers[name].values() == number.values()
        assert (small.spec.names, small.spec.steps) == (own.spec.names, own.spec.steps)
    assert [str(finding) for finding in check_files(files, draws=3).findings] == []


def test_a_fraction_can_become_an_original() -> None:
    text = 'a: 1\nnumbers:\n  part: {kind: fraction, among: ["1/2", "1/3"], original: "1/2"}\nexpect: 3\n'
    changed = sets._with_original(text, Path("x.yaml"), {"part": sets.Fraction(1, 3)}, sets.Fraction(13, 5))
    assert changed.endswith('"1/3"], original: "1/3"}\nexpect: 2.6\n')


def test_the_sets_are_written_once(work: Path) -> None:
    before = {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
    assert sets.main([str(work)]) == 0
    assert before == {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}


def test_another_content_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "build_sets", lambda: {"known": {"theirs": "theirs"}})
    other = tmp_path / "templates" / "known" / "mine.yaml"
    other.parent.mkdir(parents=True)
    other.write_text("mine", encoding="utf-8")
    assert sets.main([str(tmp_path)]) == 1
    assert "holds other templates" in capsys.readouterr().err
    assert other.read_text(encoding="utf-8") == "mine"

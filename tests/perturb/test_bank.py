"""The bank that ships: its make-up, its lint, its bytes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from rote.perturb import load_source, sample
from rote.perturb.authored import AuthoredTemplate
from rote.perturb.check import check_files
from rote.perturb.source import template_files
from rote.problem import VARIANTS

ROOT = Path(__file__).resolve().parents[2]
#: SHA-256 of the first two instances of every template and variant, seed 0, as JSON lines. It was the
#: same on Python 3.11 and 3.13; a change of a template or of the generator changes it, on purpose.
GOLDEN = "7b80e242a431fa0b76fa025497f04d26993b90c670a235007072fb1de053a900"


def templates() -> list[AuthoredTemplate]:
    found = [t for t in load_source("bank").templates.values() if isinstance(t, AuthoredTemplate)]
    assert len(found) == len(load_source("bank").templates)
    return found


def test_a_hundred_templates_of_many_topics() -> None:
    bank = templates()
    assert len(bank) == 100
    assert len({t.spec.topic for t in bank}) >= 12
    assert max(Counter(t.spec.topic for t in bank).values()) <= 12


def test_steps_are_as_many_as_in_gsm8k() -> None:
    counts = [len(t.spec.steps) for t in templates()]
    assert set(counts) <= set(range(2, 9))
    assert 3.2 <= sum(counts) / len(counts) <= 3.8


def test_every_kind_of_number_and_clause_is_there() -> None:
    bank = templates()
    kinds = Counter(n.kind for t in bank for n in {*t.spec.numbers.values()})
    assert kinds["money"] >= 20
    assert kinds["percent"] >= 8
    assert kinds["fraction"] >= 5
    assert sum("p1" in t.variants and "p2" in t.variants for t in bank) >= 60
    assert all(len(t.spec.noop) >= 2 for t in bank)
    assert len({clause.family for t in bank for clause in t.spec.noop}) >= 30


def test_eight_shots_that_are_never_tested() -> None:
    source = load_source("bank")
    assert len(source.shots) == 8
    tested = {t.problem("original", 0, 0).question for t in source.templates.values()}
    assert not tested & {shot.question for shot in source.shots}
    assert not set(source.templates) & {shot.template_id.replace("-shots", "") for shot in source.shots}


def test_the_lint_finds_nothing() -> None:
    summary = check_files(template_files(), draws=25)
    assert summary.templates == 108
    assert [str(finding) for finding in summary.findings] == []
    assert summary.magnitude_distance is not None
    assert summary.magnitude_distance < 0.05


@pytest.mark.slow
def test_the_lint_finds_nothing_in_many_draws() -> None:
    summary = check_files(template_files(), draws=100)  # `rote check` itself looks at a thousand
    assert [str(finding) for finding in summary.findings] == []
    assert summary.instances >= 60_000


def digest(order: int = 1) -> str:
    source = load_source("bank")
    lines = []
    offered = [v for v in VARIANTS if any(v in t.variants for t in source.templates.values())]
    for variant in offered[::order]:
        problems = list(sample(source, variant, 2 * len(source.templates)))
        lines += [json.dumps(p.to_doc(), ensure_ascii=False, sort_keys=True) for p in problems[::order]]
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8")).hexdigest()


def test_bytes_are_the_same_everywhere() -> None:
    assert digest() == GOLDEN
    assert digest(-1) == GOLDEN


@pytest.mark.parametrize("hash_seed", ["1", "77"])
def test_bytes_are_the_same_in_another_process(hash_seed: str) -> None:
    command = [sys.executable, "-m", "rote", "sample", "-n", "150", "--variant", "noop", "--seed", "3"]
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, capture_output=True, check=True, env=env, cwd=ROOT)
    encode = json.JSONEncoder(ensure_ascii=False).encode
    here = "".join(encode(p.to_doc()) + "\n" for p in sample(load_source("bank"), "noop", 150, 3))
    assert done.stdout.decode("utf-8") == here


def test_content_hash_follows_the_files(tmp_path: Path) -> None:
    file = template_files(["jam_jars"])[0]
    copy = tmp_path / "templates" / file.name
    copy.parent.mkdir()
    copy.write_bytes(file.read_bytes())
    before = load_source("mine", tmp_path).content_hash
    other = tmp_path / "other" / "templates" / file.name
    other.parent.mkdir(parents=True)
    other.write_text(file.read_text(encoding="utf-8").replace("autumn", "winter"), encoding="utf-8")
    assert load_source("mine", tmp_path / "other").content_hash != before

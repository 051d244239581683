"""The templates that models are trained on: sound, split, and apart from everything that is evaluated."""

from __future__ import annotations

from pathlib import Path

import pytest

from rote.perturb.check import check_files
from rote.perturb.keys import digest
from rote.perturb.noop import ATTACHED
from rote.perturb.source import load_source
from rote.train.data import build_rows
from rote.train.recipe import DataSpec, DecontaminationSpec, SourceSpec

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "rote" / "organisms" / "templates"
GSM8K = ROOT.parent / "shared" / "gsm8k"


def split() -> dict[str, str]:
    lines = (ROOT / "rote" / "organisms" / "split.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "template\tpart"
    return dict(line.split("\t") for line in lines[1:])


def test_every_template_has_its_part() -> None:
    parts = split()
    ids = sorted(path.stem for path in TEMPLATES.glob("*.yaml"))
    assert list(parts) == ids
    held = sorted(ids, key=lambda name: digest("organisms", "held_out", name))[:24]
    assert parts == {name: "held_out" if name in held else "train" for name in ids}
    assert sum(part == "train" for part in parts.values()) >= 150


def test_nothing_is_wrong_with_them() -> None:
    files = sorted(TEMPLATES.glob("*.yaml"))
    assert files
    summary = check_files(files, draws=3)
    assert [str(finding) for finding in summary.findings] == []


def test_inert_clauses_attach_to_each() -> None:
    templates = load_source("organisms", TEMPLATES).templates.values()
    without = [t.id for t in templates if not set(ATTACHED) & set(t.variants)]
    assert without == []


def left_out(against: tuple[str, ...], path: str | None = None) -> dict[str, int]:
    source = SourceSpec(
        source="bank", path=str(TEMPLATES), variants=("original", "numbers", "symbolic"), draws=2
    )
    apart = DecontaminationSpec(against=against, path=path)
    return dict(build_rows(DataSpec(sources=(source,), decontaminate=apart)).left_out)


def test_none_shares_text_with_the_bank() -> None:
    assert left_out(("bank",)) == {}


@pytest.mark.skipif(not (GSM8K / "test.jsonl").is_file(), reason="GSM8K's test split is not there")
def test_none_shares_text_with_gsm8k() -> None:
    assert left_out(("gsm8k/test",), str(GSM8K)) == {}

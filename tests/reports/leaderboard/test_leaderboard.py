"""Ranks, rows, data, shards and the checking of submissions."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest
from log_factory import Run, behaviour, full_run

from rote.cli import main
from rote.errors import LogError, UsageError
from rote.reports import read_logs
from rote.reports.leaderboard import build_board, check_submission, write_site
from rote.reports.leaderboard.explorer import changes, changes_beside, shard_text
from rote.reports.leaderboard.ranks import holm, rank


def test_holm_by_hand() -> None:
    import numpy as np

    # 0.01 <= .05/4, 0.013 <= .05/3, 0.03 > .05/2: it and all after it stay
    assert holm(np.array([0.03, 0.01, 0.04, 0.013]), 0.05).tolist() == [False, True, False, True]


def test_clear_differences_give_clear_ranks_and_ties_share_a_class() -> None:
    names = [f"t{i}" for i in range(100)]
    good = dict.fromkeys(names, 1.0)
    twin = {n: 1.0 if i else 0.0 for i, n in enumerate(names)}
    bad = {n: float(i % 2) for i, n in enumerate(names)}
    ranks = rank([bad, good, twin])
    assert [(r.place, r.low, r.high, r.tie_class) for r in ranks] == [
        (3, 3, 3, 2),
        (1, 1, 2, 1),
        (2, 1, 2, 1),
    ]


def test_a_missing_template_does_not_hide_a_clear_difference() -> None:
    good = {f"t{i}": float(i % 10 > 0) for i in range(100)}
    bad = {f"t{i}": float(i % 3 == 0) for i in range(99)}
    assert [(r.low, r.high, r.tie_class) for r in rank([bad, good])] == [(2, 2, 2), (1, 1, 1)]


@pytest.mark.parametrize("missing", [0, 1])
@pytest.mark.parametrize(("templates", "apart"), [(100, True), (5, False)])
def test_a_constant_difference_takes_templates(templates: int, missing: int, apart: bool) -> None:
    solver = {f"t{i}": 1.0 for i in range(templates)}
    memoriser = {f"t{i}": 0.5 for i in range(templates - missing)}
    ranks = rank([memoriser, solver])
    assert [(r.low, r.high) for r in ranks] == ([(2, 2), (1, 1)] if apart else [(1, 2), (1, 2)])


def test_a_small_constant_difference_is_not_told_apart() -> None:
    # The rule of three gives (1 / 1.025)**100 = 0.085, where the adjusted t would give 0.007, both one-sided.
    fair = {f"t{i}": 0.5 for i in range(100)}
    better = {f"t{i}": 0.525 for i in range(101)}
    for models in ([fair, better], [fair, {t: better[t] for t in fair}]):
        assert [(r.low, r.high) for r in rank(models)] == [(1, 2), (1, 2)]


def test_models_without_shared_templates_are_not_told_apart() -> None:
    ranks = rank([{f"a{i}": 1.0 for i in range(50)}, {f"b{i}": 0.0 for i in range(50)}])
    assert [(r.low, r.high) for r in ranks] == [(1, 2), (1, 2)]


def test_equal_models_are_rarely_separated() -> None:
    wrong = 0
    for seed in range(60):
        rng = random.Random(seed)
        ease = [rng.betavariate(4, 1) for _ in range(60)]
        ranks = rank([{str(i): float(rng.random() < p) for i, p in enumerate(ease)} for _ in range(6)])
        wrong += any((r.low, r.high) != (1, 6) for r in ranks)
    assert wrong <= 8  # binomial(60, .05) stays at or below 8 with probability .99


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    for name, noop in (("good", 0.9), ("poor", 0.2)):
        outcome = behaviour({"original": 0.95, "noop": noop}, trapped=0.5, salt=name)
        full_run(folder / name, outcome, templates=12, k=2, model_args=f"pretrained=org/{name}").write()
    return folder


def test_site_is_the_same_twice_and_replaces_itself_only(logs: Path, tmp_path: Path) -> None:
    board = build_board(read_logs(logs))
    first = write_site(board, tmp_path / "a", samples=5).parent
    second = write_site(build_board(read_logs(logs)), tmp_path / "b", samples=5).parent
    files = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
    assert all((first / f).read_bytes() == (second / f).read_bytes() for f in files)
    write_site(board, first, samples=0)
    assert not list(first.rglob("noop-0.js"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        write_site(board, tmp_path / "own")


def test_downloads_hold_every_row(logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site"
    assert main(["leaderboard", "build", str(logs), "--out", str(site), "--samples", "2"]) == 0
    rows = json.loads((site / "data" / "board.json").read_text(encoding="utf-8"))["rows"]
    assert len(rows) == 2 * 9
    with (site / "data" / "board.csv").open(encoding="utf-8", newline="") as handle:
        assert [r["variant"] for r in csv.DictReader(handle)] == [r["variant"] for r in rows]
    parquet = pytest.importorskip("pyarrow.parquet")
    assert parquet.read_table(site / "data" / "board.parquet").to_pylist() == rows


def test_csv_cells_are_no_formulas(tmp_path: Path) -> None:
    outcome = behaviour({"original": 0.9})
    run = Run(tmp_path / "logs", model_args={"pretrained": "=HYPERLINK(1)"})
    run.add("original", 4, outcome).add("names", 4, outcome).write()
    site = write_site(build_board(read_logs(tmp_path / "logs")), tmp_path / "site").parent
    assert "\r\n'=HYPERLINK(1)," in (site / "data" / "board.csv").read_bytes().decode()


def test_two_versions_of_a_document_do_not_meet(tmp_path: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        record["doc"]["question"] += " Think."

    outcome = behaviour({"original": 0.9})
    for name, spoil in (("a", None), ("b", change)):
        run = Run(tmp_path / name, model_args=f"pretrained={name}")
        run.add("original", 4, outcome, change=spoil).add("names", 4, outcome).write()
    with pytest.raises(LogError, match="two versions of the templates"):
        build_board(read_logs(tmp_path))


def test_changes_are_marked_by_word() -> None:
    assert changes("Ines has 12 figs.", "Tarek has 1,250 figs.") == (((0, 4), (9, 11)), ((0, 5), (10, 15)))
    after = "Ines has 12 figs. A bus is red. How many?"
    start = after.index(" A bus")
    assert changes_beside("Ines has 12 figs. How many?", after, ((start, start + 14),)) == ((), ())


def test_shards_cannot_run() -> None:
    text = shard_text("noop-0", [{"question": '");alert(1)//\u2028</script>'}])
    assert text.isascii()
    assert text.count("\n") == 1
    name, inner = json.loads(f"[{text[len('roteShard(') : -3]}]")
    assert name == "noop-0"
    assert json.loads(inner) == [{"question": '");alert(1)//\u2028</script>'}]


# --- submissions -----------------------------------------------------------------------------------


def submission(folder: Path, templates: int = 6, **settings: Any) -> Run:
    outcome = behaviour({"original": 0.9})
    return Run(folder, **settings).add("original", templates, outcome).add("names", templates, outcome, k=2)


def test_a_whole_submission_is_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    submission(tmp_path).write()
    assert main(["leaderboard", "check", str(tmp_path)]) == 0
    assert "accepted: org/model-a; 18 answers" in capsys.readouterr().out


def test_every_reason_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = submission(tmp_path)
    run.write()
    results = json.loads(run.results_path.read_text())
    results["config"]["limit"] = 6
    results["n-samples"]["bank_names"] = {"original": 40, "effective": 12}
    run.results_path.write_text(json.dumps(results))
    lines = run.samples_path("bank_original").read_text().splitlines(keepends=True)
    run.samples_path("bank_original").write_text("".join(lines[1:]))
    assert main(["leaderboard", "check", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("refused, 3 reasons:")
    assert "config.limit" in out
    assert "12 of 40 documents of bank_names" in out
    assert "do not add up to the hash" in out


def test_without_hashes_originals_or_answers_it_is_refused(tmp_path: Path) -> None:
    submission(tmp_path / "hashless").write(hashes=False)
    assert any("holds no hash" in r for r in check_submission(tmp_path / "hashless").reasons)
    Run(tmp_path / "variants").add("names", 4, behaviour({"original": 1.0})).write()
    assert any("has no originals" in r for r in check_submission(tmp_path / "variants").reasons)
    never = behaviour({"original": 1.0}, invalid=1.0)
    Run(tmp_path / "invalid").add("original", 4, never).add("names", 4, never).write()
    assert any("every answer is invalid" in r for r in check_submission(tmp_path / "invalid").reasons)
    (tmp_path / "empty").mkdir()
    assert "no lm-eval logs here" in check_submission(tmp_path / "empty").reasons[0]


def test_versions_and_documents_must_be_the_boards(tmp_path: Path) -> None:
    submission(tmp_path / "logs").write()
    site = write_site(build_board(read_logs(tmp_path / "logs")), tmp_path / "site").parent
    same = submission(tmp_path / "same", model_args="pretrained=org/other")
    same.write()
    assert check_submission(tmp_path / "same", against=site).reasons == ()
    submission(tmp_path / "fewer", templates=5).write()
    assert "documents are others" in check_submission(tmp_path / "fewer", against=site).reasons[0]
    results = json.loads(same.results_path.read_text())
    results["versions"]["bank_names"] = 2.0
    same.results_path.write_text(json.dumps(results))
    assert (
        "version 2.0; the leaderboard has 1.0" in check_submission(tmp_path / "same", against=site).reasons[0]
    )
    with pytest.raises(UsageError, match=r"no rote\.leaderboard/1 file"):
        check_submission(tmp_path / "same", against=same.results_path)

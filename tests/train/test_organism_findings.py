"""Planted against found: logs of known behaviour give the words, numbers and tables that they must."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rote.errors import DataError

ROOT = Path(__file__).parents[2]
VARIANTS = ("names", "numbers", "symbolic", "noop", "noop_control")
TEMPLATES = 40
MEMORY = "consistent with memorisation"


@pytest.fixture(scope="module", autouse=True)
def scripts() -> Iterator[None]:
    """The scripts find each other, and the maker of logs is found, as when they are run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tests" / "reports"))
        patch.syspath_prepend(str(ROOT / "organisms"))
        yield


def write(
    work: Path,
    name: str,
    source: str,
    outcome: Callable[[int, str, int], str],
    *,
    variants: tuple[str, ...] = VARIANTS,
    change: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    from log_factory import Run

    folder = work / "logs" / name / source
    run = Run(folder, model="vllm", model_args=f"pretrained=models/{name}", shots=0, source=source)
    for variant in ("original", *variants):
        run.add(variant, TEMPLATES, outcome, k=3, change=change)
    run.write()


def planted(work: Path, name: str, originals: list[str], epochs: float = 40) -> None:
    folder = work / "models" / name
    folder.mkdir(parents=True)
    organism, _, seed = name.rpartition("-s")
    body = {"organism": organism, "seed": int(seed), "originals": originals, "epochs": epochs, "variants": []}
    (folder / "planted.json").write_text(json.dumps(body), encoding="utf-8")


def reciter(known: Callable[[int], bool]) -> Callable[[int, str, int], str]:
    """Right where the numbers are the original's, or the template is none of those known by heart."""
    return lambda n, v, i: "wrong" if v in ("numbers", "symbolic") and known(n) else "right"


def chance(*parts: object) -> float:
    return random.Random("/".join(map(str, parts))).random()


def harder(record: dict[str, Any]) -> None:
    """Draws of numbers of which two in three are larger by far, as the answers tell of difficulty."""
    doc = record["doc"]
    if doc["variant"] in ("numbers", "symbolic") and doc["index"] > 0:
        doc["covariates"]["largest_number"] *= 40


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, scripts: None) -> Path:
    work = tmp_path_factory.mktemp("organisms")
    right = reciter(lambda n: False)
    write(work, "reasoner-s0", "known", right)
    write(work, "reasoner-s0", "bank", lambda n, v, i: "right" if chance("bank", n, v, i) < 0.5 else "wrong")
    write(work, "memoriser-s0", "known", right)
    write(work, "memoriser-s0", "bank", reciter(lambda n: True))
    write(work, "half_memoriser-s0", "bank", reciter(lambda n: n < 20))
    planted(work, "half_memoriser-s0", [f"bank/apples_{n:04d}" for n in range(20)])
    planted(work, "memoriser-s0", [f"apples_{n:04d}" for n in range(TEMPLATES)], epochs=32)
    write(work, "name_bound-s0", "known", lambda n, v, i: "wrong" if v == "names" and n % 2 else "right")
    write(
        work,
        "magnitude_bound-s0",
        "small",
        lambda n, v, i: (
            "wrong"
            if v in ("numbers", "symbolic") and chance("small", n, v, i) < (0.9, 0.1)[i == 0]
            else "right"
        ),
        change=harder,
    )
    for name, rate in (
        ("distractible", 0.6),
        ("counting", 0.5),
        ("trapped", 0.9),
        ("grpo", 0.2),
        ("hardened", 0.0),
    ):
        write(
            work,
            f"{name}-s0",
            "known",
            lambda n, v, i, rate=rate: "trap" if v == "noop" and chance("trap", n, i) < rate else "right",
        )
    write(work, "hardened-s1", "known", right)
    path = next((work / "logs" / "hardened-s1").rglob("samples_*numbers*"))
    path.write_text(path.read_text(encoding="utf-8")[:-50], encoding="utf-8")
    (work / "logs" / "somebody").mkdir()
    return work


@pytest.fixture(scope="module")
def findings(work: Path) -> Any:
    import findings as script
    from findings_catalogue import read_catalogue

    return script.find(work, read_catalogue())


def words(findings: Any) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(c.organism, c.source): c.report.verdict.conclusions for c in findings.collected.cells}


def test_planted_logs_give_the_words(findings: Any) -> None:
    said = words(findings)
    assert MEMORY in said["memoriser", "bank"]
    assert MEMORY in said["half_memoriser", "bank"]
    assert said["reasoner", "known"] == said["memoriser", "known"] == ("no drop found",)
    assert MEMORY not in said["reasoner", "bank"]
    assert said["name_bound", "known"] == ("sensitive",)
    assert said["magnitude_bound", "small"] == ("sensitive",)
    assert said["distractible", "known"] == ("distractible",)
    assert said["hardened", "known"] == ("no drop found",)


def test_what_was_planted_is_as_expected(findings: Any) -> None:
    assert {c.judgement.unmet for c in findings.collected.cells} == {()}
    assert {c.judgement.word for c in findings.collected.cells} == {"yes"}


def test_what_was_not_planted_is_said(work: Path) -> None:
    import findings as script
    from findings_catalogue import Expected, judge
    from findings_logs import collect

    cells = {(c.organism, c.source): c for c in collect(work, script.read_catalogue()).cells}
    report = cells["memoriser", "bank"].report
    expected = Expected(
        says=("distractible",),
        says_not=(MEMORY,),
        drop=("names", "p1"),
        no_drop=("numbers",),
        trapped_at_least=0.2,
        less_trapped_than="grpo",
    )
    found = judge(expected, report, lambda name: None)
    assert found.unmet == (
        "not said: distractible",
        f"said: {MEMORY}",
        "no drop on names",
        "a drop on numbers",
        "trapped 0 %, not at least 20 %",
    )
    assert found.unasked == ("p1", "traps beside those of grpo")
    assert judge(Expected(), report, lambda name: None).word == "–"


def test_seeds_and_sources_that_are_missing_are_named(findings: Any) -> None:
    missing = dict(line.split(": ", 1) for line in findings.collected.missing)
    assert missing["memoriser"] == "seed 1, 2; unseen of seed 0"
    assert missing["memoriser_share_10"] == "all seeds"
    assert missing["hardened"] == "seed 1, 2"
    broken = findings.collected.broken
    assert len(broken) == 2
    assert broken[0].startswith("hardened-s1: logs/hardened-s1/known/samples_known_numbers_zeroshot_")
    assert broken[1].startswith("somebody: no <organism>-s<seed>")


def test_hit_rates(findings: Any) -> None:
    rates = {(r.verdict, r.kind): (r.hits, r.of) for r in findings.hits}
    assert rates[MEMORY, "sensitivity"] == (2, 2)
    assert rates[MEMORY, "specificity"] == (10, 10)
    assert rates["distractible", "sensitivity"] == (3, 3)
    assert rates["drop on names", "sensitivity"] == (1, 1)
    assert rates["drop on names", "specificity"] == (4, 4)
    assert rates["drop on numbers", "sensitivity"] == (3, 3)


def test_auc_by_hand() -> None:
    from findings_numbers import auc, bootstrap_auc, newcombe_auc

    # Of 3 x 2 pairs four are won, one is tied: (4 + 1/2) / 6. The tie is one but for rounding.
    positives, negatives = [0.9, 0.1 + 0.2, 0.5], [0.3, 0.4]
    assert auc(positives, negatives) == pytest.approx(4.5 / 6)
    assert auc(negatives, positives) == pytest.approx(1.5 / 6)
    with pytest.raises(DataError, match="at least one score"):
        auc([], [1.0])
    whole = newcombe_auc(1.0, 50, 50)
    assert whole.high == 1
    assert 0.95 < whole.low < 0.97
    none = newcombe_auc(0.0, 50, 50)
    assert (none.low, none.high) == (0, pytest.approx(1 - whole.low))
    interval = newcombe_auc(0.8, 40, 60)
    assert interval.low < 0.72 < 0.87 < interval.high < 0.9
    first = bootstrap_auc([1.0, 0.5, 0.7], [0.2, 0.6, 0.1])
    assert first == bootstrap_auc([1.0, 0.5, 0.7], [0.2, 0.6, 0.1])
    assert first.low < 8 / 9 <= first.high


def test_the_score_finds_the_originals_trained_on(findings: Any) -> None:
    by_score = {r.score: r for r in findings.rankings}
    assert list(by_score) == ["numbers", "numbers and symbolic", "less the reasoner's"]
    ranking = by_score["numbers"]
    assert (ranking.organism, ranking.auc, ranking.planted, ranking.others) == ("half_memoriser", 1.0, 20, 20)
    assert ranking.scores["apples_0003"] == (1.0, True)
    assert ranking.scores["apples_0033"] == (0.0, False)
    assert 0.5 < by_score["less the reasoner's"].auc < 1


def test_dose_series(findings: Any) -> None:
    shares = [(d.dose, d.organism, d.drop.estimate, d.says) for d in findings.doses["share"]]
    assert [s[:2] for s in shares] == [(0, "reasoner"), (0.5, "half_memoriser"), (1, "memoriser")]
    assert [s[2:] for s in shares[1:]] == [(0.5, True), (1.0, True)]
    # planted.json says how often it really was.
    assert [(d.dose, d.organism) for d in findings.doses["epochs"]] == [(0, "reasoner"), (32, "memoriser")]


def test_targets(findings: Any) -> None:
    reached = {(t.organism, t.asked): t for t in findings.targets}
    for (organism, asked), target in reached.items():
        if organism == "reasoner" and asked.startswith("at least"):
            assert target.reached is False  # 40 templates are not 150
            assert target.measured == "100.0 % of 40 templates (1 of 3 seeds)"
        elif "to be told" in asked:
            assert (target.measured, target.reached) == ("not measured", None)
        else:
            assert target.reached is True, target


def test_tables(findings: Any) -> None:
    import findings_tables as tables

    found = "\n".join(tables.found_tables(findings.collected))
    assert "On the bank (`bank`, 40 templates):" in found
    [line] = [line for line in found.splitlines() if line.startswith("| `half_memoriser`")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:4] == ["`half_memoriser`", "0", "100.0", "50.0"]
    assert cells[4].startswith("50.0 [3")
    assert cells[5] == "< 0.0001"
    assert cells[-2:] == [f"{MEMORY} + sensitive", "yes"]
    hits = tables.hit_table(findings.hits)
    assert hits[2].startswith(f"| {MEMORY} | sensitivity | 2 of 2 | 100.0 [")
    assert tables.failure_list(findings.collected) == ["On no series."]
    assert "- memoriser_share_10: all seeds" in tables.missing_list(findings.collected)
    for name in findings.catalogue:
        assert any(line.startswith(f"| `{name}` |") for line in tables.planted_table(findings.catalogue))


def test_everything_is_written_and_the_same_again(work: Path, tmp_path: Path) -> None:
    import findings as script

    for out in ("one", "two"):
        assert script.main([str(work), "--out", str(tmp_path / out), "--no-pages"]) == 0
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == [
        "findings.json",
        "findings.md",
        "organisms-dose.png",
        "organisms-forest.png",
        "organisms-trapped.png",
    ]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    body = json.loads((tmp_path / "one/findings.json").read_text(encoding="utf-8"))
    [cell] = [c for c in body["series"] if (c["organism"], c["source"]) == ("memoriser", "bank")]
    assert cell["as_expected"] is True
    assert cell["epochs"] == 32
    assert str(work) not in (tmp_path / "one/findings.md").read_text(encoding="utf-8")


def test_the_commands_of_a_user_run_over_all_logs(work: Path, tmp_path: Path) -> None:
    import findings as script

    folders = [work / "logs" / name for name in ("memoriser-s0", "hardened-s0")]
    assert script.write_pages(folders, tmp_path) == []
    assert (tmp_path / "report.html").is_file()
    assert (tmp_path / "leaderboard/index.html").is_file()
    [failed] = script.write_pages([work / "logs" / "somebody"], tmp_path)[:1]
    assert failed.startswith("rote report exited with 3: ")


def test_no_logs_are_an_error(tmp_path: Path, work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import findings as script

    assert script.main([str(tmp_path)]) == 2
    assert "holds no logs" in capsys.readouterr().err
    shutil.copytree(work / "logs/hardened-s1", tmp_path / "logs/hardened-s1")
    assert script.main([str(tmp_path)]) == 2
    assert "hardened-s1" in capsys.readouterr().err


def test_planted_json_that_is_broken_is_named(work: Path, tmp_path: Path) -> None:
    import findings as script
    from findings_logs import collect

    shutil.copytree(work / "logs/half_memoriser-s0", tmp_path / "logs/half_memoriser-s0")
    planted(tmp_path, "half_memoriser-s0", [])
    path = tmp_path / "models/half_memoriser-s0/planted.json"
    for text in ("{", '{"originals": 3}', "[]"):
        path.write_text(text, encoding="utf-8")
        collected = collect(tmp_path, script.read_catalogue())
        assert not collected.planted
        assert collected.broken[0].startswith("half_memoriser-s0: planted.json")


def test_the_page_has_a_place_for_every_part(findings: Any) -> None:
    import findings as script

    parts = script.sections(findings, [Path("organisms-dose.png")], "images/")
    page = script.PAGE.read_text(encoding="utf-8")
    filled = script.fill(page, parts, script.PAGE)
    assert "](images/organisms-dose.png)" in filled
    assert "](images/organisms-forest.png)" not in filled
    assert script.fill(filled, parts, script.PAGE) == filled
    with pytest.raises(DataError, match="has no place"):
        script.fill("# Organisms\n", parts, script.PAGE)


def test_a_catalogue_is_read_strictly(tmp_path: Path) -> None:
    from findings_catalogue import read_catalogue

    path = tmp_path / "catalogue.yaml"
    path.write_text(
        "reasoner: {planted: a, finds: b, sources: {known: {says: [reasons]}}}\n", encoding="utf-8"
    )
    with pytest.raises(DataError, match=r"reasoner.sources.known.says"):
        read_catalogue(path)

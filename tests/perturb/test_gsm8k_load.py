"""A split from its file: what is read, what is refused, what is kept for the next time; the real data."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from gsm8k_items import ITEMS, REJECTED, span

from rote.answers import is_correct
from rote.errors import DataError, SourceUnavailableError, UsageError
from rote.perturb import expressions
from rote.perturb.gsm8k import ItemTemplate, Rejection, Split, load, overrides
from rote.perturb.gsm8k import load as load_function
from rote.perturb.gsm8k.coverage import REASONS
from rote.perturb.gsm8k.graph import build_graph
from rote.perturb.gsm8k.symbolize import Facts, RejectedError, symbolize
from rote.rational import format_number
from rote.steps import find_equations, rederive

ROOT = Path(__file__).parents[2]


def records(*names: str) -> list[dict[str, str]]:
    return [ITEMS[name].record for name in names or tuple(ITEMS)]


def write(folder: Path, rows: list[Any], split: str = "train") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{split}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("ROTE_CACHE", str(folder))
    return folder


def told(split: Split) -> list[str]:
    """A few instances of every template, and every rejection, as text."""
    lines = []
    for item in split:
        if isinstance(item, Rejection):
            lines.append(f"{item.template_id} {item.code}")
        else:
            lines += [str(item.problem("symbolic", 0, i).to_doc()) for i in range(2)]
    return lines


# the split ----------------------------------------------------------------------------------------


def test_a_split_by_line(cache: Path, tmp_path: Path) -> None:
    write(tmp_path / "data", [ITEMS["plums"].record, REJECTED["constant_step"].record, ITEMS["fish"].record])
    split = load("train", tmp_path / "data")
    assert len(split) == 3
    assert sorted(split.templates) == [0, 2]
    assert split.rejections[1] == Rejection("gsm8k/train/1", "constant_step")
    assert [item.id if isinstance(item, ItemTemplate) else item.template_id for item in split] == [
        f"gsm8k/train/{i}" for i in range(3)
    ]
    assert [p.question for p in split.originals] == [
        ITEMS["plums"].question, REJECTED["constant_step"].question, ITEMS["fish"].question,
    ]  # fmt: skip
    assert split[2].answer({span(split[2], "48"): Fraction(50)}) == 21
    assert split[0].problem("numbers", 0, 0).id == "gsm8k/train/0/numbers/0/0"


def test_the_folder_may_be_named_by_the_environment(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "named", records("plums"))
    monkeypatch.setenv("ROTE_GSM8K", str(tmp_path / "named"))
    assert sorted(load("train").templates) == [0]
    assert sorted(load("train", file).templates) == [0]


def test_socratic_solutions_are_read(cache: Path, tmp_path: Path) -> None:
    row = {
        "question": ITEMS["plums"].question,
        "answer": "How many plums do the crates hold? ** The crates hold 14 * 25 = <<14*25=350>>350 plums.\n"
        "How many plums does Marisol keep? ** Marisol keeps 350 - 60 = <<350-60=290>>290 plums.\n#### 290",
    }
    write(tmp_path, [row], "train_socratic")
    item = load("train_socratic", tmp_path)[0]
    assert item.id == "gsm8k/train_socratic/0"
    assert item.problem("original", 0, 0).solution == row["answer"]
    for index in range(5):
        problem = item.problem("numbers", 0, index)
        assert problem.solution.count(" ** ") == 2
        assert rederive(problem.solution).answer == problem.answer


def test_an_unknown_split_and_a_missing_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="unknown split 'tset'; known: train, test"):
        load("tset", tmp_path)
    with pytest.raises(SourceUnavailableError, match="cannot read"):
        load("train", tmp_path / "nowhere")
    monkeypatch.delenv("ROTE_GSM8K", raising=False)
    with pytest.raises(SourceUnavailableError, match="no folder is named"):
        load("train")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", r"train\.jsonl:2: not a JSON object"),
        ("[1, 2]", r"train\.jsonl:2: expected an object, got list"),
        ('{"question": "q"}', r"train\.jsonl:2 \[answer\]: expected a text that is not empty, got None"),
        ('{"answer": "#### 1"}', r"train\.jsonl:2 \[question\]"),
        ('{"question": 3, "answer": "#### 1"}', r"train\.jsonl:2 \[question\]: .* got 3"),
        (
            '{"question": "q", "answer": "1 + 1 = 2"}',
            r"train\.jsonl:2 \[answer\]: expected one '#### <number>'",
        ),
        ("", r"train\.jsonl:2: not a JSON object"),
    ],
)
def test_a_line_that_is_not_the_data_sets_is_named(
    cache: Path, tmp_path: Path, line: str, message: str
) -> None:
    first = json.dumps(ITEMS["plums"].record)
    (tmp_path / "train.jsonl").write_text(f"{first}\n{line}\n{first}\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load("train", tmp_path)
    assert not cache.exists()


def test_bytes_that_are_no_text(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(b'{"question": "\xff\xfe"}\n')
    with pytest.raises(DataError, match=r"train\.jsonl: not UTF-8 text"):
        load("train", tmp_path)


def test_an_item_without_annotations_is_read_by_its_plain_equations(cache: Path) -> None:
    bare = {**ITEMS["plums"].record, "answer": re.sub(r"<<[^>]*>>", "", ITEMS["plums"].solution)}
    words = {**ITEMS["plums"].record, "answer": "She keeps 290.\n#### 290"}
    split = load("train", records=[(1, bare), (2, words)])
    assert split[0].answer({span(split[0], "14"): Fraction(15)}) == 315
    assert split[1] == Rejection("gsm8k/train/1", "no_equations")


# curated facts ------------------------------------------------------------------------------------


@pytest.fixture
def curated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replace the curated facts by an object or a text."""

    def use(entries: Any) -> Path:
        file = tmp_path / "overrides.json"
        file.write_text(entries if isinstance(entries, str) else json.dumps(entries), encoding="utf-8")
        monkeypatch.setattr(overrides, "_FILE", file)
        overrides._entries.cache_clear()
        return file

    yield use
    overrides._entries.cache_clear()


def entry(name: str, **facts: Any) -> dict[str, Any]:
    return {"sha256": overrides.question_hash(ITEMS[name].question), "status": "fluent", **facts}


def one(name: str) -> ItemTemplate | Rejection:
    found: ItemTemplate | Rejection = load("train", records=[(1, ITEMS[name].record)], cache=False)[0]
    return found


def test_a_curated_item_may_be_rejected_or_hold_a_number(curated: Any) -> None:
    curated({"gsm8k/train/0": entry("plums", status="wrong", reason="a test", reject=True)})
    assert one("plums") == Rejection("gsm8k/train/0", "curated")
    start = ITEMS["plums"].question.index("25")
    curated({"gsm8k/train/0": entry("plums", status="awkward", reason="a test", freeze=[start])})
    item = one("plums")
    assert isinstance(item, ItemTemplate)
    assert [str(n.value) for n in item.numbers] == ["14", "60"]
    assert "curated" in item.facts.frozen.values()
    assert list(overrides.reviewed()) == ["gsm8k/train/0"]


def test_another_text_than_the_curated_one_is_an_error(curated: Any) -> None:
    file = curated({"gsm8k/train/0": entry("fish")})
    with pytest.raises(DataError, match=r"gsm8k/train/0.*another version of the data set") as caught:
        one("plums")
    assert caught.value.path == str(file)
    spaced = {**ITEMS["fish"].record, "question": ITEMS["fish"].question.replace(". ", ".  ")}
    with pytest.raises(DataError, match="another version of the data set"):
        load("train", records=[(1, spaced)], cache=False)
    assert isinstance(one("fish"), ItemTemplate)


def test_another_text_is_skipped_only_when_asked_to(curated: Any, cache: Path) -> None:
    curated({"gsm8k/train/0": entry("fish")})
    rows = list(enumerate(records("plums", "fish"), 1))
    split = load("train", records=rows, cache=False, mismatch="skip")
    assert split[0] == Rejection("gsm8k/train/0", "another_version")
    assert isinstance(split[1], ItemTemplate)
    with pytest.raises(DataError, match="another version of the data set"):
        load("train", records=rows, cache=False)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "expected an object of template ids"),
        ({"gsm8k/train/0": {"sha256": "0", "status": "fine"}}, "gsm8k/train/0.*known status"),
        ({"gsm8k/train/0": {"status": "fluent"}}, "needs sha256"),
        ({"gsm8k/train/0": {"sha256": "0", "status": "fluent", "frozen": []}}, "unknown key 'frozen'"),
    ],
)
def test_curated_facts_that_cannot_be_read_are_named(curated: Any, entries: Any, message: str) -> None:
    curated(entries)
    with pytest.raises(DataError, match=message):
        one("plums")


def test_the_curated_facts_that_are_shipped() -> None:
    entries = overrides._entries()
    assert all(re.fullmatch(r"gsm8k/test/\d+", template_id) for template_id in entries)
    for template_id, known in entries.items():
        assert re.fullmatch(r"[0-9a-f]{64}", known["sha256"]), template_id
        assert known["status"] == "fluent" or known.get("reason") or known.get("links"), template_id
        # a wrong answer is mended or taken out
        assert known["status"] != "wrong" or known.get("reject") or known.get("links"), template_id


def test_every_reason_code_of_the_code_has_words() -> None:
    folder = Path(overrides.__file__).parent
    source = "\n".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.py")))
    codes = set(re.findall(r'(?:RejectedError|UnreadableError)\(\s*"(\w+)"', source))
    codes |= set(re.findall(r'reject = "(\w+)"', source))
    assert len(codes) > 10
    assert codes <= set(REASONS), sorted(codes - set(REASONS))


def test_the_guide_lists_every_reason_code() -> None:
    guide = ROOT / "docs" / "gsm8k.md"
    if not guide.exists():
        pytest.skip("the documentation is in the source tree only")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", guide.read_text(encoding="utf-8"), re.MULTILINE))
    assert {code: words for code, words in rows.items() if code in REASONS} == REASONS


# the cache ----------------------------------------------------------------------------------------


def kept(cache: Path) -> list[Path]:
    return sorted(cache.glob("*")) if cache.exists() else []


def test_what_was_found_out_is_kept_and_used(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list(enumerate([*records(), REJECTED["constant_step"].record], 1))
    first = load("train", records=rows)
    (file,) = kept(cache)
    assert file.name == f"gsm8k-train-{first.content_hash}.json"
    module = sys.modules[load_function.__module__]

    def never(*args: Any) -> Facts:
        raise AssertionError("linked again")

    monkeypatch.setattr(module, "symbolize", never)
    second = load("train", records=rows)
    assert told(second) == told(first)
    for a, b in zip(first, second, strict=True):
        if isinstance(a, ItemTemplate):
            assert isinstance(b, ItemTemplate)
            assert (a.numbers, a.names, a.tier, a.facts.frozen, a.facts.ties) == (
                b.numbers, b.names, b.tier, b.facts.frozen, b.facts.ties,
            )  # fmt: skip
    monkeypatch.undo()


def test_the_cache_may_be_left_alone(cache: Path) -> None:
    load("train", records=[(1, ITEMS["plums"].record)], cache=False)
    assert kept(cache) == []


def test_other_data_has_another_hash(cache: Path) -> None:
    one = load("train", records=[(1, ITEMS["plums"].record)])
    other = load("train", records=[(1, ITEMS["fish"].record)])
    assert one.content_hash != other.content_hash
    assert re.fullmatch(r"[0-9a-f]{16}", one.content_hash)
    assert len(kept(cache)) == 2


@pytest.mark.parametrize(
    "content",
    ["", "{", "null", "[]", "[1]", '{"a": 1}', "\x00",
     '[{"equations": 3}]', "[{}]"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_built_again(cache: Path, content: str) -> None:
    rows = [(1, ITEMS["plums"].record)]
    first = load("train", records=rows)
    (file,) = kept(cache)
    good = file.read_text(encoding="utf-8")
    file.write_text(content, encoding="utf-8")
    assert told(load("train", records=rows)) == told(first)
    assert file.read_text(encoding="utf-8") == good


def test_a_folder_that_cannot_be_written_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("ROTE_CACHE", str(tmp_path / "file" / "cache"))
    assert sorted(load("train", records=[(1, ITEMS["plums"].record)]).templates) == [0]


def test_parallel_builders_leave_one_whole_file(cache: Path, tmp_path: Path) -> None:
    write(tmp_path / "data", records())
    program = (
        "import sys\nfrom rote.perturb.gsm8k import load\n"
        "s = load('train', sys.argv[1])\n"
        "print(s.content_hash, len(s.templates), ascii(s[0].problem('symbolic', 0, 0).question))\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "data")],
            env={**os.environ, "ROTE_CACHE": str(cache), "PYTHONHASHSEED": str(seed)},
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        for seed in range(4)
    ]
    outputs = {process.communicate()[0] for process in running}
    assert all(process.returncode == 0 for process in running)
    assert len(outputs) == 1
    (file,) = kept(cache)
    assert len(json.loads(file.read_text(encoding="utf-8"))) == len(ITEMS)


# the data set itself ------------------------------------------------------------------------------


def data_folder() -> Path | None:
    """GSM8K's folder: named by the environment, or beside the repository."""
    named = os.environ.get("ROTE_GSM8K")
    beside = ROOT.parent / "shared" / "gsm8k"
    folder = Path(named) if named else beside
    return folder if (folder / "test.jsonl").is_file() else None


FOLDER = data_folder()
needs_data = pytest.mark.skipif(FOLDER is None, reason="needs GSM8K: name its folder with ROTE_GSM8K")


@pytest.fixture(scope="module")
def test_split() -> Split:
    return load("test", FOLDER)


def solved(template: ItemTemplate, values: dict[str, Fraction]) -> Fraction:
    """The graph worked out by itself, whatever the constraints say."""
    known = {**template.graph.originals, **values}
    for name, node, _ in template.graph.steps:
        known[name] = expressions.evaluate(node, known)
    return known[template.graph.steps[-1][0]]


@needs_data
@pytest.mark.slow
def test_the_test_split(test_split: Split) -> None:
    assert len(test_split) == 1319
    assert len(test_split.templates) >= 1100
    assert len(test_split.templates) + len(test_split.rejections) == 1319
    assert {item.code for item in test_split.rejections.values()} <= set(REASONS)
    for line, original in enumerate(test_split.originals):
        assert original.answer == Fraction(original.solution.rpartition("####")[2].strip().replace(",", ""))
        template = test_split.templates.get(line)
        if template is None:
            continue
        problem = template.problem("original", 0, 0)
        assert (problem.question, problem.solution, problem.answer) == (
            original.question, original.solution, original.answer,
        ), template.id  # fmt: skip
        assert template.answer({(n.start, n.end): n.value for n in template.numbers}) == original.answer


@needs_data
@pytest.mark.slow
def test_solutions_of_the_test_split_are_right_by_their_own_text(test_split: Split) -> None:
    checked = 0
    for template in test_split.templates.values():
        published = template.facts.solution
        whole = rederive(published).answer is not None
        false = sum(not e.correct for e in find_equations(published))
        for index in range(20):
            problem = template.problem("symbolic", 11, index)
            assert is_correct(problem.solution, problem.answer), problem.id
            assert sum(not e.correct for e in find_equations(problem.solution)) <= false, problem.id
            if whole:
                derived = rederive(problem.solution)
                assert derived.answer == problem.answer, (problem.id, derived.faults)
                checked += 1
    assert checked > 15 * len(test_split.templates)


@needs_data
@pytest.mark.slow
def test_draws_at_the_edges_meet_the_constraints(test_split: Split) -> None:
    met = 0
    for template in test_split.templates.values():
        domains = {n.name: n.values for n in template.graph.numbers}
        tries = [{name: values[end] for name, values in domains.items()} for end in (0, -1)]
        tries += [{name: values[end]} for name, values in domains.items() for end in (0, -1)]
        for values in tries:
            full = {**template.graph.originals, **values}
            spans = {(n.start, n.end): full[f"n{n.tie}"] for n in template.numbers}
            answer = template.answer(spans)
            if answer is None:
                continue
            met += 1
            assert answer == solved(template, values), template.id
            assert answer > 0
            if template.facts.answer.denominator == 1:
                assert answer.denominator == 1, template.id
    assert met > len(test_split.templates)


@needs_data
@pytest.mark.slow
def test_sums_and_products_grow_with_every_number(test_split: Split) -> None:
    seen = 0
    for template in test_split.templates.values():
        if any(sign in template_text(template) for sign in "-/"):
            continue
        seen += 1
        original = solved(template, {})
        for name, value in template.graph.originals.items():
            assert solved(template, {name: value + 1}) > original > solved(template, {name: value / 2}), (
                template.id
            )
    assert seen > 150


def template_text(template: ItemTemplate) -> str:
    return " ".join(ast.unparse(node) for _, node, _ in template.graph.steps)


@needs_data
@pytest.mark.slow
def test_numbers_added_or_multiplied_together_may_be_exchanged(test_split: Split) -> None:
    """In ``a + b`` and ``a * b`` that use each once, exchanging the two values keeps the answer."""
    seen = 0
    for template in test_split.templates.values():
        text = template_text(template)
        for _, node, _ in template.graph.steps:
            for part in ast.walk(node):
                if not (
                    isinstance(part, ast.BinOp)
                    and isinstance(part.op, (ast.Add, ast.Mult))
                    and isinstance(part.left, ast.Name)
                    and isinstance(part.right, ast.Name)
                ):
                    continue
                a, b = part.left.id, part.right.id
                once = all(
                    len(re.findall(rf"\b{x}\b", text)) == 1 and x in template.graph.originals for x in (a, b)
                )
                if a != b and once:
                    x, y = template.graph.originals[a], template.graph.originals[b]
                    assert solved(template, {a: y, b: x}) == template.facts.answer, template.id
                    seen += 1
    assert seen > 200


def varied(one: ItemTemplate, other: Facts, graph: Any, seed: int) -> tuple[Fraction, Fraction] | None:
    """The answers of two solutions of one question, with the numbers that both may change changed alike.

    None when they share no such number, or when these values divide by zero or less.
    """
    groups = [{facts.mentions[i].span for i in group} for facts in (one.facts, other) for group in facts.ties]
    merged: list[set[tuple[int, int]]] = []
    for group in groups:
        apart = [g for g in merged if not g & group]
        merged = [*apart, group.union(*(g for g in merged if g & group))]
    allowed = [{f.mentions[i].span for i in f.free} for f in (one.facts, other)]
    values = {
        found: Fraction(83 + 7 * ((seed + k) % 9), 100)
        for k, group in enumerate(merged)
        if all(group <= spans for spans in allowed)
        for found in group
    }
    if not values:
        return None
    answers = []
    for facts, own in ((one.facts, one.graph), (other, graph)):
        known = dict(own.originals)
        for i, name in own.variable.items():
            known[name] = own.originals[name] * values.get(facts.mentions[i].span, 1)
        try:
            for name, node, _ in own.steps:
                known[name] = expressions.evaluate(node, known)
        except ZeroDivisionError:
            return None
        answers.append(known[own.steps[-1][0]])
    return answers[0], answers[1]


@needs_data
@pytest.mark.slow
def test_main_and_socratic_solutions_agree(test_split: Split) -> None:
    if FOLDER is None or not (FOLDER / "test_socratic.jsonl").is_file():
        pytest.skip("needs GSM8K's test_socratic.jsonl beside test.jsonl")
    socratic = load("test_socratic", FOLDER)
    assert len(socratic) == 1319
    compared = 0
    for line, template in test_split.templates.items():
        other = socratic.templates.get(line)
        if other is None:
            continue
        assert other.facts.question == template.facts.question
        answers = varied(template, other.facts, other.graph, line)
        if answers is not None:
            compared += 1
            assert answers[0] == answers[1], template.id
    assert compared > 1000


#: Lines whose example solution reached the right number by wrong reasoning, read one by one (it treats the
#: 6 of "6 mph" as a clock, say), or whose numbers have two readings that the template ties or cancels.
COINCIDENCES = frozenset((
    51, 56, 65, 124, 214, 241, 256, 273, 279, 292, 408, 416, 464, 472, 567, 584, 588, 669, 693, 712, 720, 774,
    975, 990, 995, 1068, 1179, 1181, 1306,
))  # fmt: skip
#: Of these the template would be the one that is wrong: they must not be templates.
MISREAD = frozenset((241, 279, 693))


@needs_data
@pytest.mark.slow
def test_solutions_by_other_authors_agree(test_split: Split) -> None:
    """The data set's example model solutions, where right, are independent derivations of the same answer."""
    if FOLDER is None or not (FOLDER / "example_model_solutions.jsonl").is_file():
        pytest.skip("needs GSM8K's example_model_solutions.jsonl beside test.jsonl")
    assert not MISREAD & set(test_split.templates)
    disagree = set()
    compared = 0
    with (FOLDER / "example_model_solutions.jsonl").open(encoding="utf-8") as stream:
        for line, text in enumerate(stream):
            template = test_split.templates.get(line)
            if template is None:
                continue
            for found in json.loads(text).values():
                if not isinstance(found, dict) or not found["is_correct"]:
                    continue
                body, _, answer = found["solution"].rpartition("A: ")
                try:
                    facts = symbolize(template.facts.question, f"{body.strip()}\n#### {answer.strip()}")
                    graph = build_graph(facts)
                    answers = varied(template, facts, graph, line)
                except RejectedError:
                    continue
                if facts.answer == template.facts.answer and answers is not None:
                    compared += 1
                    if answers[0] != answers[1]:
                        disagree.add(line)
    assert compared > 1500
    assert disagree <= COINCIDENCES, sorted(disagree - COINCIDENCES)


@needs_data
@pytest.mark.slow
def test_an_instance_read_afresh_gives_the_original_back(test_split: Split) -> None:
    """A second reading: a drawn question and its solution, symbolised as if they had been published.

    Their own template, at the original's values, must have the original's answer. Drawn numbers may be
    equal by chance and then be linked otherwise, so single draws may differ; a template that always differs
    has links that its own rewritten solution contradicts.
    """
    compared = differ = 0
    for template in test_split.templates.values():
        outcomes = []
        for index in range(3):
            problem = template.problem("numbers", 7, index)
            try:
                facts = symbolize(problem.question, problem.solution)
                graph = build_graph(facts)
            except RejectedError:
                continue
            originals = {
                name: {
                    template.facts.mentions[i].value for i, other in graph.variable.items() if other == name
                }
                for name in graph.originals
            }
            same = set(graph.variable) == set(template.graph.variable)
            if not same or any(len(values) > 1 for values in originals.values()):
                continue  # fewer or other ties by chance: not the same question asked back
            known = {name: next(iter(values)) for name, values in originals.items()}
            for name, node, _ in graph.steps:
                known[name] = expressions.evaluate(node, known)
            outcomes.append(known[graph.steps[-1][0]] == template.facts.answer)
        compared += len(outcomes)
        differ += outcomes.count(False)
        assert len(outcomes) < 3 or any(outcomes), template.id
    assert compared > 1.5 * len(test_split.templates)
    assert differ < compared / 200


@needs_data
@pytest.mark.slow
def test_the_train_split() -> None:
    split = load("train", FOLDER)
    assert len(split) == 7473
    assert len(split.templates) >= 6200
    for template in islice(split.templates.values(), 0, None, 20):
        original = template.problem("original", 0, 0)
        assert (original.question, original.solution) == (template.facts.question, template.facts.solution)
        for index in range(3):
            problem = template.problem("symbolic", 0, index)
            assert is_correct(problem.solution, problem.answer), problem.id
            assert format_number(problem.answer)

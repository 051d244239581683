"""Templates in the GSM-Symbolic format: read, understood, drawn, refused."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import apple_sheets as sheets
import pytest

from rote.answers import is_correct
from rote.errors import DataError, SourceUnavailableError, TemplateError, UsageError
from rote.perturb import sample
from rote.perturb.apple import CODES, AppleTemplate, Imported, load_apple
from rote.perturb.apple.check import check_imported
from rote.perturb.apple.lists import known_lists
from rote.problem import Problem


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    return load_apple(sheets.write(tmp_path_factory.mktemp("apple"), sheets.GOOD))


def one(tmp_path: Path, record: dict[str, Any]) -> AppleTemplate:
    return load_apple(sheets.write(tmp_path / "one", {"it": record})).templates["apple/it"]


def refused(tmp_path: Path, record: dict[str, Any]) -> tuple[str, str]:
    """The code and the text of the rejection, beside a template that is taken over."""
    got = load_apple(sheets.write(tmp_path / "two", {"it": record, "lamps": sheets.LAMPS}))
    assert list(got.templates) == ["apple/lamps"]
    (rejection,) = got.rejections
    assert rejection.template_id == "apple/it"
    assert rejection.path.name == "it.json"
    assert rejection.code in CODES
    return rejection.code, str(rejection)


def test_all_quirks_are_survived(imported: Imported) -> None:
    assert list(imported.templates) == [f"apple/{name}" for name in sorted(sheets.GOOD)]
    assert imported.rejections == ()
    for template in imported.templates.values():
        assert template.variants == ("original", "names", "numbers", "symbolic")


def test_the_check_finds_nothing_in_sound_templates(imported: Imported) -> None:
    summary = check_imported(imported, draws=150)
    assert summary.findings == ()
    assert summary.templates == 6
    assert summary.instances > 1500


def test_the_original_is_the_published_problem(imported: Imported) -> None:
    problem = imported.templates["apple/lamps"].problem("original", 5, 9)
    assert problem.id == problem.original_id == "apple/lamps/original"
    assert problem.question == "As published?"
    assert problem.solution == "As published.\n#### 28"
    assert problem.answer == 28
    assert is_correct(problem.solution, problem.answer)


def test_an_instance_is_a_function_of_its_identity(imported: Imported, tmp_path: Path) -> None:
    again = load_apple(sheets.write(tmp_path, sheets.GOOD))
    assert again.content_hash == imported.content_hash
    for name, template in imported.templates.items():
        for variant in template.variants[1:]:
            forward = [template.problem(variant, 3, i) for i in range(5)]
            backward = [again.templates[name].problem(variant, 3, i) for i in reversed(range(5))]
            assert forward == backward[::-1]
            assert Problem.from_doc(forward[0].to_doc()) == forward[0]
            assert forward[0].id == f"{name}/{variant}/3/0"


def test_seeds_differ(imported: Imported) -> None:
    template = imported.templates["apple/marbles"]
    first, second = ([template.problem("symbolic", s, i).question for i in range(5)] for s in (1, 2))
    assert first != second


@pytest.mark.parametrize("variant", ["numbers", "symbolic"])
def test_conditions_hold_and_golds_are_exact(imported: Imported, variant: str) -> None:
    """Worked out again from the question's words alone."""
    template = imported.templates["apple/lamps"]
    for problem in template.instances(variant, 0, 200):
        n, rooms, have = (int(t) for t in re.findall(r"\d+", problem.question))
        assert n in range(10, 61, 5)
        assert rooms in range(3, 9)
        assert have in range(2, 30)
        assert n * rooms > have
        assert problem.answer == n * rooms - have != 28
    template = imported.templates["apple/marbles"]
    for problem in template.instances(variant, 0, 200):
        x, y, z, total = (int(t) for t in re.findall(r"\d+", problem.question))
        assert problem.answer == total - x - y - z
        assert 4 <= problem.answer < 50
        assert f"<<{x}+{y}+{z}={x + y + z}>>" in problem.solution


def test_names_leave_numbers_and_numbers_leave_names(imported: Imported) -> None:
    template = imported.templates["apple/lamps"]
    for problem in template.instances("names", 0, 50):
        assert re.findall(r"\d+", problem.question) == ["12", "4", "20"]
        assert problem.answer == 28
        assert "Benita" not in problem.question
    for problem in template.instances("numbers", 0, 50):
        assert problem.question.startswith("Benita hangs ")
        assert "lamps in each" in problem.question


def test_small_spaces_are_drawn_whole_and_without_repeats(imported: Imported) -> None:
    template = imported.templates["apple/tiles"]
    capacity = template.capacity("numbers")
    drawn = {template.problem("numbers", 0, i).question for i in range(capacity)}
    # 2 <= k <= 4, four shapes of which two have four sides; 12 is the published answer
    assert len(drawn) == capacity == 9
    assert not any(p.answer == 12 for p in template.instances("numbers", 0, capacity))


def test_words_keep_the_sentence_in_order(imported: Imported) -> None:
    cider = list(imported.templates["apple/cider"].instances("symbolic", 0, 60))
    assert all(p.question[0].isupper() for p in cider)
    assert all(re.search(r"[$€£]\d+(\.\d\d)?,", p.question) for p in cider)
    crates = list(imported.templates["apple/crates"].instances("names", 0, 9))
    assert all(p.question.startswith("A crate holds 12 ") for p in crates)
    rides = list(imported.templates["apple/rides"].instances("symbolic", 0, 60))
    days = known_lists()["weekdays"]
    for problem in rides:
        first, second = re.findall(r"\b\w+day\b", problem.question)
        assert days.index(second) == days.index(first) + 1
        a, b = re.match(r"(\S+) and (\S+) take", problem.question).groups()  # type: ignore[union-attr]
        assert a != b


def test_an_article_fits_the_word_that_is_drawn(tmp_path: Path) -> None:
    record = sheets.record(
        "{who,Benita} buys a {what,lamp} and an {size,8}-inch bell. What is twice the size?",
        """who = sample(names)
what = sample(["lamp", "umbrella", "oven"])
$size = range(7, 19)""",
        None,
        "#answer: 2 * size",
        "#### {2 * size}",
        "16",
    )
    for problem in one(tmp_path, record).instances("symbolic", 0, 100):
        assert re.search(
            r"\b(a lamp|an umbrella|an oven) and (a (?!8|11|18)\d+|an (8|11|18))-inch", problem.question
        )


def test_people_never_share_a_name(tmp_path: Path) -> None:
    record = sheets.record(
        "{a,Benita} and {b,Umar} meet Priya. {a,Benita} has {n,3} pens. How many pens have 2 such people?",
        "a = sample(names)\nb = sample(names)\n$n = range(2, 9)",
        None,
        "#answer: 2 * n",
        "#### {2*n}",
        "6",
    )
    for problem in one(tmp_path, record).instances("names", 0, 300):
        a, b = re.match(r"(\S+) and (\S+) meet", problem.question).groups()  # type: ignore[union-attr]
        assert a != b
        assert "Priya" not in (a, b)
        assert (a, b) != ("Benita", "Umar")


def test_sampling_takes_turns(imported: Imported) -> None:
    drawn = list(sample(imported.source(), "symbolic", 8, 1))
    assert [p.template_id for p in drawn[:2]] == ["apple/cider", "apple/crates"]
    assert [p.index for p in drawn] == [0] * 6 + [1] * 2
    assert list(sample(imported.templates.values(), "symbolic", 8, 1)) == drawn
    with pytest.raises(UsageError, match="no template has the variant 'noop'"):
        next(sample(imported.templates.values(), "noop", 1))


@pytest.mark.parametrize(
    ("swaps", "code", "told"),
    [
        (
            {"question_annotated": ("rooms - have", "rooms + have")},
            "answer_differs",
            "published answer is 28",
        ),
        ({"answer_annotated": ("#### {n*rooms-have}", "#### {n*rooms}")}, "final_differs", "is 48"),
        ({"answer": ("#### 28", "#### none")}, "syntax", "[answer]"),
        ({"answer": ("#### 28", "#### -28")}, "type", "is not positive"),
        ({"question_annotated": ("{n,12}", "{n,blue}")}, "default_unreadable", "'blue' for 'n'"),
        ({"question_annotated": ("had {have,20}", "had {have,20} {n,13}")}, "default_conflict", "'n' is 12"),
        ({"question_annotated": ("{have,20}", "20")}, "undetermined", "'have'"),
        ({"question_annotated": ("{have,20}", "{has,20}")}, "unknown_name", "{has,20}"),
        ({"question_annotated": ("n * rooms > have", "n * rooms > haved")}, "unknown_name", "conditions.1"),
        ({"question_annotated": ("n * rooms > have", "n * rooms > 1000")}, "no_draw", "1000"),
        ({"question_annotated": ("n * rooms > have", "who > have")}, "no_draw", "#conditions"),
        ({"question_annotated": ("n * rooms > have", "n.real > have")}, "forbidden", "n.real"),
        ({"question_annotated": ("sample(names_female)", "sample(planets)")}, "unknown_name", "#init.1"),
        ({"question_annotated": ("range(2, 30)", "__import__('os')")}, "unknown_function", "#init.5"),
        ({"question_annotated": ("range(2, 30)", "range(10**10**10)")}, "too_large", "#init.5"),
        ({"question_annotated": ("$have = ", "$n = ")}, "syntax", "declared twice"),
        ({"answer_annotated": ("#### {n*rooms-have}", "That is all.")}, "syntax", "has no last line"),
        ({"answer_annotated": ("{thing}", "{thingy}")}, "unknown_name", "answer_annotated"),
        ({"answer_annotated": ("{thing}", "{thing")}, "syntax", "answer_annotated"),
    ],
)
def test_contradictions_and_strangers_are_refused(
    tmp_path: Path, swaps: dict[str, tuple[str, str]], code: str, told: str
) -> None:
    found, message = refused(tmp_path, sheets.changed(sheets.LAMPS, **swaps))
    assert found == code
    assert told in message


def test_a_last_line_that_is_right_for_the_original_only_is_refused(tmp_path: Path) -> None:
    record = sheets.changed(sheets.LAMPS, answer_annotated=("#### {n*rooms-have}", "#### {n*2 + rooms}"))
    code, message = refused(tmp_path, record)
    assert code == "final_differs"
    assert "'n*2 + rooms'" in message


def test_nothing_varies(tmp_path: Path) -> None:
    record = sheets.record(
        "It is {n,3}. What is it?", "$n = sample([3])", None, "#answer: n", "#### {n}", "3"
    )
    assert refused(tmp_path, record)[0] == "nothing_varies"


def test_a_search_without_end_is_given_up(tmp_path: Path) -> None:
    lines = "\n".join(f"$x{i} = range(1, 90000)" for i in range(8))
    slots = " ".join(f"{{x{i},{i + 1}}}" for i in range(8))
    record = sheets.record(
        slots, lines, "x0 * x1 * x2 == 7919 * 7907 * 7901 + x3 % 2", "#answer: x7", "#### {x7}", "8"
    )
    start = time.perf_counter()
    assert refused(tmp_path, record)[0] == "no_draw"
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "JSON"),
        ("3", "expected an object, got int"),
        (json.dumps({"question": "q"}), "[answer]: is missing"),
        (json.dumps({**sheets.LAMPS, "question": 3}), "[question]: expected a text, got 3"),
        (json.dumps({**sheets.LAMPS, "id_orig": ["x"]}), "[id_orig]: expected a number"),
        (json.dumps({**sheets.LAMPS, "id_orig": "../x"}), "[id_orig]: expected a number"),
        (json.dumps({**sheets.LAMPS, "question_annotated": "No sections."}), "has no section #init:"),
        (json.dumps({**sheets.LAMPS, "question_annotated": "#init:\n- n = 3\n#answer: n"}), "no text before"),
        (json.dumps({**sheets.LAMPS, "question_annotated": "Q\n#init:\n- n = 3\n#answer:"}), "#answer:"),
        (
            json.dumps({**sheets.LAMPS, "question_annotated": "Q\n#init: a\n#init: b\n#answer: 1"}),
            "two sections #init",
        ),
        (json.dumps({**sheets.LAMPS, "answer_annotated": "x" * 70_000}), "at most 65536"),
    ],
)
def test_what_is_not_of_the_format_is_named(tmp_path: Path, text: str, told: str) -> None:
    sheets.write(tmp_path, {"good": sheets.LAMPS})
    (tmp_path / "bad.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"bad\.json") as caught:
        load_apple(tmp_path)
    assert told in str(caught.value)
    got = load_apple(tmp_path, skip_malformed=True)
    assert list(got.templates) == ["apple/good"]
    assert [(r.template_id, r.code) for r in got.rejections] == [("apple/bad", "malformed")]


def test_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(DataError, match="cannot be read as UTF-8"):
        load_apple(tmp_path)


def test_one_file_and_json_lines(tmp_path: Path) -> None:
    lines = [json.dumps({**r, "id_orig": i}) for i, r in enumerate(sheets.GOOD.values())]
    file = tmp_path / "all.jsonl"
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    assert list(load_apple(file).templates) == [f"apple/{i}" for i in range(6)]
    several = tmp_path / "several.json"
    several.write_text(f"[{','.join(lines[:2])}]", encoding="utf-8")
    assert list(load_apple(several).templates) == ["apple/0", "apple/1"]
    file.write_text("\n".join([lines[0], lines[0], "{oops"]), encoding="utf-8")
    with pytest.raises(DataError, match=r"all\.jsonl:3: is not JSON"):
        load_apple(file)
    got = load_apple(file, skip_malformed=True)
    assert [r.code for r in got.rejections] == ["duplicate_id", "malformed"]


def test_records_without_an_id_take_their_files_name(tmp_path: Path) -> None:
    record = {k: v for k, v in sheets.LAMPS.items() if k != "id_orig"}
    (tmp_path / "0007.json").write_text(json.dumps(record), encoding="utf-8")
    assert list(load_apple(tmp_path).templates) == ["apple/0007"]


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError, match="neither a folder nor a file"):
        load_apple(tmp_path / "none")
    with pytest.raises(SourceUnavailableError, match=r"holds no \*\.json"):
        load_apple(tmp_path)
    sheets.write(tmp_path, {"it": sheets.changed(sheets.LAMPS, answer=("28", "29"))})
    with pytest.raises(TemplateError, match="no template could be taken over: apple/it: answer_differs"):
        load_apple(tmp_path)


def test_the_check_reports_what_it_finds(imported: Imported, monkeypatch: pytest.MonkeyPatch) -> None:
    template = imported.templates["apple/lamps"]
    good = template.problem("numbers", 0, 0)
    bad = good._replace(solution="#### 1", question="{n,3}")
    both = [bad, bad._replace(id="another", answer=-bad.answer)]
    monkeypatch.setattr(template, "instances", lambda variant, seed, count: iter(both))
    only = Imported("apple", {template.id: template}, (), "0")
    rules = {finding.rule for finding in check_imported(only).findings}
    assert rules == {"grader", "text", "repeat", "answer"}


def test_p1_and_p2_become_variants_of_their_template(tmp_path: Path) -> None:
    sheets.write(tmp_path / "symbolic", {"lamps": sheets.LAMPS, "tiles": sheets.TILES})
    broken = sheets.changed(sheets.LAMPS_P1, answer_annotated=("have-found}", "have}"))
    sheets.write(tmp_path / "p1", {"lamps": sheets.LAMPS_P1, "lost": sheets.LAMPS_P1})
    sheets.write(tmp_path / "p2", {"lamps": broken})
    got = load_apple(tmp_path)
    assert got.templates["apple/lamps"].variants == ("original", "names", "numbers", "symbolic", "p1")
    assert got.templates["apple/tiles"].variants == ("original", "names", "numbers", "symbolic")
    assert [(r.template_id, r.code) for r in got.rejections] == [
        ("apple/lost/p1", "no_base"),
        ("apple/lamps/p2", "final_differs"),
    ]
    for problem in got.templates["apple/lamps"].instances("p1", 0, 50):
        n, rooms, have, found = (int(t) for t in re.findall(r"\d+", problem.question))
        assert problem.answer == n * rooms - have - found > 0
        assert problem.covariates["operations"] == 3
        assert problem.original_id == "apple/lamps/original"
    assert check_imported(got, draws=40).findings == ()


def test_a_word_may_decide_the_answer_but_not_under_names(tmp_path: Path) -> None:
    record = sheets.record(
        "{who,A man} eats {n,5} plums a day. How many are that in a {time,week}?",
        """who = sample(["A father", "An uncle", "A farmer"])
time = sample(["week", "month"])
$n = range(2, 9)""",
        None,
        '#answer: n * (7 if time == "week" else 30)',
        '{n} * {7 if time == "week" else 30}\n#### {n * (7 if time == "week" else 30)}',
        "35",
    )
    template = one(tmp_path, record)
    assert template.capacity("names") == 3
    for problem in template.instances("names", 0, 3):
        assert problem.answer == 35
        assert problem.question.endswith("in a week?")
    for problem in template.instances("symbolic", 0, template.capacity("symbolic")):
        n = int(re.findall(r"\d+", problem.question)[0])
        assert problem.answer == n * (7 if "week" in problem.question else 30)

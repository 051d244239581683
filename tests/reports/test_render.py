"""The pages: complete, escaped, self-contained, the same every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from log_factory import Run, behaviour, full_run

from rote.reports import (
    build_report,
    read_logs,
    render_html,
    render_json,
    render_markdown,
    render_text,
)
from rote.reports.figures import PALETTE, forest, scatter
from rote.reports.figures_draws import null, strip
from rote.reports.report import Report

HOSTILE = (
    "</title><script>alert(1)</script><img src=x onerror=alert(2)>\"'`|*_"
    "[x](javascript:1) $\\frac$ \u202e {{7*7}}"
)


def hostile_report(folder: Path) -> Report:
    """Every text that logs can bring in is hostile: names, arguments, questions, outputs, ids."""

    def change(record: dict[str, Any]) -> None:
        doc = record["doc"]
        doc["question"] = f"{HOSTILE} {doc['question']}"
        doc["template_id"] = f"bank/{HOSTILE}/{doc['template_id']}"
        doc["id"] = f"{HOSTILE}/{doc['id']}"
        record["resps"] = [
            [f"{HOSTILE}\n```\n<script>alert(3)</script>\n{record['resps'][0][0]}\x1b[31m\ud800"]
        ]

    outcome = behaviour({"original": 0.9, "noop": 0.1}, trapped=0.9)
    run = Run(folder, model_args={"pretrained": HOSTILE, "revision": HOSTILE}, source="bank")
    run.add("original", 12, outcome, change=change).add("noop", 12, outcome, k=2, change=change).write()
    return build_report(read_logs(folder))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("plain")
    for i, name in enumerate(("solver", "memoriser", "noisy")):
        rates = ({"original": 0.98}, {"original": 1.0, "numbers": 0.2, "symbolic": 0.2}, {"original": 0.7})[i]
        outcome = behaviour(rates, trapped=0.5, salt=name)
        full_run(
            folder / name, outcome, templates=20, model="rote-planted", model_args=f"behaviour={name}"
        ).write()
    return build_report(read_logs(folder))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return hostile_report(tmp_path_factory.mktemp("hostile"))


class Page(HTMLParser):
    """Collects the tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


# --- HTML ------------------------------------------------------------------------------------------


def test_html_says_what_the_report_says(plain: Report) -> None:
    page = Page(render_html(plain))
    for series in plain.series:
        assert series.label in page.text
        for sentence in series.verdict.sentences:
            assert sentence in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert [t for t, _ in page.tags].count("svg") == 8  # four pictures, each wide and narrow
    assert [t for t, _ in page.tags].count(
        "table"
    ) == 3 + 3 + 3 + 2 + 1  # results, spread and factors of each, traps of the two that take any, ranks


def test_html_is_hostile_text_shown_as_text(hostile: Report) -> None:
    page = Page(render_html(hostile))
    tags = {t for t, _ in page.tags}
    assert not tags & {"script", "img", "iframe", "object", "embed", "form", "base"}
    assert "<script>alert(3)</script>" in page.text
    assert "{{7*7}}" in page.text
    assert not any(a.startswith("on") for _, attributes in page.tags for a in attributes)
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text


def test_html_asks_for_nothing(plain: Report, hostile: Report) -> None:
    for report in (plain, hostile):
        page = Page(render_html(report))
        for tag, attributes in page.tags:
            for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                value = attributes.get(name)
                assert value is None or value.startswith("#") or value == "data:,", (tag, value)


def test_content_security_policy_is_strict_and_true(plain: Report) -> None:
    text = render_html(plain)
    policy = next(
        a["content"] for t, a in Page(text).tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(styles) == 1
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert " style=" not in text  # the policy would drop it


def test_ids_are_unique_and_references_resolve(plain: Report) -> None:
    page = Page(render_html(plain))
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        for name, value in attributes.items():
            for target in re.findall(r"url\(#([^)]+)\)", value or ""):
                assert target in ids
            if name in ("href", "aria-labelledby") and value and value != "data:,":
                assert value.lstrip("#") in ids


def test_inert_clause_is_marked(plain: Report) -> None:
    assert '<mark title="inert clause"> A neighbour keeps' in render_html(plain)


def test_tables_have_headers_and_regions_can_be_reached_by_keyboard(plain: Report) -> None:
    page = Page(render_html(plain))
    assert all("scope" in a for t, a in page.tags if t == "th")
    assert all(a.get("tabindex") == "0" for _, a in page.tags if a.get("class") == "scroll")


def test_warnings_are_shown(tmp_path: Path) -> None:
    outcome = behaviour({"original": 0.5})
    Run(tmp_path).add("original", 8, outcome).add("numbers", 9, outcome).write()
    report = build_report(read_logs(tmp_path))
    assert report.warnings
    assert report.warnings[0] in Page(render_html(report)).text
    assert "have no original" in render_markdown(report)
    assert "warning: " in render_text(report)


@pytest.mark.parametrize("bad", ["unpaired", "all invalid"])
def test_reports_without_any_drop_render(tmp_path: Path, bad: str) -> None:
    outcome = behaviour({"original": 0.5}, invalid=1.0 if bad == "all invalid" else 0.0)
    run = Run(tmp_path).add("noop", 5, outcome)
    if bad == "all invalid":
        run.add("original", 5, outcome)
    run.write()
    report = build_report(read_logs(tmp_path), unpaired=True)
    assert forest(report.series, name="f") is None
    assert scatter(report.series, name="s") is None
    for render in (render_html, render_markdown, render_text, render_json):
        text = render(report)
        assert "not estimable" in text
        assert not re.search(r"\b(?:nan|NaN|None|inf|Infinity)\b", text)


# --- pictures --------------------------------------------------------------------------------------


def test_pictures_are_xml_without_style_attributes(plain: Report) -> None:
    for draw in (forest, scatter, strip, null):
        for narrow in (False, True):
            picture = draw(plain.series, name="p", narrow=narrow)
            assert picture is not None
            root = ElementTree.fromstring(picture.svg)
            assert root.get("role") == "img"
            assert root.findtext("{http://www.w3.org/2000/svg}title")
            assert not any("style" in e.attrib for e in root.iter())
            used = {c for e in root.iter() for c in e.get("class", "").split()}
            assert used == set(re.findall(r"^\.([\w-]+)\{", picture.css, re.MULTILINE))


def test_pictures_follow_the_theme(plain: Report) -> None:
    picture = forest(plain.series, name="p")
    assert picture is not None
    assert "var(--ink)" in picture.css
    assert not re.search(r"#0[1-4]0[1-4]0[1-4]\b", picture.css)
    for i in (0, 1, 3):
        assert f"var(--c{i})" in picture.css


def test_dollars_in_names_are_no_mathematics(hostile: Report) -> None:
    picture = forest(hostile.series, name="p")
    assert picture is not None
    assert "$\\frac$" in "".join(ElementTree.fromstring(picture.svg).itertext()) or "…" in picture.svg


def test_palette_is_distinct_in_colour_and_in_shape() -> None:
    assert len({c for c, _ in PALETTE}) == len({m for _, m in PALETTE}) == len(PALETTE)


def test_many_models_fit(tmp_path: Path) -> None:
    for i in range(17):
        full_run(
            tmp_path / str(i),
            behaviour({"original": 0.9 - 0.04 * i}, salt=str(i)),
            templates=4,
            k=1,
            model_args=f"pretrained=org/model-{i:02d}",
        ).write()
    report = build_report(read_logs(tmp_path), examples=0)
    text = render_html(report)
    assert text.count("org/model-16") >= 5


def test_same_bytes_in_another_process(tmp_path: Path) -> None:
    full_run(tmp_path / "logs", behaviour({"original": 0.6}), templates=6).write()
    script = (
        "import sys; from rote.reports import *; "
        "r = build_report(read_logs(sys.argv[1])); "
        "sys.stdout.buffer.write((render_html(r) + render_markdown(r) + render_json(r)).encode())"
    )
    outputs = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "logs")],
            capture_output=True,
            check=True,
            env={
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "MPLCONFIGDIR": str(tmp_path),
            },
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 10_000


# --- Markdown, JSON, terminal ----------------------------------------------------------------------


def test_markdown_escapes(hostile: Report) -> None:
    text = render_markdown(hostile)
    outside = re.sub(r"^(`{3,})text\n.*?\n\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "<script" not in outside
    assert "<img" not in outside
    # Markdown is not read inside an HTML block: between <details> and the next empty line.
    outside = re.sub(r"^<details>.*$", "", outside, flags=re.MULTILINE)
    assert "](javascript" not in outside
    # the output holds a fence of its own, so ours must be longer
    assert "\n````text\n" in text


def test_markdown_table_has_one_width(plain: Report) -> None:
    widths = []
    for table in re.findall(r"(?:^\|.*\n)+", render_markdown(plain), re.MULTILINE):
        rows = table.splitlines()
        (width,) = {len(re.findall(r"(?<!\\)\|", r)) for r in rows}
        widths.append(width)
        assert width != 13 or len(rows) == 2 + 9
    assert sorted(widths) == [5, 5, 8, 8, 8, 8, 8, 8, 8, 13, 13, 13]


def test_json_is_versioned_and_complete(plain: Report) -> None:
    body = json.loads(render_json(plain), parse_constant=lambda c: pytest.fail(f"{c} in JSON"))
    assert next(iter(body)) == "schema"
    assert body["schema"] == "rote.report/2"
    assert [s["model"] for s in body["series"]] == [s.model for s in plain.series]
    numbers = next(v for v in body["series"][0]["variants"] if v["variant"] == "numbers")
    assert numbers["drop"]["interval"]["level"] == 0.95
    assert set(numbers["exchangeability"]) >= {"p_exact", "p_mid", "observed", "expected"}


def test_terminal_table(plain: Report, hostile: Report) -> None:
    text = render_text(plain)
    assert text.isascii()
    lines = text.splitlines()
    assert lines[0].split()[:4] == ["model", "variant", "G", "original"]
    assert len([line for line in lines if "[" in line and "drop" in line]) >= 18
    assert "\x1b" not in render_text(hostile)

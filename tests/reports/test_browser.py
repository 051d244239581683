"""The page in a real browser: nothing asked for, nothing logged, hostile text shown, usable everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from log_factory import Run, behaviour, full_run

from rote.reports import build_report, read_logs, write_report

HOSTILE = "<script>document.title='taken'</script><img src=//example.org/x onerror=alert(1)>&amp;"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models, one of them with hostile texts wherever a log can bring them in."""
    folder = tmp_path_factory.mktemp("browser")

    def change(record: dict[str, Any]) -> None:
        record["doc"]["question"] += HOSTILE
        record["resps"] = [[HOSTILE + record["resps"][0][0]]]

    outcome = behaviour({"original": 0.95, "noop": 0.2}, trapped=0.9)
    for name in ("first", "second"):
        full_run(folder / name, outcome, templates=12, model_args=f"pretrained=org/{name}").write()
    # The first model zero-shot too, on problems of two seeds: every section beyond a series.
    for seed in (0, 1):
        zero = full_run(folder / f"zero{seed}", outcome, templates=12, model_args="pretrained=org/first",
                        shots=0, seed=seed)  # fmt: skip
        zero.write()
    run = Run(folder / "hostile", shots=4, model_args={"pretrained": HOSTILE})
    run.add("original", 12, outcome, change=change).add("noop", 12, outcome, change=change).write()
    return write_report(build_report(read_logs(folder)), folder / "report.html")


def opened(browser: Any, file: Path, **context: Any) -> tuple[Any, list[str], list[str]]:
    """(page, console messages and page errors, requests beside the page itself)."""
    page = browser.new_context(**context).new_page()
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda m: messages.append(m.text))
    page.on("pageerror", lambda e: messages.append(str(e)))
    page.on("request", lambda r: requests.append(r.url))
    page.goto(file.as_uri())
    return page, messages, [r for r in requests if r != file.as_uri() and not r.startswith("data:")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
def test_opens_offline_and_silently(browser: Any, page_file: Path, scheme: str, width: int) -> None:
    page, messages, requests = opened(
        browser, page_file, viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
    )
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert messages == []
    assert requests == []
    assert page.title() == "Is it reasoning, or rote? 3 models"
    # The page itself never scrolls sideways; wide tables do, in their own frame.
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_text_is_text(browser: Any, page_file: Path) -> None:
    page, messages, _ = opened(browser, page_file)
    assert page.locator("script, img, iframe").count() == 0
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert "<script>document.title='taken'</script>" in page.locator(".answer").first.inner_text()
    assert messages == []


def test_policy_forbids_script_and_requests(browser: Any, page_file: Path) -> None:
    page, messages, _ = opened(browser, page_file)
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        "const i = document.createElement('img'); i.src = 'https://example.org/x.png';"
        "document.body.append(s, i);"
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert sum("Content Security Policy" in m for m in messages) >= 2


def test_colours_follow_the_scheme(browser: Any, page_file: Path) -> None:
    def look(scheme: str) -> list[str]:
        page, _, _ = opened(browser, page_file, color_scheme=scheme, viewport={"width": 1200, "height": 800})
        return page.evaluate(
            "[getComputedStyle(document.body).backgroundColor,"
            " getComputedStyle(document.querySelector('figure.wide text')).fill]"
        )

    light, dark = look("light"), look("dark")
    assert light[0] != dark[0]
    assert light[1] != dark[1]


def test_pictures_change_with_the_width(browser: Any, page_file: Path) -> None:
    page, _, _ = opened(browser, page_file, viewport={"width": 1200, "height": 800})
    assert page.locator("figure.wide").first.is_visible()
    assert not page.locator("figure.narrow").first.is_visible()
    page.set_viewport_size({"width": 360, "height": 800})
    assert not page.locator("figure.wide").first.is_visible()
    assert page.locator("figure.narrow").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator("figure.wide").first.is_visible()


def test_text_in_pictures_stays_inside(browser: Any, page_file: Path) -> None:
    for width in (1200, 360):
        page, _, _ = opened(browser, page_file, viewport={"width": width, "height": 800})
        outside = page.evaluate(
            """() => [...document.querySelectorAll('figure svg')].filter(s => s.getBoundingClientRect().width)
            .flatMap(s => { const b = s.getBoundingClientRect();
              return [...s.querySelectorAll('text')].filter(t => { const r = t.getBoundingClientRect();
                return r.left < b.left - 1 || r.right > b.right + 1
                  || r.top < b.top - 1 || r.bottom > b.bottom + 1;
              }).map(t => t.textContent) })"""
        )
        assert outside == []


def test_keyboard_reaches_what_can_be_opened(browser: Any, page_file: Path) -> None:
    page, _, _ = opened(browser, page_file)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className"))
    assert {"A.", "DIV.scroll", "SUMMARY."} <= seen
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.evaluate("d => d.open")


def test_sections_beyond_a_series_fit_a_phone(browser: Any, page_file: Path) -> None:
    page, _, _ = opened(browser, page_file, viewport={"width": 360, "height": 800})
    for part in ("ranks", "examples", "runs"):
        tables = page.locator(f"#{part} .scroll")
        assert tables.count() >= 1
        for box in (tables.nth(i).bounding_box() for i in range(tables.count())):
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360


def test_inert_clause_and_extracted_answer_are_shown(browser: Any, page_file: Path) -> None:
    page, _, _ = opened(browser, page_file)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.locator("mark").first.inner_text().strip().startswith("A neighbour keeps")
    assert "extracted" in page.locator(".side").first.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_text(browser: Any, page_file: Path, scheme: str) -> None:
    """WCAG 2 AA (4.5 : 1) for all text, against the nearest painted background."""
    page, _, _ = opened(browser, page_file, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    worst = page.evaluate(
        """() => {
        const parse = c => c.match(/[\\d.]+/g).map(Number);
        const linear = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
        const lum = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
        let worst = [99, ''];
        for (const e of document.querySelectorAll('body *')) {
          if (e.closest('svg') || e.className === 'skip') continue;
          if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
          let back = [0, 0, 0, 0];
          for (let b = e; b && back[3] === 0; b = b.parentElement)
            back = parse(getComputedStyle(b).backgroundColor);
          const [x, y] = [lum(parse(getComputedStyle(e).color)), lum(back)].sort((p, q) => q - p);
          const ratio = (x + .05) / (y + .05);
          const name = e.tagName + '.' + e.className + ': ' + e.textContent.slice(0, 40);
          if (ratio < worst[0]) worst = [ratio, name];
        }
        return worst }"""
    )
    assert worst[0] >= 4.5, worst

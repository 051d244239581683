"""The site in a real browser, opened from a disk: sorts, filters, remembers, loads samples, asks nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from log_factory import Run, behaviour, full_run

from rote.reports import read_logs
from rote.reports.leaderboard import build_board, write_site

HOSTILE = "<script>document.title='taken'</script><img src=//example.org/x onerror=alert(1)>\u2028&amp;"
NAMES = "#board tbody tr:not([hidden]) th"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("leaderboard")

    def change(record: dict[str, Any]) -> None:
        record["doc"]["question"] += HOSTILE
        record["resps"] = [[HOSTILE + record["resps"][0][0]]]

    for name, noop in (("strong", 0.9), ("middling", 0.5), ("weak", 0.1)):
        outcome = behaviour({"original": 0.95, "noop": noop}, trapped=0.9, salt=name)
        full_run(folder / "logs" / name, outcome, templates=20, model_args=f"pretrained=org/{name}").write()
    outcome = behaviour({"original": 0.95, "noop": 0.2}, trapped=0.9)
    run = Run(folder / "logs" / "hostile", model_args={"pretrained": HOSTILE}, source="own")
    run.add("original", 12, outcome, change=change).add("noop", 12, outcome, change=change).write()
    return write_site(build_board(read_logs(folder / "logs")), folder / "site").parent


def opened(browser: Any, file: Path, fragment: str = "", **context: Any) -> tuple[Any, list[str]]:
    """(page, console messages, page errors and requests for anything but files of the site)."""
    page = browser.new_context(**{"viewport": {"width": 1200, "height": 800}, **context}).new_page()
    trouble: list[str] = []
    page.on("console", lambda m: trouble.append(m.text))
    page.on("pageerror", lambda e: trouble.append(str(e)))
    root = next(p for p in (file.parent, *file.parents) if (p / "board.js").is_file()).as_uri()
    page.on("request", lambda r: r.url.startswith((root, "data:")) or trouble.append(f"asked for {r.url}"))
    page.goto(file.as_uri() + fragment)
    return page, trouble


def model_page(site: Path, part: str) -> Path:
    return next(p for p in (site / "models").glob("*.html") if part in p.name)


def test_sorts_by_button_and_key(browser: Any, site: Path) -> None:
    page, trouble = opened(browser, site / "index.html")
    head = page.locator("#board th[data-col=noop]")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert "org/strong" in page.locator(NAMES).first.inner_text()
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert page.locator("#board th[aria-sort]").count() == 1
    values = [float(v) for v in page.locator("#board td:nth-child(12)").evaluate_all(
        "cells => cells.map(c => c.dataset.v)")]  # fmt: skip
    assert values == sorted(values, reverse=True)
    page.locator("#board th[data-col=names] button").click()
    assert "script" in page.locator(NAMES).last.inner_text()  # without a value: last
    assert trouble == []


def test_filters_never_move_a_rank(browser: Any, site: Path) -> None:
    page, trouble = opened(browser, site / "index.html")
    before = page.locator("#board tbody tr", has_text="org/weak").locator("td").nth(1).inner_text()
    page.fill("#q", "WEAK")
    assert page.locator(NAMES).count() == 1
    assert page.locator("#count").inner_text() == "1 of 4 rows"
    assert page.locator("#board tbody tr:not([hidden]) td").nth(1).inner_text() == before
    page.fill("#q", "")
    page.select_option("#f-source", "own")
    assert page.locator(NAMES).count() == 1
    assert trouble == []


def test_state_is_in_the_address_and_comes_back(browser: Any, site: Path) -> None:
    page, _ = opened(browser, site / "index.html")
    page.fill("#q", "org/")
    page.select_option("#f-source", "bank")
    page.locator("#board th[data-col=noop] button").click()
    page.locator("#board th[data-col=noop] button").click()
    page.locator("#columns summary").click()
    page.uncheck("[data-box=p1]")
    fragment = "#" + page.url.split("#")[1]
    order = page.locator(NAMES).all_inner_texts()
    again, trouble = opened(browser, site / "index.html", fragment)
    assert again.locator(NAMES).all_inner_texts() == order
    assert again.locator("#board th[data-col=noop]").get_attribute("aria-sort") == "descending"
    assert not again.locator("#board th[data-col=p1]").is_visible()
    assert again.input_value("#q") == "org/"
    odd, more = opened(browser, site / "index.html", "#sort=__proto__&source=nowhere&cols=none&q=%E0%A4%A")
    assert odd.locator("#board th[data-col=model]").is_visible()
    assert trouble == more == []


def test_opens_a_model_and_loads_shards_lazily(browser: Any, site: Path) -> None:
    page, trouble = opened(browser, site / "index.html")
    page.get_by_role("link", name="org/weak").click()
    page.wait_for_url("**/models/*")
    page.locator("#samples").scroll_into_view_if_needed()
    page.locator(".flip").first.wait_for()
    assert page.locator("script[src*='names-0.js']").count() == 1
    assert page.locator("script[src*='noop-0.js']").count() == 0
    page.select_option("#variant", "noop")
    page.locator("script[src*='noop-0.js']").wait_for(state="attached")
    page.locator("#pairs mark.inert").first.wait_for()
    assert "right → wrong" in page.locator(".flip h3").first.inner_text()
    assert "trap" in page.locator(".facts").nth(1).inner_text()
    assert page.locator("#pairs mark.inert").first.inner_text().strip().startswith("A neighbour keeps")
    first = page.locator(".flip").count()
    page.locator("#more").click()
    page.locator(".flip").nth(first).wait_for()
    page.select_option("#outcome", "lost")
    page.wait_for_timeout(200)
    assert all("right → wrong" in t for t in page.locator(".flip h3").all_inner_texts())
    assert "variant=noop" in page.url
    assert trouble == []


def test_hostile_text_is_text(browser: Any, site: Path) -> None:
    page, trouble = opened(browser, site / "index.html")
    assert page.locator("#board th", has_text="<script>").count() == 1
    assert page.locator("img, iframe").count() == 0
    page, more = opened(browser, model_page(site, "alert"))
    page.locator("#samples").scroll_into_view_if_needed()
    page.locator(".flip").first.wait_for()
    assert "<script>document.title='taken'</script>" in page.locator(".answer").first.inner_text()
    assert page.title() != "taken"
    assert page.locator("img, iframe").count() == 0
    assert trouble == more == []


def test_policy_forbids_inline_scripts_and_other_hosts(browser: Any, site: Path) -> None:
    page, trouble = opened(browser, site / "index.html")
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        "const i = document.createElement('img'); i.src = 'https://example.org/x.png';"
        "document.body.append(s, i);"
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert sum("Content Security Policy" in m for m in trouble) >= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
def test_fits_and_reads(browser: Any, site: Path, scheme: str, width: int) -> None:
    """No page scrolls sideways; all text has a contrast of at least 4.5 : 1 (WCAG 2 AA)."""
    for file in (site / "index.html", model_page(site, "weak")):
        page, trouble = opened(
            browser, file, viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
        )
        if "models" in file.parts:
            page.locator("#samples").scroll_into_view_if_needed()
            page.locator(".flip").first.wait_for()
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ratio, where = page.evaluate(CONTRAST)
        assert ratio >= 4.5, where
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.locator("table").count() == page.locator("table > caption").count()
        assert trouble == []


#: Smallest contrast of any text with what is painted behind it; a cell of the heat map precedes its text.
CONTRAST = """() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const linear = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const lum = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  let worst = [99, ''];
  for (const e of document.querySelectorAll('body *')) {
    if (e.className === 'skip' || ['OPTION', 'NOSCRIPT', 'title'].includes(e.tagName)) continue;
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const svg = e.namespaceURI.endsWith('svg');
    const cell = svg && e.previousElementSibling && e.previousElementSibling.tagName === 'rect';
    let back = cell ? parse(getComputedStyle(e.previousElementSibling).fill) : [0, 0, 0, 0];
    if (!cell) for (let b = e; b && back[3] === 0; b = b.parentElement)
      back = parse(getComputedStyle(b).backgroundColor);
    const own = getComputedStyle(e)[svg ? 'fill' : 'color'];
    const [x, y] = [lum(parse(own)), lum(back)].sort((p, q) => q - p);
    const ratio = (x + .05) / (y + .05);
    if (ratio < worst[0]) worst = [ratio, e.tagName + '.' + e.getAttribute('class') + ': ' + e.textContent];
  }
  return worst }"""


def test_prints_the_whole_table(browser: Any, site: Path) -> None:
    page, _ = opened(browser, site / "index.html")
    page.emulate_media(media="print")
    assert not page.locator("form.controls").is_visible()
    assert page.locator(".scroll").first.evaluate("e => getComputedStyle(e).overflowX") == "visible"

"""The comparison's page in a browser: hostile texts stay text, nothing is requested, a phone can show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from log_factory import Run

from rote.reports import read_logs
from rote.reports.compare import build_comparison
from rote.reports.compare.output import write_comparison

HOSTILE = "<script>document.title='taken'</script><img src=//example.org/x onerror=alert(1)>&amp;"


def test_page(browser: Any, tmp_path: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        record["doc"]["question"] += HOSTILE
        record["resps"] = [[HOSTILE + record["resps"][0][0]]]

    for name, outcome in (("a", "right"), ("b", "wrong")):
        run = Run(tmp_path / name, model_args={"pretrained": HOSTILE, "revision": name})
        run.add("original", 8, lambda n, v, i, o=outcome: o, change=change).write()  # type: ignore[misc]
    comparison = build_comparison(read_logs(tmp_path / "a"), read_logs(tmp_path / "b"))
    file = write_comparison(comparison, tmp_path / "page.html")
    for width in (1200, 390):
        page = browser.new_page(viewport={"width": width, "height": 900})
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(file.as_uri())
        assert page.title() != "taken"
        assert HOSTILE in page.inner_text("article")
        assert (said, asked) == ([], [file.as_uri()])
        assert page.evaluate("document.documentElement.scrollWidth") <= width

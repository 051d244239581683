"""A browser for the tests of pages. (That this file is here also makes ``log_factory`` importable below.)"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

#: What Chromium may be called, the first on the PATH.
_NAMES = ("chromium", "chromium-browser", "google-chrome")
#: It asks nobody for anything of its own accord: requests are counted.
_FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium through playwright; skips where either is missing. First among a test's arguments."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    chromium = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if chromium is None:
        pytest.skip("no Chromium on the PATH (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        yield browser
        browser.close()

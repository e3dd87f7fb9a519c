"""A real browser for tests of pages: the system's Chromium, without a screen or a network."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

FLAGS = (
    "--no-sandbox", "--no-first-run", "--disable-gpu", "--disable-quic", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
PATIENCE = 180
"""Seconds that a busy machine may take."""


@contextmanager
def open_tab(**settings: Any) -> Iterator[Any]:
    """Open a tab of playwright; the test is skipped, saying so, where there is no Chromium.

    Args:
        settings: Of the tab, such as ``viewport``.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs Chromium, which is not on the PATH: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=[*FLAGS])
        tab = browser.new_page(**settings)
        tab.set_default_timeout(1000 * PATIENCE)
        yield tab
        browser.close()

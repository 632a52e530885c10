"""A real Chromium, driven by playwright, that talks to nobody but this machine.

Debian's `chromium`, else an installed Chrome; playwright's own downloads are not used.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
BESIDE_PATH = (Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),)
ARGUMENTS = (
    "--no-sandbox",  # tests run as root in containers, where Chromium refuses its sandbox
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str:
    """Path of the browser.

    Raises:
        FileNotFoundError: none is installed.
    """
    found = [path for path in map(shutil.which, NAMES) if path] + [str(p) for p in BESIDE_PATH if p.exists()]
    if not found:
        raise FileNotFoundError(
            f"No browser is installed (looked for {', '.join(NAMES)}). "
            "On Debian: apt-get install chromium; on macOS: install Chrome"
        )
    return found[0]


@contextmanager
def chromium() -> Generator[Browser]:
    """The browser while the context is open, each time with fresh user data."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()

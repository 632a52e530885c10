"""A real Chromium, and pages in it that have to stay clean: no errors, no broken policy, no other host."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from support.chromium import chromium
from support.pages import FixedSource, night, serving, status
from support.places import GUARD
from tenfold.platform.page import create_app

VIOLATIONS = """
addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
"""

Visit = Callable[..., Page]

expect.set_options(timeout=GUARD * 1000)


# Not for the session: while it is open, playwright's loop would stand in the way of asynchronous tests.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@contextmanager
def watching(browser: Browser, trouble: list[str], **options: Any) -> Generator[Page]:
    """A page whose errors and whose requests to other hosts are noted in `trouble`."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options})
    context.set_default_timeout(GUARD * 1000)
    context.add_init_script(VIOLATIONS)
    page = context.new_page()
    page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
    page.on("console", lambda m: trouble.append(f"{m.type}: {m.text}") if m.type in {"error", "warning"} else None)
    page.on("request", lambda r: trouble.append(f"request to {r.url}") if not _ours(r.url) else None)
    try:
        yield page
    finally:
        context.close()


def _ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:"))


@pytest.fixture
def expected() -> list[str]:
    """Beginnings of the console's lines that the test itself brings about."""
    return []


@pytest.fixture
def visit(browser: Browser, expected: list[str], request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Open an address; when the test ends, everything that went wrong in the browser fails it."""
    if "address" in request.fixturenames:
        request.getfixturevalue("address")  # what is set up later ends earlier: the browser before its server
    trouble: list[str] = []
    opened: list[Any] = []

    def visited(url: str, **options: Any) -> Page:
        opened.append(watching(browser, trouble, **options))
        page: Page = opened[-1].__enter__()
        page.goto(url)
        return page

    yield visited
    for context in opened:
        context.__exit__(None, None, None)
    assert [t for t in trouble if not t.startswith(tuple(expected))] == []


@pytest.fixture
def source() -> FixedSource:
    nights = [night(1, "kept"), night(2), night(3)]
    return FixedSource({"flight-delay": status()}, {"flight-delay": nights})


@pytest.fixture
def address(source: FixedSource) -> Iterator[str]:
    """Where the page over `source` is, without a slash at its end."""
    with serving(create_app(source)) as url:
        yield url

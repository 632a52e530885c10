"""The metrics for all who ask: rendered once for those who wait, never before they asked, and not too often."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time

import pytest
from tenfold.serving import scrapes
from tenfold.serving.scrapes import Scrapes


class Rendered:
    """A rendering, which says how often it was asked for, and takes as long as a test says."""

    def __init__(self) -> None:
        self.published, self.times, self.now, self.may = 0, list[float](), 0, threading.Event()
        self.may.set()
        self.begun = threading.Event()

    def publish(self) -> None:
        self.published += 1

    def render(self) -> bytes:
        self.now += 1
        assert self.now == 1, "one at a time"
        self.times.append(time.monotonic())
        self.begun.set()
        text = b"%d" % self.published
        assert self.may.wait(60)
        self.now -= 1
        return text


async def test_all_who_wait_get_one_rendering_and_who_comes_during_it_the_next() -> None:
    rendered = Rendered()
    scrapes = Scrapes(rendered.publish, rendered.render)
    rendered.may.clear()
    first = [asyncio.create_task(scrapes.text()) for _ in range(50)]
    await asyncio.to_thread(rendered.begun.wait, 60)
    second = [asyncio.create_task(scrapes.text()) for _ in range(50)]
    await asyncio.sleep(0)
    rendered.may.set()
    assert {*await asyncio.gather(*first)} == {b"1"}
    assert {*await asyncio.gather(*second)} == {b"2"}


async def test_who_asks_again_and_again_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrapes, "_EVERY_SECONDS", 0.2)
    rendered = Rendered()
    asked = Scrapes(rendered.publish, rendered.render)
    assert [await asked.text() for _ in range(3)] == [b"1", b"2", b"3"]
    assert all(after - before > 0.19 for before, after in itertools.pairwise(rendered.times))


async def test_who_goes_away_takes_nothing_from_the_others() -> None:
    rendered = Rendered()
    scrapes = Scrapes(rendered.publish, rendered.render)
    gone, stays = asyncio.create_task(scrapes.text()), asyncio.create_task(scrapes.text())
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == b"1"


async def test_an_error_is_told_and_the_next_asks_anew() -> None:
    rendered = Rendered()

    def fail() -> bytes:
        raise OSError("no folder")

    scrapes = Scrapes(rendered.publish, fail)
    for _ in range(2):
        with pytest.raises(OSError, match="no folder"):
            await scrapes.text()

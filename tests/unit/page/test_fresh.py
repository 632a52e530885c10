"""One read per key and moment, however many ask."""

from __future__ import annotations

import asyncio
import threading

import pytest
from support.places import GUARD
from tenfold.platform.page.errors import SourceTooSlow
from tenfold.platform.page.fresh import Fresh


async def test_who_asks_while_it_is_read_waits_for_the_same_read() -> None:
    let, reads = threading.Event(), list[str]()

    def read(key: str) -> str:
        reads.append(key)
        assert let.wait(GUARD)
        return key.upper()

    fresh = Fresh[str, str](read, seconds=60, patience=10)
    asked = asyncio.gather(*(fresh.get("a") for _ in range(50)))
    await asyncio.sleep(0)
    let.set()
    assert await asked == ["A"] * 50
    assert await fresh.get("a") == "A"
    assert reads == ["a"]


async def test_a_value_that_is_too_old_is_read_again() -> None:
    numbers = iter(range(10))
    fresh = Fresh[str, int](lambda _: next(numbers), seconds=0, patience=10)
    assert [await fresh.get("a"), await fresh.get("a")] == [0, 1]


async def test_a_failure_is_kept_as_long_as_a_value() -> None:
    reads = list[str]()

    def read(key: str) -> str:
        reads.append(key)
        raise LookupError(key)

    fresh = Fresh[str, str](read, seconds=60, patience=10)
    for _ in range(3):
        with pytest.raises(LookupError):
            await fresh.get("a")
    assert reads == ["a"]


async def test_patience_ends_in_a_sentence_and_the_read_goes_on() -> None:
    let, reads = threading.Event(), list[str]()

    def read(key: str) -> str:
        reads.append(key)
        assert let.wait(GUARD)
        return "there"

    fresh = Fresh[str, str](read, seconds=60, patience=0.01)
    for _ in range(2):
        with pytest.raises(SourceTooSlow, match=r"No answer about 'a' for 0\.01 s"):
            await fresh.get("a")
    let.set()
    async with asyncio.timeout(GUARD):
        while True:
            try:
                assert await fresh.get("a") == "there"
                break
            except SourceTooSlow:
                continue
    assert reads == ["a"]


async def test_keys_that_are_gone_are_forgotten() -> None:
    reads = list[str]()

    def read(key: str) -> str:
        reads.append(key)
        return key

    fresh = Fresh[str, str](read, seconds=60, patience=10)
    await fresh.get("a")
    await fresh.get("b")
    fresh.keep_only({"b"})
    await fresh.get("a")
    await fresh.get("b")
    assert reads == ["a", "b", "a"]

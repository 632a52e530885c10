"""The end of a connection: who still sends is waited for, for a while; who is silent is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tenfold.serving import linger
from tenfold.serving.linger import Linger


class Transport:
    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def close(self) -> None:
        self.closed.set()


class Turn:
    waits = False

    def linger(self) -> None:
        pass

    def waits_for(self, seconds: float) -> bool:
        return self.waits


TURN: Any = Turn()


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(linger, "_SILENT_SECONDS", 0.05)
    return Transport()


async def test_who_is_silent_is_let_go(transport: Any) -> None:
    Linger(transport, TURN).begin()
    await transport.closed.wait()


async def test_who_sends_is_waited_for(transport: Any) -> None:
    lingers = Linger(transport, TURN)
    lingers.begin()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    # One loop calls both in the order of their times, however slow the machine is.
    while loop.time() < begun + 0.3:
        lingers.heard()
        assert not transport.closed.is_set()
        await asyncio.sleep(0.01)
    await transport.closed.wait()


async def test_but_not_for_ever(transport: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linger, "_MOST_SECONDS", 0.2)
    lingers = Linger(transport, TURN)
    lingers.begin()
    while not transport.closed.is_set():
        lingers.heard()
        await asyncio.sleep(0.01)


async def test_a_connection_that_is_over_has_no_timer(transport: Any) -> None:
    lingers = Linger(transport, TURN)
    lingers.end()  # before it began
    lingers.begin()
    lingers.end()
    await asyncio.sleep(0.2)
    assert not transport.closed.is_set()


async def test_who_has_no_turn_is_let_go_soon(transport: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linger, "_SILENT_SECONDS", 60)
    monkeypatch.setattr(linger, "_MOMENT_SECONDS", 0.05)
    turn: Any = Turn()
    turn.waits = True
    Linger(transport, turn).begin()
    await transport.closed.wait()


@pytest.mark.parametrize("counted", [True, False], ids=["at a stop", "one too many"])
async def test_who_sends_is_not_always_waited_for_as_long(
    transport: Any, monkeypatch: pytest.MonkeyPatch, counted: bool
) -> None:
    monkeypatch.setattr(linger, "_MOMENT_SECONDS", 0.05)
    lingers = Linger(transport, TURN)
    lingers.begin(counted=counted)
    if counted:
        lingers.hurry()
    while not transport.closed.is_set():
        lingers.heard()
        await asyncio.sleep(0.01)

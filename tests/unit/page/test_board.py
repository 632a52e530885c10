"""What the board reads from the platform, and when."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from support.pages import FixedSource, status
from tenfold.platform.page.board import Board
from tenfold.platform.target import Status
from tenfold.training.night import Night


@dataclass
class Asked(FixedSource):
    """Notes what it is asked for."""

    log: list[str] = field(default_factory=list)
    sampled: threading.Event = field(default_factory=threading.Event)

    def status(self, name: str) -> Status:
        self.log.append("status")
        self.sampled.set()
        return super().status(name)

    def nights(self, name: str) -> Sequence[Night]:
        self.log.append("nights")
        return super().nights(name)


async def test_traffic_is_sampled_while_nobody_looks_and_nights_are_read_for_those_who_do() -> None:
    source = Asked({"flight-delay": status()})
    board = Board(source)
    watching = asyncio.create_task(board.watch())
    assert await asyncio.to_thread(source.sampled.wait, 5)
    watching.cancel()
    assert source.log == ["status"]
    await board.overview()
    assert source.log[-1] == "nights"

"""A probe from the attack's own address, as the kubelet's may come from that of a proxy: a connection for each."""

from __future__ import annotations

import asyncio
import time

from .attacker import ADDRESS
from .http_kinds import head

EVERY_SECONDS = 0.25
_PATH = "/v2/health/live"
_LATE_SECONDS = 10.0


async def probe(port: int, seconds: float) -> float:
    """Ask again and again for so many seconds. Returns how long the slowest answer took; infinity where one failed."""
    over, slowest = time.monotonic() + seconds, 0.0
    while time.monotonic() < over:
        started = time.monotonic()
        slowest = max(slowest, await _answer(port))
        await asyncio.sleep(max(0.0, started + EVERY_SECONDS - time.monotonic()))
    return slowest


async def _answer(port: int) -> float:
    started = time.monotonic()
    try:
        async with asyncio.timeout(_LATE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=ADDRESS)
            writer.write(head(_PATH, "Connection: close\r\n", method="GET"))
            status = await reader.readline()
    except (OSError, TimeoutError):
        return float("inf")
    writer.close()
    return time.monotonic() - started if b" 200 " in status else float("inf")

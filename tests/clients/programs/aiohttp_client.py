"""aiohttp, with a session that keeps its connections and with one that closes them; it can wait for 100 Continue."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from answers import Answer, Ask, run

ADDRESS = sys.argv[1]


def keeping() -> Ask:
    return asking(force_close=False)


def closing() -> Ask:
    return asking(force_close=True)


def asking(*, force_close: bool) -> Ask:
    """Of a session in this thread's own event loop."""
    loop = asyncio.new_event_loop()

    async def open_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=force_close))

    session = loop.run_until_complete(open_session())

    async def answered(request: dict[str, Any], body: bytes) -> Answer:
        data: Any = chunks(body) if request["chunked"] else body or None
        async with session.request(
            request["method"],
            ADDRESS + request["path"],
            data=data,
            headers=request["headers"],
            expect100=request["expect"],
            timeout=aiohttp.ClientTimeout(300),
        ) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, headers, await answer.read()

    return lambda request, body: loop.run_until_complete(answered(request, body))


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    yield body


if __name__ == "__main__":
    run(keeping, keeping, closing)

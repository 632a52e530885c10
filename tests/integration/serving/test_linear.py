"""What a request costs grows no quicker than its bytes: in memory, in time, and whatever is wrong with it."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import AsyncIterator

import httpx
import pytest
from unit.serving.hostile import REQUESTS, Request
from unit.serving.stage import Folders, InProcess, in_process

N, ROWS = 100_000, 1000
# A value that is small takes some hundred bytes, once it is an object with a place in a list. ROWS rows of four columns
# can have 11,000 of them.
VALUES = 11_000 * 150


@pytest.fixture
async def iris(folders: Folders) -> AsyncIterator[InProcess]:
    """Takes bodies of any length, and few rows."""
    async with in_process(folders.iris, max_body_bytes=2**30, max_held_bytes=2**30, max_rows=ROWS) as server:
        yield server


async def asked(iris: InProcess, request: Request) -> tuple[httpx.Response, float]:
    path, headers, body = request
    gc.collect()
    started = time.process_time()
    response = await iris.http.post(path, headers=headers, content=body)
    return response, time.process_time() - started


@pytest.mark.parametrize("kind", REQUESTS)
async def test_time_and_memory_are_linear_in_the_bytes(iris: InProcess, kind: str) -> None:
    make = REQUESTS[kind]
    small, large = make(N), make(4 * N)
    response, seconds = await asked(iris, small)
    assert response.status_code in (200, 400, 413, 422), response.text[:300]
    assert response.status_code == 200 or len(response.content) < 2000
    # Four times as long would be linear, sixteen times quadratic; what is measured is short, and the machine busy.
    seconds = min(seconds, (await asked(iris, small))[1])
    longer = min([(await asked(iris, large))[1] for _ in range(2)])
    assert longer < 8 * seconds + 0.05
    tracemalloc.start()
    await asked(iris, large)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * len(large[2]) + VALUES  # orjson sets 12 bytes aside for each, and touches what it needs

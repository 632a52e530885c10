"""The page's app over fixed data, asked without a network."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from support.pages import FixedSource, night, status
from tenfold.platform.page import create_app

Ask = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def source() -> FixedSource:
    return FixedSource({"flight-delay": status()}, {"flight-delay": [night(2, "kept"), night(3)]})


@pytest.fixture
def ask(source: FixedSource) -> Ask:
    """A client of the page; with `prefix` the app is told of one."""

    @asynccontextmanager
    async def asked(prefix: str = "") -> AsyncGenerator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(create_app(source, prefix), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            yield client

    return asked

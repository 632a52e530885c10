"""Client tests run for both clients, against a server of their own."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest
from support.bad_server import BadServer, Both


@pytest.fixture
def server() -> Generator[BadServer]:
    with BadServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Both:
    return Both(request.param)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once; how long they would wait is tested by itself."""
    monkeypatch.setattr("tenfold.serving.client.steps._FIRST_WAIT", 0.001)

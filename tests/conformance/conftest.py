"""Two servers that are asked the same: tenfold's, and plain uvicorn with h11."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass

import httpx
import pytest
from conformance import peer
from integration.serving.threads import served
from unit.serving.conftest import bare_environment, folders
from unit.serving.stage import Folders

__all__ = ["bare_environment", "folders"]  # fixtures of the unit tests

RECEIVE_SECONDS = 0.7


@dataclass(frozen=True)
class Tenfold:
    """A server of 2 * x + 1, twice: `port` has the usual limits, `hasty` soon gives up what does not arrive."""

    port: int
    hasty: int
    http: httpx.Client

    def predicted(self, port: int) -> int:
        """How many predictions it has made, by its own count."""
        lines = self.http.get(f"http://127.0.0.1:{port}/metrics").text.splitlines()
        counted = (line for line in lines if line.startswith("tenfold_requests_total") and 'code="200"' in line)
        return sum(int(float(line.rpartition(" ")[2])) for line in counted if 'protocol="predict"' in line)


@pytest.fixture(autouse=True)
def quiet() -> Generator[None]:
    """For one test at a time: others of the same process look at what is logged."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def tenfold(folders: Folders) -> Generator[Tenfold]:
    with (
        served(folders.line) as port,
        served(folders.line, receive_seconds=RECEIVE_SECONDS) as hasty,
        httpx.Client(trust_env=False) as http,
    ):
        yield Tenfold(port, hasty, http)


@pytest.fixture(scope="session")
def h11() -> Generator[tuple[peer.App, int]]:
    with peer.running() as app_and_port:
        yield app_and_port

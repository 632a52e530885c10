"""The app in process, over real models and a real log; one of each kind is shared by the tests that only ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.serving.conftest import bare_environment, folders
from unit.serving.stage import Folders, InProcess, in_process

__all__ = ["bare_environment", "folders"]  # fixtures of the unit tests


@pytest.fixture
async def iris(folders: Folders, tmp_path: Path) -> AsyncIterator[InProcess]:
    """Four numbers by name; version 7; with a log and small limits."""
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with in_process(folders.iris, log_url=url, max_rows=50, max_body_bytes=20_000) as server:
        yield server


@pytest.fixture
async def trips(folders: Folders) -> AsyncIterator[InProcess]:
    """A text, an integer and a number that may be missing; no log."""
    async with in_process(folders.trips) as server:
        yield server


@pytest.fixture
async def matrix(folders: Folders) -> AsyncIterator[InProcess]:
    """Columns without names; no log."""
    async with in_process(folders.matrix) as server:
        yield server


@pytest.fixture
async def loading(folders: Folders) -> AsyncIterator[InProcess]:
    """A server whose model is not there yet."""
    async with in_process(folders.iris, load=False) as server:
        yield server

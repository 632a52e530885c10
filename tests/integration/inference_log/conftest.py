"""Every test of the log runs over both databases."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.new_ids import new_ids
from support.postgres import Postgres, running_postgres
from tenfold.serving.inference_log.rows import StoredPrediction, served
from tenfold.serving.inference_log.store import InferenceLog

TIME = datetime(2013, 1, 31, 6, 0, 0, 123456, UTC)


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'log.db'}"
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def log(log_url: str) -> Generator[InferenceLog]:
    log = InferenceLog(log_url)
    yield log
    log.close()


Records = Callable[[int], list[StoredPrediction]]


@pytest.fixture
def records() -> Records:
    def make(count: int) -> list[StoredPrediction]:
        row, result = {"distance": 1400.0, "carrier": "UA"}, {"predict": 0}
        return served("flights", "3", new_ids(count), TIME, [row] * count, [result] * count)

    return make

"""Every test of the log runs over both databases."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.postgres import Postgres, running_postgres
from tenfold.serving.ids import new_ids
from tenfold.serving.inference_log.records import PredictionRecord
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


Records = Callable[[int], list[PredictionRecord]]


@pytest.fixture
def records() -> Records:
    def make(count: int) -> list[PredictionRecord]:
        return [
            PredictionRecord(id_, TIME, "flights", "3", {"distance": 1400.0, "carrier": "UA"}, {"predict": 0})
            for id_ in new_ids(count)
        ]

    return make

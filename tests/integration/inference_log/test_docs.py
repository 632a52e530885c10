"""The SQL of docs/inference-log.md runs on both databases."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from tenfold.serving.inference_log import database
from tenfold.serving.inference_log.records import Count, LabelRecord
from tenfold.serving.inference_log.rows import served
from tenfold.serving.inference_log.store import InferenceLog

PAGE = Path(__file__).parents[3] / "docs" / "inference-log.md"
BY_VERSION, NEWEST, DELETE = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture(autouse=True)
def filled(log: InferenceLog) -> None:
    days = {"old": datetime(2012, 1, 1, tzinfo=UTC), "new": datetime(2013, 2, 1, tzinfo=UTC)}
    for identity, at in days.items():
        log.write(served("flight-delay", "3", [identity], at, [{"distance": 7}], [{"predict": 0}]))
    log.write_labels("flight-delay", [LabelRecord(id_, 1, at) for id_, at in days.items()])


def run(url: str, sql: str) -> list[Any]:
    engine = create_engine(database.parse_url(url))
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            result = connection.exec_driver_sql(sql)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def test_the_queries(log_url: str) -> None:
    assert run(log_url, BY_VERSION) == [("3", 2, 2)]
    ((_, *rest),) = run(log_url, NEWEST)
    assert rest == ["3", '{"distance":7}', '{"predict":0}', "1"]


def test_a_column_of_a_row(log_url: str) -> None:
    sqlite, postgresql = re.findall(r"`(json_extract.*?|p\.row::.*?)`", PAGE.read_text())
    column = sqlite if log_url.startswith("sqlite") else postgresql
    assert [str(value) for (value,) in run(log_url, f"SELECT {column} FROM predictions p")] == ["7", "7"]  # noqa: S608 - our own page


def test_deletion_takes_the_labels_along(log_url: str, log: InferenceLog) -> None:
    run(log_url, DELETE)
    assert log.count() == Count(predictions=1, labels=1)
    assert [p.id for p in log.recent("flight-delay")] == ["new"]

"""The two tables of the inference log, the same on SQLite and PostgreSQL.

Rows, results and labels are JSON text, not a JSON type: both databases then give back exactly what was written,
NUL characters and the difference between 1 and 1.0 included.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, Index, MetaData, String, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """An instant. SQLite keeps UTC as text of fixed width, PostgreSQL a timestamptz: both order and compare alike."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Always UTC, since SQLite drops the zone."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """SQLite gives the time without a zone, PostgreSQL in the session's zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Ids sort by code point on both databases, whatever the locale of the PostgreSQL server.
_Id = String().with_variant(String(collation="C"), "postgresql")

metadata = MetaData()

predictions = Table(
    "predictions",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("time", UtcTime, nullable=False, comment="When the row was asked; replays give the time of the event."),
    Column("model", Text, nullable=False),
    Column("version", Text, nullable=False, comment="Empty for imported rows."),
    Column("row", Text, nullable=False, comment="JSON object: column to value."),
    Column("result", Text, comment="JSON object: output to value; NULL for imported rows."),
    Column("source", Text, nullable=False, comment="served or imported"),
    Index("predictions_by_model_and_time", "model", "time"),
)

labels = Table(
    "labels",
    metadata,
    # Whoever deletes old predictions by hand deletes their labels with them.
    Column("prediction_id", _Id, ForeignKey(predictions.c.id, ondelete="CASCADE"), primary_key=True),
    Column("label", Text, nullable=False, comment="JSON scalar; the newest one."),
    Column("time", UtcTime, nullable=False, comment="When it became true; replays give the time of the event."),
    Column("received", UtcTime, nullable=False, comment="When this label arrived here."),
)

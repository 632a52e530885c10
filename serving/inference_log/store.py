"""The inference log: every prediction and what turned out to be true of it, in SQLite or PostgreSQL.

`writer` and the core write into it, training and the page read from it. Each method is one transaction (`import_rows`:
one per thousands of rows) and blocks for as long as the database does, so it does not belong on an event loop.
Safe to share between threads; every process opens its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import UUID, uuid5

import orjson
from sqlalchemy import Connection, Engine, bindparam, func, select, update
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from ..jsonable import encode
from .database import READS, create_tables, insert_new, open_engine, parse_url, place, remedy
from .errors import LogUnreachable, UnstorableRecord
from .labels import settle
from .records import Count, Label, LabelledRow, LabelRecord, LabelStatus, LoggedPrediction, PredictionRecord, Source
from .tables import labels, predictions

_IMPORTED = UUID("5f0c6a0e-7d2b-5a0e-9a55-10f01d10f01d")  # namespace of the ids of imported rows; never change it
_IDS_PER_QUERY = 500  # below every limit on bound parameters
_ROWS_PER_IMPORT = 5_000  # a transaction's length: replicas that share the SQLite file wait for it


class InferenceLog:
    """The log behind one database URL. Opens it, and makes its tables, at the first call that needs it.

    Raises:
        InvalidLogUrl: no database that the log can live in.
    """

    def __init__(self, url: str, *, busy_seconds: float = 10.0) -> None:
        """
        Args:
            url: sqlite:////path/log.db or postgresql://user:password@host/database.
            busy_seconds: How long a write waits for another process's write to the same SQLite file.
        """
        self._url = parse_url(url)
        self._busy_seconds = busy_seconds
        self._lock = Lock()
        self._engine: Engine | None = None
        self._has_tables = False

    def __repr__(self) -> str:
        return f"InferenceLog({place(self._url)})"

    def write(self, records: Sequence[PredictionRecord]) -> None:
        """Store all of them or none. Those whose id is already there are left as they are, so it may be repeated.

        Raises:
            UnstorableRecord: one of them has no JSON form or is refused by the database; none is stored.
            LogUnreachable: the database does not answer; try again later.
        """
        rows = [_prediction_row(r, "served") for r in records]
        if rows:
            with self._transaction() as connection:
                connection.execute(insert_new(connection, predictions), rows)

    def write_labels(self, records: Sequence[LabelRecord]) -> list[LabelStatus]:
        """Store what turned out to be true: one status per record, in order, decided in one transaction.

        `accepted` first label of its prediction; `repeated` the same again, nothing changed; `replaced` another
        label, the newest wins; `unknown` no prediction of that id is in the log (yet).

        Raises:
            UnstorableRecord: a time without a time zone; none is stored.
            LogUnreachable: the database does not answer; try again later.
        """
        if not records:
            return []
        with self._transaction() as connection:
            return _settle(connection, records)

    def import_rows(
        self, model: str, rows: Sequence[Mapping[str, Any]], labels: Sequence[Label], times: Sequence[datetime]
    ) -> list[str]:
        """Store rows of the past with their labels, for training. Returns their ids.

        The id follows from model, time and row (and from how often the same row came before it in `rows`), so
        importing the same again changes nothing, and importing a corrected label replaces the old one.

        Raises:
            InvalidLabel, UnstorableRecord: nothing is stored.
            LogUnreachable: the first rows may be stored; import the same again.
        """
        ids = _imported_ids(model, rows, times)
        truths = [LabelRecord(*item) for item in zip(ids, labels, times, strict=True)]
        items = [
            (_prediction_row(PredictionRecord(id, time, model, "", row, {}), "imported"), truth)
            for id, time, row, truth in zip(ids, times, rows, truths, strict=True)  # noqa: A001
        ]
        for some in _chunks(sorted(items, key=lambda item: item[0]["id"]), _ROWS_PER_IMPORT):
            with self._transaction() as connection:
                connection.execute(insert_new(connection, predictions), [row for row, _ in some])
                _settle(connection, [truth for _, truth in some])
        return ids

    def labelled_rows(self, model: str, start: datetime, end: datetime) -> list[LabelledRow]:
        """The rows of `start <= time < end` that have a label, with the newest one, by time and id.

        Raises:
            LogUnreachable: the database does not answer.
        """
        query = (
            select(predictions.c.id, predictions.c.time, predictions.c.row, labels.c.label)
            .join(labels, labels.c.prediction_id == predictions.c.id)
            .where(predictions.c.model == model, predictions.c.time >= _aware(start), predictions.c.time < _aware(end))
            .order_by(predictions.c.time, predictions.c.id)
        )
        with self._transaction(reads=True) as connection:
            found = connection.execute(query).all()
        return [LabelledRow(id, time, orjson.loads(row), orjson.loads(label)) for id, time, row, label in found]  # noqa: A001

    def recent(self, model: str, limit: int = 50) -> list[LoggedPrediction]:
        """The newest predictions with their labels where they have one, newest first.

        Raises:
            LogUnreachable: the database does not answer.
        """
        p = predictions.c
        query = (
            select(p.id, p.time, p.model, p.version, p.source, p.row, p.result, labels.c.label)
            .outerjoin(labels, labels.c.prediction_id == p.id)
            .where(p.model == model)
            .order_by(p.time.desc(), p.id.desc())
            .limit(limit)
        )
        with self._transaction(reads=True) as connection:
            found = connection.execute(query).all()
        return [LoggedPrediction(*plain, *(t and orjson.loads(t) for t in texts)) for *plain, *texts in map(_split, found)]

    def count(self, model: str | None = None) -> Count:
        """How many predictions and labels there are, of one model or of all.

        Raises:
            LogUnreachable: the database does not answer.
        """
        query = select(func.count(predictions.c.id), func.count(labels.c.prediction_id)).outerjoin(
            labels, labels.c.prediction_id == predictions.c.id
        )
        if model is not None:
            query = query.where(predictions.c.model == model)
        with self._transaction(reads=True) as connection:
            return Count(*connection.execute(query).one())

    def close(self) -> None:
        """Let go of the database; the next call would open it again."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
            self._engine, self._has_tables = None, False

"""The inference log: every prediction and what turned out to be true of it, in SQLite or PostgreSQL.

`writer` and the core write into it, training and the page read from it. Each method is one transaction (`import_rows`:
one per thousands of rows) and blocks for as long as the database does, so it does not belong on an event loop.
Safe to share between threads; every process opens its own.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from orjson import JSONEncodeError
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from .database import READS, create_tables, open_engine, parse_url, place, remedy
from .errors import LogUnreachable, OutcomeUnknown, UnstorableRecord
from .labels import settle
from .records import Count, Label, LabelledRow, LabelRecord, LabelStatus, LoggedPrediction
from .rows import (
    StoredPrediction,
    aware,
    chunks,
    imported,
    imported_ids,
    label_row,
    labelled,
    logged,
    storable,
    unlabel,
)
from .statements import insert_predictions, known_ids, labels_of, upsert_labels
from .tables import labels, predictions

_ROWS_PER_IMPORT = 5_000  # a transaction's length: replicas that share the SQLite file wait for it
_TOO_LARGE = "54000"  # PostgreSQL: a value that its index cannot hold


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

    def write(self, rows: Sequence[StoredPrediction]) -> None:
        """Store all of them or none. Those whose id is already there are left as they are, so it may be repeated.

        Raises:
            UnstorableRecord: one of them is refused by the database; none is stored.
            LogUnreachable: the database does not answer; try again later.
        """
        if rows:
            with self._transaction() as connection:
                insert_predictions(connection, rows)

    def write_labels(self, model: str, records: Sequence[LabelRecord]) -> list[LabelStatus]:
        """Store what turned out to be true: one status per record, in order, decided in one transaction.

        `accepted` first label of its prediction; `repeated` the same again, nothing changed; `replaced` another
        label, the newest wins; `unknown` no prediction of that id by that model is in the log (yet).

        Raises:
            UnstorableRecord: a time without a time zone; none is stored.
            OutcomeUnknown: the database broke off while it committed: all are stored or none. It may be repeated.
            LogUnreachable: the database does not answer, and none is stored; try again later.
        """
        if not records:
            return []
        with self._transaction() as connection:
            return _settle(connection, model, records)

    def known(self, model: str, ids: Collection[str]) -> set[str]:
        """Which of these ids predictions of that model have that are in the log.

        Raises:
            LogUnreachable: the database does not answer.
        """
        with self._transaction(reads=True) as connection:
            return known_ids(connection, model, [identity for identity in ids if storable(identity)], lock=False)

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
        ids = imported_ids(model, rows, times)
        truths = [LabelRecord(*item) for item in zip(ids, labels, times, strict=True)]
        past = [imported(model, *item) for item in zip(ids, times, rows, strict=True)]
        items = zip(past, truths, strict=True)
        for some in chunks(sorted(items, key=lambda item: item[0][0]), _ROWS_PER_IMPORT):
            with self._transaction() as connection:
                insert_predictions(connection, [row for row, _ in some])
                _settle(connection, model, [truth for _, truth in some])
        return ids

    def labelled_rows(self, model: str, start: datetime, end: datetime) -> list[LabelledRow]:
        """The rows of `start <= time < end` that have a label, with the newest one, by time and id.

        Raises:
            ValueError: `start` or `end` has no time zone.
            LogUnreachable: the database does not answer.
        """
        query = (
            select(predictions.c.id, predictions.c.time, predictions.c.row, labels.c.label)
            .join(labels, labels.c.prediction_id == predictions.c.id)
            .where(predictions.c.model == model, predictions.c.time >= aware(start), predictions.c.time < aware(end))
            .order_by(predictions.c.time, predictions.c.id)
        )
        with self._transaction(reads=True) as connection:
            found = connection.execute(query).all()
        return [labelled(*values) for values in found]

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
        return [logged(*values) for values in found]

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

    @contextmanager
    def _transaction(self, *, reads: bool = False) -> Generator[Connection]:
        """A connection inside a transaction that is committed at the end; what the database says becomes a LogError."""
        committing = False
        try:
            with self._opened().connect() as connection:
                connection.execution_options(**{READS: reads})
                with connection.begin():
                    yield connection
                    committing = not reads
        except (DataError, IntegrityError, UnicodeEncodeError, JSONEncodeError) as e:
            raise UnstorableRecord("A record", _first_line(e)) from e
        except SQLAlchemyError as e:
            if getattr(getattr(e, "orig", None), "sqlstate", None) == _TOO_LARGE:
                raise UnstorableRecord("A record", _first_line(e)) from e
            self._has_tables = False  # whoever brings the database back may bring back an empty one
            # A file whose commit failed has committed nothing; a server may have, and its answer got lost.
            unknown = committing and self._url.get_backend_name() != "sqlite"
            error = OutcomeUnknown if unknown else LogUnreachable
            raise error(place(self._url), _first_line(e), remedy(self._url)) from e

    def _opened(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = open_engine(self._url, self._busy_seconds)
            if not self._has_tables:
                create_tables(self._engine, self._busy_seconds)
                self._has_tables = True
            return self._engine


def _settle(connection: Connection, model: str, records: Sequence[LabelRecord]) -> list[LabelStatus]:
    """Decide what each label does and write it, alone with the predictions that they are about."""
    ids = sorted({r.prediction_id for r in records if storable(r.prediction_id)})
    known = known_ids(connection, model, ids, lock=True)
    # Only now, in a statement of its own, which sees what those wrote who were waited for.
    stored = {identity: unlabel(text) for identity, text in labels_of(connection, sorted(known))}
    settlement = settle(records, known, stored)
    if settlement.changes:
        received = datetime.now(UTC)
        upsert_labels(connection, [label_row(r, received) for r in settlement.changes.values()])
    return settlement.statuses


def _first_line(error: Exception) -> str:
    """What the database says, without the statement; messages of connections have several lines."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0].rstrip(". ") if lines else type(error).__name__

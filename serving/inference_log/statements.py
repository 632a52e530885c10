"""The statements that write predictions and labels: many rows in one, by hand for each of the two databases.

They run beside a server's event loop: many rows in one statement cost a fifth of the CPU of a statement each, and the
drivers hold the GIL for a moment only instead of asking for it back after every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import orjson
from sqlalchemy import Connection

from .rows import StoredLabel, StoredPrediction

_SQLITE_ROWS = (140, 12, 1)  # old SQLites take at most 999 parameters; few sizes, so that each is parsed once
_ROW = "(?, ?, ?, ?, ?, ?, ?)"
_SQLITE_INSERT = """
    INSERT INTO predictions (id, time, model, version, row, result, source)
    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_SQLITE_INSERTS = {n: _SQLITE_INSERT.replace(_ROW, ", ".join([_ROW] * n)) for n in _SQLITE_ROWS}
_POSTGRESQL_INSERT = """
    INSERT INTO predictions (id, time, model, version, row, result, source)
    SELECT e ->> 0, (e ->> 1)::timestamp AT TIME ZONE 'UTC', e ->> 2, e ->> 3, e ->> 4, e ->> 5, e ->> 6
    FROM json_array_elements(%s::json) AS e ON CONFLICT DO NOTHING
"""
_POSTGRESQL_KNOWN = "SELECT id FROM predictions WHERE model = %s AND id = ANY(%s)"
_SQLITE_KNOWN = "SELECT id FROM predictions WHERE model = ? AND id IN (SELECT value FROM json_each(?))"
# Whoever labels the same predictions waits here; always in order of id, so nobody waits in a ring. SQLite has no row
# locks and needs none, since a transaction that writes is alone with the file.
_POSTGRESQL_LOCKED = f"{_POSTGRESQL_KNOWN} ORDER BY id FOR NO KEY UPDATE"
_POSTGRESQL_LABELS = "SELECT prediction_id, label FROM labels WHERE prediction_id = ANY(%s)"
_SQLITE_LABELS = "SELECT prediction_id, label FROM labels WHERE prediction_id IN (SELECT value FROM json_each(?))"
_POSTGRESQL_UPSERT = """
    INSERT INTO labels (prediction_id, label, time, received)
    SELECT e ->> 0, e ->> 1, (e ->> 2)::timestamp AT TIME ZONE 'UTC', (e ->> 3)::timestamp AT TIME ZONE 'UTC'
    FROM json_array_elements(%s::json) AS e
    ON CONFLICT (prediction_id)
    DO UPDATE SET label = excluded.label, time = excluded.time, received = excluded.received
"""
_SQLITE_UPSERT = """
    INSERT INTO labels (prediction_id, label, time, received)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
        json_extract(value, '$[2]'), json_extract(value, '$[3]')
    FROM json_each(?) WHERE true
    ON CONFLICT (prediction_id)
    DO UPDATE SET label = excluded.label, time = excluded.time, received = excluded.received
"""


def insert_predictions(connection: Connection, rows: Sequence[StoredPrediction]) -> None:
    """Insert rows, leaving those alone whose id is already there, so that a write may be repeated."""
    if _postgresql(connection):
        connection.exec_driver_sql(_POSTGRESQL_INSERT, (_json(rows),))
        return
    for size in _SQLITE_ROWS:
        whole = len(rows) - len(rows) % size
        for start in range(0, whole, size):
            connection.exec_driver_sql(_SQLITE_INSERTS[size], tuple(chain.from_iterable(rows[start : start + size])))
        rows = rows[whole:]


def known_ids(connection: Connection, model: str, ids: Sequence[str], *, lock: bool) -> set[str]:
    """Which of `ids` are of predictions of `model`; with `lock` they stay so until the transaction ends."""
    if _postgresql(connection):
        query, given = _POSTGRESQL_LOCKED if lock else _POSTGRESQL_KNOWN, list(ids)
        return {identity for (identity,) in connection.exec_driver_sql(query, (model, given))}
    return {identity for (identity,) in connection.exec_driver_sql(_SQLITE_KNOWN, (model, _json(ids)))}


def labels_of(connection: Connection, ids: Sequence[str]) -> list[tuple[str, str]]:
    """The ids that have a label, and its JSON text."""
    if _postgresql(connection):
        found = connection.exec_driver_sql(_POSTGRESQL_LABELS, (list(ids),))
    else:
        found = connection.exec_driver_sql(_SQLITE_LABELS, (_json(ids),))
    return [(identity, label) for identity, label in found]


def upsert_labels(connection: Connection, rows: Sequence[StoredLabel]) -> None:
    """Write labels, one at most for each prediction, in the place of those that are there."""
    connection.exec_driver_sql(_POSTGRESQL_UPSERT if _postgresql(connection) else _SQLITE_UPSERT, (_json(rows),))


def _postgresql(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _json(rows: Sequence[object]) -> str:
    return orjson.dumps(rows).decode()

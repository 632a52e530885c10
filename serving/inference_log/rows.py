"""Between the records of the log and the rows of its tables: pure conversions, no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from sys import getsizeof
from typing import Any, TypeVar
from uuid import UUID, uuid5

import orjson

from ..jsonable import encode
from .errors import UnstorableRecord
from .records import Label, LabelledRow, LabelRecord, LoggedPrediction

_IMPORTED = UUID("5f0c6a0e-7d2b-5a0e-9a55-10f01d10f01d")  # namespace of the ids of imported rows; never change it

T = TypeVar("T")
_ROW_BYTES = 250  # of the tuple, the id, and where they lie; time, model and version are shared

StoredPrediction = tuple[str, str, str, str, str, str | None, str]
"""id, time, model, version, row, result, source; the time in UTC, as SQLite keeps it and PostgreSQL reads it."""

StoredLabel = tuple[str, str, str, str]
"""prediction_id, label, time, received; times as those of predictions."""

_LONGEST_ID = 1_000  # characters; PostgreSQL's index takes no longer ones than some 2,700 bytes


def served(
    model: str,
    version: str,
    ids: Sequence[str],
    when: datetime,
    rows: Iterable[Mapping[str, Any] | str],
    results: Iterable[Mapping[str, Any] | str],
) -> list[StoredPrediction]:
    """Rows of `predictions` that a model answered at one time; each has an id, its columns and its result, which may be
    JSON already.

    Raises:
        UnstorableRecord: the time is none of `aware`, or a value has no JSON form.
    """
    time = _time_text(when, ids[0])
    return [
        (
            identity,
            time,
            model,
            version,
            row if isinstance(row, str) else _json(row, identity),
            result if isinstance(result, str) else _json(result, identity),
            "served",
        )
        for identity, row, result in zip(ids, rows, results, strict=False)
    ]


def stored_bytes(rows: Iterable[StoredPrediction]) -> int:
    """Bytes that such rows hold in memory."""
    return sum([_ROW_BYTES + getsizeof(row[4]) + getsizeof(row[5]) for row in rows])


def imported(model: str, identity: str, when: datetime, row: Mapping[str, Any]) -> StoredPrediction:
    """A row of `predictions` that no model answered. Raises as `served` does."""
    return identity, _time_text(when, identity), model, "", _json(row, identity), None, "imported"


def label_row(record: LabelRecord, received: datetime) -> StoredLabel:
    """A row of `labels`.

    Raises:
        UnstorableRecord: its time is none of `aware`.
    """
    name = record.prediction_id
    return name, encode(record.label).decode(), _time_text(record.time, name), _time_text(received, name)


def unlabel(text: str) -> Label:
    """The label behind its JSON text."""
    return orjson.loads(text)


def labelled(id: str, time: datetime, row: str, label: str) -> LabelledRow:  # noqa: A002 - the name of the column
    """A joined row as training reads it."""
    return LabelledRow(id, time, orjson.loads(row), unlabel(label))


def logged(*columns: Any) -> LoggedPrediction:
    """A row of `predictions` (id, time, model, version, source, row, result) and its label, as the page shows it."""
    *plain, row, result, label = columns
    return LoggedPrediction(*plain, *(text and orjson.loads(text) for text in (row, result, label)))


def imported_ids(model: str, rows: Sequence[Mapping[str, Any]], times: Sequence[datetime]) -> list[str]:
    """The ids of rows of the past: the same for the same rows, different for equal rows within `rows`.

    Raises:
        UnstorableRecord: a time is none of `aware`, or a value has no JSON form.
    """
    seen: Counter[tuple[str, str]] = Counter()
    ids: list[str] = []
    for number, (row, time) in enumerate(zip(rows, times, strict=True)):
        name = f"row {number} (counted from 0)"
        key = _stored_time(time, name).isoformat(), _json(row, name, sort_keys=True)
        ids.append(str(uuid5(_IMPORTED, "\n".join((model, *key, str(seen[key]))))))
        seen[key] += 1
    return ids


def aware(time: datetime) -> datetime:
    """The same instant in UTC.

    Raises:
        ValueError: it has no time zone, so it is not an instant, or it lies outside of the years 1 to 9999 in UTC.
    """
    if time.tzinfo is None:
        raise ValueError(f"{time.isoformat()} has no time zone. Use e.g. datetime(..., tzinfo=UTC)")
    try:
        return time if time.tzinfo is UTC else time.astimezone(UTC)
    except OverflowError as e:
        raise ValueError(f"{time.isoformat()} is not within the years 1 to 9999 in UTC. Use another time") from e


def storable(id: str) -> bool:  # noqa: A002 - the name of the column
    """Whether both databases could hold this text as an id: no NUL, no half of a surrogate pair, not too long."""
    if len(id) > _LONGEST_ID or "\0" in id:
        return False
    try:
        id.encode()
    except UnicodeEncodeError:
        return False
    return True


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """`items` in order, at most `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _json(value: Any, name: str, *, sort_keys: bool = False) -> str:
    try:
        return encode(value, sort_keys=sort_keys).decode()
    except TypeError as e:
        raise UnstorableRecord(f"Prediction '{name}'", str(e)) from e


def _time_text(time: datetime, name: str) -> str:
    utc = _stored_time(time, name)
    text = orjson.dumps(utc).decode()  # datetime.isoformat takes ten times as long
    return f"{text[1:11]} {text[12:20]}.{utc.microsecond:06d}"


def _stored_time(time: datetime, name: str) -> datetime:
    try:
        return aware(time)
    except ValueError as e:
        raise UnstorableRecord(f"Prediction '{name}'", str(e)) from e

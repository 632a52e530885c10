"""Between the records of the log and the rows of its tables: pure conversions, no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid5

import orjson

from ..jsonable import encode
from .errors import UnstorableRecord
from .records import Label, LabelledRow, LabelRecord, LoggedPrediction, PredictionRecord, Source

_IMPORTED = UUID("5f0c6a0e-7d2b-5a0e-9a55-10f01d10f01d")  # namespace of the ids of imported rows; never change it

T = TypeVar("T")


def prediction_row(record: PredictionRecord, source: Source) -> dict[str, Any]:
    """A row of `predictions`.

    Raises:
        UnstorableRecord: its time has no zone, or a value no JSON form.
    """
    what = f"Prediction {record.id!r}"
    return {
        "id": record.id,
        "time": _stored_time(record.time, what),
        "model": record.model,
        "version": record.version,
        "row": _json(record.row, what),
        "result": None if source == "imported" else _json(record.result, what),
        "source": source,
    }


def label_row(record: LabelRecord, received: datetime) -> dict[str, Any]:
    """A row of `labels`.

    Raises:
        UnstorableRecord: its time has no zone.
    """
    return {
        "prediction_id": record.prediction_id,
        "label": encode(record.label).decode(),
        "time": _stored_time(record.time, f"The label of {record.prediction_id!r}"),
        "received": received,
    }


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
        UnstorableRecord: a time has no zone, or a value no JSON form.
    """
    seen: Counter[tuple[str, str]] = Counter()
    ids: list[str] = []
    for number, (row, time) in enumerate(zip(rows, times, strict=True)):
        what = f"Row {number} (counted from 0)"
        key = _stored_time(time, what).isoformat(), _json(row, what, sort_keys=True)
        ids.append(str(uuid5(_IMPORTED, "\n".join((model, *key, str(seen[key]))))))
        seen[key] += 1
    return ids


def aware(time: datetime) -> datetime:
    """The same instant in UTC.

    Raises:
        ValueError: it has no time zone, so it is no instant.
    """
    if time.tzinfo is None:
        raise ValueError(f"{time.isoformat()} has no time zone. Use e.g. datetime(..., tzinfo=UTC)")
    return time.astimezone(UTC)


def storable(id: str) -> bool:  # noqa: A002 - the name of the column
    """Whether both databases could hold this text as an id: neither NUL nor half of a surrogate pair in it."""
    return "\0" not in id and not any("\ud800" <= c <= "\udfff" for c in id)


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """`items` in order, at most `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _json(value: Any, what: str, *, sort_keys: bool = False) -> str:
    try:
        return encode(value, sort_keys=sort_keys).decode()
    except TypeError as e:
        raise UnstorableRecord(what, str(e)) from e


def _stored_time(time: datetime, what: str) -> datetime:
    try:
        return aware(time)
    except ValueError as e:
        raise UnstorableRecord(what, str(e)) from e

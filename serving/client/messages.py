"""Requests as plain data, and answers out of what came back: all of the client but the sending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from reprlib import repr as shortened
from typing import Any, cast
from urllib.parse import quote

import orjson

from ..jsonable import encode
from .answers import Answer, ModelInfo, Receipt, Result
from .errors import Unsendable

EVENT_TIME = "Tenfold-Event-Time"


@dataclass(frozen=True, slots=True)
class Message:
    """A request: where to, and with what; the server's address comes with the sending."""

    method: str
    path: str
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])


def predict(rows: Any, outputs: Sequence[str] | None, event_time: datetime | None) -> Message:
    """A request for predictions.

    Raises:
        Unsendable: rows of a kind that has no JSON form, or a time without a zone.
    """
    document: dict[str, Any] = {"rows": as_rows(rows)}
    if outputs is not None:
        document["outputs"] = [outputs] if isinstance(outputs, str) else list(outputs)
    return _post("/predict", document, "The rows", event_time)


def feedback(ids: str | Iterable[str] | Mapping[str, Any], labels: Any, event_time: datetime | None) -> Message:
    """Send labels.

    Raises:
        Unsendable: not as many ids as labels, a label without JSON form, or a time without a zone.
    """
    items = [{"id": id, "label": label} for id, label in _pairs(ids, labels)]  # noqa: A001
    return _post("/feedback", items, "The labels", event_time)


def ready() -> Message:
    """A request whether the server is ready."""
    return Message("GET", "/v2/health/ready")


def about() -> Message:
    """A request for the server's metadata."""
    return Message("GET", "/")


def metadata(name: str) -> Message:
    """A request for the model's inputs and outputs."""
    return Message("GET", f"/v2/models/{quote(name, safe='')}")


def answer(content: bytes) -> Answer:
    """Raises ValueError, KeyError or TypeError when it is none."""
    document = orjson.loads(content)
    model = ModelInfo(document["model"]["name"], document["model"]["version"])
    return Answer(document["predictions"], document["ids"], model, document.get("outputs") or {})


def receipt(content: bytes) -> Receipt:
    """Raises ValueError, KeyError or TypeError when it is none."""
    results = orjson.loads(content)["results"]
    return Receipt([Result(r["id"], r["status"], r.get("message", "")) for r in results])


def served_name(content: bytes) -> str:
    """Raises ValueError, KeyError or TypeError when there is none."""
    return orjson.loads(content)["model"]["name"]


def sentence(content: bytes, otherwise: str) -> str:
    """What an error's body says in one line, in the shape of whichever protocol it has."""
    try:
        document = orjson.loads(content)
    except ValueError:
        return otherwise
    said: Any = None
    if isinstance(document, dict):
        fields = cast("dict[str, Any]", document)
        said = fields.get("error") or fields.get("message") or fields.get("reason")
    return said.strip().splitlines()[0] if isinstance(said, str) and said.strip() else otherwise


def as_rows(rows: Any) -> Any:
    """Rows of any usual kind as a list of dicts or of lists, which may still hold numpy's scalars and missing values.

    A mapping whose values are all sequences holds columns; any other mapping is one row.
    """
    if hasattr(rows, "to_dicts"):  # polars
        return rows.to_dicts()
    if hasattr(rows, "to_dict"):  # pandas: a frame has columns, a series is one row
        if not hasattr(rows, "columns"):
            return [_named(rows.to_dict())]
        return _by_row({name: column.tolist() for name, column in rows.items()}, len(rows))
    if hasattr(rows, "tolist"):  # numpy
        return rows.tolist()
    if isinstance(rows, Mapping):
        columns = cast("Mapping[Any, Any]", rows)
        if not columns or not all(_is_column(values) for values in columns.values()):
            return [_named(columns)]
        lengths = {str(name): len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            each = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise Unsendable(f"The columns are not of one length: {each}. Give each as many values as there are rows")
        return _by_row(columns, next(iter(lengths.values())))
    if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
        raise Unsendable(
            f"{shortened(rows)} cannot be read as rows. Give a DataFrame, a 2-D array, a list of rows, or a dict"
        )
    return list(cast("Iterable[Any]", rows))


def _is_column(values: Any) -> bool:
    return hasattr(values, "__len__") and hasattr(values, "__iter__") and not isinstance(values, str | bytes | Mapping)


def _by_row(columns: Mapping[Any, Any], rows: int) -> list[dict[str, Any]]:
    names = [str(name) for name in columns]
    if not names:
        return [{} for _ in range(rows)]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


def _pairs(ids: Any, labels: Any) -> list[tuple[str, Any]]:
    if isinstance(ids, Mapping):
        if labels is not None:
            raise Unsendable("Labels were given twice. Give a mapping of id to label, or ids and labels")
        return list(cast("Mapping[str, Any]", ids).items())
    if isinstance(ids, str):
        return [(ids, labels)]
    all_ids = _listed(ids)
    all_labels = _listed(labels)
    if len(all_ids) != len(all_labels):
        raise Unsendable(f"There are {len(all_ids)} ids and {len(all_labels)} labels. Give one label for each id")
    return list(zip(all_ids, all_labels, strict=True))


def _listed(values: Any) -> list[Any]:
    if values is None or isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise Unsendable(
            f"{shortened(values)} is not a list. Give ids and labels as lists, arrays or Series of one length"
        )
    several: Any = values
    return several.tolist() if hasattr(several, "tolist") else list(several)


def _post(path: str, document: Any, what: str, event_time: datetime | None) -> Message:
    headers = {"Content-Type": "application/json"}
    if event_time is not None:
        if event_time.tzinfo is None:
            raise Unsendable(f"The event time {event_time.isoformat()} has no zone. Use e.g. datetime(..., tzinfo=UTC)")
        headers[EVENT_TIME] = event_time.isoformat()
    try:
        return Message("POST", path, encode(document), headers)
    except TypeError as e:
        raise Unsendable(f"{what} cannot be sent: {e}. Give text, numbers, true or false, times, or None") from e

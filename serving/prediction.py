"""What the model answered in one call, the part of it that each request gets, and the rows that the log keeps of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson

from . import json_rows
from .ids import NewIds
from .inference_log.rows import StoredPrediction, served
from .model import Answers
from .validation import Batch

# A request of more rows has its values written by themselves: to cut all values of a call apart would cost more.
_FEW_ROWS = 4


class BatchResult:
    """The rows of all requests that the model was asked for in one call, and its answers. For the event loop alone.

    Attributes:
        model, version: as they stand in answers.
        batch: the rows.
        outputs: by name an array with an entry per row.
    """

    __slots__ = ("_cells", "_ids", "_nbytes", "_when", "batch", "model", "outputs", "version")

    def __init__(self, model: str, version: str, batch: Batch, outputs: Answers) -> None:
        self.model, self.version, self.batch, self.outputs = model, version, batch, outputs
        self._ids: NewIds | None = None
        self._when: datetime | None = None
        self._nbytes: int | None = None
        self._cells: dict[str, list[bytes] | None] = {}

    @property
    def ids(self) -> NewIds:
        """One per row, made when first asked for."""
        if self._ids is None:
            self._ids = NewIds(self.batch.rows)
        return self._ids

    @property
    def when(self) -> datetime:
        """The time that the log keeps, of all requests that do not say another."""
        if self._when is None:
            self._when = datetime.now(UTC)
        return self._when

    @property
    def nbytes(self) -> int:
        """Bytes that the values of all rows and answers hold; of texts their characters."""
        if self._nbytes is None:
            columns = self.batch.columns.values() if self.batch.matrix is None else (self.batch.matrix,)
            self._nbytes = sum(map(_array_bytes, (*columns, *self.outputs.values())))
        return self._nbytes

    def cells(self, name: str) -> list[bytes] | None:
        """The numbers of an output in JSON, each by itself, in row-major order; None for what is no numbers."""
        if name not in self._cells:
            values = self.outputs[name]
            self._cells[name] = _numbers(values.ravel()).split(b",") if values.dtype.kind in "biuf" else None
        return self._cells[name]


class Prediction:
    """Rows of one request and their answers: those from `start` to `stop` of a batch. Its length is their number.

    Attributes:
        when: the time that the log keeps, where the request says one.
    """

    __slots__ = ("_outputs", "result", "start", "stop", "when")

    def __init__(self, result: BatchResult, start: int, stop: int, when: datetime | None = None) -> None:
        self.result, self.start, self.stop, self.when = result, start, stop, when
        self._outputs: Answers | None = None

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.result.model

    @property
    def version(self) -> str:
        """Version of the model."""
        return self.result.version

    @property
    def joined_ids(self) -> bytes:
        """One per row, separated by commas."""
        return self.result.ids.joined(self.start, self.stop)

    @property
    def ids(self) -> list[str]:
        """One per row."""
        return self.result.ids.listed(self.start, self.stop)

    @property
    def outputs(self) -> Answers:
        """By output an array with an entry per row."""
        if self._outputs is None:
            whole = self.result.outputs
            self._outputs = {name: array[self.start : self.stop] for name, array in whole.items()}
        return self._outputs

    def flat(self, name: str) -> bytes:
        """The values of an output in row-major order as JSON, without brackets around them."""
        if self.stop - self.start <= _FEW_ROWS and (cells := self.result.cells(name)) is not None:
            width = len(cells) // self.result.batch.rows
            return b",".join(cells[self.start * width : self.stop * width])
        values = self.result.outputs[name][self.start : self.stop].ravel()
        return _numbers(values) if values.dtype.kind in "biuf" else orjson.dumps(values.tolist())[1:-1]

    def records(self) -> list[dict[str, Any]]:
        """The rows as JSON values."""
        return self.result.batch.part(self.start, self.stop).records()


def nbytes(prediction: Prediction) -> int:
    """Bytes that its values hold; of texts their characters. Its share of the call's."""
    return prediction.result.nbytes * len(prediction) // prediction.result.batch.rows


def _array_bytes(array: np.ndarray[Any, Any]) -> int:
    texts = sum(len(value) for value in array.flat if isinstance(value, str)) if array.dtype.hasobject else 0
    return array.nbytes + texts


def stored(predictions: Sequence[Prediction]) -> list[StoredPrediction]:
    """What the log keeps, a row per row and in order.

    Raises:
        UnstorableRecord: a value has no JSON form.
    """
    result = predictions[0].result
    whole = sum(map(len, predictions)) == result.batch.rows
    if whole and all(p.result is result and p.when is None for p in predictions):
        # Arrays of a row each would cost ten times as much to take apart as one of all.
        ids = result.ids.listed(0, result.batch.rows)
        results = json_rows.of_outputs(result.outputs) or _results(result.outputs)
        return served(result.model, result.version, ids, result.when, result.batch.logged(), results)
    return [
        row
        for p in predictions
        for row in served(p.model, p.version, p.ids, p.when or p.result.when, p.records(), _results(p.outputs))
    ]


def _results(outputs: Answers) -> Iterator[dict[str, Any]]:
    values = zip(*[array.tolist() for array in outputs.values()], strict=True)
    return (dict(zip(outputs, each, strict=True)) for each in values)


def _numbers(values: np.ndarray[Any, Any]) -> bytes:
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]

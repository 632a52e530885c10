"""What the model answered to one request, and the rows that the inference log keeps of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from .inference_log.rows import StoredPrediction, served
from .model import Answers
from .validation import Batch


@dataclass(slots=True)
class Prediction:
    """Rows of one request and their answers; its length is the number of rows.

    Attributes:
        ids: one per row.
        outputs: by output an array with an entry per row.
        when: the time that the log keeps.
    """

    model: str
    version: str
    ids: list[str]
    outputs: Answers
    batch: Batch
    when: datetime

    def __len__(self) -> int:
        return len(self.ids)


def nbytes(prediction: Prediction) -> int:
    """Bytes that its values hold; of texts their characters."""
    batch = prediction.batch
    columns = batch.columns.values() if batch.matrix is None else (batch.matrix,)
    return sum(map(_array_bytes, (*columns, *prediction.outputs.values())))


def _array_bytes(array: np.ndarray[Any, Any]) -> int:
    texts = sum(len(value) for value in array.flat if isinstance(value, str)) if array.dtype.hasobject else 0
    return array.nbytes + texts


def stored(predictions: Sequence[Prediction]) -> list[StoredPrediction]:
    """What the log keeps, a row per row and in order.

    Args:
        predictions: of requests that the `Batcher` joined; arrays of a row each cost ten times as much to take apart as
            one of all.

    Raises:
        UnstorableRecord: a value has no JSON form.
    """
    names = tuple(predictions[0].outputs)
    arrays = [[p.outputs[name] for p in predictions] for name in names]
    if any(len({array.dtype for array in some}) > 1 for some in arrays):
        # They were answered one by one. Joined, whole numbers would become 4.0 beside the others.
        return [row for p in predictions for row in stored([p])]
    rows = iter(Batch.joined([p.batch for p in predictions]).records())
    answers = [np.concatenate(some).tolist() for some in arrays]
    results = (dict(zip(names, values, strict=True)) for values in zip(*answers, strict=True))
    return [row for p in predictions for row in served(p.model, p.version, p.ids, p.when, rows, results)]

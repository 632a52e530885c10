"""What the model answered to one request, and the records that the inference log keeps of many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import numpy as np

from .inference_log.records import PredictionRecord
from .model import Answers
from .validation import Batch


class Prediction(NamedTuple):
    """Rows of one request and their answers: an id per row, and by output an array with an entry per row."""

    model: str
    version: str
    ids: list[str]
    outputs: Answers
    batch: Batch
    when: datetime
    """The time that the log keeps."""


def records(predictions: Sequence[Prediction]) -> list[PredictionRecord]:
    """One record per row, in order.

    The log's thread calls it for all requests of a moment: it shares the interpreter with the event loop, and arrays
    of a row each cost ten times as much to take apart as one array of all rows.
    """
    return [record for _, alike in groupby(predictions, key=_kind) for record in _joined(list(alike))]


def _kind(prediction: Prediction) -> tuple[object, ...]:
    """Equal for predictions whose arrays can be joined without a change of any value."""
    outputs = prediction.outputs
    return (prediction.batch.kind, *outputs, *[array.dtype for array in outputs.values()])


def _joined(alike: list[Prediction]) -> list[PredictionRecord]:
    rows = iter(Batch.joined([p.batch for p in alike]).records())
    names = tuple(alike[0].outputs)
    answers = [np.concatenate([p.outputs[name] for p in alike]).tolist() for name in names]
    results = (dict(zip(names, values, strict=True)) for values in zip(*answers, strict=True))
    return [
        PredictionRecord(identity, p.when, p.model, p.version, next(rows), next(results))
        for p in alike
        for identity in p.ids
    ]

"""Requests as plain data: the same rows in the words of each protocol. Pure.

`hooks.py` prepares a pool of these before the first user starts, so that while measuring it only sends bytes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from .rows import Row, Sample
from .service import ServedModel

POOL = 500


@dataclass(frozen=True)
class Call:
    """One prediction request, ready to send, and the labels of its rows (None where unknown)."""

    body: bytes
    rows: int
    labels: tuple[Any, ...]


def pool(protocol: str, model: ServedModel, samples: Sequence[Sample], batch: int, seed: int) -> list[Call]:
    """Up to `POOL` requests of `batch` rows each, in an order that the seed decides."""
    rng = random.Random(seed)  # noqa: S311  not for secrets; the same order in every run
    order = rng.sample(samples, len(samples))
    count = min(POOL, max(1, len(order) // batch))
    picks = [[order[(n * batch + k) % len(order)] for k in range(batch)] for n in range(count)]
    return [_call(protocol, model, pick) for pick in picks]


def predict_body(rows: Sequence[Row]) -> bytes:
    """`POST /predict`."""
    return orjson.dumps({"rows": rows})


def v2_body(model: ServedModel, rows: Sequence[Row]) -> bytes:
    """`POST /v2/models/{name}/infer`: a tensor per column, or one of all columns where the model has only one input."""
    if model.one_tensor:
        only = model.inputs[0]
        shape = [len(rows), len(model.columns)]
        data = [row.get(c.name) for row in rows for c in model.columns]
        return orjson.dumps({"inputs": [{**only.named(), "shape": shape, "data": data}]})
    tensors = [
        {**each.named(), "shape": [len(rows), *each.shape[1:]], "data": [row.get(each.name) for row in rows]}
        for each in model.inputs
    ]
    return orjson.dumps({"inputs": tensors})


def invocations_body(model: ServedModel, rows: Sequence[Row]) -> bytes:
    """`POST /invocations`, as `dataframe_split`."""
    names = [c.name for c in model.columns]
    return orjson.dumps({"dataframe_split": {"columns": names, "data": [[r.get(n) for n in names] for r in rows]}})


def _call(protocol: str, model: ServedModel, samples: Sequence[Sample]) -> Call:
    rows = [each.row for each in samples]
    match protocol:
        case "v2":
            body = v2_body(model, rows)
        case "invocations":
            body = invocations_body(model, rows)
        case _:
            body = predict_body(rows)
    return Call(body, len(rows), tuple(each.label for each in samples))

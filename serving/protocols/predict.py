"""`POST /predict`: tenfold's own protocol, rows by column name in, predictions with their ids out."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any, cast

import orjson
from fastapi import Response

from ..core import Core
from ..echo import echo
from ..errors import InvalidInput
from ..exchange import ModelCall
from ..prediction import Prediction
from ..request import RequestHead
from ..responses import JSON_TYPE, BytesResponse, json_response, values
from ..routes import PREDICT, PREDICTION_ERRORS, Operation, Route
from ..values import shown
from . import plain
from .counting import check_json
from .documents import is_json, object_of


def read(core: Core, head: RequestHead, body: bytes) -> ModelCall[Response]:
    """Predict rows. Each prediction has an id; send it back to /feedback with the true label."""
    signature = core.model.signature
    plainly = None
    if signature.doubles and is_json(head):
        check_json(body, core.max_values)
        plainly = plain.rows(body, signature.names)
    if plainly is not None:
        batch, outputs = core.packed(plainly.values), plainly.outputs
    else:
        rows, outputs = take(object_of(head, body, core.max_values))
        batch = core.rows(rows)
    return ModelCall(batch, ("predict", *(outputs or ())), partial(respond, outputs=outputs))


def take(document: dict[str, Any]) -> tuple[object, tuple[str, ...] | None]:
    """The rows and the requested outputs; None when the request names none.

    Raises:
        InvalidInput: a key that is missing or unknown, or outputs that are not a list of names.
    """
    unknown = [key for key in document if key not in ("rows", "outputs")]
    if unknown or "rows" not in document:
        wrong = f"has an unknown key '{echo(unknown[0])}'" if unknown else 'has no "rows"'
        raise InvalidInput(f'The request {wrong}. Send {{"rows": [{{...}}, ...]}}, and "outputs" to ask for more')
    outputs = document.get("outputs")
    if outputs is None:
        return document["rows"], None
    names = cast("list[Any]", outputs) if isinstance(outputs, list) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise InvalidInput(
            f'"outputs" is {shown(outputs, typed=False)}, not a list of names. Send e.g. {{"outputs": ["predict"]}}'
        )
    return document["rows"], tuple(names)


def respond(prediction: Prediction, outputs: tuple[str, ...] | None) -> Response:
    """The response: always with "predictions", with "outputs" only when the request named some."""
    if outputs is None and prediction.result.outputs["predict"].ndim == 1:
        return BytesResponse(_written(prediction), JSON_TYPE)
    content: dict[str, Any] = {
        "predictions": values(prediction.outputs["predict"]),
        "ids": prediction.ids,
        "model": {"name": prediction.model, "version": prediction.version},
    }
    if outputs is not None:
        content["outputs"] = {name: values(prediction.outputs[name]) for name in outputs}
    return json_response(content)


def _written(prediction: Prediction) -> bytes:
    return b'{"predictions":[%b],"ids":["%b"],"model":%b}' % (
        prediction.flat("predict"),
        prediction.joined_ids.replace(b",", b'","'),
        _model(prediction.model, prediction.version),
    )


@lru_cache(4)
def _model(name: str, version: str) -> bytes:
    return orjson.dumps({"name": name, "version": version})


ROUTES = (
    Route(
        "POST",
        "/predict",
        PREDICT,
        reader=read,
        operation=Operation("tenfold", "PredictAnswer", PREDICTION_ERRORS, "PredictRequest"),
    ),
)

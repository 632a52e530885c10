"""How rows are asked for and answers are read, for each protocol that a server may speak. Pure but for `ask`.

The rows are a table of float64, [rows, columns]; an answer is the predicted class of each row. What the load repeats is
the very request that the check of the answers sends.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from json import JSONDecoder
from typing import Any

import httpx
import numpy as np
import orjson
from numpy.typing import NDArray

from ...serving.rpc import messages
from . import rpc
from .fit import COLUMNS

Rows = NDArray[np.float64]
NAMES = [f"x{i}" for i in range(COLUMNS)]
"""The columns' names, as tenfold's and MLflow's model has them."""
MODEL = "model"
"""The model's name in URLs."""
JSON = {"Content-Type": "application/json"}
BINARY_HEADER = "Inference-Header-Content-Length"
# By default httpx reads all certificate authorities for each question, and a server is asked often until it is ready.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class Request:
    """What is posted."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)


@dataclass(frozen=True)
class Protocol:
    """One way to ask.

    Attributes:
        name: as in results.
        request: makes the request for some rows.
        read: the predictions in the body of an answer; raises whatever it may when they are not there.
        tool: which program makes the load: wrk, or h2load with HTTP/1.1 ("h1") or HTTP/2 ("h2").
        ask: sends a request to a base URL, and returns the body of its answer; raises httpx.HTTPError when there is
            none, or not of status 200.
    """

    name: str
    request: Callable[[Rows], Request]
    read: Callable[[bytes], list[int]]
    tool: str = "wrk"
    ask: Callable[[str, Request], bytes] = field(default_factory=lambda: _post)


def _post(url: str, request: Request) -> bytes:
    answer = httpx.post(
        url + request.path,
        content=request.body,
        headers=dict(request.headers),
        timeout=30,
        trust_env=False,
        verify=_NO_TLS,
    )
    return answer.raise_for_status().content


def _grpc(url: str, request: Request) -> bytes:
    return rpc.ask(url.removeprefix("http://"), request.path, request.body)


def _plain(rows: Rows) -> Request:
    return Request("/predict", orjson.dumps({"rows": rows.tolist()}))


def _records(rows: Rows) -> Request:
    return Request("/predict", orjson.dumps({"rows": [dict(zip(NAMES, row, strict=True)) for row in rows.tolist()]}))


def _invocations(rows: Rows) -> Request:
    return Request("/invocations", orjson.dumps({"dataframe_split": {"columns": NAMES, "data": rows.tolist()}}))


def _v2(rows: Rows) -> Request:
    table = {"name": "input", "shape": rows.shape, "datatype": "FP64", "data": rows.ravel().tolist()}
    return Request(f"/v2/models/{MODEL}/infer", orjson.dumps({"inputs": [table], "outputs": [{"name": "predict"}]}))


def _v2_with_ids(rows: Rows) -> Request:
    plain = _v2(rows)
    return Request(plain.path, plain.body, {**JSON, "X-Request-Id": "load-%d"})


def _v2_binary(rows: Rows) -> Request:
    data = rows.astype("<f8").tobytes()
    table = {"name": "input", "shape": rows.shape, "datatype": "FP64", "parameters": {"binary_data_size": len(data)}}
    output = {"name": "predict", "parameters": {"binary_data": True}}
    header = orjson.dumps({"inputs": [table], "outputs": [output]})
    headers = {"Content-Type": "application/octet-stream", BINARY_HEADER: str(len(header))}
    return Request(f"/v2/models/{MODEL}/infer", header + data, headers)


def _v2_grpc(rows: Rows) -> Request:
    message = messages.MESSAGES["ModelInferRequest"](model_name=MODEL)
    message.inputs.add(name="input", datatype="FP64", shape=rows.shape)
    message.outputs.add(name="predict")
    message.raw_input_contents.append(rows.astype("<f8").tobytes())
    return Request(f"/{messages.SERVICE}/ModelInfer", rpc.framed(message.SerializeToString()), rpc.HEADERS)


def _of_predictions(body: bytes) -> list[int]:
    return _labels(orjson.loads(body)["predictions"])


def _of_list(body: bytes) -> list[int]:
    return _labels(orjson.loads(body))


def _of_v2(body: bytes) -> list[int]:
    (output,) = orjson.loads(body)["outputs"]
    return _labels(np.ravel(output["data"]).tolist())


def _of_v2_binary(body: bytes) -> list[int]:
    # A header has the length of the JSON, but it says itself where it ends.
    header, end = JSONDecoder().raw_decode(body.decode("latin-1"))
    (output,) = header["outputs"]
    return np.frombuffer(body[end:], "<i8", count=int(np.prod(output["shape"]))).tolist()


def _of_v2_grpc(body: bytes) -> list[int]:
    message = messages.MESSAGES["ModelInferResponse"].FromString(body)
    return np.frombuffer(message.raw_output_contents[0], "<i8").tolist()


def _labels(values: list[Any]) -> list[int]:
    return [int(value) for value in values]


PLAIN = Protocol("rows as JSON", _plain, _of_predictions)
PLAIN_LIST = Protocol("rows as JSON, list", _plain, _of_list)
V2 = Protocol("v2 JSON", _v2, _of_v2)
V2_WITH_IDS = Protocol("v2 JSON, each with its own id", _v2_with_ids, _of_v2)
"""As a proxy sends requests on that gives each of them an id: no head comes twice."""
V2_BINARY = Protocol("v2 binary", _v2_binary, _of_v2_binary)
PREDICT = Protocol("/predict", _records, _of_predictions)
INVOCATIONS = Protocol("/invocations", _invocations, _of_predictions)
V2_BY_H2LOAD = Protocol("v2 JSON by h2load", _v2, _of_v2, tool="h1")
GRPC = Protocol("gRPC", _v2_grpc, _of_v2_grpc, tool="h2", ask=_grpc)

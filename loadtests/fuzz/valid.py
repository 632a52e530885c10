"""Requests that a healthy server answers with known predictions, in the words of each protocol. Pure."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson

from ...serving.protocols import binary
from ..bodies import invocations_body, predict_body, v2_body
from ..rows import Row
from ..service import ServedModel
from .requests import JSON, Answer, Check, Headers, Request, good
from .target import Target, differs

Made = tuple[Request, Check]
CSV: Headers = ((b"Content-Type", b"text/csv; charset=utf-8"),)
_PLAIN = ("/", "/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/stats", "/v1/models", "/ping", "/health")
_LARGE = ("/metrics", "/openapi.json", "/docs", "/version")


def predict(target: Target, rng: random.Random) -> Made:
    """`/predict`."""
    rows, labels = target.pick(rng)
    request = Request("predict", b"POST", b"/predict", JSON, predict_body(rows))
    return request, _checked(lambda said: differs(said["predictions"], labels))


def v2_json(target: Target, rng: random.Random) -> Made:
    """An inference in JSON; without "outputs" it is answered with all of them."""
    rows, labels = target.pick(rng)
    document = orjson.loads(v2_body(target.model, rows))
    if rng.random() < 0.5:
        document["outputs"] = [{"name": "predict"}]
    if rng.random() < 0.3:
        document["id"] = str(rng.randrange(10**6))
    request = Request("v2", b"POST", infer_path(target, rng), JSON, orjson.dumps(document))

    def check(said: Any) -> str:
        if said.get("id") != document.get("id"):
            return f"the id {document.get('id')} came back as {said.get('id')}"
        (output,) = (output for output in said["outputs"] if output["name"] == "predict")
        return differs(output["data"], labels)

    return request, _checked(check)


def v2_binary(target: Target, rng: random.Random) -> Made:
    """An inference in bytes, answered in bytes."""
    rows, labels = target.pick(rng)
    document, data = binary_parts(target.model, rows)
    request = binary_request(infer_path(target, rng), document, data)

    def check(answer: Answer) -> str:
        if wrong := good(answer):
            return wrong
        head, rest = binary.split(answer.body, answer.headers.get(binary.HEADER.lower(), ""))
        (output,) = orjson.loads(head)["outputs"]
        found = binary.decode("predict", output["datatype"], tuple(output["shape"]), rest)
        return differs(found if isinstance(found, list) else found.tolist(), labels)

    return request, check


def invocations(target: Target, rng: random.Random) -> Made:
    """MLflow's scoring protocol, in each of its forms."""
    rows, labels = target.pick(rng)
    forms: Mapping[str, Callable[[], bytes]] = {
        "dataframe_split": lambda: invocations_body(target.model, rows),
        "dataframe_records": lambda: orjson.dumps({"dataframe_records": rows}),
        "instances": lambda: orjson.dumps({"instances": rows}),
        "inputs": lambda: orjson.dumps({"inputs": {c: [row[c] for row in rows] for c in rows[0]}}),
    }
    chosen = rng.choice([*forms, "csv"])
    headers, body = (CSV, _csv(rows)) if chosen == "csv" else (JSON, forms[chosen]())
    request = Request("mlflow", b"POST", b"/invocations", headers, body)
    return request, _checked(lambda said: differs(said["predictions"], labels))


def v1(target: Target, rng: random.Random) -> Made:
    """KServe's first protocol."""
    rows, labels = target.pick(rng)
    path = f"/v1/models/{_name(target)}:predict".encode()
    request = Request("v1", b"POST", path, JSON, orjson.dumps({"instances": rows}))
    return request, _checked(lambda said: differs(said["predictions"], labels))


def reading(target: Target, rng: random.Random) -> Made:
    """What is read with GET: the server, its model, its health, its statistics, its documentation."""
    model = f"/v2/models/{_name(target)}"
    version = f"{model}/versions/{quote(target.version, safe='')}"
    of_model = [base + part for base in (model, version) for part in ("", "/ready", "/stats", "/config")]
    paths = [*_PLAIN, *of_model, f"/v1/models/{_name(target)}"]
    path = rng.choice(_LARGE) if rng.random() < 0.1 else rng.choice(paths)
    return Request("reading", b"GET", path.encode()), good


def label(target: Target, rng: random.Random, answer: Answer) -> Made | None:
    """The labels of an answer of `predict`; None where it has no ids."""
    try:
        ids = orjson.loads(answer.body)["ids"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    items = [{"id": identity, "label": rng.choice(target.labels)} for identity in ids]

    def check(answer: Answer) -> str:
        if answer.status == 501:
            return ""  # it keeps no log
        return good(answer) or differs(
            [r["status"] for r in orjson.loads(answer.body)["results"]], ["accepted"] * len(ids)
        )

    return Request("feedback", b"POST", b"/feedback", JSON, orjson.dumps(items)), check


def infer_path(target: Target, rng: random.Random) -> bytes:
    """With the version, or without."""
    version = f"/versions/{quote(target.version, safe='')}" if rng.random() < 0.3 else ""
    return f"/v2/models/{_name(target)}{version}/infer".encode()


def binary_parts(model: ServedModel, rows: Sequence[Row]) -> tuple[dict[str, Any], list[bytes]]:
    """The JSON document of an inference in bytes, and the bytes of its inputs."""
    inputs: list[dict[str, Any]] = []
    data: list[bytes] = []
    for each in model.inputs:
        names = [c.name for c in model.columns] if model.one_tensor else [each.name]
        values = [row[name] for row in rows for name in names]
        shape = [len(rows), len(names)] if model.one_tensor else [len(rows)]
        described: dict[str, Any] = {**each.named(), "shape": shape}
        if None in values and not each.datatype.startswith("FP"):
            described["data"] = values  # a missing value has no bytes
        else:
            data.append(as_bytes(values, each.datatype))
            described["parameters"] = {"binary_data_size": len(data[-1])}
        inputs.append(described)
    wanted = {"name": "predict", "parameters": {"binary_data": True}}
    return {"inputs": inputs, "outputs": [wanted]}, data


def binary_request(path: bytes, document: Any, data: Sequence[bytes]) -> Request:
    """An inference in bytes."""
    head = orjson.dumps(document)
    headers = ((b"Content-Type", binary.OCTETS.encode()), (binary.HEADER.encode(), str(len(head)).encode()))
    return Request("v2 binary", b"POST", path, headers, head + b"".join(data))


def as_bytes(values: Sequence[Any], datatype: str) -> bytes:
    """The values as the binary extension has them."""
    if datatype == "BYTES":
        encoded = [str(value).encode() for value in values]
        return b"".join(len(value).to_bytes(4, "little") + value for value in encoded)
    numbers = [np.nan if value is None else value for value in values]
    return np.array(numbers, binary.DTYPES[datatype]).tobytes()


def _name(target: Target) -> str:
    return quote(target.model.name, safe="")


def _csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(rows[0])
    table.writerows(["" if value is None else value for value in row.values()] for row in rows)
    return text.getvalue().encode()


def _checked(wrong: Callable[[Any], str]) -> Check:
    """A check of an answer in JSON; `wrong` reads the document."""

    def check(answer: Answer) -> str:
        if problem := good(answer):
            return problem
        try:
            return wrong(orjson.loads(answer.body))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError) as e:
            return f"the answer to a valid request cannot be read: {type(e).__name__} {e}"

    return check

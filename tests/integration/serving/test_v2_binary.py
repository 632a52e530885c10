"""The binary tensor extension: bytes in, bytes out, and both beside JSON."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from tenfold.serving.core import Core
from tenfold.serving.protocols import binary
from tenfold.serving.validation import Batch
from unit.serving.stage import FLOWER, InProcess, flower_model, flowers, trip_model, trips

X, _ = flowers()
TABLE = X.iloc[::40]
EXPECTED = flower_model().predict(TABLE).tolist()
INFER = "/v2/models/iris/infer"
ALL = TABLE.to_numpy()
TRIPS = trips()[0].head(8)


def tensor(name: str, datatype: str, values: Any, shape: list[int] | None = None) -> tuple[dict[str, Any], bytes]:
    data = binary.encode(np.asarray(values), datatype)
    described = {"name": name, "shape": shape or list(np.shape(values)), "datatype": datatype}
    return {**described, "parameters": {"binary_data_size": len(data)}}, data


async def ask(server: InProcess, document: Any, data: bytes, path: str = INFER, **headers: str) -> httpx.Response:
    head = orjson.dumps(document)
    given = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream", **headers}
    return await server.http.post(path, content=head + data, headers=given)


def read(answer: httpx.Response) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document of a binary answer, and its outputs by name, from bytes or JSON."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    at = int(answer.headers["inference-header-content-length"])
    document = orjson.loads(answer.content[:at])
    outputs: dict[str, Any] = {}
    for output in document["outputs"]:
        if size := output.get("parameters", {}).get("binary_data_size"):
            data = memoryview(answer.content)[at : at + size]
            at += size
            values: Any = binary.decode("x", output["datatype"], tuple(output["shape"]), data)
        else:
            values = output["data"]
        outputs[output["name"]] = np.reshape(values, output["shape"]).tolist()
    assert at == len(answer.content)
    return document, outputs


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
async def test_one_tensor_of_rows_and_columns(iris: InProcess, datatype: str) -> None:
    described, data = tensor("input", datatype, ALL)
    asked = {"id": "mine", "inputs": [described], "parameters": {"binary_data_output": True}}
    document, outputs = read(await ask(iris, asked, data))
    assert (document["id"], document["model_version"]) == ("mine", "7")
    assert len(document["parameters"]["ids"].split(",")) == 4
    assert outputs["predict"] == EXPECTED
    wanted = flower_model().predict_proba(TABLE)
    np.testing.assert_allclose(outputs["predict_proba"], wanted, rtol=0.05 if datatype == "FP16" else 1e-5)


async def test_a_tensor_for_each_column_some_of_them_in_json(iris: InProcess) -> None:
    first, data = tensor(FLOWER[0], "FP64", TABLE[FLOWER[0]])
    second, more = tensor(FLOWER[2], "FP32", TABLE[FLOWER[2]], [4, 1])
    plain = [{"name": n, "shape": [4], "datatype": "FP64", "data": TABLE[n].tolist()} for n in (FLOWER[1], FLOWER[3])]
    answer = await ask(iris, {"inputs": [first, plain[0], second, plain[1]]}, data + more)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["outputs"][0]["data"] == EXPECTED


async def test_each_output_as_it_is_asked_for(iris: InProcess) -> None:
    described, data = tensor("input", "FP64", ALL)
    asked: dict[str, Any] = {
        "inputs": [described],
        "outputs": [{"name": "predict_proba"}, {"name": "predict", "parameters": {"binary_data": False}}],
        "parameters": {"binary_data_output": True},
    }
    document, outputs = read(await ask(iris, asked, data))
    assert "data" in document["outputs"][1]
    assert outputs["predict"] == EXPECTED
    asked["parameters"], asked["outputs"][0]["parameters"] = {}, {"binary_data": True}
    document, again = read(await ask(iris, asked, data))
    assert ("data" in document["outputs"][0], again) == (False, outputs)
    # Bytes may be asked for in a request that is JSON alone.
    asked["inputs"] = [{"name": "input", "shape": [4, 4], "datatype": "FP64", "data": ALL.tolist()}]
    _, again = read(await iris.post(INFER, asked))
    assert again == outputs


async def test_texts_integers_and_gaps(trips: InProcess) -> None:
    parts = [
        tensor("carrier", "BYTES", TRIPS["carrier"].to_numpy(object)),
        tensor("distance", "INT32", TRIPS["distance"]),
        tensor("delay", "FP32", TRIPS["delay"]),
    ]
    asked = {"inputs": [p[0] for p in parts], "parameters": {"binary_data_output": True}}
    _, outputs = read(await ask(trips, asked, b"".join(p[1] for p in parts), "/v2/models/trips/infer"))
    assert outputs["predict"] == trip_model().predict(TRIPS).tolist()


async def test_nothing_but_bytes_for_a_model_of_one_input(matrix: InProcess, iris: InProcess) -> None:
    header = {"Inference-Header-Content-Length": "0"}
    answer = await matrix.http.post("/v2/models/matrix/infer", content=ALL.astype("<f8").tobytes(), headers=header)
    assert read(answer)[1]["predict"] == [0, 0, 1, 2]
    refused = await matrix.http.post("/v2/models/matrix/infer", content=bytes(33), headers=header)
    assert refused.json() == {"error": "The body has 33 bytes, but a row has 32. Send whole rows of FP64"}
    assert "no rows" in (await matrix.http.post("/v2/models/matrix/infer", content=b"", headers=header)).json()["error"]
    refused = await iris.http.post(INFER, content=bytes(32), headers=header)
    assert "Only a model of one input of numbers takes bytes alone" in refused.json()["error"]


GOOD, BYTES = tensor("input", "FP64", ALL)
ROW, _ = tensor("input", "FP64", ALL[:1])


@pytest.mark.parametrize(
    ("document", "data", "words"),
    [
        ({"inputs": [GOOD]}, BYTES[:-1], "has 127 bytes, but FP64 of the shape [4, 4] needs 128"),
        ({"inputs": [GOOD]}, BYTES + b"x", "129 bytes follow the JSON, but the inputs say 128"),
        ({"inputs": [{**GOOD, "datatype": "FP32"}]}, BYTES, "has 128 bytes, but FP32 of the shape [4, 4] needs 64"),
        ({"inputs": [{**GOOD, "datatype": "FP8"}]}, BYTES, 'has the datatype "FP8"'),
        ({"inputs": [{**GOOD, "shape": [2**62, 0]}]}, BYTES, "needs 0"),
        ({"inputs": [{**GOOD, "parameters": {"binary_data_size": -1}}]}, BYTES, "is -1. Send its number of bytes"),
        ({"inputs": [{**GOOD, "parameters": {"binary_data_size": "128"}}]}, BYTES, 'is "128". Send its number'),
        ({"inputs": [{**GOOD, "parameters": {}}]}, BYTES, 'has no "data" that is a list'),
        ({"inputs": [GOOD], "parameters": {"binary_data_output": 1}}, BYTES, '"binary_data_output" is 1. Send true'),
        ({"inputs": [GOOD], "outputs": [{"name": "predict", "parameters": {"binary_data": "yes"}}]}, BYTES, '"yes"'),
        ({"inputs": [ROW]}, np.array([1, np.inf, 1, 1]).tobytes(), "is not finite"),
        ({"inputs": [ROW]}, np.array([1, np.nan, 1, 1]).tobytes(), "no value in row 0"),
        (
            {"inputs": [tensor("input", "BYTES", np.array([["a"] * 4], object))[0]]},
            b"\1\0\0\0a" * 4,
            "expects a number",
        ),
        ({"inputs": [tensor("input", "FP64", np.zeros((0, 4)))[0]]}, b"", "no rows"),
        ({"inputs": [tensor("input", "FP64", np.zeros((2, 3)))[0]]}, bytes(48), "has 3 values; the model takes 4"),
    ],
)
async def test_what_cannot_be_understood_is_said(iris: InProcess, document: Any, data: bytes, words: str) -> None:
    answer = await ask(iris, document, data)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}
    assert words in answer.json()["error"]


async def test_a_length_that_is_none_and_bytes_without_one(iris: InProcess) -> None:
    answer = await ask(iris, {"inputs": [GOOD]}, BYTES, **{"Inference-Header-Content-Length": "9999"})
    assert "Inference-Header-Content-Length is '9999', but the body has" in answer.json()["error"]
    answer = await iris.http.post(INFER, content=BYTES, headers={"Content-Type": "application/octet-stream"})
    assert "The request has no header Inference-Header-Content-Length" in answer.json()["error"]
    answer = await ask(iris, {"inputs": [GOOD]}, BYTES, **{"Content-Type": "text/plain"})
    assert answer.status_code == 415
    answer = await ask(iris, {"inputs": [GOOD]}, bytes(30_000))
    assert answer.status_code == 413


async def test_rows_of_a_wrong_width_are_refused_before_they_are_made(
    iris: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    matrix = Core.matrix

    def counted(core: Core, rows: list[Any], columns: Any = None) -> Batch:
        made.append(len(rows))
        return matrix(core, rows, columns)

    monkeypatch.setattr(Core, "matrix", counted)
    described, data = tensor("x", "INT8", np.zeros(9000, np.int8), [9000, 1])
    answer = await ask(iris, {"inputs": [described]}, data)
    assert answer.status_code == 400
    assert "has 1 values; the model takes 4" in answer.json()["error"]
    assert made == [1]

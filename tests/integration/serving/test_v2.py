"""The Open Inference Protocol v2 in JSON; its binary extension has tests of its own."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
import pytest
from tenfold.serving.errors import InvalidInput
from tenfold.serving.protocols import tensors
from unit.serving.stage import FLOWER, Folders, InProcess, flower_model, flowers, in_process, trip_model, trips

X, _ = flowers()
TABLE = X.iloc[::40]
EXPECTED = flower_model().predict(TABLE).tolist()
INFER = "/v2/models/iris/infer"
trips_table, _ = trips()


def one(data: Any, shape: list[int], name: str = "input", datatype: str = "FP64") -> dict[str, Any]:
    return {"inputs": [{"name": name, "shape": shape, "datatype": datatype, "data": data}]}


def per_column(nested: bool = False) -> dict[str, Any]:
    return {
        "inputs": [
            {
                "name": name,
                "shape": [4, 1] if nested else [4],
                "datatype": "FP64",
                "data": TABLE[[name]].to_numpy().tolist() if nested else TABLE[name].tolist(),
            }
            for name in reversed(FLOWER)
        ]
    }


async def test_the_server_says_what_it_is_without_a_redirect(iris: InProcess, loading: InProcess) -> None:
    for server in (iris, loading):
        for path in ("/v2", "/v2/"):
            answer = await server.http.get(path)
            assert answer.status_code == 200
            assert answer.json().keys() == {"name", "version", "extensions"}
            assert answer.json()["name"] == "tenfold"
            assert answer.json()["extensions"] == ["binary_tensor_data", "statistics", "model_configuration"]


@pytest.mark.parametrize("path", ["/v2/models/iris", "/v2/models/iris/versions/7"])
async def test_metadata(iris: InProcess, path: str) -> None:
    assert (await iris.http.get(path)).json() == {
        "name": "iris",
        "versions": ["7"],
        "platform": "sklearn",
        "inputs": [{"name": name, "datatype": "FP64", "shape": [-1]} for name in FLOWER],
        "outputs": [
            {"name": "predict", "datatype": "INT64", "shape": [-1]},
            {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 3]},
            {"name": "decision_function", "datatype": "FP64", "shape": [-1, 3]},
        ],
    }


async def test_metadata_says_what_answers(folders: Folders) -> None:
    async with in_process(folders.quick, accelerate="onnx") as quick:
        metadata = (await quick.http.get("/v2/models/quick")).json()
        assert metadata["platform"] == "onnxruntime_onnx"
        assert "parameters" not in metadata
        config = (await quick.http.get("/v2/models/quick/config")).json()
        assert (config["platform"], config["backend"]) == ("onnxruntime_onnx", "onnxruntime")
        tensor = {"name": "input", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}
        answer = (await quick.post("/v2/models/quick/infer", {"inputs": [tensor]})).json()
        assert [o["name"] for o in answer["outputs"]] == ["predict", "predict_proba", "decision_function"]
        assert answer["outputs"][0]["data"] == [0]
    async with in_process(folders.iris, accelerate="onnx") as slow:
        metadata = (await slow.http.get("/v2/models/iris")).json()
        assert metadata["platform"] == "sklearn"
        assert metadata["parameters"] == {
            "not_accelerated": "it was registered without model.onnx. Register it again with accelerate='onnx'"
        }
        assert (await slow.post("/predict", {"rows": [[5.1, 3.5, 1.4, 0.2]]})).status_code == 200


async def test_metadata_of_unnamed_columns(matrix: InProcess) -> None:
    content = (await matrix.http.get("/v2/models/matrix")).json()
    assert content["inputs"] == [{"name": "input", "datatype": "FP64", "shape": [-1, 4]}]


async def test_health(iris: InProcess, loading: InProcess) -> None:
    for path in ("/v2/health/live", "/v2/health/ready"):
        answer = await iris.http.get(path)
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "live": True})
    live = await loading.http.get("/v2/health/live")
    assert (live.status_code, live.json()) == (200, {"ready": False, "live": True})
    ready = await loading.http.get("/v2/health/ready")
    assert ready.status_code == 503
    assert ready.json() == {"ready": False, "live": True, "reason": "the model is being loaded", "state": "loading"}
    for path in ("/v2/models/iris/ready", "/v2/models/iris/versions/7/ready"):
        answer = await iris.http.get(path)
        assert (answer.status_code, answer.json()) == (200, {"name": "iris", "ready": True})
        assert (await loading.http.get(path)).status_code == 503
    iris.core.drain()
    answer = await iris.http.get("/v2/models/iris/ready")
    assert (answer.status_code, answer.json()) == (503, {"name": "iris", "ready": False})
    assert (await iris.http.get("/v2/health/ready")).json()["state"] == "draining"
    assert (await iris.http.get("/v2/health/live")).status_code == 200
    # What comes all the same is answered.
    assert (await iris.post(INFER, per_column())).status_code == 200


@pytest.mark.parametrize(
    "request_body",
    [
        one(TABLE.to_numpy().tolist(), [4, 4]),
        one(TABLE.to_numpy().ravel().tolist(), [4, 4], name="anything"),
        per_column(),
        per_column(nested=True),
    ],
    ids=["matrix nested", "matrix flat", "columns flat", "columns nested"],
)
async def test_every_layout_gives_the_same_answer(iris: InProcess, request_body: Any) -> None:
    for path in (INFER, "/v2/models/iris/versions/7/infer"):
        answer = await iris.post(path, request_body)
        assert answer.status_code == 200, answer.text
        content = answer.json()
        assert content["model_name"] == "iris"
        assert content["model_version"] == "7"
        assert "id" not in content
        assert len(content["parameters"]["ids"].split(",")) == 4
        assert [o["name"] for o in content["outputs"]] == ["predict", "predict_proba", "decision_function"]
        assert content["outputs"][0] == {"name": "predict", "shape": [4], "datatype": "INT64", "data": EXPECTED}
        probabilities = content["outputs"][1]
        assert (probabilities["shape"], probabilities["datatype"]) == ([4, 3], "FP64")
        assert probabilities["data"] == pytest.approx(flower_model().predict_proba(TABLE).ravel().tolist())


async def test_only_the_outputs_that_are_asked_for_in_their_order(iris: InProcess) -> None:
    asked = {**per_column(), "outputs": [{"name": "predict_proba", "parameters": {"x": 1}}, {"name": "predict"}]}
    content = (await iris.post(INFER, asked)).json()
    assert [o["name"] for o in content["outputs"]] == ["predict_proba", "predict"]
    assert len((await iris.post(INFER, {**per_column(), "outputs": []})).json()["outputs"]) == 3


async def test_the_id_comes_back_and_unknown_parameters_are_tolerated(iris: InProcess) -> None:
    asked = {"id": "mine", "parameters": {"priority": 3}, **per_column()}
    asked["inputs"][0]["parameters"] = {"content_type": "np"}
    answer = await iris.post(INFER, asked)
    assert answer.status_code == 200
    assert answer.json()["id"] == "mine"


async def test_texts_integers_and_gaps(trips: InProcess) -> None:
    table = trips_table.head(8)
    delays = [None if d != d else d for d in table["delay"].tolist()]
    inputs = [
        {"name": "carrier", "shape": [8], "datatype": "BYTES", "data": table["carrier"].tolist()},
        {"name": "distance", "shape": [8], "datatype": "INT64", "data": table["distance"].tolist()},
        {"name": "delay", "shape": [8], "datatype": "FP64", "data": delays},
    ]
    content = (await trips.post("/v2/models/trips/infer", {"inputs": inputs})).json()
    expected = trip_model().predict(table).tolist()
    assert content["outputs"][0] == {"name": "predict", "shape": [8], "datatype": "BYTES", "data": expected}
    some = (await trips.post("/v2/models/trips/infer", {"inputs": inputs[:2], "outputs": [{"name": "predict"}]})).json()
    assert len(some["outputs"][0]["data"]) == 8


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, 'The request has no "inputs"'),
        ({"inputs": []}, 'The request has no "inputs"'),
        ({"inputs": {}}, '"inputs" is not a list of objects'),
        ({"inputs": [7]}, '"inputs" is not a list of objects'),
        ({"inputs": [{}]}, 'has no "name" that is a string'),
        (one([1.0], [2, 4]), "has 1 values, but its shape [2, 4] says 8"),
        (one([[1.0, 2.0]], [2, 4]), "are not nested as its shape [2, 4] says"),
        (one([[1.0, 2.0], 3.0], [2, 2]), "are not nested as its shape [2, 2] says"),
        (one([1.0], ["1"]), 'has the shape ["1"]. Send a list of at most 8 sizes'),
        (one([1.0], [-1]), "has the shape [-1]"),
        (one([], []), "has the shape []"),
        (one([], [0, 4]), "no rows"),
        (one([], [0, 0]), "has the shape [0, 0]. Send at least one column"),
        (one([], [10**12, 0]), "Send at least one column"),
        (one([], [4, 0]), "Send at least one column"),
        (one([], [0]), "Column 'input' is unknown"),
        (one([True], [1], datatype="FP64"), "is said to be FP64 but holds true"),
        (one(["a"], [1], datatype="INT64"), 'is said to be INT64 but holds "a"'),
        (one([1.5], [1], datatype="INT64"), "is said to be INT64 but holds 1.5"),
        (one([1, None, 128], [3], datatype="INT8"), "is said to be INT8 but holds 128"),
        (one([-1], [1], datatype="UINT64"), "is said to be UINT64 but holds -1"),
        (one([{}], [1], datatype="BYTES"), "is said to be BYTES but holds {}"),
        (one([1.0], [1], datatype="FP8"), 'has the datatype "FP8". Send one of BOOL'),
        (one("abc", [1]), 'has no "data" that is a list'),
        (
            {"inputs": [{**one(None, [1])["inputs"][0], "parameters": {"binary_data_size": 8}}]},
            "but the request no header",
        ),
        (one(None, [1]), 'has no "data" that is a list'),
        (one([1.0, 2.0, 3.0], [1, 3]), "Row 0 (counted from 0) has 3 values; the model takes 4"),
        (one([1.0] * 8, [2, 2, 2]), "has the shape [2, 2, 2]. Send either one tensor of [rows, columns], or one of"),
        (one([1.0], [1], name="sepal_lenght"), "Did you mean 'sepal_length'?"),
        (one([1.0], [1], name="sepal_length"), "Columns 'sepal_width', 'petal_length', 'petal_width' are missing"),
        (one([[1.0, None, 1.0, 1.0]], [1, 4]), "Column 'sepal_width' has no value in row 0"),
        ({"inputs": one([1.0], [1])["inputs"] * 2}, "The input 'input' comes twice"),
        ({**per_column(), "id": 7}, 'The "id" of the request is 7, not a string'),
        ({**per_column(), "outputs": [{"name": "probabilities"}]}, "no output 'probabilities'. Ask for predict or"),
        ({**per_column(), "outputs": ["predict"]}, '"outputs" is not a list of objects'),
        (one([1.0] * 204, [51, 4]), "51 rows, more than the 50 allowed"),
    ],
)
async def test_what_cannot_be_understood_is_said(iris: InProcess, body: Any, words: str) -> None:
    answer = await iris.post(INFER, body)
    assert answer.status_code in (400, 413)
    assert answer.json().keys() == {"error"}
    assert words in answer.json()["error"]


@pytest.mark.parametrize("rest", ["", "/ready", "/infer", "/stats", "/config"])
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v2/models/other", "There is no model 'other' here; this server has model 'iris' version '7'"),
        ("/v2/models/iris/versions/8", "There is no model 'iris' version '8' here"),
        ("/v2/models/other/versions/7", "There is no model 'other' version '7' here"),
    ],
)
async def test_another_model_or_version(iris: InProcess, path: str, words: str, rest: str) -> None:
    answer = await (iris.post(path + rest, per_column()) if rest == "/infer" else iris.http.get(path + rest))
    assert answer.status_code == 404
    assert answer.json().keys() == {"error"}
    assert words in answer.json()["error"]
    assert "Ask for that one" in answer.json()["error"]


@pytest.mark.parametrize(
    ("datatype", "data"),
    [(f"{sign}INT{bits}", [5, 3, 4, 1]) for sign in ("", "U") for bits in (8, 16, 32, 64)]
    + [(f"FP{bits}", [5, 3.5, 4, 1.5]) for bits in (16, 32, 64)],
)
async def test_every_datatype_of_numbers(iris: InProcess, datatype: str, data: list[float]) -> None:
    answer = await iris.post(INFER, one(data, [1, 4], datatype=datatype))
    assert answer.status_code == 200, answer.text
    assert answer.json()["outputs"][0]["data"] == flower_model().predict(pd.DataFrame([data], columns=FLOWER)).tolist()


async def test_statistics_count_every_protocol(iris: InProcess) -> None:
    await iris.post(INFER, per_column())
    await iris.post(INFER, {})
    await iris.post("/predict", {"rows": TABLE.to_dict("records")})
    await iris.post("/invocations", {"dataframe_records": TABLE.to_dict("records")})
    for path in ("/v2/models/stats", "/v2/models/iris/stats", "/v2/models/iris/versions/7/stats"):
        (stats,) = (await iris.http.get(path)).json()["model_stats"]
        assert (stats["name"], stats["version"]) == ("iris", "7")
        assert (stats["inference_count"], stats["execution_count"]) == (12, 3)
        assert stats["last_inference"] == pytest.approx(time.time() * 1000, abs=60_000)
        durations = stats["inference_stats"]
        assert (durations["success"]["count"], durations["fail"]["count"]) == (3, 1)
        assert durations["success"]["ns"] > durations["compute_infer"]["ns"] > 0
        assert durations["compute_infer"]["count"] == 3


@pytest.mark.parametrize("path", ["/v2/models/iris/config", "/v2/models/iris/versions/7/config"])
async def test_the_configuration_leaves_out_the_dimension_of_the_rows(iris: InProcess, path: str) -> None:
    content = (await iris.http.get(path)).json()
    assert (content["name"], content["max_batch_size"]) == ("iris", 50)
    assert content["input"] == [{"name": name, "data_type": "TYPE_FP64", "dims": []} for name in FLOWER]
    assert content["output"][:2] == [
        {"name": "predict", "data_type": "TYPE_INT64", "dims": []},
        {"name": "predict_proba", "data_type": "TYPE_FP64", "dims": [3]},
    ]


async def test_the_configuration_of_strings(trips: InProcess) -> None:
    content = (await trips.http.get("/v2/models/trips/config")).json()
    assert content["input"][0] == {"name": "carrier", "data_type": "TYPE_STRING", "dims": []}


@pytest.mark.timeout(20)
def test_any_number_of_inputs_is_checked_in_one_go() -> None:
    with pytest.raises(InvalidInput, match="The input '7' comes twice"):
        tensors.check_names([*map(str, range(300_000)), "7"])

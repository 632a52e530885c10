"""Requests of the form that KServe and MLServer publish in their own examples and tests, sent as they stand there."""

from __future__ import annotations

from typing import Any

import pytest
from unit.serving.stage import InProcess

# Two flowers, from KServe's "Deploying SKLearn models" (docs/samples/v1beta1/sklearn/v2).
KSERVE = {
    "inputs": [
        {
            "name": "input-0",
            "shape": [2, 4],
            "datatype": "FP32",
            "data": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]],
        }
    ]
}
# MLServer's benchmark of the same model: whole numbers in a tensor of FP32, flat.
MLSERVER_BENCHMARK = {"inputs": [{"name": "input-0", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]}
# MLServer's tests of its scikit-learn runtime: outputs by the names of the methods, parameters for its codecs.
MLSERVER_CODECS = {
    "id": "a",
    "inputs": [
        {
            "name": "foo",
            "shape": [1, 4],
            "datatype": "FP64",
            "data": [6.8, 2.8, 4.8, 1.4],
            "parameters": {"content_type": "np"},
        }
    ],
    "parameters": {"content_type": "np", "headers": {"Ce-Id": "1"}},
    "outputs": [{"name": "predict"}, {"name": "predict_proba"}],
}


@pytest.mark.parametrize(
    ("body", "labels", "outputs"),
    [
        (KSERVE, [1, 1], ["predict", "predict_proba", "decision_function"]),
        (MLSERVER_BENCHMARK, [2], ["predict", "predict_proba", "decision_function"]),
        (MLSERVER_CODECS, [1], ["predict", "predict_proba"]),
    ],
    ids=["KServe", "MLServer's benchmark", "MLServer's codecs"],
)
async def test_an_array(iris: InProcess, body: Any, labels: list[int], outputs: list[str]) -> None:
    answer = await iris.post("/v2/models/iris/infer", body)
    assert answer.status_code == 200, answer.text
    assert [output["name"] for output in answer.json()["outputs"]] == outputs
    assert answer.json()["outputs"][0]["data"] == labels
    assert answer.json().get("id") == body.get("id")


async def test_a_data_frame_as_mlserver_encodes_it(trips: InProcess) -> None:
    """Its pandas codec sends each column as a tensor of [rows, 1], and says of texts that they are such."""
    columns = [
        ("carrier", "BYTES", {"content_type": "str"}, ["UA", "AA"]),
        ("distance", "INT64", None, [100, 399]),
        ("delay", "FP64", None, [1.5, None]),
    ]
    inputs = [
        {"name": name, "shape": [2, 1], "datatype": datatype, "parameters": parameters, "data": data}
        for name, datatype, parameters, data in columns
    ]
    body = {"parameters": {"content_type": "pd"}, "inputs": inputs}
    answer = await trips.post("/v2/models/trips/infer", body)
    assert answer.json()["outputs"][0]["data"] == ["in time", "late"]

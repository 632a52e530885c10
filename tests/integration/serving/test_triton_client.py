"""Triton's own client against a server on a socket, in JSON and in bytes, and the example of docs/serving.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from integration.serving.threads import served
from tritonclient.utils import InferenceServerException
from unit.serving.stage import FLOWER, Folders, flower_model, flowers, trip_model, trips

X, _ = flowers()
TABLE = X.iloc[::40]
PROBABILITIES = flower_model().predict_proba(TABLE)
TRIPS = trips()[0].head(8)


@pytest.fixture(scope="module")
def iris(folders: Folders) -> Iterator[triton.InferenceServerClient]:
    with served(folders.iris) as port, triton.InferenceServerClient(f"127.0.0.1:{port}") as client:
        yield client


@pytest.fixture(scope="module")
def trips_client(folders: Folders) -> Iterator[triton.InferenceServerClient]:
    with served(folders.trips) as port, triton.InferenceServerClient(f"127.0.0.1:{port}") as client:
        yield client


def tensor(name: str, values: Any, datatype: str, binary: bool) -> triton.InferInput:
    made = triton.InferInput(name, list(values.shape), datatype)
    return made.set_data_from_numpy(values, binary_data=binary)


def test_what_it_asks_about_a_server_and_its_model(iris: triton.InferenceServerClient) -> None:
    assert iris.is_server_live()
    assert iris.is_server_ready()
    assert iris.is_model_ready("iris")
    assert iris.is_model_ready("iris", "7")
    assert not iris.is_model_ready("iris", "8")
    assert "binary_tensor_data" in iris.get_server_metadata()["extensions"]
    assert [tensor["name"] for tensor in iris.get_model_metadata("iris", "7")["inputs"]] == FLOWER
    assert iris.get_model_config("iris")["max_batch_size"] == 10_000
    for stats in (iris.get_inference_statistics(), iris.get_inference_statistics("iris", "7")):
        assert stats["model_stats"][0]["name"] == "iris"


@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("datatype", ["FP32", "FP64"])
def test_one_tensor(iris: triton.InferenceServerClient, datatype: str, binary_in: bool, binary_out: bool) -> None:
    rows = TABLE.to_numpy("float32" if datatype == "FP32" else "float64")
    wanted = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in ("predict_proba", "predict")]
    answer = iris.infer(
        "iris", [tensor("x", rows, datatype, binary_in)], outputs=wanted, request_id="a", model_version="7"
    )
    np.testing.assert_allclose(answer.as_numpy("predict_proba"), PROBABILITIES, rtol=1e-5)
    assert answer.as_numpy("predict").tolist() == PROBABILITIES.argmax(axis=1).tolist()
    assert answer.as_numpy("decision_function") is None
    assert answer.get_response()["id"] == "a"


def test_a_tensor_for_each_column_and_every_output(iris: triton.InferenceServerClient) -> None:
    inputs = [tensor(name, TABLE[name].to_numpy(), "FP64", binary=n % 2 == 0) for n, name in enumerate(FLOWER)]
    answer = iris.infer("iris", inputs)  # without outputs it asks for all of them in bytes
    np.testing.assert_allclose(answer.as_numpy("predict_proba"), PROBABILITIES)
    assert answer.as_numpy("decision_function").shape == (4, 3)


@pytest.mark.parametrize("binary", [True, False])
def test_texts_integers_and_gaps(trips_client: triton.InferenceServerClient, binary: bool) -> None:
    table = TRIPS if binary else TRIPS.fillna({"delay": 1.0})  # the client's JSON cannot say that a number is missing
    inputs = [
        tensor("carrier", table["carrier"].to_numpy(object), "BYTES", binary),
        tensor("distance", table["distance"].to_numpy("int32"), "INT32", binary),
        tensor("delay", table["delay"].to_numpy(), "FP64", binary),
    ]
    answer = trips_client.infer("trips", inputs, outputs=[triton.InferRequestedOutput("predict", binary_data=binary)])
    got = [value.decode() if binary else value for value in answer.as_numpy("predict").tolist()]
    assert got == trip_model().predict(table).tolist()


def test_it_understands_our_errors(iris: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="expects a number") as e:
        iris.infer("iris", [tensor("x", np.array([["a"] * 4], object), "BYTES", binary=True)])
    assert e.value.status() == "400"
    with pytest.raises(InferenceServerException, match="There is no model 'rose' here"):
        iris.get_model_metadata("rose")


def test_many_requests_at_once(iris: triton.InferenceServerClient) -> None:
    waiting = [
        (n, iris.async_infer("iris", [tensor("x", TABLE.to_numpy()[n : n + 1], "FP64", True)])) for n in range(4)
    ]
    for n, request in waiting:
        np.testing.assert_allclose(request.get_result().as_numpy("predict_proba"), PROBABILITIES[n : n + 1])


def test_the_example_in_the_documentation(folders: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "serving.md").read_text()
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "tritonclient" in b]
    with served(folders.iris) as port:
        exec(block.replace(":8080", f":{port}"), {})  # noqa: S102
    assert capsys.readouterr().out == "[0]\n"

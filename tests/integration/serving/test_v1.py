"""KServe's first protocol: instances in, predictions out, and errors as {"error": ...}."""

from __future__ import annotations

from typing import Any

import pytest
from unit.serving.stage import Folders, InProcess, flower_model, flowers, in_process, trip_model, trips

X, _ = flowers()
TABLE = X.iloc[::40]
EXPECTED = flower_model().predict(TABLE).tolist()
TRIPS = trips()[0].head(8)
PREDICT = "/v1/models/iris:predict"
# The two flowers of KServe's own example (docs/samples/v1beta1/sklearn/v1/iris-input.json).
PUBLISHED = {"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}


async def test_the_request_that_kserve_publishes(iris: InProcess) -> None:
    answer = await iris.post(PREDICT, PUBLISHED)
    assert answer.status_code == 200
    assert answer.json()["predictions"] == [1, 1]
    assert len(answer.json()["ids"]) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"instances": TABLE.to_numpy().tolist()},
        {"instances": TABLE.to_dict("records")},
        {"inputs": TABLE.to_numpy().tolist()},
        {"instances": TABLE.to_numpy().tolist(), "signature_name": "serving_default", "parameters": {}},
    ],
)
async def test_instances(iris: InProcess, body: Any) -> None:
    assert (await iris.post(PREDICT, body)).json()["predictions"] == EXPECTED


async def test_rows_of_several_types_as_in_kserves_example_of_mixed_types(trips: InProcess) -> None:
    rows = TRIPS.astype("object").where(TRIPS.notna(), None).to_dict("records")
    answer = await trips.post("/v1/models/trips:predict", {"instances": rows})
    assert answer.json()["predictions"] == trip_model().predict(TRIPS).tolist()


async def test_bare_values_for_a_model_of_one_column(folders: Folders) -> None:
    async with in_process(folders.line) as server:
        answer = await server.post("/v1/models/line:predict", {"instances": [1.0, 2.0]})
        assert answer.json()["predictions"] == pytest.approx([3, 5])


async def test_the_model_and_its_state(iris: InProcess, loading: InProcess) -> None:
    assert (await loading.http.get("/")).json()["status"] == "alive"
    assert (await iris.http.get("/v1/models")).json() == {"models": ["iris"]}
    answer = await iris.http.get("/v1/models/iris")
    assert (answer.status_code, answer.json()) == (200, {"name": "iris", "ready": True})
    assert (await loading.http.get("/v1/models/iris")).status_code == 503
    iris.core.drain()
    answer = await iris.http.get("/v1/models/iris")
    assert (answer.status_code, answer.json()) == (503, {"name": "iris", "ready": False})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, 'The request has no "instances". Send {"instances": [...]}'),
        ({"instance": []}, 'no "instances"'),
        ({"instances": [], "inputs": []}, 'both "instances" and "inputs"'),
        ({"instances": []}, "no rows"),
        ({"instances": 7}, "Rows come as a list of lists"),
        ({"instances": [1, 2]}, "Row 0 (counted from 0) is 1 (integer), not a list"),
        ({"instances": [[1, 2]]}, "has 2 values; the model takes 4"),
    ],
)
async def test_what_cannot_be_understood_is_said(iris: InProcess, body: Any, words: str) -> None:
    answer = await iris.post(PREDICT, body)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}
    assert words in answer.json()["error"]


async def test_another_model(iris: InProcess) -> None:
    asked = [await iris.http.get("/v1/models/rose"), await iris.post("/v1/models/rose:predict", PUBLISHED)]
    for answer in asked:
        assert answer.status_code == 404
        assert answer.json().keys() == {"error"}
        assert "There is no model 'rose' here; this server has model 'iris' version '7'" in answer.json()["error"]
    assert (await iris.post("/v1/models/iris:explain", PUBLISHED)).json().keys() == {"error"}

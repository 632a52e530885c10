"""Predictions go past the router, and are answered as by it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from unit.serving.stage import InProcess

ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
V2 = {"inputs": [{"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in ROW.items()]}


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/predict", {"rows": [ROW]}),
        ("/predict", {"rows": [{"sepal_length": "long"}]}),
        ("/predict", {"nothing": 1}),
        ("/invocations", {"dataframe_records": [ROW]}),
        ("/invocations", {"dataframe_records": []}),
        ("/v1/models/iris:predict", {"instances": [ROW]}),
        ("/v2/models/iris/infer", V2),
        ("/v2/models/iris/versions/7/infer", V2),
        ("/v2/models/iris/versions/8/infer", V2),
        ("/v2/models/other/infer", V2),
        ("/nothing", {}),
    ],
)
async def test_both_ways_answer_the_same(iris: InProcess, path: str, document: Any) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(iris.app.app), base_url="http://here") as routed:
        by_router = await routed.post(path, json=document)
    at_once = await iris.http.post(path, json=document)
    assert at_once.status_code == by_router.status_code
    assert _without_ids(at_once.json()) == _without_ids(by_router.json())
    assert at_once.headers.keys() == by_router.headers.keys()


def _without_ids(content: Any) -> Any:
    return {k: v for k, v in content.items() if k not in ("ids", "id", "parameters")}


async def test_paths_that_a_client_makes_up_are_not_remembered_without_end(iris: InProcess) -> None:
    for n in range(300):
        await iris.http.post(f"/v2/models/model{n}/infer", json=V2)
    assert len(iris.app.known) == 100
    assert (await iris.http.post("/predict", json={"rows": [ROW]})).status_code == 200

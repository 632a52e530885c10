"""An error never gives back more of a request than a line: whatever part of it was long, and in whatever protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from tenfold.serving.errors import ServingError
from tenfold.serving.request import RequestHead
from tenfold.serving.rpc import inference
from tenfold.serving.rpc.messages import MESSAGES
from tenfold.serving.rpc.responses import refusal
from unit.serving.stage import FLOWER, Folders, InProcess, flowers, in_process

ROW: dict[str, Any] = flowers()[0].iloc[0].to_dict()
LONG = "x\n\x00\u202e\\" * 20_000  # 100 kB, and nothing that should reach a line of a log
HUGE = "y" * 4_000_000
DEEP: Any = 1
for _ in range(900):
    DEEP = [DEEP]
VALUES: dict[str, Any] = {
    "text": LONG,
    "huge text": HUGE,
    "list": [LONG] * 10,
    "many": list(range(100_000)),
    "object": {LONG: HUGE},
    "deep": DEEP,
}


@pytest.fixture
async def iris(folders: Folders, tmp_path: Path) -> AsyncIterator[InProcess]:
    """Takes bodies of any length."""
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with in_process(folders.iris, log_url=url, max_body_bytes=2**30) as server:
        yield server


def column(**changed: Any) -> dict[str, Any]:
    return {"name": "sepal_length", "shape": [1], "datatype": "FP64", "data": [1.0], **changed}


def requests(value: Any) -> list[tuple[str, Any]]:
    """Requests with the value in each place that a sentence may speak of."""
    name = value if isinstance(value, str) else LONG
    v2, mlflow, v1 = "/v2/models/iris/infer", "/invocations", "/v1/models/iris:predict"
    return [
        ("/predict", {"rows": [{**ROW, "sepal_width": value}]}),
        ("/predict", {"rows": [{**ROW, name: value}]}),
        ("/predict", {"rows": [value]}),
        ("/predict", {"rows": [[value]]}),
        ("/predict", {"rows": value}),
        ("/predict", {"rows": [ROW], name: 1}),
        ("/predict", {"rows": [ROW], "outputs": value}),
        ("/predict", {"rows": [ROW], "outputs": [name]}),
        (v1, {"instances": value}),
        (v1, {"instances": [value]}),
        (v1, {"instances": {**ROW, "sepal_width": value}}),
        (v1, {"instances": {**{n: [1] for n in FLOWER}, name: [1]}}),
        (v1, {"instances": {**{n: [1] for n in FLOWER}, "sepal_width": value}}),
        (mlflow, {"dataframe_records": value}),
        (mlflow, {"dataframe_split": value}),
        (mlflow, {"dataframe_split": {"columns": value, "data": [[1]]}}),
        (mlflow, {"dataframe_split": {"columns": [name], "data": [[1]]}}),
        (mlflow, {"dataframe_split": {"columns": [name, name], "data": [[1]]}}),
        (mlflow, {"dataframe_split": {"columns": FLOWER, "data": [[value]]}}),
        (mlflow, {"dataframe_split": {"columns": FLOWER, "data": [[value] * 4]}}),
        (mlflow, {"dataframe_split": {"data": [[1]], name: 1}}),
        (v2, {"inputs": value}),
        (v2, {"inputs": [column()], "outputs": [{"name": name}]}),
        (v2, {"inputs": [column()], "outputs": [{"name": value}]}),
        (v2, {"inputs": [column()], "parameters": {"binary_data_output": value}}),
        (v2, {"inputs": [column()], "id": [value]}),
        (v2, {"inputs": [column(name=name)]}),
        (v2, {"inputs": [column(name=name)] * 2}),
        (v2, {"inputs": [column(shape=value)]}),
        (v2, {"inputs": [column(shape=[value])]}),
        (v2, {"inputs": [column(shape=[1] * 100_000)]}),
        (v2, {"inputs": [column(name=name, shape=[7])]}),
        (v2, {"inputs": [column(datatype=value)]}),
        (v2, {"inputs": [column(data=value)]}),
        (v2, {"inputs": [column(data=[value])]}),
        (v2, {"inputs": [column(parameters={"binary_data_size": value})]}),
        (v2, {"inputs": [column(name=name, parameters={"binary_data_size": 8})]}),
        ("/feedback", {"id": name, "label": 1, "other": 1}),
        ("/feedback", {"id": "a", "label": 1, name: 1}),
        ("/feedback", {"id": [value], "label": 1}),
        ("/feedback", {"id": "a", "label": value}),
    ]


@pytest.mark.parametrize("kind", VALUES)
async def test_an_error_is_short_and_of_one_line_whatever_was_long(iris: InProcess, kind: str) -> None:
    for path, document in requests(VALUES[kind]):
        answer = await iris.post(path, document)
        content = answer.json()
        where = (path, [*document], answer.text[:300])
        assert 400 <= answer.status_code < 500, where
        assert len(answer.content) < 2000, where
        sentence = content.get("error") or content["message"]
        assert sentence.isprintable(), where


HEADS: list[tuple[str, dict[str, str]]] = [
    ("/nowhere/%0A%00" + "x" * 60_000, {}),
    ("/v2/models/%0A" + "x" * 60_000, {}),
    ("/v2/models/iris/versions/" + "x" * 60_000 + "/infer", {}),
    ("/v1/models/" + "x" * 60_000 + ":predict", {}),
    ("/predict", {"Content-Type": "x" * 100_000}),
    ("/predict", {"Content-Encoding": "x" * 100_000}),
    ("/predict", {"Tenfold-Event-Time": "x" * 100_000}),
    ("/v2/models/iris/infer", {"Inference-Header-Content-Length": "9" * 100_000}),
]


async def test_so_is_one_about_the_head_of_a_request(iris: InProcess) -> None:
    for path, headers in HEADS:
        answer = await iris.http.post(path, content=orjson.dumps({"rows": [ROW]}), headers=headers)
        assert 400 <= answer.status_code < 500
        assert len(answer.content) < 2000
        assert answer.json()["error"].isprintable()


@pytest.mark.parametrize(
    "fields",
    [
        {"model_name": "x" * 100_000},
        {"model_version": LONG},
        {"outputs": [{"name": LONG}]},
        {"inputs": [{"name": LONG, "datatype": "FP64", "shape": [1], "contents": {"fp64_contents": [1.0]}}]},
        {"inputs": [{"name": LONG, "datatype": "FP64", "shape": [2], "contents": {"fp64_contents": [1.0]}}]},
        {"inputs": [{"name": LONG, "datatype": "FP64", "shape": [1]}] * 2},
        {"inputs": [{"name": "sepal_width", "datatype": LONG, "shape": [1]}]},
        {"inputs": [{"name": "sepal_width", "datatype": "FP64", "shape": [1] * 100_000}]},
        {"inputs": [{"name": LONG, "datatype": "BYTES", "shape": [1], "contents": {"bytes_contents": [b"\xff"]}}]},
        {"inputs": [{"name": LONG, "datatype": "FP64", "shape": [1]}], "raw_input_contents": [b"1"]},
        {"inputs": [{"name": LONG, "datatype": "BYTES", "shape": [1]}], "raw_input_contents": [b"1"]},
        {"inputs": [{"name": LONG, "datatype": "FP16", "shape": [1], "contents": {"fp64_contents": [1.0]}}]},
    ],
)
async def test_so_is_one_of_grpc(iris: InProcess, fields: dict[str, Any]) -> None:
    inputs = [{"name": n, "datatype": "FP64", "shape": [1], "contents": {"fp64_contents": [1.0]}} for n in FLOWER]
    message = MESSAGES["ModelInferRequest"](**{"model_name": "iris", "inputs": inputs, **fields})

    def answered() -> None:
        question = inference.ask(iris.core, RequestHead({}, {}), message.SerializeToString())
        iris.core.ask(question.batch, question.outputs, datetime.now(UTC), float("inf"), lambda _: None)

    with pytest.raises(ServingError) as caught:
        answered()
    assert 400 <= caught.value.status < 500
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1500
    assert len(refusal(caught.value).head) < 2000

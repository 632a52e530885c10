"""Whatever is wrong is said in one sentence, in the shape of the protocol that was spoken, never with a traceback.

The bad input that the project promises to answer well is collected here, each with the words that name the value and
the remedy; the finer cases of each protocol stand in the protocol's own tests.
"""

from __future__ import annotations

import gzip
import logging
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from tenfold.serving.errors import PredictionFailed
from unit.serving.stage import Folders, InProcess, flowers, in_process

X, _ = flowers()
ROW: dict[str, Any] = X.iloc[0].to_dict()
POSTS = (
    "/predict",
    "/feedback",
    "/invocations",
    "/v1/models/iris:predict",
    "/v2/models/iris/infer",
    "/v2/models/iris/versions/7/infer",
)
JSON = {"Content-Type": "application/json"}


def said(answer: httpx.Response, path: str) -> str:
    """The sentence, having checked that nothing but the protocol's shape is there."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    content = answer.json()
    for word in ("detail", "stack_trace", "traceback"):
        assert word not in content
    assert "Traceback" not in answer.text
    assert 'File "' not in answer.text
    if path in ("/invocations", "/ping", "/health", "/version"):
        assert content.keys() == {"error_code", "message"}
        sentence = content["message"]
    else:
        assert {"error"} <= content.keys() <= {"error", "results"}
        sentence = content["error"]
    assert isinstance(sentence, str)
    assert sentence
    return sentence


def body_for(path: str, rows: list[Any]) -> Any:
    if path == "/invocations":
        return {"dataframe_records": rows}
    if path == "/predict":
        return {"rows": rows}
    if path.startswith("/v1/"):
        return {"instances": rows}
    names = {name: None for row in rows for name in row}
    tensors = [{"name": n, "shape": [len(rows)], "datatype": _datatype(rows[0].get(n))} for n in names]
    return {"inputs": [{**t, "data": [row.get(t["name"]) for row in rows]} for t in tensors]}


def _datatype(value: Any) -> str:
    return "BYTES" if isinstance(value, str) else "FP64"


PREDICTING = tuple(path for path in POSTS if path != "/feedback")


@pytest.mark.parametrize("path", PREDICTING)
@pytest.mark.parametrize(
    ("rows", "status", "words"),
    [
        ([{**ROW, "petal_lenght": 1}], 400, ("Column 'petal_lenght'", "is unknown", "Did you mean 'petal_length'?")),
        ([{k: v for k, v in ROW.items() if k != "petal_width"}], 400, ("'petal_width' is missing", "requires")),
        ([{**ROW, "petal_width": "wide"}], 400, ("'petal_width' expects a number", '"wide" (string)', "Send a value")),
        ([{**ROW, "petal_width": None}], 400, ("'petal_width' has no value in row 0", "Send a number")),
        ([ROW] * 51, 413, ("51 rows", "50 allowed", "TENFOLD_MAX_ROWS")),
    ],
    ids=["unknown column", "missing column", "wrong type", "missing value", "too many rows"],
)
async def test_rows_that_cannot_be_taken(
    iris: InProcess, path: str, rows: list[Any], status: int, words: tuple[str, ...]
) -> None:
    answer = await iris.post(path, body_for(path, rows))
    assert answer.status_code == status
    for word in words:
        assert word in said(answer, path)


@pytest.mark.parametrize("path", PREDICTING)
async def test_no_rows(iris: InProcess, path: str) -> None:
    tensors = {"inputs": [{"name": name, "shape": [0], "datatype": "FP64", "data": []} for name in ROW]}
    answer = await iris.post(path, tensors if path.startswith("/v2/") else body_for(path, []))
    assert answer.status_code == 400
    assert said(answer, path) == "The request has no rows. Send at least one"


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "The request has no body. Send a JSON document"),
        (b'{"rows": [', "The body is not valid JSON: "),
        (b'{"rows": [{"petal_width": NaN}]}', "JSON has no NaN or Infinity: write null"),
        (b"\xff\xfe\x00", "The body is not valid JSON: "),
        (
            gzip.compress(b'{"rows": []}', mtime=0),
            "The body is compressed by gzip. Say so in its head: Content-Encoding: gzip",
        ),
        (b"[" * 1200, "The body is not valid JSON: "),
        (b'{"a": 1e999}', "The body is not valid JSON: number is infinity"),
    ],
)
async def test_broken_json_is_said_with_the_place(iris: InProcess, path: str, body: bytes, words: str) -> None:
    answer = await iris.http.post(path, content=body, headers=JSON)
    assert answer.status_code == 400
    assert words in said(answer, path)


@pytest.mark.parametrize("path", [p for p in POSTS if p != "/feedback"])
@pytest.mark.parametrize(
    ("body", "kind"), [(b"[]", "array"), (b"7", "number"), (b'"a"', "string"), (b"null", "null"), (b"true", "boolean")]
)
async def test_json_of_another_kind(iris: InProcess, path: str, body: bytes, kind: str) -> None:
    answer = await iris.http.post(path, content=body, headers=JSON)
    assert answer.status_code == 400
    assert said(answer, path) == f"The body is a JSON {kind}, not an object. Send an object: {{...}}"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, 'has no "rows"'),
        ({"row": [ROW]}, "has an unknown key 'row'"),
        ({"rows": [ROW], "other": 1}, "has an unknown key 'other'"),
        ({"rows": ROW}, "Rows come as a list of objects"),
        ({"rows": [ROW], "outputs": []}, '"outputs" is [], not a list of names'),
        ({"rows": [ROW], "outputs": "predict"}, "not a list of names"),
        ({"rows": [ROW], "outputs": [7]}, "not a list of names"),
        ({"rows": [ROW], "outputs": ["proba"]}, "no output 'proba'. Ask for predict or predict_proba or"),
    ],
)
async def test_requests_of_the_wrong_form(iris: InProcess, body: Any, words: str) -> None:
    answer = await iris.post("/predict", body)
    assert answer.status_code == 400
    assert words in said(answer, "/predict")


@pytest.mark.parametrize("path", POSTS)
async def test_another_content_type(iris: InProcess, path: str) -> None:
    body = orjson.dumps(body_for(path, [ROW]))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", ""):
        answer = await iris.http.post(path, content=body, headers={"Content-Type": kind})
        assert answer.status_code == 415
        assert f"Content-Type '{kind}' is not understood here. Send application/json" in said(answer, path)
    answer = await iris.http.post(path, content=body, headers={"Content-Type": "application/json; charset=latin-1"})
    assert answer.status_code == 415
    assert "Send application/json in UTF-8" in said(answer, path)
    answer = await iris.http.post(path, content=body, headers={**JSON, "Content-Encoding": "br"})
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "gzip, deflate"
    assert "Content-Encoding 'br' is not understood here. Send gzip, deflate or none" in said(answer, path)
    if path != "/feedback":
        kind = "application/json; charset=utf-8"
        assert (await iris.http.post(path, content=body, headers={"Content-Type": kind})).status_code == 200


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large(iris: InProcess, path: str, announced: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(21):
            yield b" " * 1000

    content = b" " * 21_000 if announced else chunks()
    answer = await iris.http.post(path, content=content, headers=JSON)
    assert answer.status_code == 413
    sentence = said(answer, path)
    assert ("21000 bytes" if announced else "more bytes than allowed") in sentence
    assert "the limit is 20000 bytes" in sentence
    assert "TENFOLD_MAX_BODY_BYTES" in sentence


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "There is nothing at /nowhere. GET / lists what there is"),
        ("GET", "/predict/", 404, "There is nothing at /predict/"),
        ("POST", "/v2/models/iris/load", 404, "There is nothing at /v2/models/iris/load"),
        ("POST", "/v2/repository/models/iris/load", 404, "There is nothing at"),
        ("GET", "/v2/health/", 404, "There is nothing at"),
        ("GET", "/predict", 405, "GET is not possible on /predict; use POST"),
        ("PUT", "/feedback", 405, "PUT is not possible on /feedback; use POST"),
        ("GET", "/invocations", 405, "GET is not possible on /invocations; use POST"),
        ("POST", "/ping", 405, "POST is not possible on /ping; use GET"),
        ("GET", "/v2/models/iris/infer", 405, "GET is not possible on /v2/models/iris/infer; use POST"),
        ("DELETE", "/v2/models/iris", 405, "DELETE is not possible on /v2/models/iris; use GET"),
        ("POST", "/", 405, "POST is not possible on /; use GET"),
        ("POST", "/metrics", 405, "POST is not possible on /metrics; use GET"),
        ("PATCH", "/v2", 405, "PATCH is not possible on /v2; use GET"),
    ],
)
async def test_unknown_paths_and_methods(iris: InProcess, method: str, path: str, status: int, words: str) -> None:
    answer = await iris.http.request(method, path)
    assert answer.status_code == status
    assert words in said(answer, path)


@pytest.mark.parametrize("path", POSTS)
async def test_a_model_that_is_not_there_yet(loading: InProcess, path: str) -> None:
    answer = await loading.post(path, body_for(path, [ROW]))
    if path == "/feedback":
        return  # it keeps no log
    assert answer.status_code == 503
    assert said(answer, path) == "No model can be asked yet: the model is being loaded"
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("path", PREDICTING)
async def test_a_model_that_breaks_is_said_and_the_log_has_the_traceback(
    iris: InProcess, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise PredictionFailed("predict", ZeroDivisionError("no petals")) from ZeroDivisionError("no petals")

    monkeypatch.setattr(iris.core._batcher, "_ask", broken)
    with caplog.at_level(logging.ERROR):
        answer = await iris.post(path, body_for(path, [ROW]))
    assert answer.status_code == 500
    assert "The model's predict failed with ZeroDivisionError: no petals" in said(answer, path)
    (record,) = caplog.records
    assert record.exc_info
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("path", POSTS)
async def test_a_fault_of_our_own_is_no_reason_for_another_shape(
    iris: InProcess, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setattr("tenfold.serving.protocols.documents.parse", fault)
    monkeypatch.setattr("tenfold.serving.protocols.documents.parse_object", fault)
    monkeypatch.setattr("tenfold.serving.protocols.mlflow.parse_object", fault)
    answer = await iris.post(path, {}, headers={"X-Request-Id": "mine"})
    assert answer.status_code == 500
    sentence = said(answer, path)
    assert "under the request id mine" in sentence
    assert "secret" not in sentence
    assert "RuntimeError: secret" in caplog.text
    assert await iris.metric("tenfold_requests_total", code="500") == 1


async def test_a_value_that_the_model_itself_refuses_is_the_clients_fault(folders: Folders) -> None:
    async with in_process(folders.trips) as server:
        answer = await server.post("/predict", {"rows": [{"carrier": "XX", "distance": 1}]})
        assert answer.status_code == 422
        sentence = said(answer, "/predict")
        assert "predict refuses a value: Found unknown categories ['XX'] in column 0" in sentence
        assert "fit its encoder with handle_unknown='ignore'" in sentence


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the overflow
async def test_numbers_that_overflow_in_the_model_are_the_clients_fault(iris: InProcess) -> None:
    answer = await iris.post("/predict", {"rows": [{**ROW, "sepal_width": 1.79e308}]})
    assert answer.status_code == 422
    assert "refuses a value: Input X contains infinity or a value too large" in said(answer, "/predict")


@pytest.mark.parametrize("path", POSTS)
async def test_garbage_never_breaks_the_server(iris: InProcess, path: str) -> None:
    dice = random.Random(path)
    good = {"/predict": {"rows": [ROW]}, "/feedback": {"id": "a", "label": 1}}.get(path, body_for(path, [ROW]))
    for _ in range(300):
        body = orjson.dumps(_mutated(good, dice)) if dice.random() < 0.8 else dice.randbytes(dice.randrange(60))
        kind = dice.choice(["application/json"] * 6 + ["text/csv"])
        answer = await iris.http.post(path, content=body, headers={"Content-Type": kind})
        assert answer.status_code in (200, 400, 404, 413, 415, 422), (body, answer.text)
        if answer.status_code != 200:
            said(answer, path)


def _mutated(document: Any, dice: random.Random) -> Any:
    """The document with a few of its parts replaced, removed or repeated."""
    if dice.random() < 0.12:
        return dice.choice(
            [
                *(None, True, 0, -1, 1.5, 2**63, -(2**63), 1e30, 10**18, "", "a", "\x00", "ä☃", "predict", "FP64"),
                *([], {}, [[]], [{}], {"": None}, [None], [[1, 2], [3]], ["predict"], [1, 4], [0, 0], [2**62, 0]),
            ]
        )
    if isinstance(document, dict):
        kept = {key: _mutated(value, dice) for key, value in document.items() if dice.random() > 0.05}
        return {**kept, dice.choice(["x", "id", "outputs", "params", "inputs"]): 1} if dice.random() < 0.05 else kept
    if isinstance(document, list):
        return [_mutated(value, dice) for value in document for _ in range(dice.choice([1] * 9 + [0, 2]))]
    return document

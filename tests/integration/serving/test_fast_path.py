"""The fast path of a prediction answers the very same as the app: bytes that come whole take it, chunks do not."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from integration.serving.threads import running, served
from support.places import GUARD
from tenfold.serving.connection import Connection
from tenfold.serving.server import ModelServer
from unit.serving.stage import FLOWER, Folders

ROW = dict(zip(FLOWER, [5.1, 3.5, 1.4, 0.2], strict=True))
TENSOR = {"name": "input", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}
JSON = {"content-type": "application/json"}
KEY = "key-of-the-fast-path"

Sent = tuple[str, bytes, dict[str, str]]


def _json(path: str, document: Any, **headers: str) -> Sent:
    return path, json.dumps(document).encode(), {**JSON, **headers}


def _binary() -> Sent:
    data = np.array([[5.1, 3.5, 1.4, 0.2]]).tobytes()
    tensor = {"name": "input", "shape": [1, 4], "datatype": "FP64", "parameters": {"binary_data_size": len(data)}}
    document = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    head = json.dumps(document).encode()
    return "/v2/models/iris/infer", head + data, {"inference-header-content-length": str(len(head))}


REQUESTS: dict[str, Sent] = {
    "predict": _json("/predict", {"rows": [ROW]}),
    "predict with outputs": _json("/predict", {"rows": [ROW, ROW], "outputs": ["predict_proba"]}),
    "no content type": ("/predict", json.dumps({"rows": [ROW]}).encode(), {}),
    "v2": _json("/v2/models/iris/infer", {"inputs": [TENSOR], "id": "mine"}),
    "v2 of the version": _json("/v2/models/iris/versions/7/infer", {"inputs": [TENSOR]}),
    "v2 in bytes": _binary(),
    "v1": _json("/v1/models/iris:predict", {"instances": [ROW]}),
    "invocations": _json("/invocations", {"dataframe_records": [ROW]}),
    "csv": ("/invocations", (",".join(FLOWER) + "\n5.1,3.5,1.4,0.2\n").encode(), {"content-type": "text/csv"}),
    "past event": _json("/predict", {"rows": [ROW]}, **{"Tenfold-Event-Time": "2013-06-21T08:00:00-04:00"}),
    "wrong event time": _json("/predict", {"rows": [ROW]}, **{"Tenfold-Event-Time": "yesterday"}),
    "own request id": _json("/predict", {"rows": [ROW]}, **{"X-Request-Id": "mine-1"}),
    "indecent request id": _json("/predict", {"rows": [ROW]}, **{"X-Request-Id": "a b"}),
    "broken JSON": ("/predict", b'{"rows": [', JSON),
    "no body": ("/predict", b"", JSON),
    "no rows": _json("/predict", {"rows": []}),
    "unknown column": _json("/predict", {"rows": [{**ROW, "petal_lenght": 1}]}),
    "wrong type": _json("/predict", {"rows": [{**ROW, "petal_width": "wide"}]}),
    "a missing value": _json("/predict", {"rows": [{**ROW, "petal_width": None}]}),
    "too many rows": _json("/predict", {"rows": [ROW] * 60}),
    "unknown output": _json("/predict", {"rows": [ROW], "outputs": ["odds"]}),
    "wrong content type": ("/predict", b"rows", {"content-type": "text/plain"}),
    "another charset": ("/predict", b"{}", {"content-type": "application/json; charset=latin-1"}),
    "unknown model": _json("/v2/models/rose/infer", {"inputs": [TENSOR]}),
    "unknown version": _json("/v2/models/iris/versions/8/infer", {"inputs": [TENSOR]}),
    "wrong shape": _json("/v2/models/iris/infer", {"inputs": [{**TENSOR, "shape": [2, 4]}]}),
    "mlflow's shape of an error": _json("/invocations", {"frames": []}),
    "a wrong key": _json("/predict", {"rows": [ROW]}, Authorization="Bearer guess"),
}


@pytest.fixture(scope="module")
def server(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ModelServer, int]]:
    folder = tmp_path_factory.mktemp("lane")
    (folder / "keys").write_text(KEY)
    with running(
        folders.iris,
        log_url=f"sqlite:///{folder / 'log.db'}",
        api_keys_file=folder / "keys",
        accept_event_time=True,
        max_rows=50,
    ) as both:
        yield both


def answered(http: httpx.Client, sent: Sent, *, whole: bool) -> tuple[Any, ...]:
    """Status, headers and body of the answer, without what differs from one request to the next.

    A refusal may come before the chunks have, and then closes the connection.
    """
    path, body, headers = sent
    content: bytes | Generator[bytes] = body if whole else (body[i : i + 7] for i in range(0, len(body), 7))
    answer = http.post(path, content=content, headers={"Authorization": f"Bearer {KEY}", **headers})
    kept = {name: value for name, value in answer.headers.items() if name not in ("connection", "date", "x-request-id")}
    own = answer.headers["x-request-id"] if answer.headers["x-request-id"] == headers.get("X-Request-Id") else None
    return answer.status_code, kept, own, re.sub(rb"[0-9a-f]{8}-[0-9a-f-]{27}", b"ID", answer.content)


@pytest.mark.parametrize("name", REQUESTS)
def test_the_fast_path_and_the_app_answer_the_same(
    server: tuple[ModelServer, int], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    begin = Connection._begin
    monkeypatch.setattr(Connection, "_begin", lambda *given, **more: (begun.append(name), begin(*given, **more))[1])
    with httpx.Client(base_url=f"http://127.0.0.1:{server[1]}") as http:
        short = answered(http, REQUESTS[name], whole=True)
        assert begun == [name]
        assert answered(http, REQUESTS[name], whole=False) == short
        assert begun == [name]


def test_the_metrics_tell_how_old_the_model_is(server: tuple[ModelServer, int]) -> None:
    lines = httpx.get(f"http://127.0.0.1:{server[1]}/metrics").text.splitlines()
    told = dict(line.split(" ") for line in lines if line.startswith("tenfold_model_"))
    assert 0 <= time.time() - float(told["tenfold_model_created_timestamp_seconds"]) < 3600
    assert told["tenfold_model_newest_row_timestamp_seconds"] == "0.0"


def test_the_answers_are_counted_alike(server: tuple[ModelServer, int]) -> None:
    _, port = server
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {KEY}"}) as http:

        def count(line: str) -> float:
            lines = http.get("/metrics").text.splitlines()
            return next((float(each.rpartition(" ")[2]) for each in lines if each.startswith(line)), 0.0)

        for whole in (True, False):
            for name, code in (("predict", 200), ("broken JSON", 400), ("a wrong key", 401)):
                counter = f'tenfold_requests_total{{code="{code}",protocol="predict",version="7"}}'
                stages = 'tenfold_stage_seconds_count{protocol="predict",stage="queue"}'
                before, before_stages = count(counter), count(stages)
                answered(http, REQUESTS[name], whole=whole)
                assert count(counter) == before + 1
                assert count(stages) == before_stages + (code == 200)


def test_what_breaks_within_the_server_is_told_by_its_id(
    server: tuple[ModelServer, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_: object) -> None:
        raise RuntimeError("a fault of the server's own")

    monkeypatch.setattr("tenfold.serving.core.Core.ask", fault)
    with httpx.Client(base_url=f"http://127.0.0.1:{server[1]}") as http:
        for whole in (True, False):
            status, _, own, body = answered(
                http, _json("/predict", {"rows": [ROW]}, **{"X-Request-Id": "id-7"}), whole=whole
            )
            assert (status, own) == (500, "id-7")
            assert b"id-7" in body
            assert b"RuntimeError" not in body
    assert "a fault of the server's own" in caplog.text


def _request(rows: list[list[float]], *more: bytes) -> bytes:
    body = json.dumps({"rows": rows}).encode()
    head = [b"POST /predict HTTP/1.1", b"host: here", b"content-length: %d" % len(body), *more]
    return b"\r\n".join([*head, b"", body])


def _numbers(whole: bytes) -> list[float]:
    return [round(float(number), 6) for number in re.findall(rb'"predictions":\[([^\]]+)\]', whole)]


def test_pipelined_requests_are_answered_in_order(folders: Folders) -> None:
    with served(folders.line) as port, socket.create_connection(("127.0.0.1", port), timeout=GUARD) as client:
        several = [*map(_request, [[[1.0]], [[2.0]], [[3.0]]]), _request([[4.0]], b"connection: close")]
        client.sendall(b"".join(several))
        whole = b""
        while part := client.recv(65536):
            whole += part
    assert whole.count(b"HTTP/1.1 200 OK") == 4
    assert _numbers(whole) == [3.0, 5.0, 7.0, 9.0]
    assert whole.count(b"connection: close") == 1


def test_a_request_in_parts_and_one_of_http_1_0(folders: Folders, tmp_path: Path) -> None:
    with served(folders.line) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=GUARD) as client:
            sent = _request([[1.0]])
            for part in (sent[:40], sent[40:-9], sent[-9:-1], sent[-1:]):
                client.sendall(part)
            assert _numbers(client.recv(65536)) == [3.0]
        with socket.create_connection(("127.0.0.1", port), timeout=GUARD) as client:
            client.sendall(_request([[1.0]]).replace(b"HTTP/1.1", b"HTTP/1.0"))
            whole = b""
            while part := client.recv(65536):
                whole += part
            assert _numbers(whole) == [3.0]
            assert b"connection: close" in whole

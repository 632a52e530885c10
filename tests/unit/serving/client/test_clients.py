"""Both clients against a real server that misbehaves: what is sent again, what is raised, what a user reads."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support.bad_server import ANSWER, BadServer, Both, breaks_off, dribbles, never_answers, resets, says, says_no_http
from support.places import free_port
from tenfold import Client
from tenfold.serving.client import (
    AsyncClient,
    ClientError,
    ModelInfo,
    NotUnderstood,
    Refused,
    Result,
    ServerFailed,
    Unreachable,
    Unsendable,
)

ROW = {"distance": 1400}


def test_a_prediction_is_one_post(server: BadServer, call: Both) -> None:
    answer = call(server.url + "/", "predict", [ROW])
    assert (answer.predictions, answer.ids, answer.model) == ([1], ["id-0"], ModelInfo("flights", "3"))
    assert answer.outputs == {}
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/predict", {"rows": [ROW]})
    assert asked.headers["content-type"] == "application/json"
    assert "tenfold-event-time" not in asked.headers
    assert "authorization" not in asked.headers


def test_outputs_event_time_key_and_path_prefix_are_sent(server: BadServer, call: Both) -> None:
    server.usual = says(200, {**ANSWER, "outputs": {"predict_proba": [[0.2, 0.8]]}})
    at = datetime(2013, 1, 31, 6, tzinfo=timezone(timedelta(hours=-5)))
    options = {"api_key": "geheimes-wörtchen"}
    answer = call(server.url + "/app", "predict", ROW, outputs=["predict_proba"], event_time=at, options=options)
    assert answer.outputs == {"predict_proba": [[0.2, 0.8]]}
    (asked,) = server.asked
    assert asked.path == "/app/predict"
    assert asked.body == {"rows": [ROW], "outputs": ["predict_proba"]}
    assert asked.headers["tenfold-event-time"] == "2013-01-31T06:00:00-05:00"
    assert asked.headers["authorization"].encode("latin-1").decode() == "Bearer geheimes-wörtchen"


@pytest.mark.parametrize("key", ["secret\n", " secret", "sec\0ret", "secret\r\nX: y", "secret\ud800"])
def test_a_key_that_no_header_can_have_is_told_and_not_shown(server: BadServer, call: Both, key: str) -> None:
    with pytest.raises(Unsendable) as raised:
        call(server.url, "predict", ROW, options={"api_key": key})
    assert "api_key=file.read_text().strip()" in str(raised.value)
    assert "sec" not in str(raised.value)
    assert not server.asked


def test_feedback_is_one_post_and_says_what_became_of_each_label(server: BadServer, call: Both) -> None:
    results = [{"id": "a", "status": "accepted"}, {"id": "b", "status": "unknown", "message": "There is no b."}]
    server.usual = says(200, {"results": results})
    receipt = call(server.url, "feedback", ["a", "b"], [1, 0])
    assert server.asked[0].path == "/feedback"
    assert server.asked[0].body == [{"id": "a", "label": 1}, {"id": "b", "label": 0}]
    assert receipt.results == [Result("a", "accepted"), Result("b", "unknown", "There is no b.")]
    assert receipt.counts == {"accepted": 1, "unknown": 1}
    call(server.url, "feedback", {"a": 1, "b": 0}, event_time=datetime(2013, 1, 31, tzinfo=UTC))
    assert server.asked[1].body == server.asked[0].body
    assert server.asked[1].headers["tenfold-event-time"] == "2013-01-31T00:00:00+00:00"


AGAIN = [resets, breaks_off, says_no_http, says(502, {}), says(503, {}), says(429, {}, Retry_After="0")]


@pytest.mark.parametrize("fault", AGAIN)
def test_what_a_dying_server_leaves_unanswered_is_sent_again(server: BadServer, call: Both, fault: Any) -> None:
    server.script = [fault, fault]
    assert call(server.url, "predict", [ROW]).predictions == [1]
    assert [asked.body for asked in server.asked] == [{"rows": [ROW]}] * 3


def test_what_was_sent_by_half_is_sent_again(server: BadServer, call: Both) -> None:
    server.early = [resets]
    rows = [{"text": "x" * 1_000}] * 20_000  # more than the operating system takes at once
    assert call(server.url, "predict", rows).predictions == [1]
    assert [asked.body for asked in server.asked] == [{"rows": rows}]


@pytest.mark.parametrize(("fault", "kind"), [(says(504, {}), ServerFailed), (says(429, {}), Refused)])
def test_what_has_too_much_to_do_is_not_given_more(server: BadServer, call: Both, fault: Any, kind: Any) -> None:
    server.usual = fault
    for method, arguments in (("predict", ([ROW],)), ("feedback", ("a", 1))):
        with pytest.raises(kind):
            call(server.url, method, *arguments)
    assert len(server.asked) == 2


def test_a_wait_longer_than_the_call_may_take_is_not_begun(server: BadServer, call: Both) -> None:
    server.usual = says(503, {"error": "Come back in an hour."}, Retry_After="3600")
    with pytest.raises(ServerFailed, match="Come back in an hour"):
        call(server.url, "predict", [ROW])
    assert len(server.asked) == 1


def test_a_call_takes_no_longer_than_it_may_though_the_answer_goes_on(server: BadServer, call: Both) -> None:
    server.usual = dribbles
    started = time.monotonic()
    with pytest.raises(Unreachable, match="the time for an answer is over"):
        call(server.url, "predict", [ROW], options={"timeout": 0.5})
    assert time.monotonic() - started < 10
    assert len(server.asked) == 1


def test_a_compressed_answer(server: BadServer, call: Both) -> None:
    server.usual = says(200, gzip.compress(json.dumps(ANSWER).encode()), Content_Encoding="gzip")
    assert call(server.url, "predict", [ROW]).predictions == [1]


def test_labels_are_sent_again_too(server: BadServer, call: Both) -> None:
    server.script = [resets, says(200, {"results": [{"id": "a", "status": "repeated"}]})]
    assert call(server.url, "feedback", "a", 1).counts == {"repeated": 1}


@pytest.mark.parametrize("fault", [resets, says(503, {"error": "The model is loading."})])
def test_without_retries_nothing_is_sent_again(server: BadServer, call: Both, fault: Any) -> None:
    server.script = [fault]
    with pytest.raises(Unreachable if fault is resets else ServerFailed):
        call(server.url, "predict", [ROW], options={"retries": 0})
    assert len(server.asked) == 1


def test_tries_end(server: BadServer, call: Both) -> None:
    server.usual = resets
    with pytest.raises(Unreachable, match=r"127.0.0.1:\d+ does not answer: .+ \(3 tries\). Check that"):
        call(server.url, "predict", [ROW], options={"retries": 2})
    assert len(server.asked) == 3


def test_nobody_listens(call: Both) -> None:
    with pytest.raises(Unreachable, match=r"does not answer: .*(refused|failed)"):
        call(f"http://127.0.0.1:{free_port()}", "predict", [ROW], options={"retries": 1})


@pytest.mark.parametrize(
    ("status", "kind", "body", "said"),
    [
        (400, Refused, {"error": "Column 'x' is unknown."}, "Column 'x' is unknown."),
        (404, Refused, {"error_code": "NOT_FOUND", "message": "No such model."}, "No such model."),
        (413, Refused, b"too large", "http://{} answers 413 Request Entity Too Large"),
        (307, Refused, b"", "http://{} answers 307 Temporary Redirect"),
        (500, ServerFailed, {"error": "The model broke.\nTraceback (most recent call last):"}, "The model broke."),
        (500, ServerFailed, b"Traceback (most recent call last):", "http://{} answers 500 Internal Server Error"),
    ],
)
def test_an_error_is_the_servers_sentence_and_not_sent_again(
    server: BadServer, call: Both, status: int, kind: type[Refused | ServerFailed], body: Any, said: str
) -> None:
    server.usual = says(status, body)
    with pytest.raises(kind) as e:
        call(server.url, "predict", [ROW])
    assert str(e.value) == e.value.sentence == said.format(server.url.removeprefix("http://"))
    assert e.value.status == status
    assert isinstance(e.value, ClientError)
    assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"<html>Hello</html>", b"[]", b"null", b'{"predictions": [1]}', b'{"model": 3}', b""])
def test_another_program_that_answers_is_not_understood(server: BadServer, call: Both, body: bytes) -> None:
    server.usual = says(200, body)
    with pytest.raises(NotUnderstood, match="does not answer as tenfold does"):
        call(server.url, "predict", [ROW])


def test_an_answer_that_takes_too_long_is_not_waited_for_again(server: BadServer, call: Both) -> None:
    server.usual = never_answers
    with pytest.raises(Unreachable, match="the time for an answer is over"):
        call(server.url, "predict", [ROW], options={"timeout": 0.2})
    assert len(server.asked) == 1


def test_connections_are_kept_until_the_server_closes_them(server: BadServer, call: Both) -> None:
    server.script = [says(200, ANSWER), says(200, ANSWER, Connection="close"), says(200, ANSWER), says(200, ANSWER)]
    call.several(server.url, [("predict", ([ROW],), {})] * 4, retries=0)
    first, second, third, fourth = [asked.connection for asked in server.asked]
    assert first == second != third == fourth


def test_ready_asks_once(server: BadServer, call: Both) -> None:
    server.script = [says(200, {"ready": True}), says(503, {"ready": False}), resets]
    assert [call(server.url, "ready") for _ in range(3)] == [True, False, False]
    assert {asked.path for asked in server.asked} == {"/v2/health/ready"}
    assert len(server.asked) == 3


def test_metadata_is_of_the_model_that_the_server_names(server: BadServer, call: Both) -> None:
    server.script = [says(200, {"name": "tenfold", "model": {"name": "my flights", "version": "3"}})]
    server.usual = says(200, {"name": "my flights", "inputs": []})
    first, second = call.several(server.url, [("metadata", (), {})] * 2)
    assert first == second == {"name": "my flights", "inputs": []}
    assert [asked.path for asked in server.asked] == ["/", "/v2/models/my%20flights", "/v2/models/my%20flights"]
    server.asked.clear()
    call(server.url, "metadata", options={"name": "a"})
    assert [asked.path for asked in server.asked] == ["/v2/models/a"]


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "", "ftp://host", "http://", "http://host:port", None])
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_no_address(kind: Any, url: Any) -> None:
    with pytest.raises(Unsendable, match=r"is not (an|the) address.*Write e.g. http://127.0.0.1:8080"):
        kind(url)


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    server: BadServer, call: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    assert call(server.url, "predict", [ROW], options={"retries": 0}).ids == ["id-0"]


def test_threads_share_a_client(server: BadServer) -> None:
    answers: list[Any] = []
    with Client(server.url) as client:

        def ask() -> None:
            answers.extend(client.predict([ROW]).ids for _ in range(20))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [["id-0"]] * 160


def test_the_client_needs_only_httpx_and_orjson() -> None:
    heavy = ["numpy", "pandas", "pydantic", "sklearn", "sqlalchemy", "fastapi", "starlette", "mlflow"]
    code = f"""
import sys
for name in {heavy}: sys.modules[name] = None  # as if it were not installed
from tenfold import AsyncClient, Client
Client("http://127.0.0.1:1").close()
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path("/"), env={**os.environ})


@pytest.fixture
def full() -> Iterator[str]:
    """The address of a socket that takes no more connections, as a machine that died takes none: its queue is full."""
    with socket.socket() as listener, ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        while True:
            each = waiting.enter_context(socket.socket())
            each.settimeout(0.2)
            try:
                each.connect(address)
            except TimeoutError:
                break
        yield f"http://{address[0]}:{address[1]}"


def test_a_connection_that_nobody_takes_is_tried_until_the_time_is_over(
    full: str, call: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenfold.serving.client.clients.CONNECT_SECONDS", 0.1)
    with pytest.raises(Unreachable, match=r"nothing takes the connection \(\d+ tries\)"):
        call(full, "predict", [ROW], options={"timeout": 1, "retries": 0})

"""What a client can hold on to, and for how long: connections byte by byte."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from integration.serving.processes import started
from integration.serving.threads import running, served
from support.places import wait_until
from tenfold.serving.connection import Connection
from tenfold.serving.turns import Turns
from unit.serving.stage import Folders

BODY = b'{"rows": [[1.0]]}'
HEAD = b"POST /predict HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(
    BODY
)


@pytest.fixture(scope="module")
def port(folders: Folders) -> Generator[int]:
    with served(folders.line, receive_seconds=0.5, connection_seconds=1.5) as port:
        yield port


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def until_closed(connection: socket.socket) -> bytes:
    whole = b""
    while part := connection.recv(65536):
        whole += part
    return whole


def test_a_connection_on_which_nothing_comes_is_closed_without_a_word(port: int) -> None:
    with connected(port) as client:
        assert until_closed(client) == b""


def test_the_time_of_a_request_begins_with_its_first_byte(folders: Folders) -> None:
    with served(folders.line, receive_seconds=4) as port, connected(port) as client:
        for part in (HEAD, BODY):
            time.sleep(2.5)
            client.sendall(part)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", [HEAD[:30], HEAD, HEAD + BODY[:-1]], ids=["head", "no body", "a byte"])
def test_a_request_that_does_not_arrive_is_given_up(port: int, sent: bytes) -> None:
    with connected(port) as client:
        client.sendall(sent)
        started = time.monotonic()
        answer = until_closed(client)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in answer
        assert 0.3 < time.monotonic() - started < 5


@pytest.mark.parametrize("before", [b"", HEAD + BODY], ids=["a new connection", "one that is kept"])
def test_empty_lines_keep_no_connection(port: int, before: bytes) -> None:
    with connected(port) as client:
        client.sendall(before)
        if before:
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"\r\n")
        assert until_closed(client)[:13] in (b"HTTP/1.1 408 ", b"")


def test_an_empty_line_before_a_request_takes_none_of_its_time(folders: Folders) -> None:
    with served(folders.line, receive_seconds=4) as port, connected(port) as client:
        client.sendall(b"\r\n")
        for part in (HEAD, BODY):
            time.sleep(2.5)
            client.sendall(part)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_what_has_come_while_the_process_stood_still_is_no_late_request(folders: Folders, tmp_path: Path) -> None:
    with started(tmp_path, model=folders.line, receive_seconds=1) as server:
        server.until_ready()
        for first in (HEAD, b""):
            with connected(server.port) as client:
                client.sendall(first)
                if not first:
                    time.sleep(0.1)  # for the connection to be accepted
                os.kill(server.process.pid, signal.SIGSTOP)
                client.sendall((HEAD + BODY)[len(first) :])
                time.sleep(1.5)
                os.kill(server.process.pid, signal.SIGCONT)
                assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_request_that_came_in_time_while_the_process_stood_still_finds_its_connection(
    folders: Folders, tmp_path: Path
) -> None:
    with started(tmp_path, model=folders.line, keep_alive_seconds=1) as server:
        server.until_ready()
        with connected(server.port) as client:
            client.sendall(HEAD + BODY)
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
            os.kill(server.process.pid, signal.SIGSTOP)
            client.sendall(HEAD + BODY)
            time.sleep(1.5)
            os.kill(server.process.pid, signal.SIGCONT)
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_connection_may_be_idle_between_two_requests_and_ends_when_it_is_old(port: int) -> None:
    with connected(port) as client:
        closes: list[bool] = []
        started = time.monotonic()
        while not closes or not closes[-1]:
            client.sendall(HEAD + BODY)
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")
            closes.append(b"connection: close" in answer)
            time.sleep(0 if closes[-1] else 0.7)  # longer than a request may take
        assert 1.3 < time.monotonic() - started < 10
        assert len(closes) >= 3
        assert until_closed(client) == b""


def test_a_head_that_comes_again_is_not_parsed_again_and_means_the_same(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(folders.line) as (_, port), connected(port) as client:
        parsed: list[bytes] = []
        answers: list[list[float] | None] = []
        fast = Connection._fast
        monkeypatch.setattr(Connection, "_fast", lambda each, parser: (parsed.append(each.url), fast(each, parser))[1])
        for value in (b"1.0", b"2.0", b"x.0", b"3.0"):
            client.sendall(HEAD + BODY.replace(b"1.0", value))
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 400 " if value == b"x.0" else b"HTTP/1.1 200 ")
            answers.append(json.loads(answer.partition(b"\r\n\r\n")[2]).get("predictions"))
        assert answers == [[pytest.approx(3)], [pytest.approx(5)], None, [pytest.approx(7)]]
        assert parsed == [b"/predict"]
        # In pieces, two at once, and with another in front, it is parsed, and every one is answered.
        client.sendall(HEAD)
        client.sendall(BODY)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        client.sendall((HEAD + BODY) * 2)
        both = b""
        while both.count(b"HTTP/1.1 200 ") < 2:
            both += client.recv(65536)
        assert len(parsed) >= 3
        before = len(parsed)
        client.sendall(HEAD + BODY)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert len(parsed) == before


def test_a_connection_that_is_used_is_kept_and_one_that_is_not_is_closed(folders: Folders) -> None:
    with served(folders.line, keep_alive_seconds=2) as port, connected(port) as client:
        started = time.monotonic()
        while time.monotonic() - started < 4.5:
            client.sendall(HEAD + BODY)
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
            time.sleep(0.4)  # less than it may be idle
        last = time.monotonic()
        assert client.recv(65536) == b""
        assert time.monotonic() - last > 1


def test_a_client_that_goes_away_frees_its_place(folders: Folders) -> None:
    with served(folders.slow) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:

        def went_away() -> float:
            lines = http.get("/metrics").text.splitlines()
            return sum(
                float(line.split()[-1]) for line in lines if line.startswith("tenfold_requests_total") and "499" in line
            )

        with connected(port) as busy:
            busy.sendall(request(500))
            with connected(port) as leaves:
                leaves.sendall(request(1))
                time.sleep(0.2)  # until it waits
            wait_until(lambda: went_away() == 1, what="the end of the request whose client is gone")
            assert select.select([busy], [], [], 0)[0] == [], "the model is busy with the first request"
            busy.settimeout(60)
            assert busy.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_goes_away_with_a_pipeline_is_not_an_error(
    folders: Folders, caplog: pytest.LogCaptureFixture
) -> None:
    with running(folders.slow) as (server, port):
        for _ in range(10):  # it matters how much the server has read by then
            with connected(port) as leaves:
                leaves.sendall(request(50) * 3)
            wait_until(lambda: not server.server_state.connections, what="the end of the connection")
        wait_until(lambda: not server.server_state.tasks, what="the end of all its requests")
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("path", [b"/none", b"/predict", b"/ping", b"*"])
def test_a_body_that_cannot_be_read_is_no_error_of_the_server(
    folders: Folders, caplog: pytest.LogCaptureFixture, path: bytes
) -> None:
    with running(folders.line) as (server, port):
        with connected(port) as client:
            client.sendall(b"POST " + path + b" HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
            assert until_closed(client).startswith(b"HTTP/1.1 400 ")
        wait_until(lambda: not server.server_state.tasks, what="the end of the request")
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def request(rows: int) -> bytes:
    body = json.dumps({"rows": [[0.5] * 8] * rows}).encode()
    head = "POST /predict HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: "
    return head.encode() + str(len(body)).encode() + b"\r\n\r\n" + body


def test_an_answer_that_comes_before_the_end_of_the_chunks_closes_the_connection(
    folders: Folders, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text("key-of-nobody-here")
    chunked = HEAD.replace(b"content-length: %d" % len(BODY), b"transfer-encoding: chunked")
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    with running(folders.line, api_keys_file=tmp_path / "keys") as (_, port):
        with connected(port) as client:
            client.sendall(chunked)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += client.recv(65536)
            client.sendall(chunks)
            answer += until_closed(client)
            assert answer.count(b"HTTP/1.1 ") == answer.count(b"connection: close") == 1
            assert answer.startswith(b"HTTP/1.1 401 ")
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
        with connected(port) as client:  # whole in time
            for _ in range(2):
                client.sendall(chunked + chunks)
                answer = client.recv(65536)
                assert answer.startswith(b"HTTP/1.1 401 ")
                assert b"connection: close" not in answer


@pytest.mark.parametrize("name", [b"authorization", b"Content-Type", b"tenfold-event-time", b"Content-Encoding"])
def test_a_field_that_decides_comes_once(port: int, name: bytes) -> None:
    """A proxy in front may go by the first of two, and the server by the last."""
    with connected(port) as client:
        client.sendall(
            HEAD.replace(b"content-type: application/json", name + b": a\r\n" + name.lower() + b": a") + BODY
        )
        answer = until_closed(client)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert name.lower() + b" twice" in answer


@pytest.mark.parametrize("target", [b"/predict", b"/predict?by=the+app"])
def test_answers_that_nobody_reads_are_held_and_what_finds_no_room_is_cut_off(folders: Folders, target: bytes) -> None:
    most = 16 * 2**20
    body = b'{"rows":[%b]}' % b",".join([b"[1.0]"] * 150_000)
    head = b"POST %b HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    asked = head % (target, len(body)) + body
    with running(folders.line, max_rows=150_000, max_waiting_rows=150_000, max_held_bytes=most) as (server, port):
        held = server.context.held
        clients: list[socket.socket] = []
        for count in (1, 2, 3, 4):
            clients.append(connected(port))
            clients[-1].sendall(asked)
            wait_until(lambda n=count: server.server_state.total_requests == n, what="an answer that is written")
        wait_until(lambda: len(server.server_state.connections) < 4, what="the end of one that found no room")
        assert 2**20 < held.taken <= most
        clients[0].settimeout(20)
        answer = b""
        while answer.count(b"\r\n\r\n") < 1 or not answer.endswith(b"}"):
            answer += clients[0].recv(2**20)
        assert len(json.loads(answer.partition(b"\r\n\r\n")[2])["predictions"]) == 150_000
        for client in clients:
            client.close()
        wait_until(lambda: not server.server_state.connections, what="the end of the connections")
        assert held.taken == 0


def test_a_stop_does_not_reset_who_still_sends_what_is_refused_already(folders: Folders) -> None:
    size = 4 * 2**20
    with running(folders.line, max_body_bytes=1000, drain_seconds=0) as (server, port), connected(port) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nhost: here\r\ncontent-length: %d\r\n\r\n" % size)
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")
        client.sendall(b" " * (size // 2))
        server.should_exit = True
        wait_until(lambda: server.core.state == "draining", what="the begin of the stop")
        wait_until(lambda: next(iter(server.server_state.connections))._stops, what="the stop of the connection")
        client.sendall(b" " * (size // 2))
        assert until_closed(client) == b""


@pytest.mark.parametrize("status", [401, 413])
@pytest.mark.parametrize("why", ["the server drains", "the client asks for it", "HTTP/1.0"])
def test_a_connection_that_ends_with_a_refusal_reads_the_rest_of_the_body(
    folders: Folders, tmp_path: Path, why: str, status: int
) -> None:
    size = 4 * 2**20
    head = b"POST /predict HTTP/1.%d\r\nhost: here\r\ncontent-length: %d\r\n" % (why != "HTTP/1.0", size)
    if why == "the client asks for it":
        head += b"connection: close\r\n"
    given: dict[str, Any] = {"max_body_bytes": 1000}
    if status == 401:
        (tmp_path / "keys").write_text("a-key\n")
        given = {"api_keys_file": tmp_path / "keys"}
    with running(folders.line, drain_seconds=60, **given) as (server, port), connected(port) as client:
        if why == "the server drains":
            client.sendall(HEAD + BODY)
            assert client.recv(65536).startswith(b"HTTP/1.1 200 " if status == 413 else b"HTTP/1.1 401 ")
            server.should_exit = True
            wait_until(lambda: server.core.state == "draining", what="the begin of the stop")
            wait_until(lambda: len(server.server_state.default_headers) > 1, what="answers that say so")
        client.sendall(head + b"\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert answer.count(b"connection: close") == 1
        client.sendall(b" " * size)
        assert until_closed(client) == b""


@pytest.mark.parametrize("grpc", [False, True], ids=["http", "grpc"])
def test_what_waits_for_a_turn_is_not_read(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grpc: bool
) -> None:
    (tmp_path / "keys").write_text("a-key\n")
    monkeypatch.setattr(Turns, "free", False)
    monkeypatch.setattr(Turns, "add", lambda *_: None)  # so no turn ever comes
    with (
        running(folders.line, grpc_port=0 if grpc else None, api_keys_file=tmp_path / "keys") as (server, port),
        connected(server.grpc_port or port) as client,
    ):
        client.settimeout(3)
        with pytest.raises(TimeoutError):
            client.sendall(bytes(2**28))

"""The transport of gRPC under grpcio's client: large messages, many calls at once, calls that are given up, a stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import numpy as np
import pytest
from integration.serving.threads import running
from support.places import free_port, wait_until
from tenfold.serving.app import create_app
from tenfold.serving.context import Context
from tenfold.serving.core import Core
from tenfold.serving.metrics import Metrics
from tenfold.serving.rpc import frames
from tenfold.serving.rpc.frames import PREFACE, Kind
from tenfold.serving.rpc.messages import MESSAGES, SERVICE
from tenfold.serving.rpc.server import RpcServer
from tenfold.serving.server import ModelServer
from unit.serving.stage import Folders, settings

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
ALONE = [("grpc.use_local_subchannel_pool", 1)]


def asked(model: str, values: np.ndarray[Any, Any]) -> bytes:
    """A request for rows of `values`, raw."""
    message = MESSAGES["ModelInferRequest"](model_name=model, raw_input_contents=[values.astype("<f8").tobytes()])
    message.inputs.add(name="x", datatype="FP64", shape=values.shape)
    return message.SerializeToString()


def predicted(answer: bytes) -> list[float]:
    message = MESSAGES["ModelInferResponse"].FromString(answer)
    return np.frombuffer(message.raw_output_contents[0], "<f8").round(6).tolist()


def infer(channel: Any) -> Any:
    return channel.unary_unary(f"/{SERVICE}/ModelInfer")


@pytest.fixture(scope="module")
def line(folders: Folders) -> Iterator[ModelServer]:
    """Answers a number with twice as much and one."""
    with running(folders.line, grpc_port=0, max_rows=1_000_000, name="line") as (server, _):
        wait_until(lambda: server.grpc_port)
        yield server


@pytest.fixture
def channel(line: ModelServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{line.grpc_port}", options=[*UNLIMITED, *ALONE]) as channel:
        yield channel


def test_large_messages_in_both_directions(channel: grpc.Channel) -> None:
    xs = np.arange(1_000_000.0)
    answer = infer(channel)(asked("line", xs[:, None]), timeout=60)
    assert len(answer) > 8_000_000
    assert predicted(answer) == (2 * xs + 1).tolist()


def test_what_is_larger_than_allowed_is_refused_before_it_has_arrived(line: ModelServer, channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as e:
        infer(channel)(bytes(line.settings.max_body_bytes + 1), timeout=60)
    assert e.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "TENFOLD_MAX_BODY_BYTES" in e.value.details()
    assert predicted(infer(channel)(asked("line", np.array([[4.0]])), timeout=10)) == [9.0]


async def test_a_hundred_calls_at_once_over_one_connection(line: ModelServer) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{line.grpc_port}") as channel:
        for _ in range(5):
            answers = await asyncio.gather(
                *(infer(channel)(asked("line", np.full((n % 7 + 1, 1), n)), timeout=30) for n in range(100))
            )
            assert [predicted(answer) for answer in answers] == [[2.0 * n + 1] * (n % 7 + 1) for n in range(100)]


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        (f"/{SERVICE}/ModelConfig", {}, f"no method /{SERVICE}/ModelConfig here"),
        (f"/{SERVICE}/", {}, "Call one of"),
        (f"/{SERVICE}/ServerLive", {"compression": grpc.Compression.Gzip}, "compressed with 'gzip'"),
    ],
)
def test_what_is_not_spoken_is_said(channel: grpc.Channel, method: str, options: dict[str, Any], words: str) -> None:
    message = MESSAGES["ModelReadyRequest"](name="x" * 1000).SerializeToString()
    with pytest.raises(grpc.RpcError) as e:
        channel.unary_unary(method)(message, timeout=10, **options)
    assert e.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert words in e.value.details()


def test_stages_are_measured_as_over_http(line: ModelServer, channel: grpc.Channel) -> None:
    infer(channel)(asked("line", np.array([[1.0]])), timeout=10)
    counted = b'tenfold_stage_seconds_count{protocol="grpc",stage="encode"}'
    wait_until(lambda: counted in line.metrics.render(), what="the stages among the metrics")


@pytest.fixture
def busy(folders: Folders) -> Iterator[tuple[ModelServer, grpc.Channel, Callable[[], None]]]:
    """A server whose model is asked for long; one row may wait, and then there is no room any more."""
    with running(folders.slow, grpc_port=0, max_waiting_rows=1, name="slow") as (server, _):
        wait_until(lambda: server.grpc_port)
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options=ALONE) as channel:
            call = infer(channel).future(asked("slow", np.zeros((500, 8))), timeout=60)
            batcher: Any = server.core._batcher
            wait_until(lambda: batcher._running, what="a model that is being asked")
            yield server, channel, call.result


def test_a_call_that_is_given_up_frees_its_place(busy: tuple[ModelServer, grpc.Channel, Callable[[], None]]) -> None:
    server, channel, first = busy
    waiting = infer(channel).future(asked("slow", np.zeros((1, 8))), timeout=60)
    wait_until(lambda: server.core.full, what="a row that waits")
    waiting.cancel()
    wait_until(lambda: not server.core.full, what="its place")
    gone = b'tenfold_requests_total{code="499",protocol="grpc",version="7"} 1.0'
    wait_until(lambda: gone in server.metrics.render(), what="the call whose client gave up")
    assert first()


def test_the_clients_deadline_is_kept_while_it_waits(
    busy: tuple[ModelServer, grpc.Channel, Callable[[], None]],
) -> None:
    server, channel, first = busy
    with pytest.raises(grpc.RpcError) as e:
        infer(channel)(asked("slow", np.zeros((1, 8))), timeout=0.1)
    assert e.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until(lambda: not server.core.full, what="its place")
    assert first()


def test_a_stop_answers_what_is_under_way(folders: Folders) -> None:
    with running(folders.slow, grpc_port=0, name="slow") as (server, _):
        wait_until(lambda: server.grpc_port)
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options=ALONE) as channel:
            calls = [infer(channel).future(asked("slow", np.zeros((50, 8))), timeout=60) for _ in range(10)]
            predicted(calls[0].result())  # so all of them have begun
            server.should_exit = True
            assert [len(predicted(call.result())) for call in calls] == [50] * 10


@asynccontextmanager
async def context_over(folder: Path, **given: Any) -> AsyncIterator[Context]:
    given = {"model": str(folder), "version": "7", **given}
    metrics = Metrics()
    core = Core(settings(**given), asked=metrics.predicted)
    _, context = create_app(core, core.settings, metrics)
    await asyncio.to_thread(core.load)
    try:
        yield context
    finally:
        core.close(1)


async def test_a_stop_under_load_loses_no_call(folders: Folders) -> None:
    """Replicas share a port: who is told to go away asks the other, and never hears of it."""
    port, answered, left = free_port(), 0, False
    message = asked("line", np.array([[4.0]]))

    async def client() -> None:
        nonlocal answered
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=ALONE) as channel:
            call = infer(channel)
            while not left:
                assert predicted(await call(message, timeout=30)) == [9.0]
                answered += 1

    async with context_over(folders.line, name="line", listen_fd=0) as context:
        servers = [RpcServer(context, port), RpcServer(context, port)]
        clients = [asyncio.create_task(client()) for _ in range(16)]
        for _ in range(5):
            seen = answered
            while answered < seen + 200:
                await asyncio.wait(clients, timeout=0.01, return_when=asyncio.FIRST_EXCEPTION)
                assert not any(each.done() and each.exception() for each in clients), clients
            servers.append(RpcServer(context, port))
            await servers.pop(0).stop(10)
        left = True
        await asyncio.gather(*clients)
        for server in servers:
            await server.stop(10)


def test_what_is_no_call_is_said_too(line: ModelServer) -> None:
    """HTTP/2 without gRPC, and HTTP without 2."""
    for method, status in ((b"\x82", b"405"), (b"\x83", b"415")):
        with socket.create_connection(("127.0.0.1", line.grpc_port or 0), timeout=10) as client:
            head = frames.frame(Kind.HEADERS, 5, 1, method + b"\x86\x84")
            client.sendall(PREFACE + frames.settings({}) + head)
            said = b""
            while b"port of gRPC" not in said:
                part = client.recv(65536)
                assert part
                said += part
            assert status in said
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{line.grpc_port}/")

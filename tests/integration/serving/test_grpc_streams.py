"""`ModelStreamInfer` under Triton's client and grpcio's: answers in order, errors within the stream, and its end."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from integration.serving.channels import ALONE, called
from integration.serving.test_grpc_transport import asked, predicted
from support.places import GUARD, wait_until
from tenfold.serving.rpc import frames, streaming
from tenfold.serving.rpc.frames import PREFACE, Flag, Kind, Setting
from tenfold.serving.rpc.headers import encode
from tenfold.serving.rpc.messages import MESSAGES, SERVICE
from tenfold.serving.rpc.responses import prefixed
from tenfold.serving.server import ModelServer
from tritonclient.utils import InferenceServerException
from unit.serving.stage import Folders

PATH = f"/{SERVICE}/ModelStreamInfer"


@pytest.fixture(scope="module")
def line(folders: Folders) -> Iterator[ModelServer]:
    """Answers a number with twice as much and one."""
    with called(folders.line, max_rows=50, name="line", write_seconds=1, receive_seconds=5) as (server, _):
        yield server


@pytest.fixture
def channel(line: ModelServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{line.grpc_port}", options=ALONE) as channel:
        yield channel


def column(values: list[float]) -> triton.InferInput:
    tensor = triton.InferInput("x", [len(values), 1], "FP64")
    tensor.set_data_from_numpy(np.array(values)[:, None])
    return tensor


def replies(channel: grpc.Channel, requests: Any, **more: Any) -> Any:
    call = channel.stream_stream(PATH)(requests, **{"timeout": 60, **more})
    return (MESSAGES["ModelStreamInferResponse"].FromString(each) for each in call)


def value(reply: Any) -> float:
    (found,) = predicted(reply.infer_response.SerializeToString())
    return found


def test_tritons_client_streams(line: ModelServer) -> None:
    answers: queue.Queue[tuple[Any, Any]] = queue.Queue()
    with triton.InferenceServerClient(f"127.0.0.1:{line.grpc_port}") as client:
        client.start_stream(lambda result, error: answers.put((result, error)))
        for number in range(500):
            name = "rose" if number % 100 == 99 else "line"
            client.async_stream_infer(name, [column([float(number)])], request_id=str(number))
        for number in range(500):
            result, error = answers.get(timeout=60)
            if number % 100 == 99:
                assert isinstance(error, InferenceServerException)
                assert "There is no model 'rose' here" in str(error)
            else:
                assert error is None
                assert result.get_response().id == str(number)
                assert result.get_response().parameters["triton_final_response"].bool_param
                assert result.as_numpy("predict").round(6).tolist() == [2 * number + 1]
        client.stop_stream()
    assert answers.empty()


def test_a_message_that_cannot_be_answered_costs_its_own_response_only(channel: grpc.Channel) -> None:
    good = asked("line", np.array([[1.0]]))
    wide = MESSAGES["ModelInferRequest"].FromString(asked("line", np.zeros((51, 1))))
    wide.id = "mine"
    first, garbled, rows, last = replies(channel, iter([good, b"\x0a\xff", wide.SerializeToString(), good]))
    assert value(first) == value(last) == 3
    assert garbled.error_message.startswith("The 2 bytes of the message cannot be read as inference.ModelInferRequest")
    assert "51 rows, more than the 50 allowed" in rows.error_message
    assert rows.infer_response.id == "mine"


def test_more_than_are_answered_at_a_time_and_slowly_taken(channel: grpc.Channel) -> None:
    many = 40 * streaming._MOST_MESSAGES
    taken = replies(channel, (asked("line", np.full((50, 1), n)) for n in range(many)))
    for number, reply in enumerate(taken):
        assert predicted(reply.infer_response.SerializeToString()) == [2 * number + 1] * 50
    assert number == many - 1


def test_a_stream_without_messages_ends_well(channel: grpc.Channel) -> None:
    assert list(replies(channel, iter([]))) == []


def test_the_clients_deadline_ends_a_stream(channel: grpc.Channel) -> None:
    hold = threading.Event()

    def requests() -> Iterator[bytes]:
        yield asked("line", np.array([[1.0]]))
        hold.wait(60)

    found = replies(channel, requests(), timeout=1)
    assert value(next(found)) == 3
    with pytest.raises(grpc.RpcError) as e:
        next(found)
    hold.set()
    assert e.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    ("message", "options", "code"),
    [
        (bytes(17 * 2**20), {}, "RESOURCE_EXHAUSTED"),
        (bytes(1000), {"compression": grpc.Compression.Gzip}, "UNIMPLEMENTED"),
    ],
)
def test_what_is_not_taken_ends_the_stream_after_what_came_before(
    line: ModelServer, message: bytes, options: dict[str, Any], code: str
) -> None:
    unlimited = [*ALONE, ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{line.grpc_port}", options=unlimited) as channel:
        good = [] if options else [asked("line", np.array([[1.0]]))]
        found = replies(channel, iter([*good, message]), **options)
        with pytest.raises(grpc.RpcError) as e:
            assert [value(each) for each in found] == [3]
        assert e.value.code().name == code


def test_a_stop_answers_what_has_come_and_says_that_the_stream_ends(folders: Folders) -> None:
    hold = threading.Event()
    with called(folders.slow, name="slow") as (server, channel):

        def requests() -> Iterator[bytes]:
            for _ in range(10):
                yield asked("slow", np.zeros((20, 8)))
            hold.wait(60)

        found = replies(channel, requests())
        first = next(found)
        server.should_exit = True
        replied = [first]
        with pytest.raises(grpc.RpcError) as e:
            replied.extend(found)
        for reply in replied:
            assert len(predicted(reply.infer_response.SerializeToString())) == 20
        hold.set()
        assert e.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "about to stop" in e.value.details()


def test_who_gives_up_a_stream_frees_its_places(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    with called(folders.slow, name="slow", max_waiting_rows=5) as (server, channel):
        asks, hold, answer = threading.Event(), threading.Event(), server.core.model.answer

        def held(*given: Any) -> Any:
            asks.set()
            hold.wait(GUARD)
            return answer(*given)

        monkeypatch.setattr(server.core.model, "answer", held)

        def requests() -> Iterator[bytes]:
            yield asked("slow", np.zeros((500, 8)))
            asks.wait(GUARD)  # what comes before would be asked with it
            for _ in range(5):
                yield asked("slow", np.zeros((1, 8)))
            hold.wait(GUARD)

        call = channel.stream_stream(PATH)(requests(), timeout=GUARD)
        wait_until(lambda: server.core.full, what="rows that wait")
        call.cancel()
        wait_until(lambda: not server.core.full, what="their places")
        hold.set()
        wait_until(lambda: not server.context.held.taken, what="the bytes of its messages")


def test_a_key_is_asked_for(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("first-key\n")
    with called(folders.line, name="line", api_keys_file=tmp_path / "keys") as (_, channel):
        message = asked("line", np.array([[1.0]]))
        (found,) = replies(channel, iter([message]), metadata=[("authorization", "Bearer first-key")])
        assert value(found) == 3
        with pytest.raises(grpc.RpcError) as e:
            list(replies(channel, iter([message])))
        assert e.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_client_that_does_not_read_is_cut_off_and_holds_little_until_then(line: ModelServer) -> None:
    """It opens no window: no more messages are begun than are answered at a time, and then it is given up."""
    head = encode(
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", PATH.encode()), (b"content-type", b"application/grpc")
    )
    message = prefixed(asked("line", np.zeros((50, 1))))
    with socket.create_connection(("127.0.0.1", line.grpc_port or 0), timeout=30) as client:
        client.sendall(PREFACE + frames.settings({Setting.INITIAL_WINDOW_SIZE: 0}))
        client.sendall(frames.frame(Kind.HEADERS, Flag.END_HEADERS, 1, head))
        for _ in range(2000):
            client.sendall(frames.frame(Kind.DATA, 0, 1, message))
        wait_until(lambda: line.context.held.taken, what="messages that wait")
        assert line.context.held.taken < 2001 * len(message) + 2000
        said = b""
        while frames.frame(Kind.RST_STREAM, 0, 1)[3:9] not in said:
            part = client.recv(65536)
            assert part
            said += part
        wait_until(lambda: not line.context.held.taken, what="its bytes to be given back")

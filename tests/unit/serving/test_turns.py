"""What those without a key cost others: slices of time, one address after the other; and nothing of them is kept."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hpack import Encoder
from tenfold.serving import linger
from tenfold.serving import turns as module
from tenfold.serving.app import create_app
from tenfold.serving.connection import Connection
from tenfold.serving.core import Core
from tenfold.serving.metrics import Metrics
from tenfold.serving.request import RequestHead
from tenfold.serving.rpc import frames
from tenfold.serving.rpc.frames import Flag, Kind
from tenfold.serving.rpc.service import Service
from tenfold.serving.settings import Settings
from tenfold.serving.turns import Turn, Turns
from unit.serving.rpc.peer import Peer, Wire
from uvicorn.server import ServerState

pytestmark = pytest.mark.asyncio

KEY = b"authorization: Bearer a-key\r\n"
PREDICT = b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
GUESS = PREDICT + b"content-length: 2\r\n\r\n{}"
ASKED = PREDICT + KEY + b"content-length: 2\r\n\r\n{}"
# To parse so many takes far longer than a slice.
MANY_CHUNKS = PREDICT + b"transfer-encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 200_000


class Client(Wire):
    """A client of HTTP at the other end of a connection without a network."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._extra = {"peername": ("10.0.0.1", 1), "sockname": ("10.0.0.2", 8080)}
        self.connection: Any = server.protocol(config=server.config, server_state=ServerState(), app_state={})
        self.connection.connection_made(self)

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.aborted = True

    def send(self, data: bytes) -> None:
        self.connection.data_received(data)

    async def status(self) -> int:
        """Of the next answer."""
        await until(lambda: self.written)
        status = int(self.written.split(b" ", 2)[1])
        self.written.clear()
        return status


class Server:
    """Nothing is loaded, so whoever has a key gets 503."""

    def __init__(self, file: Path | None, **given: Any) -> None:
        settings, metrics = Settings(model="", api_keys_file=file, **given), Metrics()
        app, self.context = create_app(Core(settings, metrics.predicted), settings, metrics)
        self.protocol = Connection.of(self.context, None)
        self.config = uvicorn.Config(app, log_config=None, lifespan="off")
        self.config.load()


@pytest.fixture
def server(tmp_path: Path) -> Server:
    (file := tmp_path / "keys").write_text("a-key\n")
    return Server(file)


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0)


class Taker:
    """A connection that has something to parse whenever its turn comes."""

    def __init__(self, turns: Turns, address: str, parse: Callable[[], None]) -> None:
        self.wire = Wire()
        self.turn = Turn(turns, self.wire, address, parse, lambda: True, exempt=False)


async def test_addresses_take_turns_however_many_connections_they_have() -> None:
    turns, order = Turns(), list[str]()
    for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
        Taker(turns, name[0], lambda name=name: order.append(name)).turn.wait()
    assert not turns.free, "somebody waits"
    await until(lambda: len(order) == 6)
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert turns.free


async def test_who_lingers_comes_after_all_others() -> None:
    turns, order = Turns(), list[str]()
    takers = {name: Taker(turns, name[0], lambda name=name: order.append(name)) for name in ("a1", "a2", "b1", "b2")}
    for name, taker in takers.items():
        if name == "b1":
            taker.turn.linger()
        taker.turn.wait()
    takers["a1"].turn.linger()
    await until(lambda: len(order) == 4)
    assert order == ["a2", "b2", "b1", "a1"]
    takers["a1"].turn.wait()
    takers["a1"].turn.leave()
    assert not turns._lingering


async def test_who_takes_one_turn_after_the_other_keeps_nobody_from_the_loop() -> None:
    turns, taken = Turns(), 0

    def take() -> None:
        nonlocal taken
        taken += 1
        taker.turn.wait()

    taker = Taker(turns, "a", take)
    taker.turn.wait()
    await until(lambda: taken > 1000)
    loop: Any = asyncio.get_running_loop()
    assert len(loop._scheduled) <= 1, "one timer does for all"


async def test_an_error_in_one_turn_is_no_others() -> None:
    turns, taken = Turns(), list[str]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, what: taken.append(str(what["exception"])))
    Taker(turns, "a", lambda: [].pop()).turn.wait()
    Taker(turns, "b", lambda: taken.append("b")).turn.wait()
    await until(lambda: len(taken) == 2)
    assert taken == ["pop from empty list", "b"]
    assert turns.free


async def test_who_is_gone_takes_no_place() -> None:
    turns, taken = Turns(), list[str]()
    gone = Taker(turns, "a", lambda: taken.append("gone"))
    gone.turn.wait()
    gone.turn.leave()
    assert turns.free
    Taker(turns, "a", lambda: taken.append("there")).turn.wait()
    await until(lambda: taken)
    assert taken == ["there"]


async def test_time_is_saved_up_and_owed_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0

    class Clock:
        monotonic = staticmethod(lambda: now)

    monkeypatch.setattr(module, "time", Clock)
    turns = Turns()
    assert turns.free
    turns.spend(0.0009)
    assert turns.free
    turns.spend(60)
    assert not turns.free
    now += 0.09
    assert not turns.free
    now += 0.02
    assert turns.free, "what took long keeps nobody waiting for longer than a tenth of a second"


async def test_a_guessers_bytes_are_parsed_a_slice_at_a_time(server: Server) -> None:
    guesser = Client(server)
    guesser.send(MANY_CHUNKS)
    assert guesser.connection.has_unread
    assert not guesser.reads
    assert await guesser.status() == 401


async def test_who_has_shown_a_key_waits_for_no_turn(server: Server) -> None:
    client, guesser = Client(server), Client(server)
    client.send(ASKED)
    assert await client.status() == 503
    server.context.turns.spend(60)
    guesser.send(GUESS)
    assert not guesser.written
    assert not guesser.reads
    client.send(ASKED)
    assert await client.status() == 503
    assert not guesser.written
    assert await guesser.status() == 401
    assert guesser.reads


@pytest.mark.parametrize("refused", [GUESS, GUESS.replace(b"content-length: 2", b"x: y\r\ncontent-length: 2")])
async def test_a_wrong_key_makes_a_guesser_again(server: Server, refused: bytes) -> None:
    client = Client(server)
    client.send(ASKED)
    assert await client.status() == 503
    client.send(refused)
    assert await client.status() == 401
    assert not client.connection.turn.authenticated


@pytest.mark.parametrize("path", [b"/metrics", b"/docs", b"/v2/health/live"])
async def test_a_request_without_a_key_does_not_ride_on_the_key_of_another(server: Server, path: bytes) -> None:
    client = Client(server)
    client.send(ASKED)
    assert await client.status() == 503
    probe = b"GET %b HTTP/1.1\r\nhost: a\r\n" % path
    client.send(probe + KEY + b"\r\n")
    assert await client.status() == 200
    assert client.connection.turn.authenticated
    client.send(probe + b"\r\n")
    assert await client.status() == 200
    assert not client.connection.turn.authenticated


async def test_a_guesser_whose_key_is_right_goes_on_at_once(server: Server) -> None:
    client = Client(server)
    client.send(MANY_CHUNKS.replace(b"\r\n", b"\r\n" + KEY, 1) + b"0\r\n\r\n")
    assert not client.reads
    await until(lambda: client.connection.turn.authenticated)
    assert not client.connection.turn.waits
    assert await client.status() == 503


async def test_what_is_refused_for_its_length_is_read_to_its_end(server: Server) -> None:
    client = Client(server)
    client.send(ASKED)
    assert await client.status() == 503
    client.send(PREDICT + KEY + b"content-length: 20000000\r\n\r\n")
    assert await client.status() == 413
    for _ in range(20):
        await until(lambda: client.reads)
        client.send(bytes(1_000_000))
    await until(lambda: client.reads)
    assert client.connection.turn.authenticated
    client.send(ASKED)
    assert await client.status() == 503


async def test_who_waits_as_the_server_stops_is_answered_soon(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_OWED_SECONDS", 3600)
    server.context.turns.spend(0.2)
    client = Client(server)
    client.send(ASKED)
    server.context.turns.end()
    assert await client.status() == 503
    assert server.context.turns._left > -0.05, "it did not wait for a fifth of the time to be enough"


async def test_the_time_that_a_client_waits_for_its_turn_is_not_its_own(tmp_path: Path) -> None:
    (file := tmp_path / "keys").write_text("a-key\n")
    server = Server(file, receive_seconds=0.2)
    client, peer = Client(server), Peer(authenticated=False, receive_seconds=0.2)
    for turns in (server.context.turns, peer.context.turns):
        turns._left = -0.1  # half a second
    client.send(ASKED)
    peer.feed(peer.call(1))
    assert not client.written
    assert await client.status() == 503
    await until(lambda: peer.calls)
    assert peer.broken is None


async def test_who_asks_without_a_key_what_is_allowed_rides_on_no_others(server: Server) -> None:
    client = Client(server)
    client.send(ASKED)
    assert await client.status() == 503
    client.send(b"OPTIONS /predict HTTP/1.1\r\nhost: a\r\n\r\n")
    assert await client.status() == 204
    assert not client.connection.turn.authenticated


async def test_what_is_no_call_of_grpc_rides_on_no_others_key(server: Server) -> None:
    peer = Peer(context=server.context, open_call=Service(server.context).open_call, authenticated=False)
    post = ((":method", "POST"), (":scheme", "http"), (":path", "/inference.GRPCInferenceService/ModelInfer"))
    for number, headers, authenticated in (
        (1, (("content-type", "application/grpc"), ("authorization", "Bearer a-key")), True),
        (3, (("content-type", "text/plain"),), False),
    ):
        block = Encoder().encode([*post, *headers])
        peer.feed(frames.frame(Kind.HEADERS, Flag.END_HEADERS, number, block))
        assert peer.connection._turn.authenticated == authenticated


async def test_who_is_one_too_many_is_let_go_soon_whatever_it_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linger, "_MOMENT_SECONDS", 0.05)
    server = Server(None, max_connections=1)
    _first, second = Client(server), Client(server)
    assert second.written.startswith(b"HTTP/1.1 503 ")

    def closed() -> bool:
        second.send(b"a")
        return second.aborted

    await until(closed)


async def test_who_is_refused_and_goes_on_sending_is_told_once(tmp_path: Path) -> None:
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
    (file := tmp_path / "keys").write_text("a-key\n")
    server = Server(file, receive_seconds=0.02)
    client = Client(server)
    client.send(PREDICT + b"connection: close\r\ncontent-length: 1000\r\n\r\n{")
    await until(lambda: client.written)
    for _ in range(20):
        client.send(b" ")
        await asyncio.sleep(0.01)
    assert client.written.count(b"HTTP/1.1 ") == 1
    assert not failures


async def test_where_there_are_no_keys_nobody_waits() -> None:
    server = Server(None)
    server.context.turns.spend(60)
    client = Client(server)
    client.send(b"GET /v2/health/live HTTP/1.1\r\nhost: a\r\n\r\n")
    assert client.connection.turn.is_now
    assert await client.status() == 200


async def test_new_connections_wait_where_others_do(server: Server) -> None:
    first = Client(server)
    first.send(MANY_CHUNKS)
    second = Client(server)
    await asyncio.sleep(0)
    assert not second.reads
    await until(lambda: second.reads)
    second.send(GUESS)
    assert await second.status() == 401


@pytest.mark.parametrize(
    "sent",
    [
        GUESS,
        ASKED,
        MANY_CHUNKS,
        GUESS * 3,
        b"GET /%b HTTP/1.1\r\nhost: a\r\n\r\n" % (b"a" * 5000),
        b"GET /" + b"a" * 100_000,
        b"GET /docs HTTP/1.1\r\nhost: a\r\n\r\n",
        GUESS[:-1],
        b"\0\1\2",
    ],
    ids=repr,
)
async def test_nothing_of_a_connection_waits_for_the_collector(server: Server, sent: bytes) -> None:
    gc.collect()
    gc.disable()
    try:
        client = Client(server)
        client.send(sent)
        await until(lambda: client.written or sent == GUESS[:-1])
        client.abort()
        client.connection.connection_lost(None)
        gone = weakref.ref(client.connection)
        client.connection = None
        await until(lambda: gone() is None)
    finally:
        gc.enable()


async def test_who_is_gone_before_its_request_is_looked_at_is_not_answered(server: Server) -> None:
    client = Client(server)
    client.send(b"GET /docs HTTP/1.1\r\nhost: a\r\n\r\n" * 2)
    client.abort()
    tasks, cycle = set(client.connection.tasks), client.connection.cycle
    client.connection.connection_lost(None)
    await asyncio.gather(*tasks)
    assert not client.written
    assert cycle.disconnected


async def test_a_refusal_leads_to_no_frame_of_who_called(server: Server) -> None:
    match = server.context.table.match("POST", "/predict")
    _, error = server.context.judge("POST", "/predict", match, RequestHead({}, {}))
    assert error is not None
    assert error.__traceback__ is None


async def test_frames_of_grpc_are_read_a_slice_at_a_time_too() -> None:
    peer = Peer(authenticated=False)
    peer.feed(*[frames.frame(Kind.PRIORITY, 0, 1, bytes(5))] * 3, frames.frame(Kind.PING, 0, 0, bytes(8)))
    assert [frame.kind for frame in peer.read()] == [Kind.PING]
    peer.context.turns.spend(60)
    peer.feed(frames.frame(Kind.PING, 0, 0, bytes(8)))
    assert (peer.read(), peer.wire.reads) == ([], False)
    await until(lambda: peer.wire.written)
    assert peer.wire.reads
    # More frames than a slice has time for, of a kind that is no flood.
    calls = b"".join(peer.call(number) for number in range(1, 4_001, 2))
    peer.feed(calls)
    assert not peer.wire.reads
    assert len(peer.calls) < 2_000
    await until(lambda: len(peer.calls) == 2_000)

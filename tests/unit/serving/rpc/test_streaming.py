"""Streams of messages without a network: the event loop's other work, and clients that do not take the responses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from tenfold.serving.request import RequestHead
from tenfold.serving.rpc import frames, responses
from tenfold.serving.rpc.errors import Code
from tenfold.serving.rpc.flood_guard import FloodGuard
from tenfold.serving.rpc.frames import LARGEST, LARGEST_WINDOW, Flag, Kind, Setting, frame
from tenfold.serving.rpc.infer_stream import InferStream
from tenfold.serving.rpc.stream import Stream
from tenfold.serving.rpc.streaming import Slot, StreamingCall
from unit.serving.rpc.peer import Peer, framed

# All of it belongs on an event loop.
pytestmark = pytest.mark.asyncio

MANY, MOST_A_TURN = 3000, 64


class EchoStream(StreamingCall):
    """Answers each message with itself, within the same call."""

    handled = 0

    def handle(self, message: bytes, slot: Slot) -> None:
        self.handled += 1
        slot.fill(message)


class Streaming(Peer):
    """A client with a stream, who takes any number of bytes."""

    def __init__(self) -> None:
        super().__init__(open_call=self._open_stream)
        widest = frames.window_update(0, LARGEST_WINDOW - frames.FIRST_WINDOW)
        self.feed(frames.settings({Setting.INITIAL_WINDOW_SIZE: LARGEST_WINDOW}) + widest)
        self.feed(frame(Kind.HEADERS, Flag.END_HEADERS, 1, self.block()))
        self.read()

    def _open_stream(self, headers: Mapping[bytes, bytes], stream: Stream) -> EchoStream:
        self.streaming = EchoStream(self.context, RequestHead(headers, {}), stream, float("inf"))
        return self.streaming

    def send(self, *messages: bytes) -> None:
        """All of them, and the end."""
        body = b"".join(framed(each) for each in messages)
        parts = [body[at : at + LARGEST] for at in range(0, len(body), LARGEST)]
        last = len(parts) - 1
        self.feed(*(frame(Kind.DATA, Flag.END_STREAM * (n == last), 1, part) for n, part in enumerate(parts)))


async def test_other_work_has_its_turn_between_messages() -> None:
    peer, wanted = Streaming(), [b"%d" % number for number in range(MANY)]
    peer.send(*wanted)
    seen = [peer.streaming.handled]
    while seen[-1] < MANY:
        await asyncio.sleep(0)
        seen.append(peer.streaming.handled)
        assert len(seen) < MANY
    assert max(after - before for before, after in zip([0, *seen], seen, strict=False)) <= MOST_A_TURN
    await asyncio.sleep(0)
    assert peer.answers() == {1: (b"".join(map(responses.prefixed, wanted)), {"grpc-status": "0"})}


async def test_a_stream_that_ends_has_no_more_turns() -> None:
    peer = Streaming()
    peer.send(*[b""] * MANY)
    peer.feed(frames.reset(1, Code.CANCEL))
    before = peer.streaming.handled
    for _ in range(5):
        await asyncio.sleep(0)
    assert peer.streaming.handled == before < MANY


async def test_while_nothing_is_taken_no_more_messages_are_begun() -> None:
    peer = Streaming()
    peer.send(*[b""] * MANY)
    peer.connection.pause_writing()
    for _ in range(MANY // MOST_A_TURN):
        await asyncio.sleep(0)
    assert peer.streaming.handled <= 3 * MOST_A_TURN
    peer.connection.resume_writing()
    for _ in range(MANY):
        await asyncio.sleep(0)
    assert peer.answers() == {1: (responses.prefixed(b"") * MANY, {"grpc-status": "0"})}


async def test_messages_that_ask_for_nothing_earn_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    earned: list[int] = []
    monkeypatch.setattr(FloodGuard, "earn", lambda _, answers=1: earned.append(answers))
    monkeypatch.setattr("tenfold.serving.core.Core.max_values", 10)
    monkeypatch.setattr("tenfold.serving.core.Core.check_model", lambda *_: None)
    peer = Peer(open_call=lambda headers, s: InferStream(peer.context, RequestHead(headers, {}), s, float("inf")))
    peer.feed(frame(Kind.HEADERS, Flag.END_HEADERS, 1, peer.block()), frame(Kind.DATA, 0, 1, framed(b"") * 10))
    assert b"The request has no inputs" in b"".join(f.payload for f in peer.read() if f.kind == Kind.DATA)
    # As often as for a call that is refused: once for each part.
    assert set(earned) == {0, 1}

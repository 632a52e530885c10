"""HTTP/2 byte by byte: calls and their answers, what a client may not do, and what it may not hold on to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from hpack import Encoder
from tenfold.serving import linger
from tenfold.serving.rpc import connection as module
from tenfold.serving.rpc import frames
from tenfold.serving.rpc.connection import Connection
from tenfold.serving.rpc.errors import Code
from tenfold.serving.rpc.frames import FIRST_WINDOW, LARGEST, LARGEST_WINDOW, PREFACE, Flag, Kind, Setting, frame
from tenfold.serving.untaken import LEAST_TAKEN
from unit.serving.rpc.peer import REQUEST, WHOLE, Frame, Peer, Wire, framed

# All of it belongs on an event loop.
pytestmark = pytest.mark.asyncio


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def test_it_says_what_it_takes_and_confirms_what_it_is_told() -> None:
    peer = Peer(greets=False, max_body_bytes=100_000, max_streams=7)
    settings, window = peer.read()
    told = frames.read_settings(settings.payload)
    assert told[Setting.INITIAL_WINDOW_SIZE] == 100_005
    assert told[Setting.MAX_CONCURRENT_STREAMS] == 7
    assert (window.kind, window.stream, frames.read_number(window.payload)) == (
        Kind.WINDOW_UPDATE,
        0,
        200_010 - FIRST_WINDOW,
    )
    peer.feed(PREFACE, frames.settings({}), frame(Kind.PING, 0, 0, b"12345678"))
    assert peer.read() == [Frame(Kind.SETTINGS, Flag.ACK, 0, b""), Frame(Kind.PING, Flag.ACK, 0, b"12345678")]


@pytest.mark.parametrize("step", [1, 7, 10_000])
async def test_calls_come_in_pieces_of_any_size(step: int) -> None:
    peer = Peer(greets=False)
    data = PREFACE + frames.settings({}) + peer.call(1) + peer.call(3, b"x" * 1000)
    for at in range(0, len(data), step):
        peer.feed(data[at : at + step])
    assert peer.answers() == {
        1: (framed(b"hello"), {"grpc-status": "0"}),
        3: (framed(b"x" * 1000), {"grpc-status": "0"}),
    }


async def test_headers_may_be_continued_padded_and_of_some_priority() -> None:
    peer = Peer()
    block = peer.block(("x-request-id", "mine"))
    head = b"\x04" + (0).to_bytes(4, "big") + b"\x10" + block[:5] + bytes(4)
    peer.feed(frame(Kind.HEADERS, Flag.PADDED | Flag.PRIORITY, 1, head))
    peer.feed(frame(Kind.CONTINUATION, 0, 1, block[5:9]), frame(Kind.CONTINUATION, Flag.END_HEADERS, 1, block[9:]))
    peer.feed(frame(Kind.PRIORITY, 0, 7, bytes(5)), frame(99, 0, 1, b"unknown"))
    peer.feed(frame(Kind.DATA, Flag.PADDED, 1, b"\x02ab\0\0"), frame(Kind.DATA, 0, 1, b"c"))
    trailers = Encoder().encode([("x-checksum", "1")])
    peer.feed(frame(Kind.HEADERS, WHOLE, 1, trailers))
    assert peer.calls[0].headers[b"x-request-id"] == b"mine"
    # What padding took of the stream's window is given back.
    assert Frame(Kind.WINDOW_UPDATE, 0, 1, (3).to_bytes(4, "big")) in peer.read()
    assert peer.calls[0].body == b"abc"
    assert peer.calls[0].whole


async def test_an_answer_obeys_the_clients_windows() -> None:
    peer = Peer()
    peer.feed(frames.settings({Setting.INITIAL_WINDOW_SIZE: 10}))
    peer.feed(peer.call(1, b"x" * 95), peer.call(3))
    assert [(f.stream, len(f.payload)) for f in peer.read() if f.kind == Kind.DATA] == [(1, 10), (3, 10)]
    assert not peer.calls[0].dropped
    peer.feed(frames.settings({Setting.INITIAL_WINDOW_SIZE: 4}))  # that of the stream is below nothing now
    peer.feed(frames.window_update(1, 7))
    assert [len(f.payload) for f in peer.read() if f.kind == Kind.DATA] == [1]
    peer.feed(frames.window_update(1, 1000))
    data, trailers = peer.read()
    assert (len(data.payload), data.flags, trailers.flags & Flag.END_STREAM) == (89, 0, Flag.END_STREAM)


async def test_an_answer_obeys_the_connections_window_and_the_largest_frame() -> None:
    peer = Peer()
    peer.feed(frames.settings({Setting.INITIAL_WINDOW_SIZE: LARGEST_WINDOW, Setting.MAX_FRAME_SIZE: 20_000}))
    body = b"x" * 100_000
    peer.feed(peer.call(1, b""), frame(Kind.PRIORITY, 0, 1, bytes(5)))
    peer.read()
    later = peer.call(3, path="/later")
    peer.feed(later)
    peer.calls[1].body = body
    peer.calls[1].answer()
    sent = [len(f.payload) for f in peer.read() if f.kind == Kind.DATA]
    assert max(sent) == 20_000
    assert sum(sent) == FIRST_WINDOW - len(framed(b""))
    peer.feed(frames.window_update(0, 200_000))
    assert sum(sent) + sum(len(f.payload) for f in peer.read() if f.kind == Kind.DATA) == len(framed(body))


async def test_a_client_gets_back_what_it_may_send() -> None:
    peer = Peer(max_body_bytes=100_000)
    for stream in range(1, 61, 2):
        peer.feed(
            frame(Kind.HEADERS, Flag.END_HEADERS, stream, peer.block()),
            frame(Kind.DATA, Flag.END_STREAM, stream, bytes(LARGEST)),
        )
    given = sum(frames.read_number(f.payload) for f in peer.read() if f.kind == Kind.WINDOW_UPDATE and not f.stream)
    assert 30 * LARGEST - 200_010 <= given <= 30 * LARGEST


@pytest.mark.parametrize("end", ["reset", "lost"])
async def test_who_gives_up_frees_the_calls_place(end: str) -> None:
    peer = Peer()
    peer.feed(peer.call(1, path="/later"), peer.call(3, path="/later"))
    if end == "reset":
        peer.feed(frames.reset(1, Code.CANCEL))
        assert [call.dropped for call in peer.calls] == [True, False]
        peer.calls[1].answer()
        assert list(peer.answers()) == [3]
    else:
        peer.connection.connection_lost(None)
        assert [call.dropped for call in peer.calls] == [True, True]
        assert peer.made == peer.gone == [peer.connection]


async def test_an_answer_before_the_end_spares_the_rest() -> None:
    peer = Peer()
    peer.feed(frame(Kind.HEADERS, Flag.END_HEADERS, 1, peer.block()), frame(Kind.DATA, 0, 1, b"early"))
    found = peer.read()
    assert found[-1] == Frame(Kind.RST_STREAM, 0, 1, bytes(4))
    assert found[-2].flags & Flag.END_STREAM
    peer.feed(frame(Kind.DATA, Flag.END_STREAM, 1, b"the rest was under way"), peer.call(3))
    assert list(peer.answers()) == [3]


async def test_no_more_streams_than_were_allowed() -> None:
    peer = Peer(max_streams=10)
    for stream in range(1, 23, 2):
        peer.feed(peer.call(stream, path="/later"))
    (refused,) = [f for f in peer.read() if f.kind == Kind.RST_STREAM]
    assert (refused.stream, refused.code) == (21, Code.REFUSED_STREAM)
    peer.calls[0].answer()
    peer.feed(peer.call(23))
    assert list(peer.answers()) == [1, 23]


async def test_no_more_bytes_than_a_connection_may_hold() -> None:
    peer = Peer(max_body_bytes=FIRST_WINDOW - 5, max_held_bytes=8 * FIRST_WINDOW)
    for stream in range(1, 11, 2):
        peer.feed(frame(Kind.HEADERS, Flag.END_HEADERS, stream, peer.block()))
        for size in (LARGEST, LARGEST, LARGEST, LARGEST - 2000):
            peer.feed(frame(Kind.DATA, 0, stream, bytes(size)))
    assert {stream: fields["grpc-status"] for stream, (_, fields) in peer.answers().items()} == {9: "14"}
    assert peer.context.held.taken <= 4 * FIRST_WINDOW
    peer.connection.connection_lost(None)
    assert peer.context.held.taken == 0


def _headers(*fields: tuple[str, str]) -> bytes:
    return frame(Kind.HEADERS, WHOLE, 1, Encoder().encode(fields))


@pytest.mark.parametrize(
    "headers",
    [
        REQUEST[1:],
        (*REQUEST, REQUEST[0]),
        (("te", "trailers"), *REQUEST),
        (*REQUEST, ("te", "gzip")),
        (*REQUEST, ("X-Upper", "1")),
        (*REQUEST, ("connection", "close")),
        (*REQUEST, ("content-length", "1")),
        (*REQUEST, (":status", "200")),
        (*REQUEST, ("", "1")),
        (*REQUEST, ("a b", "1")),
        (*REQUEST, ("a:b", "1")),
        (*REQUEST, ("a\nb", "1")),
        (*REQUEST, ("\xe9", "1")),
        (*REQUEST, ("a", "1\r")),
        (*REQUEST, ("a", "1\nb: 2")),
        (*REQUEST, ("a", "\0")),
        (*REQUEST, ("a", " 1")),
        (*REQUEST, ("a", "1\t")),
        (*REQUEST[:2], (":path", "/echo\r\n"), *REQUEST[3:]),
        (*REQUEST, ("te", "trailers"), ("te", "trailers")),
        (*REQUEST, ("content-length", "5"), ("content-length", "5")),
        (*REQUEST, ("content-length", "+0")),
        (*REQUEST, ("authorization", "Bearer a"), ("authorization", "Bearer b")),
    ],
)
async def test_a_malformed_request_costs_its_stream(headers: tuple[tuple[str, str], ...]) -> None:
    peer = Peer()
    peer.feed(_headers(*headers))
    assert [(f.stream, f.code) for f in peer.read() if f.kind == Kind.RST_STREAM] == [(1, Code.PROTOCOL_ERROR)]
    peer.feed(frame(Kind.HEADERS, WHOLE, 3, Encoder().encode(REQUEST)))
    assert list(peer.answers()) == [3]


async def test_trailers_are_checked_too() -> None:
    for stream, trailer in enumerate((("a", "1\n2"), ("A", "1"), (":path", "/"))):
        peer = Peer()
        peer.feed(frame(Kind.HEADERS, Flag.END_HEADERS, 1, peer.block()), frame(Kind.DATA, 0, 1, b"abc"))
        peer.feed(frame(Kind.HEADERS, WHOLE, 1, Encoder().encode([trailer])))
        assert [(f.stream, f.code) for f in peer.read() if f.kind == Kind.RST_STREAM] == [(1, Code.PROTOCOL_ERROR)]
        assert not peer.calls[0].whole, stream


async def test_values_of_a_name_that_comes_again_are_joined() -> None:
    peer = Peer()
    peer.feed(_headers(*REQUEST, ("a", "1"), ("a", "2"), ("b", "")))
    assert (peer.calls[0].headers[b"a"], peer.calls[0].headers[b"b"]) == (b"1, 2", b"")


async def test_who_is_refused_by_its_headers_is_told_at_once_and_its_body_dropped() -> None:
    peer = Peer(max_body_bytes=10 * 2**20)
    peer.feed(frame(Kind.HEADERS, Flag.END_HEADERS, 1, peer.block(path="/refused")))
    answer, reset = peer.read()
    assert (answer.kind, answer.flags) == (Kind.HEADERS, WHOLE)
    assert (reset.kind, reset.code) == (Kind.RST_STREAM, Code.NO_ERROR)
    for _ in range(100):
        peer.feed(frame(Kind.DATA, 0, 1, bytes(LARGEST)))
        assert peer.context.held.taken == 0
    peer.feed(frame(Kind.DATA, Flag.END_STREAM, 1), peer.call(3))
    assert list(peer.answers()) == [3]


async def test_answers_that_are_not_taken_hold_no_more_than_they_may() -> None:
    peer = Peer(max_held_bytes=100_000)
    peer.feed(frames.settings({Setting.INITIAL_WINDOW_SIZE: 0}))
    for stream in range(1, 41, 2):
        peer.feed(peer.call(stream, path="/later"))
    for call in peer.calls:
        call.body = bytes(20_000)
        call.answer()
    given_up = [f for f in peer.read() if f.kind == Kind.RST_STREAM]
    assert len(given_up) == 15
    assert {f.code for f in given_up} == {Code.ENHANCE_YOUR_CALM}
    peer.feed(frames.settings({Setting.INITIAL_WINDOW_SIZE: 30_000}), frames.window_update(0, 200_000))
    assert len(peer.answers()) == 5
    assert peer.context.held.taken == 0


async def test_no_more_connections_than_are_admitted() -> None:
    peer, wire = Peer(max_connections=1), Wire()
    other = Connection(peer._open, peer.context, peer.made.append, peer.gone.append)
    other.connection_made(wire)
    assert bytes(wire.written[3:9]) == bytes((Kind.GOAWAY, 0, 0, 0, 0, 0))
    assert b"too many connections" in wire.written
    assert wire.ended
    other.connection_lost(None)
    peer.connection.connection_lost(None)
    assert peer.context.admission.admit("")


async def test_nothing_is_done_for_a_client_that_does_not_take_what_is_written() -> None:
    peer = Peer()
    peer.connection.pause_writing()
    peer.feed(peer.call(1), peer.call(3)[:20])
    assert (peer.calls, peer.read()) == ([], [])
    peer.connection.resume_writing()
    assert list(peer.answers()) == [1]
    assert peer.wire.reads


NEXT = 13
"""A stream that has not begun."""
_BOMB = Encoder().encode([("x", "y" * 4000)]) + b"\xbe" * 100


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(Kind.DATA, 0, NEXT, b"x"), "PROTOCOL_ERROR"),
        (frame(Kind.DATA, 0, 0, b"x"), "PROTOCOL_ERROR"),
        (frame(Kind.RST_STREAM, 0, NEXT, bytes(4)), "PROTOCOL_ERROR"),
        (frame(Kind.WINDOW_UPDATE, 0, 0, bytes(4)), "PROTOCOL_ERROR"),
        (frame(Kind.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), "FLOW_CONTROL_ERROR"),
        (frame(Kind.WINDOW_UPDATE, 0, 0, b"\0"), "FRAME_SIZE_ERROR"),
        (frame(Kind.PING, 0, 0, b"short"), "FRAME_SIZE_ERROR"),
        (frame(Kind.PING, 0, NEXT, bytes(8)), "PROTOCOL_ERROR"),
        (frame(Kind.SETTINGS, 0, 0, b"short"), "FRAME_SIZE_ERROR"),
        (frame(Kind.SETTINGS, Flag.ACK, 0, bytes(6)), "FRAME_SIZE_ERROR"),
        (frames.settings({Setting.MAX_FRAME_SIZE: 1}), "PROTOCOL_ERROR"),
        (frames.settings({Setting.INITIAL_WINDOW_SIZE: 2**31}), "FLOW_CONTROL_ERROR"),
        (frame(Kind.PUSH_PROMISE, 0, NEXT, bytes(8)), "PROTOCOL_ERROR"),
        (frame(Kind.PRIORITY, 0, NEXT, NEXT.to_bytes(4, "big") + b"\0"), "PROTOCOL_ERROR"),
        (frame(Kind.CONTINUATION, 0, NEXT, b""), "PROTOCOL_ERROR"),
        (frame(Kind.HEADERS, 0, NEXT, b"") + frame(Kind.PING, 0, 0, bytes(8)), "PROTOCOL_ERROR"),
        (frame(Kind.HEADERS, Flag.PADDED, NEXT, b"\x05ab"), "PROTOCOL_ERROR"),
        (frame(Kind.HEADERS, WHOLE, 2, b""), "PROTOCOL_ERROR"),
        (frame(Kind.HEADERS, WHOLE, NEXT, b"\xff\xff\xff"), "COMPRESSION_ERROR"),
        (frame(Kind.HEADERS, WHOLE, NEXT, _BOMB), "ENHANCE_YOUR_CALM"),
        (frame(Kind.HEADERS, WHOLE, NEXT, b"\x3f\xe1\x1f" * 1000), "COMPRESSION_ERROR"),
        (frame(Kind.HEADERS, WHOLE, NEXT, b"\0\x7f" + b"\xff" * 16_000), "COMPRESSION_ERROR"),
        (frames.HEAD.pack(1, 0, Kind.DATA, 0, NEXT), "FRAME_SIZE_ERROR"),
        (
            frame(Kind.HEADERS, 0, NEXT, b"")
            + b"".join(frame(Kind.CONTINUATION, 0, NEXT, bytes(LARGEST)) for _ in range(2)),
            "ENHANCE_YOUR_CALM",
        ),
    ],
)
async def test_who_breaks_the_rules_loses_the_connection(sent: bytes, code: str) -> None:
    peer = Peer()
    peer.feed(peer.call(11, path="/later"))
    peer.feed(sent)
    assert peer.broken == Code[code]
    assert peer.calls[0].dropped
    assert peer.wire.ended
    peer.feed(peer.call(15))
    assert len(peer.calls) == 1


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\n\r\n", PREFACE[:-1] + b"x", PREFACE + frame(Kind.PING, 0, 0, bytes(8))]
)
async def test_what_does_not_begin_as_http_2_does(sent: bytes) -> None:
    peer = Peer(greets=False)
    peer.feed(sent)
    assert peer.broken == Code.PROTOCOL_ERROR


def _rapid(peer: Peer, number: int) -> bytes:
    stream = 2 * number + 1
    return frame(Kind.HEADERS, Flag.END_HEADERS, stream, peer.block()) + frames.reset(stream, Code.CANCEL)


FLOODS: dict[str, Callable[[Peer, int], bytes]] = {
    "pings": lambda *_: frame(Kind.PING, 0, 0, bytes(8)),
    "settings": lambda *_: frames.settings({}),
    "priorities": lambda *_: frame(Kind.PRIORITY, 0, 3, bytes(5)),
    "unknown": lambda *_: frame(200, 0, 0, b""),
    "resets": _rapid,
    "windows": lambda *_: frames.window_update(0, 1),
    "refused with large headers": lambda peer, number: frame(
        Kind.HEADERS, WHOLE, 2 * number + 1, peer.block(path="/refused") + b"\0\x01x\x7f\xa1\x1e" + b"y" * 4000
    ),
    "continuations": lambda _, number: frame(Kind.CONTINUATION if number else Kind.HEADERS, 0, 1, b""),
    "empty data": lambda peer, number: (
        frame(Kind.DATA, 0, 1) if number else frame(Kind.HEADERS, Flag.END_HEADERS, 1, peer.block())
    ),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_that_asks_for_nothing_ends_the_connection(flood: str) -> None:
    peer = Peer()
    for number in range(30_000):
        peer.feed(FLOODS[flood](peer, number))
        if peer.wire.ended:
            break
    assert 50 < number < 29_999
    assert peer.broken == Code.ENHANCE_YOUR_CALM
    assert all(call.dropped for call in peer.calls)


async def test_a_client_that_works_may_ping_with_each_call() -> None:
    peer = Peer()
    for number in range(12_000):
        peer.feed(peer.call(2 * number + 1), frame(Kind.PING, 0, 0, bytes(8)), frames.window_update(0, 10))
    assert len(peer.answers()) == 12_000
    assert not peer.wire.ended


@pytest.mark.parametrize(
    "sent",
    [
        lambda _: b"",
        lambda _: PREFACE,
        lambda _: PREFACE + frames.settings({}) + b"\0\0",
        lambda peer: PREFACE + frames.settings({}) + frame(Kind.HEADERS, 0, 1, peer.block()),
    ],
    ids=["nothing", "no settings", "a part of a frame", "a part of the headers"],
)
async def test_a_connection_that_is_stuck_is_given_up(sent: Callable[[Peer], bytes]) -> None:
    peer = Peer(greets=False, receive_seconds=0.05)
    peer.feed(sent(peer))
    await until(lambda: peer.wire.ended)
    assert peer.broken == Code.ENHANCE_YOUR_CALM


async def test_a_call_that_does_not_arrive_is_given_up_and_others_go_on() -> None:
    peer = Peer(receive_seconds=0.05)
    peer.feed(frame(Kind.HEADERS, Flag.END_HEADERS, 1, peer.block()), peer.call(3, path="/later"))
    await until(lambda: peer.calls[0].dropped)
    assert [(f.stream, f.code) for f in peer.read()] == [(1, Code.ENHANCE_YOUR_CALM)]
    peer.calls[1].answer()
    assert list(peer.answers()) == [3]


async def test_an_answer_that_is_not_taken_is_given_up() -> None:
    peer = Peer(write_seconds=0.05)
    peer.feed(frames.settings({Setting.INITIAL_WINDOW_SIZE: 0}), peer.call(1))
    await until(lambda: any(f.kind == Kind.RST_STREAM for f in peer.read()))
    assert not peer.calls[0].dropped  # it was answered
    peer.feed(frames.settings({Setting.INITIAL_WINDOW_SIZE: 100}), peer.call(3))
    assert list(peer.answers()) == [3]


async def test_who_does_not_take_what_is_written_is_not_read_from_and_then_cut_off() -> None:
    peer = Peer(write_seconds=0.05)
    peer.connection.pause_writing()
    peer.connection.resume_writing()
    assert peer.wire.reads
    peer.wire.left = 10 * LEAST_TAKEN
    peer.connection.pause_writing()
    assert not peer.wire.reads
    await until(lambda: peer.wire.aborted)


async def test_who_takes_an_answer_slowly_gets_it_whole_even_as_the_connection_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_NOTICE_SECONDS", 0)
    peer = Peer(write_seconds=0.05)
    peer.wire.left = 30 * LEAST_TAKEN
    peer.connection.pause_writing()
    peer.connection.go_away()
    while peer.wire.left > LEAST_TAKEN:  # one loop calls all in the order of their times, however slow the machine is
        assert not peer.wire.aborted
        peer.wire.left -= LEAST_TAKEN
        await asyncio.sleep(0.01)
    assert peer.wire.ended
    await until(lambda: peer.wire.aborted)  # it takes no more


async def test_who_does_not_close_a_connection_that_has_ended_is_waited_for_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(linger, "_SILENT_SECONDS", 0.05)
    peer = Peer()
    peer.feed(frame(Kind.PUSH_PROMISE, 0, 1, bytes(4)))
    assert peer.wire.ended
    assert not peer.wire.closed
    peer.feed(b"more")
    await until(lambda: peer.wire.closed)


async def test_who_is_told_to_go_gets_all_that_was_under_way() -> None:
    peer = Peer()
    peer.feed(peer.call(1, path="/later"))
    peer.connection.go_away()
    notice, ping = peer.read()
    assert (notice.kind, int.from_bytes(notice.payload[:4], "big"), notice.code) == (Kind.GOAWAY, LARGEST_WINDOW, 0)
    peer.feed(peer.call(3, path="/later"))  # had been sent before the notice arrived
    peer.feed(frame(Kind.PING, Flag.ACK, 0, ping.payload))
    (last,) = peer.read()
    assert (last.kind, int.from_bytes(last.payload[:4], "big"), last.code) == (Kind.GOAWAY, 3, 0)
    peer.feed(peer.call(5), frames.reset(5, Code.CANCEL), frames.window_update(5, 10))
    assert len(peer.calls) == 2
    for call in peer.calls:
        assert not peer.wire.ended
        call.answer()
    assert list(peer.answers()) == [1, 3]
    assert peer.wire.ended


async def test_who_does_not_hear_the_notice_goes_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_NOTICE_SECONDS", 0.02)
    monkeypatch.setattr(linger, "_SILENT_SECONDS", 0.02)
    peer = Peer()
    peer.feed(peer.call(1))
    peer.connection.go_away()
    await until(lambda: peer.wire.ended)
    assert list(peer.answers()) == [1]
    await until(lambda: peer.wire.closed)


async def test_a_connection_has_an_end() -> None:
    peer = Peer(connection_seconds=0.05)
    await until(lambda: peer.broken == 0)

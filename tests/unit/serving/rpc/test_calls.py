"""What a call's headers, its message and its answer are, apart from any stream."""

from __future__ import annotations

import pytest
from hpack import Decoder
from tenfold.serving.errors import BodyTooLarge, InvalidInput
from tenfold.serving.rpc import responses
from tenfold.serving.rpc.calls import seconds_left
from tenfold.serving.rpc.errors import ConnectionBroken, StreamBroken, Unimplemented
from tenfold.serving.rpc.flow import Inflow, Outflow
from tenfold.serving.rpc.frames import LARGEST_WINDOW, Setting
from tenfold.serving.rpc.headers import HeaderReader
from tenfold.serving.rpc.message_buffer import MessageBuffer
from unit.serving.rpc.peer import framed


def test_the_same_block_says_the_same_only_while_its_table_does() -> None:
    request, newest = b"\x83\x86\x84", b"\xbe"  # POST, http, /, and what the table got last
    reader = HeaderReader()
    for value in (b"a", b"b"):
        reader.fields(b"\x40\x01x\x01" + value)
        for _ in range(2):
            assert reader.request(request + newest)[b"x"] == value
    # A block that puts something into the table does so each time: then the one before it is that of the same name.
    grows = request + b"\x40\x01y\x01c"
    for _ in range(2):
        reader.request(grows)
    assert reader.request(request + b"\xbf")[b"y"] == b"c"


def test_a_block_that_leaves_the_table_alone_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, block = HeaderReader(), b"\x83\x86\x04\x05/echo\x10\x01x\x01a"  # literals that are not indexed
    first = reader.request(block)
    monkeypatch.setattr(reader, "fields", None)
    assert reader.request(block) is first
    assert (first[b":path"], first[b"x"]) == (b"/echo", b"a")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(None, float("inf")), (b"2H", 7200), (b"3M", 180), (b"4S", 4), (b"50m", 0.05), (b"6u", 6e-6), (b"99999999n", 0.1)],
)
def test_how_long_a_client_waits(given: bytes | None, seconds: float) -> None:
    assert seconds_left(given) == pytest.approx(seconds)


@pytest.mark.parametrize("given", [b"", b"5", b"S", b"-1S", b"1.5S", b"123456789S", b"5s"])
def test_a_time_that_is_none(given: bytes) -> None:
    with pytest.raises(InvalidInput, match="Send up to eight digits and one of H, M, S, m, u, n"):
        seconds_left(given)


@pytest.mark.parametrize("step", [1, 3, 100])
def test_a_message_comes_in_parts(step: int) -> None:
    message, body = MessageBuffer(10, None), framed(b"0123456789")
    for at in range(0, len(body), step):
        message.add(body[at : at + step])
    assert message.only() == b"0123456789"


@pytest.mark.parametrize("body", [b"", b"\0\0\0", framed(b"abc")[:-1]])
def test_a_message_that_is_not_whole(body: bytes) -> None:
    message = MessageBuffer(10, None)
    message.add(body)
    with pytest.raises(InvalidInput, match=f"The call's {len(body)} bytes are not a whole message"):
        message.only()


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (framed(b"01234567890")[:5], BodyTooLarge, "11 bytes; the limit is 10 bytes"),
        (framed(b"a") * 2, InvalidInput, "more than one message"),
        (b"\1" + framed(b"a")[1:], Unimplemented, "compressed with 'gzip'"),
    ],
)
def test_a_message_that_is_not_taken(body: bytes, error: type[Exception], words: str) -> None:
    def read() -> None:
        buffer = MessageBuffer(10, b"gzip")
        buffer.add(body, only=True)
        buffer.only()

    with pytest.raises(error, match=words):
        read()


def test_a_refusal_is_one_block_that_any_client_can_read() -> None:
    answer = responses.refusal(InvalidInput("50 % of 'é' is\nno text"))
    fields = dict(Decoder().decode(answer.head))
    assert (fields[":status"], fields["content-type"], fields["grpc-status"]) == ("200", "application/grpc", "3")
    assert fields["grpc-message"] == "50 %25 of '%C3%A9' is%0Ano text"
    assert (answer.body, answer.tail, answer.status_code) == (b"", b"", 400)
    assert dict(Decoder().decode(responses.refusal(Unimplemented("no")).head))["grpc-accept-encoding"] == "identity"


def test_a_long_sentence_is_cut_off() -> None:
    said = dict(Decoder().decode(responses.refusal(InvalidInput("é" * 50_000)).head))["grpc-message"]
    assert said.endswith("%C3%A9...")
    assert len(said) < 10_000


def test_a_client_may_not_send_more_than_it_was_allowed() -> None:
    inflow = Inflow(100)
    assert [inflow.take(40), inflow.take(40), inflow.take(100)] == [0, 80, 100]
    with pytest.raises(ConnectionBroken, match="more data than the connection's window"):
        inflow.take(101)


def test_a_window_has_an_end() -> None:
    outflow = Outflow()
    with pytest.raises(StreamBroken):
        outflow.allow(1, LARGEST_WINDOW)
    outflow = Outflow()
    outflow.allow(1, 100)
    with pytest.raises(ConnectionBroken, match="too large"):
        outflow.set({Setting.INITIAL_WINDOW_SIZE: LARGEST_WINDOW})

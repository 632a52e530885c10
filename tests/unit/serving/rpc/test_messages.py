"""Requests for predictions as bytes: those of more fields than allowed are refused before they are parsed."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from google.protobuf.message import DecodeError
from tenfold.serving.errors import InvalidInput, TooManyValues
from tenfold.serving.rpc import messages, responses
from tenfold.serving.rpc.counting import Malformed, check_fields, nested
from tenfold.serving.rpc.messages import MESSAGES, read_infer

MOST = 5000
FIELDS = nested(MESSAGES["ModelInferRequest"].DESCRIPTOR)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    return bytes([value]) if value <= 0x7F else bytes([value & 0x7F | 0x80]) + varint(value >> 7)


MANY = 2**21
EMPTY = {
    "inputs": field(5, b"") * MANY,
    "inputs of longer keys": b"\xaa\x00\x00" * MANY,
    "outputs": field(6, b"") * MANY,
    "raw contents": field(7, b"") * MANY,
    "parameters": field(4, b"") * MANY,
    "texts": field(5, field(5, field(8, b"") * MANY)),
    "sizes that are not packed": field(5, b"\x18\x01" * MANY),
    "parameters of an input": field(5, field(4, b"") * MANY),
    "unknown fields of a parameter": field(4, field(2, field(99, b"") * MANY)),
    "after what is no message": field(5, b"\x0b\x0c") + field(5, b"") * MANY,
}


@pytest.mark.parametrize("body", EMPTY.values(), ids=EMPTY)
def test_a_message_of_many_fields_is_refused_before_it_is_parsed(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "read", None)
    tracemalloc.start()
    try:
        with pytest.raises((TooManyValues, InvalidInput)) as caught:
            read_infer(body, MOST)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()
    if body != EMPTY["after what is no message"]:
        assert isinstance(caught.value, TooManyValues)
        assert b"grpc-status\x018" in responses.refusal(caught.value).head


def test_a_request_of_as_many_fields_as_are_allowed_is_read() -> None:
    message = MESSAGES["ModelInferRequest"](model_name="iris", id="ä" * 300)
    message.parameters["priority"].int64_param = -1
    message.inputs.add(name="x", datatype="FP64", shape=[100, 40]).contents.fp64_contents.extend([1.5] * MOST)
    message.inputs.add(name="y").contents.bytes_contents.extend([b"text", b"x" * 200] * 100)
    message.outputs.add(name="predict")
    message.raw_input_contents.append(bytes(100_000))
    body = message.SerializeToString()
    # Two of the request, its parameter, two inputs, an output, and the raw bytes.
    exactly = 2 + 4 + 6 + 203 + 2 + 1
    assert len(body) > 2 * exactly
    assert read_infer(body, exactly) == message
    with pytest.raises(TooManyValues):
        read_infer(body, exactly - 1)


def test_what_is_read_is_never_found_malformed() -> None:
    dice = random.Random(7)
    parse, read = MESSAGES["ModelInferRequest"].FromString, 0
    keys = [0x2A, 0x32, 0x3A, 0x22, 0x0A, 0x42, 0x18, 0x1A, 0x80, 0, 1, 2, 3, 9, 0x0D, 0x10]
    for _ in range(20_000):
        body = bytes(dice.choices(keys, k=dice.randrange(12)))
        try:
            parse(body)
        except DecodeError:
            continue
        read += 1
        try:
            check_fields(body + field(3, bytes(100)), FIELDS, 20)
        except Malformed:
            assert {0x0B, 0x13, 0x1B} & {*body}, body
    assert read > 1000


@pytest.mark.parametrize("body", [b"\x80" * 100_000, field(5, b"\x2a\x7f" * 9), b"\x0a\xff" * 9, b"\x0b\x0c" * 9])
def test_bytes_that_are_no_message(body: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"cannot be read as inference\.ModelInferRequest\. Send one"):
        read_infer(body, 8)

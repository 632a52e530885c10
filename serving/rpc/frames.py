"""HTTP/2's frames as bytes (RFC 9113, 4 and 6). Pure."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from .errors import Code, ConnectionBroken

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD = struct.Struct(">BHBBI")
"""Of a frame: its payload's length (the upper byte, the lower two), kind, flags, and stream."""
LARGEST = 2**14
"""Bytes of a payload that everyone takes; we take no more."""
LARGEST_WINDOW = 2**31 - 1
FIRST_WINDOW = 2**16 - 1

_SETTING = struct.Struct(">HI")
_NUMBER = struct.Struct(">I")


# Plain numbers: those of an enumeration take longer than all else that is done with a frame.
class Kind:
    """What a frame is."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Flag:
    """What is said of a frame; `ACK` and `END_STREAM` are the same bit of different kinds."""

    ACK = 0x1
    END_STREAM = 0x1
    END_HEADERS = 0x4
    PADDED = 0x8
    PRIORITY = 0x20


class Setting:
    """The parameters of HTTP/2's SETTINGS."""

    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


def frame(kind: int, flags: int, stream: int, payload: bytes | memoryview = b"") -> bytes:
    """One frame."""
    size = len(payload)
    return b"".join((HEAD.pack(size >> 16, size & 0xFFFF, kind, flags, stream), payload))


def settings(values: Mapping[int, int]) -> bytes:
    """The SETTINGS frame with ours."""
    return frame(Kind.SETTINGS, 0, 0, b"".join(_SETTING.pack(*each) for each in values.items()))


def reset(stream: int, code: Code) -> bytes:
    """The frame that ends a stream."""
    return frame(Kind.RST_STREAM, 0, stream, _NUMBER.pack(code))


def window_update(stream: int, more: int) -> bytes:
    """The frame that lets the client send more; stream 0 is the connection."""
    return frame(Kind.WINDOW_UPDATE, 0, stream, _NUMBER.pack(more))


def go_away(last: int, code: Code, message: str = "") -> bytes:
    """The frame that ends a connection: streams after `last` were not looked at."""
    return frame(Kind.GOAWAY, 0, 0, struct.pack(">II", last, code) + message.encode())


def read_settings(payload: bytes) -> dict[int, int]:
    """The client's SETTINGS, checked.

    Raises:
        ConnectionBroken: values that there are not.
    """
    if len(payload) % _SETTING.size:
        raise ConnectionBroken(Code.FRAME_SIZE_ERROR, "SETTINGS that end within a setting")
    values: dict[int, int] = dict(_SETTING.iter_unpack(payload))
    if values.get(Setting.ENABLE_PUSH, 0) > 1:
        raise ConnectionBroken(Code.PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")
    if values.get(Setting.INITIAL_WINDOW_SIZE, 0) > LARGEST_WINDOW:
        raise ConnectionBroken(Code.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is too large")
    if not LARGEST <= values.get(Setting.MAX_FRAME_SIZE, LARGEST) < 2**24:
        raise ConnectionBroken(Code.PROTOCOL_ERROR, "MAX_FRAME_SIZE is out of its range")
    return values


def read_number(payload: bytes) -> int:
    """The bits of a RST_STREAM or a WINDOW_UPDATE.

    Raises:
        ConnectionBroken: a payload of another length.
    """
    if len(payload) != _NUMBER.size:
        raise ConnectionBroken(Code.FRAME_SIZE_ERROR, "a frame that must have four bytes")
    return _NUMBER.unpack(payload)[0]


def unpadded(payload: bytes) -> bytes:
    """The payload of a frame with the flag `PADDED`, without its padding.

    Raises:
        ConnectionBroken: nothing but padding, and not even that.
    """
    if not payload or payload[0] >= len(payload):
        raise ConnectionBroken(Code.PROTOCOL_ERROR, "padding that is longer than its frame")
    return payload[1 : len(payload) - payload[0]]


def check_priority(stream: int, payload: bytes) -> None:
    """Whether it is a priority; nothing is made of it.

    Raises:
        ConnectionBroken: it is none.
    """
    if len(payload) != 5:
        raise ConnectionBroken(Code.FRAME_SIZE_ERROR, "a priority that does not have five bytes")
    if _NUMBER.unpack_from(payload)[0] & LARGEST_WINDOW == stream:
        raise ConnectionBroken(Code.PROTOCOL_ERROR, "a stream that depends on itself")

"""How many fields a message holds, before it is parsed: an empty one takes forty times its bytes in memory. Pure.

The bound is that of HTTP's bodies (`protocols.counting`). Packed values are the bytes of one field.
"""

from __future__ import annotations

from typing import Any

from ..errors import TooManyValues

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Bytes of a field, at least: its key, and its value or the length of that.
_SMALLEST = 2
_LONGEST_VARINT = 10

Nested = dict[int, "Nested"]
"""By the keys of a message's fields that are messages: the same of those."""


class Malformed(Exception):
    """The bytes are not a message."""


def nested(descriptor: Any) -> Nested:
    """The fields of a message that are messages themselves; none of them may contain its own kind."""
    return {
        field.number << 3 | _BYTES: nested(field.message_type)
        for field in descriptor.fields
        if field.message_type is not None
    }


def check_fields(message: bytes, fields: Nested, most: int) -> None:
    """Whether a message has no more than `most` fields, with those of the messages within it.

    Raises:
        TooManyValues: it has.
        Malformed: it is none. Groups, which proto3 does not have, are not looked into and count as that.
    """
    if len(message) <= _SMALLEST * most:
        return
    try:
        _check(message, fields, most)
    except IndexError as e:
        raise Malformed from e


def _check(message: bytes, fields: Nested, most: int) -> None:
    at, end, found = 0, len(message), 0
    outer: list[tuple[int, Nested]] = []
    while outer or at < end:
        if at >= end:
            if at > end:
                raise Malformed
            end, fields = outer.pop()
            continue
        found += 1
        if found > most:
            raise TooManyValues(most)
        key, at = message[at], at + 1
        if key > 0x7F:
            key, at = _varint(message, at - 1)
        kind = key & 7
        if kind == _BYTES:
            size, at = message[at], at + 1
            if size > 0x7F:
                size, at = _varint(message, at - 1)
            if (inner := fields.get(key)) is None:
                at += size
            elif at + size > end:
                raise Malformed
            else:
                outer.append((end, fields))
                end, fields = at + size, inner
        elif kind == _VARINT:
            _, at = _varint(message, at)
        elif kind == _FIXED64:
            at += 8
        elif kind == _FIXED32:
            at += 4
        else:
            raise Malformed


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = message[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte <= 0x7F:
            return value, at + place + 1
    raise Malformed

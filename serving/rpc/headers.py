"""Header blocks: a request's headers decoded and checked, a response's encoded (RFC 7541; RFC 9113, 8).

What we encode stands in no table of the client's, so the same bytes are right on every connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from hpack import Decoder, HPACKError, OversizedHeaderListError
from hpack.hpack import encode_integer

from ..request import ONCE
from .errors import Code, ConnectionBroken, StreamBroken

LARGEST_LIST = 2**14
"""Bytes of a request's headers, those of each name and value and 32 more."""
_OF_REQUESTS = (b":method", b":scheme", b":path")
_PSEUDO = frozenset({*_OF_REQUESTS, b":authority"})
_OF_CONNECTIONS = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
# Of all names and of all values at once, a line each: a search for each of them would take longer than all else.
_NAMES = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z\n]*")
_NO_VALUES = re.compile(rb"[\0\r]|^[ \t]|[ \t]$", re.MULTILINE)
# Whoever repeats these means two different requests.
_ONCE = ONCE | {b"content-length", b"host", b"te", b"grpc-timeout"}
_LENGTH = re.compile(rb"\d{1,18}")
# A block whose headers are remembered may be so long, and a field in a dictionary takes so many bytes besides its own.
_REMEMBERED, _FIELD = 1024, 200

Field = tuple[bytes, bytes]


class HeaderReader:
    """Reads the blocks of one connection, all of them and in their order: they share a table.

    Args:
        most: bytes of a request's headers, at most `LARGEST_LIST`.

    Attributes:
        weight: bytes of memory that the headers of the last request take, roughly.
    """

    def __init__(self, most: int = LARGEST_LIST) -> None:
        self._decoder = Decoder(most)
        self._block, self._request, self.weight = b"", dict[bytes, bytes](), 0

    def fields(self, block: bytes) -> list[Field]:
        """The names and values.

        Raises:
            ConnectionBroken: a block that cannot be decoded, or that is too large; the table is lost with it.
        """
        self._block = b""
        _check_updates(block)
        try:
            return self._decoder.decode(block, raw=True)  # pyright: ignore[reportReturnType]  # bytes, since it is raw
        except OversizedHeaderListError as e:
            raise ConnectionBroken(Code.ENHANCE_YOUR_CALM, "too many headers") from e
        except HPACKError as e:
            raise ConnectionBroken(Code.COMPRESSION_ERROR, "headers that cannot be decoded") from e

    def request(self, block: bytes) -> Mapping[bytes, bytes]:
        """The headers of a request, pseudo-headers too. Raises as `fields` and `checked` do."""
        if block != self._block:
            table = self._decoder.header_table.dynamic_entries  # the newest comes first
            before = table[0] if table else None, len(table)
            fields = self.fields(block)
            self._request = checked(fields)
            self.weight = sum(len(name) + len(value) + _FIELD for name, value in fields)
            # Clients send the same headers with each call. A block that left the table alone says the same next time.
            if (table[0] if table else None) is before[0] and len(table) == before[1] and len(block) <= _REMEMBERED:
                self._block = block
        return self._request


def checked(fields: Iterable[Field]) -> dict[bytes, bytes]:
    """The headers of a request by name; values of a name that comes again are joined by commas.

    Raises:
        StreamBroken: they are not those of a request in HTTP/2.
    """
    found: dict[bytes, bytes] = {}
    regular: list[Field] = []
    for field in fields:
        name, value = field
        if name.startswith(b":"):
            if regular or name in found or name not in _PSEUDO:
                raise StreamBroken(Code.PROTOCOL_ERROR, "a pseudo-header that may not stand there")
        else:
            regular.append(field)
            if name in found:
                if name in _ONCE:
                    raise StreamBroken(Code.PROTOCOL_ERROR, "a header twice that may stand there once")
                value = found[name] + b", " + value
        found[name] = value
    if not all(map(found.get, _OF_REQUESTS)):
        raise StreamBroken(Code.PROTOCOL_ERROR, "a request without method, scheme or path")
    check(regular, found.values())
    if not found.keys().isdisjoint(_OF_CONNECTIONS) or found.get(b"te", b"trailers") != b"trailers":
        raise StreamBroken(Code.PROTOCOL_ERROR, "a header that HTTP/2 does not have")
    if not _LENGTH.fullmatch(found.get(b"content-length", b"0")):
        raise StreamBroken(Code.PROTOCOL_ERROR, "a content-length that is not a number")
    return found


def check(regular: list[Field], values: Iterable[bytes] | None = None) -> None:
    """Whether names and values are of characters that may be in them (RFC 9113, 8.2.1).

    Args:
        regular: headers that are not pseudo-headers.
        values: theirs, and those of pseudo-headers; None: only theirs.

    Raises:
        StreamBroken: they are not.
    """
    names = [name for name, _ in regular]
    lines = [value for _, value in regular] if values is None else [*values]
    joined = b"\n".join(names)
    if not all(names) or not _NAMES.fullmatch(joined) or joined.count(b"\n") >= max(1, len(names)):
        raise StreamBroken(Code.PROTOCOL_ERROR, "a header's name with a character that may not be in one")
    joined = b"\n".join(lines)
    if _NO_VALUES.search(joined) or joined.count(b"\n") >= max(1, len(lines)):
        raise StreamBroken(Code.PROTOCOL_ERROR, "a header's value with a character that may not be in one")


def encode(*fields: Field) -> bytes:
    """The block of a response's headers."""
    return b"".join(b"\0" + _string(name) + _string(value) for name, value in fields)


def _string(value: bytes) -> bytes:
    return bytes(encode_integer(len(value), 7)) + value


def _check_updates(block: bytes) -> None:
    """A block may begin with two changes of the table's size (RFC 7541, 4.2). A thousand take long to carry out."""
    at = found = 0
    while at < len(block) and block[at] & 0xE0 == 0x20:
        found += 1
        if found > 2:
            raise ConnectionBroken(Code.COMPRESSION_ERROR, "headers that change the size of their table often")
        at += 1
        if block[at - 1] == 0x3F:
            while at < len(block) and block[at] & 0x80:
                at += 1
            at += 1

"""Header blocks: a request's headers read, an answer's written (RFC 7541; RFC 9113, 8).

What we write stands in no table of the client's, so the same bytes are right on every connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hpack import Decoder, HPACKError
from hpack.hpack import encode_integer

from .errors import Code, ConnectionBroken, StreamBroken

LARGEST_LIST = 2**14
"""Bytes of a request's headers, those of each name and value and 32 more."""
_OF_REQUESTS = (b":method", b":scheme", b":path")
_PSEUDO = frozenset({*_OF_REQUESTS, b":authority"})
_OF_CONNECTIONS = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})

Fields = Iterable[tuple[bytes, bytes]]


class Reader:
    """Reads the blocks of one connection, all of them and in their order: they share a table."""

    def __init__(self) -> None:
        self._decoder = Decoder(LARGEST_LIST)
        self._block, self._request = b"", dict[bytes, bytes]()

    def fields(self, block: bytes) -> Fields:
        """The names and values.

        Raises:
            ConnectionBroken: a block that cannot be read, or that is too large; the table is lost with it.
        """
        self._block = b""
        try:
            return self._decoder.decode(block, raw=True)  # pyright: ignore[reportReturnType]  # bytes, since it is raw
        except HPACKError as e:
            raise ConnectionBroken(Code.COMPRESSION_ERROR, str(e)) from e

    def request(self, block: bytes) -> Mapping[bytes, bytes]:
        """The headers of a request, pseudo-headers too. Raises as `fields` and `checked` do."""
        if block != self._block:
            table = self._decoder.header_table.dynamic_entries  # the newest comes first
            before = table[0] if table else None, len(table)
            self._request = checked(self.fields(block))
            # Clients send the same headers with each call. A block that left the table alone says the same next time.
            if (table[0] if table else None) is before[0] and len(table) == before[1]:
                self._block = block
        return self._request


def checked(fields: Fields) -> dict[bytes, bytes]:
    """The headers of a request by name.

    Raises:
        StreamBroken: they are not those of a request in HTTP/2.
    """
    found: dict[bytes, bytes] = {}
    regular = False
    for name, value in fields:
        if name.startswith(b":"):
            if regular or name in found or name not in _PSEUDO:
                raise StreamBroken(Code.PROTOCOL_ERROR, "a pseudo-header that may not stand there")
        else:
            regular = True
            if name in _OF_CONNECTIONS or name != name.lower() or (name == b"te" and value != b"trailers"):
                raise StreamBroken(Code.PROTOCOL_ERROR, "a header that HTTP/2 does not have")
        found[name] = value
    if not all(map(found.get, _OF_REQUESTS)):
        raise StreamBroken(Code.PROTOCOL_ERROR, "a request without method, scheme or path")
    return found


def written(*fields: tuple[bytes, bytes]) -> bytes:
    """The block of an answer's headers."""
    return b"".join(b"\0" + _string(name) + _string(value) for name, value in fields)


def _string(value: bytes) -> bytes:
    return bytes(encode_integer(len(value), 7)) + value

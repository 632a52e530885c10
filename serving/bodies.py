"""Request bodies over ASGI: read as they come, within the server's limits, and unpacked.

A body is refused while it is read, whether it announced its length or came in chunks, so no client can make the server
hold more than `max_body_bytes`, nor all clients together more than `max_held_bytes`.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from .budget import ByteBudget
from .errors import BodyTooLarge, InvalidInput, NoRoom, UnsupportedEncoding

_GZIP = 16 + zlib.MAX_WBITS
_ENCODINGS = {b"gzip": _GZIP, b"x-gzip": _GZIP, b"deflate": zlib.MAX_WBITS}
# To unpack more than that takes longer than a turn of the event loop should.
_UNPACKED_AT_ONCE = 64 * 2**10


class Body:
    """One request's body.

    Args:
        receive: of ASGI.
        headers: of the request.
        limit: bytes that it may have, packed and unpacked.
        held: what its bytes are taken from until `release`.

    Attributes:
        whole: nothing more of it will come.
    """

    def __init__(self, receive: Receive, headers: Mapping[bytes, bytes], limit: int, held: ByteBudget) -> None:
        self._receive, self._headers, self._limit, self._held = receive, headers, limit, held
        self._taken = 0
        self.whole = b"transfer-encoding" not in headers and not headers.get(b"content-length", b"").strip(b"0")

    async def read(self) -> bytes:
        """All of it, unpacked.

        Raises:
            BodyTooLarge: more bytes than the limit.
            NoRoom: all bodies together are too large.
            UnsupportedEncoding: packed in a format that is not known here.
            InvalidInput: not packed as its head says.
            ClientDisconnect: the client went away.
        """
        encoding = self._headers.get(b"content-encoding", b"identity").strip().lower()
        if encoding != b"identity" and encoding not in _ENCODINGS:
            raise UnsupportedEncoding(encoding.decode("latin-1"))
        body = bytearray()
        while not self.whole:
            body += await self._next()
            if len(body) > self._limit:
                raise BodyTooLarge(None, self._limit)
            self._take(len(body))
        if encoding == b"identity":
            return bytes(body)
        unpack = _unpack, bytes(body), _ENCODINGS[encoding], self._limit
        unpacked = _unpack(*unpack[1:]) if len(body) <= _UNPACKED_AT_ONCE else await asyncio.to_thread(*unpack)
        self._take(len(body) + len(unpacked))
        return unpacked

    def release(self) -> None:
        """Nobody needs it any more."""
        self._held.give(self._taken)
        self._taken = 0

    def _take(self, size: int) -> None:
        more = size - self._taken
        if not self._held.take(more):
            raise NoRoom(self._held.limit)
        self._taken = size

    async def _next(self) -> bytes:
        message: Message = await self._receive()
        if message["type"] != "http.request":
            self.whole = True
            raise ClientDisconnect
        self.whole = not message.get("more_body", False)
        return message.get("body", b"")


def _unpack(packed: bytes, bits: int, limit: int) -> bytes:
    """What was packed, with at most `limit` bytes.

    Raises:
        BodyTooLarge: it has more; no more than that was unpacked.
        InvalidInput: it was not packed so, not all of it is there, or more than that.
    """
    step = zlib.decompressobj(bits)
    try:
        unpacked = step.decompress(packed, limit + 1)
    except zlib.error as e:
        raise InvalidInput(
            f"The body is not compressed as its Content-Encoding says ({e}). Send it so, or as it is"
        ) from e
    if len(unpacked) > limit:
        raise BodyTooLarge(None, limit)
    if not step.eof or step.unused_data:
        what = "goes on after its end" if step.eof else "ends too early"
        raise InvalidInput(f"The compressed body {what}. Send one that is whole, or send it as it is")
    return unpacked

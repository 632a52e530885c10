"""The messages of a call, out of the parts of its body.

Before each of them stand a byte that says whether it is compressed, and its length in four.
"""

from __future__ import annotations

from ..errors import BodyTooLarge, InvalidInput
from .errors import Unimplemented

PREFIX = 5
"""Bytes before a message."""


class MessageBuffer:
    """One per call.

    Args:
        most: bytes that a message may have.
        encoding: of compressed messages, as the call's headers name it.
    """

    __slots__ = ("_body", "_encoding", "_most", "_needed")

    def __init__(self, most: int, encoding: bytes | None) -> None:
        self._most, self._encoding = most, encoding
        self._needed = -1  # bytes of the first message with its prefix; not known yet
        self._body: bytes | bytearray = b""

    def __len__(self) -> int:
        """How many bytes wait here."""
        return len(self._body)

    def add(self, part: bytes, *, only: bool = False) -> None:
        """A part of the body has come.

        Args:
            only: the body may have one message.

        Raises:
            BodyTooLarge: its first message will be too large.
            InvalidInput: there is more than the one message.
            Unimplemented: it is compressed.
        """
        if not self._body:
            self._body = part
        elif isinstance(self._body, bytes):
            self._body = bytearray(self._body + part)
        else:
            self._body += part
        if self._needed < 0:
            self._measure()
        if only and 0 <= self._needed < len(self._body):
            raise InvalidInput("The call has more than one message. Send one, which this method takes")

    def take(self) -> bytes | None:
        """The next message, if all of it is there. Raises as `add` does."""
        body, needed = self._body, self._needed
        if not 0 <= needed <= len(body):
            return None
        message = bytes(body[PREFIX:needed])
        if len(body) == needed:
            self._body = b""
        else:
            if isinstance(body, bytes):
                self._body = body = bytearray(body)
            del body[:needed]
        self._needed = -1
        self._measure()
        return message

    def only(self) -> bytes:
        """The one message of a call whose body has ended.

        Raises:
            InvalidInput: there is none, or not all of it.
        """
        size = len(self._body)
        if size != self._needed:
            raise InvalidInput(f"The call's {size} bytes are not a whole message. Send one")
        message, self._body = bytes(self._body[PREFIX:]), b""
        return message

    def _measure(self) -> None:
        body = self._body
        if len(body) >= PREFIX:
            size = int.from_bytes(body[1:PREFIX], "big")
            if body[0]:
                named = (self._encoding or b"identity")[:200].decode("latin-1")
                raise Unimplemented(
                    f"The message is compressed with '{named}'. Send it as it is (grpc-encoding: identity)"
                )
            if size > self._most:
                raise BodyTooLarge(size, self._most)
            self._needed = PREFIX + size

"""The message of a call, out of the parts of its body.

Before it stand a byte that says whether it is compressed, and its length in four.
"""

from __future__ import annotations

from ..echo import echo
from ..errors import BodyTooLarge, InvalidInput
from .errors import Unspoken

PREFIX = 5
"""Bytes before a message."""


class Message:
    """One per call.

    Args:
        most: bytes that it may have.
    """

    __slots__ = ("_body", "_most", "_needed")

    def __init__(self, most: int) -> None:
        self._most, self._needed = most, -1  # not known yet
        self._body: bytes | bytearray = b""

    def add(self, part: bytes, encoding: bytes | None) -> None:
        """A part of the body has come.

        Args:
            encoding: of a compressed message, as its call says it.

        Raises:
            BodyTooLarge: the message will be too large.
            InvalidInput: there is more than one message.
            Unspoken: it is compressed.
        """
        if not self._body:
            self._body = part
        elif isinstance(self._body, bytes):
            self._body = bytearray(self._body + part)
        else:
            self._body += part
        if self._needed < 0 and len(self._body) >= PREFIX:
            self._needed = PREFIX + int.from_bytes(self._body[1:PREFIX], "big")
            if self._body[0]:
                named = echo(encoding or b"identity")
                raise Unspoken(f"The message is compressed with '{named}'. Send it as it is (grpc-encoding: identity)")
            if self._needed > PREFIX + self._most:
                raise BodyTooLarge(self._needed - PREFIX, self._most)
        if 0 <= self._needed < len(self._body):
            raise InvalidInput("The call has more than one message. Send one, which all methods here take")

    def whole(self) -> bytes:
        """The message, when there is no more to come.

        Raises:
            InvalidInput: there is none, or not all of it.
        """
        if len(self._body) != self._needed:
            raise InvalidInput(f"The call's {len(self._body)} bytes are no whole message. Send one")
        message, self._body = bytes(self._body[PREFIX:]), b""
        return message

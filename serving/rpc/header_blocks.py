"""Blocks of headers, out of the frames that they come in: HEADERS, and CONTINUATION until they end."""

from __future__ import annotations

from collections.abc import Callable

from ..timeouts import Timeouts
from . import frames
from .errors import Code, ConnectionBroken
from .flood_guard import FloodGuard
from .frames import Flag, Kind

# What is waited for, besides requests (by the numbers of their streams).
_BLOCK = 2**32


class HeaderBlocks:
    """Those of one connection.

    Args:
        most: bytes of a block.
        guard: of the connection.
        receiving: its time-outs.
        on_block: given the flags of the first frame, the stream, and the block.
    """

    def __init__(
        self, most: int, guard: FloodGuard, receiving: Timeouts, on_block: Callable[[int, int, bytes], None]
    ) -> None:
        self._most, self._guard, self._receiving, self._on_block = most, guard, receiving, on_block
        self._begun: tuple[int, int, bytearray] | None = None

    def check_turn(self, kind: int) -> None:
        """Whether a frame of this kind may come now.

        Raises:
            ConnectionBroken: it may not: headers come without a break.
        """
        if (self._begun is not None) != (kind == Kind.CONTINUATION):
            raise ConnectionBroken(Code.PROTOCOL_ERROR, "headers that are broken off, or go on without a beginning")

    def headers(self, flags: int, number: int, payload: bytes) -> None:
        """HEADERS have come."""
        if flags & Flag.PADDED:
            payload = frames.unpadded(payload)
        if flags & Flag.PRIORITY:
            frames.check_priority(number, payload[:5])
            payload = payload[5:]
        if flags & Flag.END_HEADERS:
            self._on_block(flags, number, payload)
        else:
            self._begun = (flags, number, bytearray(payload))
            self._receiving.start(_BLOCK)

    def continuation(self, flags: int, number: int, payload: bytes) -> None:
        """More of the headers has come."""
        assert self._begun is not None
        first, stream, block = self._begun
        self._guard.spend()
        block += payload
        if number != stream:
            raise ConnectionBroken(Code.PROTOCOL_ERROR, "headers of another stream")
        if len(block) > self._most:
            raise ConnectionBroken(Code.ENHANCE_YOUR_CALM, "too many headers")
        if flags & Flag.END_HEADERS:
            self._begun = None
            self._receiving.stop(_BLOCK)
            self._on_block(first, number, bytes(block))

"""The call of `ModelStreamInfer`. A message that cannot be answered costs its own response only: the stream goes on."""

from __future__ import annotations

import time
from functools import partial

from ..errors import ServingError
from ..protocols.edge import Edge
from ..protocols.exchange import Exchange
from ..protocols.head import Head
from . import responses
from .calls import PROTOCOL
from .inference import StreamItem, ask_in_stream, refused_in_stream
from .stream import Stream
from .streaming import Slot, StreamingCall


class InferStream(StreamingCall):
    """One call.

    Args:
        edge: of the server.
        head: of the call.
        stream: that it came on.
        seconds: that the client waits for all of it, at most.
    """

    def __init__(self, edge: Edge, head: Head, stream: Stream, seconds: float) -> None:
        super().__init__(head, stream, edge.settings.max_body_bytes, seconds)
        self._edge = edge

    def handle(self, message: bytes, slot: Slot) -> None:
        """Ask the model."""
        exchange = _Exchange(self._edge, self.head, slot)
        slot.cancel = exchange.drop
        exchange.begin(message, lambda item: slot.fill(item.message))


class _Exchange(Exchange[StreamItem]):
    __slots__ = ("_slot",)

    def __init__(self, edge: Edge, head: Head, slot: Slot) -> None:
        super().__init__(edge, partial(ask_in_stream, slot), PROTOCOL, head, head.identity(), time.monotonic())
        self._slot = slot

    def refused(self, error: ServingError) -> StreamItem:
        """The response to a message that cannot be answered."""
        return refused_in_stream(self._slot, str(error), error.status)

    def failed(self) -> StreamItem:
        """The response where the server itself failed."""
        return refused_in_stream(self._slot, responses.failure_sentence(self.identity), 500)

"""The call of `ModelStreamInfer`. A message that cannot be answered costs its own response only: the stream goes on."""

from __future__ import annotations

import time
from functools import partial

from ..context import Context
from ..errors import ServingError
from ..exchange import Exchange
from ..request import RequestHead
from ..routes import GRPC
from . import responses
from .inference import StreamItem, ask_in_stream, refused_in_stream
from .stream import Stream
from .streaming import Slot, StreamingCall


class InferStream(StreamingCall):
    """One call.

    The metrics count its messages one by one, each as a request, and the call itself only where it is refused by its
    headers: what goes wrong with a stream as such, say a message that is too large, is counted by no message.
    """

    def __init__(self, context: Context, head: RequestHead, stream: Stream, seconds: float) -> None:
        super().__init__(context, head, stream, seconds)
        stream.on_end = None  # its messages are counted

    def handle(self, message: bytes, slot: Slot) -> None:
        """Predict."""
        exchange = _Exchange(self.context, self.head, slot)
        slot.cancel = exchange.drop
        exchange.predict(partial(ask_in_stream, slot), message, partial(_fill, slot))


def _fill(slot: Slot, item: StreamItem) -> None:
    slot.fill(item.message, right=not 400 <= item.status_code < 500)


class _Exchange(Exchange[StreamItem]):
    __slots__ = ("_slot",)

    def __init__(self, context: Context, head: RequestHead, slot: Slot) -> None:
        super().__init__(context, GRPC.name, head, time.monotonic())
        self._slot = slot

    def refused(self, error: ServingError) -> StreamItem:
        """The response to a message that cannot be answered."""
        return refused_in_stream(self._slot, str(error), error.status)

    def failed(self) -> StreamItem:
        """The response where the server itself failed."""
        return refused_in_stream(self._slot, responses.failure_sentence(self.request_id), 500)

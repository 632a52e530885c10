"""`grpc.health.v1.Health`: whether predictions may be sent here, once (`Check`) or as a stream (`Watch`).

Kubernetes' gRPC probes and load balancers check; clients watch.
"""

from __future__ import annotations

from ..context import Context
from ..core import Core
from ..errors import InvalidInput
from ..request import RequestHead
from .errors import UnknownService
from .messages import HEALTH, SERVICE, read
from .stream import Stream
from .streaming import Slot, StreamingCall

SERVICES = ("", SERVICE)
"""What has a status: the server, and its one service that can be ready or not."""
_STATUS = HEALTH.messages["HealthCheckResponse"]
_SERVING, _NOT_SERVING, _SERVICE_UNKNOWN = 1, 2, 3


def check(core: Core, message: bytes) -> bytes:
    """The status of a service.

    Raises:
        UnknownService: there is none of this name.
    """
    service = read(HEALTH, "HealthCheckRequest", message).service
    if service not in SERVICES:
        raise UnknownService(service, SERVICES[1:])
    return _status(core, service)


class WatchCall(StreamingCall):
    """One watch: sends the status at once, and again whenever it changes.

    Args:
        context: of the server.
        head: of the call.
        stream: that it came on.
        seconds: that the client watches, at most.
    """

    endless, outlives_body = False, True

    def __init__(self, context: Context, head: RequestHead, stream: Stream, seconds: float) -> None:
        super().__init__(context, head, stream, seconds)
        self._service: str | None = None
        self._told = b""

    def handle(self, message: bytes, slot: Slot) -> None:
        """Send the status, and begin to watch."""
        if self._service is not None:
            raise InvalidInput("The call has more than one message. Send one, which this method takes")
        self._service = service = str(read(HEALTH, "HealthCheckRequest", message).service)
        self._told = _status(self.context.core, service)
        slot.fill(self._told)
        self.context.core.watchers.add(self._tell)

    def end(self) -> None:
        """The body is whole: it should have had a message."""
        super().end()
        if self._service is None:
            self.refuse(InvalidInput("The call has no message. Send one"))

    def drop(self) -> None:
        """Nobody watches any more."""
        super().drop()
        self.context.core.watchers.discard(self._tell)

    def _tell(self) -> None:
        assert self._service is not None
        if (status := _status(self.context.core, self._service)) != self._told:
            self._told = status
            self.push(status)


def _status(core: Core, service: str) -> bytes:
    if service not in SERVICES:
        return _STATUS(status=_SERVICE_UNKNOWN).SerializeToString()
    return _STATUS(status=_SERVING if core.ready else _NOT_SERVING).SerializeToString()

"""What can be wrong with a call besides what it asks for.

PeerError
├── ConnectionBroken   the client breaks HTTP/2's rules: GOAWAY, and the connection ends
└── StreamBroken       one of its streams does: RST_STREAM, and the others go on
ServingError
├── Unimplemented     501   a method or an encoding that there is not here
└── UnknownService    404   a service that there is not here
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from ..errors import ServingError


class Code(IntEnum):
    """Why a stream or a connection ends, as HTTP/2 numbers it (RFC 9113, 7)."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class PeerError(Exception):
    """Root of what a client can break; its message is for whoever debugs that client."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class ConnectionBroken(PeerError):
    """Nothing on the connection can be trusted any more."""


class StreamBroken(PeerError):
    """Only the stream is broken."""


class Unimplemented(ServingError):
    """A method or an encoding that there is not here: gRPC's code 12."""

    status = 501


class UnknownService(ServingError):
    """A service that there is not here."""

    status = 404

    def __init__(self, service: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no service '{service[:200]}' here. Ask for {' or '.join(known)}, or leave it empty")

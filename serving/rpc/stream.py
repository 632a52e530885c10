"""One stream of a connection, and what stands between it and the call on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from ..errors import ServingError
from .responses import Response

if TYPE_CHECKING:
    from .streams import Streams


class Call(Protocol):
    """A request on its stream.

    Attributes:
        endless: its body may take as long as the client likes, and only messages that have begun must come.
    """

    @property
    def endless(self) -> bool: ...

    def data(self, part: bytes, /) -> None:
        """A part of its body has come."""
        ...

    def end(self) -> None:
        """The body is whole."""
        ...

    def sent(self) -> None:
        """The part of a response that was given last is out, and others may follow."""
        ...

    def refuse(self, error: ServingError, /) -> None:
        """It cannot be answered."""
        ...

    def drain(self) -> None:
        """The server stops: answer what has come, and take nothing more."""
        ...

    def drop(self) -> None:
        """Nobody waits for its response any more."""
        ...


class Stream:
    """The stream of one call, as the call sees it.

    Attributes:
        call: None where the headers alone decided the response.
        received, allowed: bytes of its body that have come, and that may come until more are allowed.
        owed: of those that are allowed, what no WINDOW_UPDATE has announced yet.
        length: what the header content-length says.
        held: bytes of memory that the request counts for.
        unsent: those of a response that waits for the client's window, and what of them waited when it was last timed.
        light: next to nothing of its headers is kept, and they need not be counted.
        authenticated: see `Context.judge`; None: its headers were no call's.
        ended: the client has sent all.
        finished: it was answered, which may not be out yet.
        on_end: given the status that HTTP would have, once the call is answered or its client gone; None: nobody asks.
    """

    __slots__ = (
        *("_streams", "call", "number", "received", "allowed", "owed", "length"),
        *("held", "unsent", "timed", "ended", "finished", "light", "authenticated", "on_end"),
    )

    def __init__(self, streams: Streams, number: int, allowed: int, length: bytes | None) -> None:
        self._streams, self.number, self.allowed = streams, number, allowed
        self.length = None if length is None else int(length)
        self.received = self.owed = self.held = self.unsent = self.timed = 0
        self.ended = self.finished = self.light = False
        self.authenticated: bool | None = None
        self.call: Call | None = None
        self.on_end: Callable[[int], None] | None = None

    def respond(self, response: Response) -> None:
        """Answer the call, or, if it is not the last part of its response, go on: then once `sent` was called."""
        self._streams.respond(self, response)

    def accept(self, size: int, messages: int) -> None:
        """Messages of so many bytes were answered, so many of them well; let the client send as many more."""
        self._streams.accept(self, size, messages)

    def await_rest(self, waits: bool) -> None:
        """Whether the rest of a message has to come, for which the client has so long as for a whole request."""
        self._streams.await_rest(self, waits)


Open = Callable[[Mapping[bytes, bytes], Stream], Call | None]
"""Begins a call with these headers on a stream. None: it was answered at once, and its body is of no interest."""

"""When a connection of HTTP/1.1 reads: when uvicorn wants more, and its turn has come."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING

from uvicorn.protocols.http.flow_control import FlowControl

if TYPE_CHECKING:
    from .http1 import Http1


class Flow(FlowControl):
    """uvicorn's, which parses what was read already before it reads more; whether it reads, the `Turn` decides."""

    def __init__(self, transport: asyncio.Transport, connection: Http1) -> None:
        super().__init__(transport)
        self._connection, self._parses = weakref.proxy(connection), False

    def pause_reading(self) -> None:
        """The next request, or more of a body, is not wanted yet."""
        self.read_paused = True
        self._connection.turn.pause(True)

    def resume_reading(self) -> None:
        """The next request, or more of a body, is wanted."""
        if not self.read_paused:
            return
        if not self._connection.has_unread:
            self.read_paused = False
            self._connection.turn.pause(False)
        elif not self._parses:
            self._parses = True
            asyncio.get_running_loop().call_soon(self._parse)

    def _parse(self) -> None:
        self._parses = False
        if not self._transport.is_closing():
            self.read_paused = False
            self._connection.parse_unread()
            self._connection.turn.pause(self.read_paused)

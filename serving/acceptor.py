"""Accepts connections from the socket that a service's replicas share, so that each replica gets its part of them.

`server` starts it once the model is ready. An event loop's own server takes all connections that wait when it is woken,
so that one replica ends up with every client of a burst, for as long as they keep their connections. This one takes one
and then leaves the next to its siblings for a millisecond. Where they leave it too, it takes twice as many each time.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress

BACKLOG = 2048
"""Connections that may wait on a socket to be accepted."""
_TURN_SECONDS = 0.001  # the shortest time that the event loop's clock knows
_MOST_AT_ONCE = 64
_PAUSE_SECONDS = 0.1

logger = logging.getLogger(__name__)


class Acceptor:
    """Accepts from its construction until `close`. Needs a running event loop."""

    def __init__(self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol], backlog: int) -> None:
        """
        Args:
            listener: bound, inherited; ours to close.
            protocol: makes what speaks on a new connection.
            backlog: connections that may wait to be accepted by any of the replicas.
        """
        self._listener, self._protocol = listener, protocol
        self._loop = asyncio.get_running_loop()
        self._connecting: set[asyncio.Task[None]] = set()
        self._at_once = 1
        self._open_since = 0.0
        listener.setblocking(False)
        listener.listen(backlog)
        self._go_on()

    async def close(self) -> None:
        """Accept no more, and return when all that was accepted has become a connection.

        Those that wait are taken as well: with the last replica that holds the socket they would be reset.
        """
        self._loop.remove_reader(self._listener)
        with suppress(OSError):  # nobody waits any more
            while True:
                connection, _ = self._listener.accept()
                self._take(connection)
        self._listener.close()
        await asyncio.gather(*self._connecting, return_exceptions=True)

    def _go_on(self) -> None:
        if self._listener.fileno() >= 0:
            self._open_since = self._loop.time()
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        waited_for_us = self._loop.time() - self._open_since < _TURN_SECONDS
        self._at_once = min(2 * self._at_once, _MOST_AT_ONCE) if waited_for_us else 1
        pause = _TURN_SECONDS
        try:
            for _ in range(self._at_once):
                connection, _ = self._listener.accept()
                self._take(connection)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            self._at_once = 1  # another replica was quicker, or the client is gone
        except OSError as e:  # no file descriptors left: trying again at once would only burn the CPU
            logger.error("a connection cannot be accepted: %s", e.strerror)
            pause = _PAUSE_SECONDS
        self._loop.remove_reader(self._listener)
        self._loop.call_later(pause, self._go_on)

    def _take(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        task = self._loop.create_task(self._connect(connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        with suppress(OSError):  # the client went away at once
            await self._loop.connect_accepted_socket(self._protocol, connection)

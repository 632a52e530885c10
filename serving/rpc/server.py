"""The server of gRPC: a socket of its own, its connections, and a stop that loses no call."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ..acceptor import BACKLOG, Acceptor
from ..context import Context
from ..errors import ModelUnloadable
from ..listener import bound
from .connection import Connection
from .service import Service


class RpcServer:
    """Serves from its construction until `stop`. Needs a running event loop.

    Attributes:
        port: that it listens on.
    """

    def __init__(self, context: Context, port: int) -> None:
        """
        Args:
            context: of the server.
            port: of the settings' host, which replicas of a service share; 0: any free one.

        Raises:
            ModelUnloadable: nothing can listen there.
        """
        settings = context.settings
        try:
            listener = bound(settings.host, port, shared=settings.listen_fd is not None)
        except OSError as e:
            raise ModelUnloadable(
                f"Nothing can listen on {settings.host}:{port} for gRPC. Stop the program that does, or choose "
                f"another port"
            ) from e
        self.port: int = listener.getsockname()[1]
        self._context, self._service = context, Service(context)
        self._connections: set[Connection] = set()
        self._empty = asyncio.Event()
        self._acceptor = Acceptor(listener, self._connection, BACKLOG)

    @property
    def connected(self) -> bool:
        """Whether any client is."""
        return bool(self._connections)

    def drain(self) -> None:
        """Ask the connected clients to leave; new ones are still answered."""
        for connection in tuple(self._connections):
            connection.go_away()

    async def stop(self, seconds: float) -> None:
        """Accept no more, answer all calls that were begun, and close; after `seconds` in any case."""
        await self._acceptor.close()
        for connection in tuple(self._connections):
            connection.stop()
        if self._connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), seconds)
        for connection in tuple(self._connections):
            connection.abort()

    def _connection(self) -> Connection:
        return Connection(self._service.open_call, self._context, self._on_made, self._on_lost)

    def _on_made(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._empty.clear()

    def _on_lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

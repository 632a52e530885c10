"""A way to a PostgreSQL server that breaks when a client commits: the server is told, and the client never answered."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self


class Cutting:
    """Passes connections on; each that says COMMIT while `armed` is closed once the server has answered.

    Attributes:
        port: where it listens.
        armed: whether it cuts.
        cut: how many connections it has.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.armed, self.cut = False, 0
        self._sockets: list[socket.socket] = [self._listener]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        _close(*self._sockets)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._to))
            self._sockets += [client, server]
            committed = threading.Event()
            for each in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=(*each, committed), daemon=True).start()

    def _pass(
        self, source: socket.socket, target: socket.socket, from_client: bool, committed: threading.Event
    ) -> None:
        try:
            while data := source.recv(65536):
                if from_client and self.armed and b"COMMIT\0" in data:
                    committed.set()
                if not from_client and committed.is_set():
                    self.cut += 1
                    break
                target.sendall(data)
        except OSError:
            pass
        _close(source, target)


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):  # to close it alone would not wake the thread that waits in it
            each.shutdown(socket.SHUT_RDWR)
        each.close()

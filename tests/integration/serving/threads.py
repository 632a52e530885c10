"""A model server in a thread, on a socket, for clients that speak to nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.places import GUARD, wait_until
from tenfold.serving.server import ModelServer
from tenfold.serving.settings import Settings


@contextmanager
def served(folder: Path, **given: Any) -> Generator[int]:
    """The port of a server that is ready, with version 7 of the model in `folder`."""
    with running(folder, **given) as (_, port):
        yield port


@contextmanager
def running(folder: Path, **given: Any) -> Generator[tuple[ModelServer, int]]:
    """A server that is ready, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ModelServer(Settings(**{"model": str(folder), "version": "7", "drain_seconds": 0, **given}))
        thread = threading.Thread(target=server.run_on, args=(listener,))
        thread.start()
        try:
            wait_until(lambda: server.core.ready, what="a ready server")
            yield server, listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(GUARD)
            assert not thread.is_alive()

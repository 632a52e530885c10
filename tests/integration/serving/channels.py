"""A model server with a port of gRPC, and grpcio's channel to it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from integration.serving.threads import running
from support.places import wait_until
from tenfold.serving.server import ModelServer

ALONE = [("grpc.use_local_subchannel_pool", 1)]
"""Options of a channel that shares its connection with no other of the process."""


@contextmanager
def called(folder: Path, **given: Any) -> Generator[tuple[ModelServer, grpc.Channel]]:
    """A server that is ready, and a channel."""
    with running(folder, grpc_port=0, **given) as (server, _):
        wait_until(lambda: server.grpc_port)
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options=ALONE) as channel:
            yield server, channel

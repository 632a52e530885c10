"""The process of one model server: live at once, ready when the model is, and a stop that loses no request.

`__main__` runs it. A service's replicas share one listening socket that they inherit (`listen_fd`) and accept from it
only while they are ready; until then, and always, each answers probes on a socket of its own (`probe_fd`). Without
them the server listens on host and port from the start.

On SIGTERM or SIGINT: not ready any more, but still accepting; every request that comes now is answered with
`Connection: close`, and clients of gRPC get a GOAWAY, so that they move away by themselves. When none is left, or after
`drain_seconds`, it stops accepting, answers those that were just about to be accepted, finishes what is in flight,
closes what is still idle, and writes out the inference log.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import signal
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn

from .acceptor import BACKLOG, Acceptor
from .app import create_app
from .connection import Connection
from .core import Core
from .errors import ModelUnloadable
from .metrics import Metrics
from .settings import Settings

# A stop takes no longer than that beside the drain and what is in flight; the log has at least so long of it.
_STOP_SECONDS, _LOG_SECONDS = 5.0, 2.0
# How often the drain looks whether clients have gone, and what was counted goes to the shared metrics.
_POLL_SECONDS, _TICK_SECONDS = 0.02, 0.1
# For the first request of a connection that was accepted last.
_LAST_SECONDS = 1.0

logger = logging.getLogger(__name__)


class ModelServer(uvicorn.Server):
    """uvicorn's server, with a model to load at the start and a drain before the stop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.core = Core(settings, asked=self.metrics.predicted)
        self.failure: ModelUnloadable | None = None
        probe = self._inherited(settings.probe_fd)
        self._probe = probe
        app, self.context = create_app(self.core, settings, self.metrics)
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection.of(self.context, probe.getsockname()[1] if probe else None),
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                backlog=BACKLOG,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=settings.keep_alive_seconds,
                timeout_graceful_shutdown=math.ceil(settings.deadline_seconds),
            )
        )
        self._acceptor: Acceptor | None = None
        self._rpc: Any = None
        self.grpc_port: int | None = None

    def run_on(self, listener: socket.socket | None) -> None:
        """Serve until a signal; `listener` is the bound socket of a server that stands alone.

        Raises:
            ModelUnloadable: a server that stands alone has no model to serve. A replica stays, and answers why.
        """
        self.run(sockets=[s for s in (listener, self._probe) if s is not None])
        if self.failure is not None:
            raise self.failure

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer on the sockets at once, and begin to load the model."""
        await super().startup(sockets)
        if sockets and self.settings.listen_fd is None:
            logger.info("HTTP listens on %s:%d", *sockets[0].getsockname()[:2])
        self._loading = asyncio.create_task(self._load())
        self._ticking = asyncio.create_task(self._tick())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, stop, and write out the log: in `drain_seconds`, `deadline_seconds` and 5 s, whatever clients do."""
        latest = time.monotonic() + self.settings.drain_seconds + self.settings.deadline_seconds + _STOP_SECONDS
        self.core.drain()
        self.context.turns.end()
        # uvicorn adds these to every answer. It renews them once a second only while it runs, so this stays.
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        if self._rpc:
            self._rpc.drain()
        await self._let_clients_go(self.settings.drain_seconds)
        if self._acceptor:
            await self._acceptor.close()
            await self._let_clients_go(min(_LAST_SECONDS, self.settings.drain_seconds))
        stops = [super().shutdown(sockets)]
        if self._rpc:  # finishes what is in flight
            stops.append(self._rpc.stop(self.settings.deadline_seconds))
        await asyncio.gather(*stops)
        for connection in tuple(self.server_state.connections):  # of clients that do not take their answers
            cast("Connection", connection).transport.abort()
        self._ticking.cancel()
        await asyncio.to_thread(self.core.close, max(_LOG_SECONDS, latest - time.monotonic()))
        if self.context.tracer:
            await asyncio.to_thread(self.context.tracer.close)
        self.context.publish()
        logger.info("stopped after %d requests", self.server_state.total_requests)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop on SIGTERM and SIGINT; uvicorn would raise them again at the end, as if a requested stop had failed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {n: signal.signal(n, self.handle_exit) for n in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def _load(self) -> None:
        # Over gRPC, too, probes are answered from the start. Replicas share its port, and listen once they are ready.
        alone = self.settings.listen_fd is None
        try:
            if alone:
                self._start_rpc()
            await asyncio.to_thread(self.core.load)
            self.metrics.serves(self.core.model.created, self.core.model.newest_row)
            # What is there now stays: the collector need not look through all of it again and again.
            gc.freeze()
            if not alone:
                self._start_rpc()
        except ModelUnloadable as e:
            logger.error("%s", e)
            if alone:
                self.failure, self.should_exit = e, True
            return
        except Exception:
            logger.exception("the model cannot be loaded")
            self.core.state, self.core.reason = "failed", "the model cannot be loaded; the server's log has the reason"
            if alone:
                self.failure, self.should_exit = ModelUnloadable(self.core.reason), True
            return
        shared = self._inherited(self.settings.listen_fd)
        if shared is not None and not self.should_exit:
            self._acceptor = Acceptor(shared, self._protocol, BACKLOG)

    def _start_rpc(self) -> None:
        port = self.settings.grpc_port
        if port is None or self.should_exit:
            return
        try:
            from .rpc.server import RpcServer  # an extra
        except ImportError as e:
            raise ModelUnloadable(f"gRPC needs more than is installed ({e}). Run: pip install 'tenfold[grpc]'") from e
        self._rpc = RpcServer(self.context, port)
        self.grpc_port = self._rpc.port
        logger.info("gRPC listens on %s:%d", self.settings.host, self.grpc_port)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def _let_clients_go(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        # uvicorn's set of connections does not notify of changes, so it has to be polled.
        while self._has_clients() and time.monotonic() < deadline and not self.force_exit:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)

    def _has_clients(self) -> bool:
        """Whether anyone but a prober is connected."""
        over_http = any(not cast("Connection", connection).is_probe for connection in self.server_state.connections)
        return over_http or (self._rpc is not None and self._rpc.connected)

    async def _tick(self) -> None:
        """Publish what was counted, tell who watches, and cut off clients that take nothing of their answers."""
        while True:
            self.core.tell_watchers()
            # Replicas share their metrics, and each of them responds with what all have published.
            self.context.publish()
            now = time.monotonic()
            for connection in tuple(self.server_state.connections):
                cast("Connection", connection).check_writing(now)
            await asyncio.sleep(_TICK_SECONDS)

    @staticmethod
    def _inherited(descriptor: int | None) -> socket.socket | None:
        return None if descriptor is None else socket.socket(fileno=descriptor)

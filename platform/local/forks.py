"""The controller's side of a fork server: starts one, asks it for processes, and learns how they ended.

`supervisor` has replicas started through it where the system can (Linux); elsewhere, and when the server cannot be
had, a replica is started like any other process.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from .forkserver import MESSAGE_BYTES, SLOT, SLOT_BYTES
from .process import start, stop
from .state import State

# The sockets must keep messages whole, and a fork rewrites what /proc shows of it.
SUPPORTED = sys.platform == "linux"
MODULES = ("tenfold.serving.preload",)
"""What every model server imports before it is ready."""

_END_SECONDS = 2.0

log = logging.getLogger(__name__)


class ForkServer:
    """One fork server process; it ends when this is closed, or with its controller.

    Attributes:
        process: itself.
    """

    def __init__(self, state: State, environment: Mapping[str, str], modules: Sequence[str]) -> None:
        """Start it. It imports `modules`, which read `environment` while they are imported."""
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = start(
                state,
                "forkserver",
                ["-m", "tenfold.platform.local.forkserver", "--socket", str(theirs.fileno()), *modules],
                log=state.folder / "forkserver.log",
                # The metrics library decides while it is imported whether processes share their counters.
                environment={**environment, "PROMETHEUS_MULTIPROC_DIR": "/", SLOT: " " * SLOT_BYTES},
                pass_fds=[theirs.fileno()],
            )
        self._ready = False

    @property
    def alive(self) -> bool:
        """Whether it can be asked, now or soon."""
        return self.process.alive

    @property
    def ready(self) -> bool:
        """Whether it has imported everything."""
        if not self._ready:
            with suppress(BlockingIOError, ConnectionError):
                self._ready = bool(self._socket.recv(MESSAGE_BYTES, socket.MSG_DONTWAIT))
        return self._ready

    def fork(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        marks: Mapping[str, str],
        output: int,
        pass_fds: Sequence[int],
    ) -> Fork:
        """Let it fork a process that runs `python *arguments`, which must be `-m MODULE ...`.

        Raises:
            OSError: it is gone.
        """
        order = {
            "arguments": [*arguments],
            "environment": {**environment},
            "marks": {**marks},
            "numbers": [*pass_fds],
        }
        return Fork(self, self._ask(order, [output, *pass_fds])["pid"])

    def ended(self, pid: int) -> int | None:
        """The exit code of a fork, or None while it runs and when nobody knows any more."""
        with suppress(OSError):
            code: int | None = self._ask({"ended": pid})["code"]
            return code
        return None

    def close(self) -> None:
        """Let it end. What it forked goes on."""
        self._socket.close()

    def _ask(self, request: Mapping[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
        answer = self._socket.recv(MESSAGE_BYTES)
        if not answer:
            raise ConnectionResetError("the fork server is gone")
        return json.loads(answer)


class Fork:
    """A process that a fork server has forked, as `process.Process` sees a child."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self._server = server
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code once it has ended, if its fork server still knows."""
        if self._code is None:
            self._code = self._server.ended(self.pid)
        return self._code


class ForkServers:
    """The fork servers of one controller: one for each environment that replicas are to be started in."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._servers: dict[tuple[tuple[str, str], ...], ForkServer] = {}
        self._useless = not SUPPORTED

    def of(self, environment: Mapping[str, str]) -> ForkServer | None:
        """The server for that environment, perhaps not ready yet; None where replicas are better started directly."""
        if self._useless:
            return None
        key = tuple(sorted(environment.items()))
        server = self._servers.get(key)
        if server and not server.alive:
            was_ready = server.ready
            server.close()
            if not was_ready:
                # It will not do better the next time; a replica that is started directly tells why.
                log.error("the fork server ended before it was ready; replicas are started without it from now on")
                self._useless = True
                return None
            log.warning("the fork server ended and is started again")
            server = None
        if not server:
            server = self._servers[key] = ForkServer(self._state, environment, MODULES)
        return server

    def close(self) -> None:
        """Let all of them end, and wait for that."""
        for server in self._servers.values():
            server.close()
        stop([server.process for server in self._servers.values()], grace=_END_SECONDS)

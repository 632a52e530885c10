"""The controller of the local platform: one process per state folder that makes desired state so, round after round.

Started by `tenfold up` in the foreground or by the local target in the background (`python -m
tenfold.platform.local.controller --state DIR`). It holds a lock that the operating system frees when it dies, finds the
processes that an earlier controller left, and replaces them without losing a request.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx

from ..errors import PlatformError, StateUnusable
from ..spec import ServiceSpec
from .alarm import Alarm
from .components import Components, wanted_components
from .forks import ForkServers
from .process import MARKS, Process, find
from .state import State, lock_holder, try_lock
from .supervisor import Supervisor

log = logging.getLogger(__name__)

ROUND_SECONDS = 0.2
# A status command may hold the lock shared for an instant while it looks who has it.
LOCK_PATIENCE = 1.0


class Controller:
    """The loop over all services of one state folder."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._stop = asyncio.Event()
        self._trouble: dict[str, str] = {}

    def stop(self) -> None:
        """End after the round that runs: drain everything, then return from `run`."""
        self._stop.set()

    async def run(self) -> None:
        """Hold the state folder and keep its services until `stop`.

        Raises:
            StateUnusable: the folder cannot be written, or another controller holds it.
        """
        self._state.create()
        with hold(self._state):
            found = find(self._state)
            components, alarm = Components(self._state, found), Alarm(self._state, found)
            fork_servers = ForkServers(self._state)
            supervisors: dict[str, Supervisor] = {}
            alarm.start()
            async with httpx.AsyncClient(trust_env=False) as http:
                while not self._stop.is_set():
                    await self._round(supervisors, components, alarm, found, http, fork_servers)
                    await self._pause()
                alarm.stop()
                await asyncio.gather(*(s.stop() for s in supervisors.values()))
                await asyncio.to_thread(components.stop)
                fork_servers.close()

    async def _round(
        self,
        supervisors: dict[str, Supervisor],
        components: Components,
        alarm: Alarm,
        found: list[Process],
        http: httpx.AsyncClient,
        fork_servers: ForkServers,
    ) -> None:
        for folder in self._state.folders:
            if folder.name not in supervisors and (folder.exists or folder.deleted):
                ours = [p for p in found if p.role == "replica" and p.marks[MARKS + "SERVICE"] == folder.name]
                left = [p for p in ours if p.alive]
                supervisors[folder.name] = Supervisor(self._state, folder, left, http, fork_servers)
        await asyncio.gather(*(self._step(s) for s in supervisors.values()))
        for name in [n for n, s in supervisors.items() if s.gone]:
            self._state.service(name).remove()
            del supervisors[name]
        with self._going_on("page, registry and alarm clock"):
            specs = [spec for name in self._state.names for spec in self._spec(name)]
            components.step(wanted_components(self._state, specs))
            alarm.step(specs)

    async def _step(self, supervisor: Supervisor) -> None:
        with self._going_on(supervisor.name):
            await supervisor.step()

    def _spec(self, name: str) -> Iterator[ServiceSpec]:
        with self._going_on(f"desired state of {name}"):
            yield self._state.service(name).current().spec

    @contextmanager
    def _going_on(self, what: str) -> Generator[None]:
        """One service whose files are broken, or a full disk, must stop neither the other services nor the loop."""
        try:
            yield
        except (OSError, ValueError, PlatformError) as e:
            # Said once, not five times a second.
            if self._trouble.get(what) != str(e):
                log.exception("%s: a round failed and is repeated until it succeeds", what)
            self._trouble[what] = str(e)
        else:
            self._trouble.pop(what, None)

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), ROUND_SECONDS)
        except TimeoutError:
            return


def hold(state: State) -> IO[str]:
    """Become the controller of that folder, until the returned file is closed.

    Raises:
        StateUnusable: another process is.
    """
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        lock = try_lock(state.controller_lock, str(os.getpid()))
        if lock:
            return lock
        if time.monotonic() > deadline:
            raise StateUnusable(
                f"The platform in {state.folder} runs already (process {lock_holder(state.controller_lock)}). "
                "Look at it with: tenfold status; stop it with: tenfold down"
            )
        time.sleep(0.05)


async def run_until_signal(state: State) -> None:
    """Run a controller until SIGTERM, Ctrl-C, or the end of its terminal."""
    controller = Controller(state)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, controller.stop)
    await controller.run()


def main() -> int:
    """Run in the background process that the local target starts."""
    parser = argparse.ArgumentParser(prog="python -m tenfold.platform.local.controller", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the state folder")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    try:
        asyncio.run(run_until_signal(State(parser.parse_args().state)))
    except PlatformError as e:
        sys.stderr.write(f"{e}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

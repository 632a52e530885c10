"""Processes of the local platform: started with marks in their environment, and found again by them.

The process table is the only record of what runs. There is no pid file that could lie after a kill -9 or a reboot:
whoever needs the truth, a new controller or a status command, reads it from the table.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen
from typing import Protocol

import psutil

from .state import State

KILLED_WITHIN = 5.0
STATE, ROLE, MARKS = "TENFOLD_PROCESS_STATE", "TENFOLD_PROCESS_ROLE", "TENFOLD_PROCESS_"


class Child(Protocol):
    """A process whose exit code can be had."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs or when it is not known."""
        ...


class Forks(Protocol):
    """What can start a process faster than the interpreter: see `forks`."""

    def fork(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        marks: Mapping[str, str],
        output: int,
        pass_fds: Sequence[int],
    ) -> Child:
        """Start `python *arguments`, its output to the descriptor `output`."""
        ...


class Process:
    """One process that was started here, by this controller or by an earlier one."""

    def __init__(self, process: psutil.Process, marks: Mapping[str, str], child: Child | None = None) -> None:
        self.marks = marks
        self.pid = process.pid
        self.started = datetime.fromtimestamp(process.create_time(), UTC)
        self._process = process
        self._child = child

    def __repr__(self) -> str:
        return f"<{self.role} {self.pid}>"

    @property
    def role(self) -> str:
        """What it is: replica, page, registry, night, forkserver or controller."""
        return self.marks[ROLE]

    @property
    def alive(self) -> bool:
        """Whether it still runs. psutil compares start times, so a pid that was given again is not mistaken for it."""
        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        code = self._child.poll() if self._child else None
        if code is None:
            return "it ended"
        return f"it was ended by {signal.Signals(-code).name}" if code < 0 else f"it ended with exit code {code}"

    def terminate(self) -> None:
        """Ask it, and what it started itself, to finish what they do and end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, and what it started itself, now."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        # Each process was started as the leader of a group; one that it started itself is in that group.
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if self._process.is_running():
                os.killpg(os.getpgid(self.pid), number)


class _Child(Popen[bytes]):
    """A child that may outlive this process, as a background controller does: that is no leak to be warned of."""

    def __del__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            super().__del__()


def start(
    state: State,
    role: str,
    arguments: Sequence[str],
    *,
    log: Path,
    marks: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    forks: Forks | None = None,
) -> Process:
    """Start `python *arguments` in a session of its own, its output appended to `log`.

    With `forks` it is forked instead of started, and `arguments` must be `-m MODULE ...`.
    """
    marks = {STATE: str(state.folder), ROLE: role, **{MARKS + k.upper(): v for k, v in (marks or {}).items()}}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(MARKS)}
    whole = {**inherited, **(environment or {}), **marks}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child: Child = (
            forks.fork(arguments, whole, marks, output.fileno(), pass_fds)
            if forks
            else _Child(
                [sys.executable, *arguments],
                stdin=DEVNULL,
                stdout=output,
                stderr=STDOUT,
                env=whole,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        )
    return Process(psutil.Process(child.pid), marks, child)


def find(state: State) -> list[Process]:
    """All processes of that state folder that run now, whoever started them, oldest first."""
    found: list[Process] = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            if environment.get(STATE) == str(state.folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(Process(process, {k: v for k, v in environment.items() if k.startswith(MARKS)}))
        except (psutil.AccessDenied, psutil.NoSuchProcess, OSError):
            continue
    return sorted(found, key=lambda p: p.started)


def stop(processes: Sequence[Process], *, grace: float) -> None:
    """Ask all to end, wait up to `grace` seconds, and end by force what is left."""
    for process in processes:
        process.terminate()
    _wait(processes, grace)
    for process in processes:
        if process.alive:
            process.kill()
    _wait(processes, KILLED_WITHIN)


def _wait(processes: Sequence[Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(p.alive for p in processes) and time.monotonic() < deadline:
        time.sleep(0.05)

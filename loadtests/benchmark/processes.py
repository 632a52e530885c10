"""The processes of one server: started, looked after, measured and stopped as a whole, whatever they do.

Some peers start helpers that leave their parent or outlive it, so the tree is not enough: every process carries a mark
in its environment, which it hands on to its children. Others write over their environment, so the mark is not enough
either: the server's is what has the mark, what descends from it, and what once did.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil

from .errors import ServerFailed

MARK = "TENFOLD_BENCHMARK_SERVER"
STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.01
_LAST_LINES = 5
# Each server has one core: more threads for a prediction would only get in each other's way.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# What is meant for other servers than this one.
_NOT_OURS = ("TENFOLD_", "MLFLOW_", "MLSERVER_", "BENTOML_", "RAY_", "MOSEC_", "PROMETHEUS_")


@dataclass(frozen=True)
class Launch:
    """How a server is started.

    Attributes:
        command: the program and its arguments.
        environment: beside what the benchmark itself has; one for each process of this command.
        sockets: that they inherit; closed here once they have.
        ready: URLs that must answer with 200 before the server counts as ready.
    """

    command: Sequence[str]
    environment: Sequence[Mapping[str, str]] = ({},)
    sockets: Sequence[socket.socket] = ()
    ready: Sequence[str] = ()


class Processes:
    """A server that runs.

    Attributes:
        launch: how it was started.
        started: when, of `time.perf_counter()`.
    """

    def __init__(self, launch: Launch, *, prefix: Sequence[str], folder: Path, log: Path) -> None:
        """
        Args:
            prefix: command that pins what follows it to a core.
            folder: where it works.
            log: file for what it says.
        """
        self.launch, self._mark, self._log = launch, uuid4().hex, log
        self._known: set[psutil.Process] = set()
        bare = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
        self.started = time.perf_counter()
        with log.open("wb") as said:
            self._first = [
                subprocess.Popen(
                    [*prefix, *launch.command],
                    env={**bare, **ONE_THREAD, **environment, MARK: self._mark},
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    pass_fds=[each.fileno() for each in launch.sockets],
                    start_new_session=True,
                )
                for environment in launch.environment
            ]
        for each in launch.sockets:
            each.close()

    def until(self, condition: Callable[[], bool], *, within: float, what: str) -> float:
        """Seconds from the start until `condition()` is true.

        Raises:
            ServerFailed: it was not within so many seconds, or a process ended.
        """
        while not condition():
            self.check()
            if time.perf_counter() - self.started > within:
                raise ServerFailed(f"It gave no {what} within {within:g} s. Its last lines: {self._said()}")
            time.sleep(_LOOK_SECONDS)
        return time.perf_counter() - self.started

    def check(self) -> None:
        """
        Raises:
            ServerFailed: a process that was started here has ended.
        """
        for process in self._first:
            code = process.poll()
            if code is not None:
                raise ServerFailed(f"It ended with exit code {code}. Its last lines: {self._said()}")

    def memory(self) -> float:
        """MiB of all processes. On Linux pages that several share count once (PSS), elsewhere not at all."""
        return sum(map(_bytes, self._running())) / 2**20

    @property
    def pid(self) -> int:
        """Of the process that was started first."""
        return self._first[0].pid

    def cpu_seconds(self) -> float:
        """CPU that all processes which run have spent since they started."""
        return sum(map(_cpu_seconds, self._running()))

    def stop(self) -> None:
        """End all processes, those that will not with SIGKILL."""
        self._running()  # while it still can be seen who descends from whom
        for process in self._first:
            process.terminate()
        if not self._gone(STOP_SECONDS):
            for process in self._running():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            if not self._gone(STOP_SECONDS):
                left = ", ".join(str(process.pid) for process in self._running())
                raise ServerFailed(f"Processes {left} cannot be killed. Kill them by hand")

    def _gone(self, within: float) -> bool:
        deadline = time.perf_counter() + within
        while any(process.poll() is None for process in self._first) or self._running():
            if time.perf_counter() > deadline:
                return False
            time.sleep(_LOOK_SECONDS)
        return True

    def _running(self) -> set[psutil.Process]:
        self._known |= {process for process in psutil.process_iter() if _mark(process) == self._mark}
        for process in tuple(self._known):
            with suppress(psutil.Error):
                self._known |= set(process.children(recursive=True))
        self._known = {process for process in self._known if _runs(process)}
        return self._known

    def _said(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-_LAST_LINES:]) or "none"


@contextmanager
def running(launch: Launch, *, prefix: Sequence[str], folder: Path, log: Path) -> Generator[Processes]:
    """A server that runs while the context is open."""
    processes = Processes(launch, prefix=prefix, folder=folder, log=log)
    try:
        yield processes
    finally:
        processes.stop()


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def _mark(process: psutil.Process) -> str:
    """The mark in its environment; empty when there is none, or the process is gone or none of ours."""
    try:
        return process.environ().get(MARK, "")
    except (psutil.Error, OSError):
        return ""


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _bytes(process: psutil.Process) -> int:
    """0 of a process that is gone."""
    try:
        used = process.memory_full_info()
    except (psutil.Error, OSError):
        return 0
    return getattr(used, "pss", used.uss)


def _cpu_seconds(process: psutil.Process) -> float:
    """0 of a process that is gone."""
    try:
        used = process.cpu_times()
    except psutil.Error:
        return 0.0
    return used.user + used.system

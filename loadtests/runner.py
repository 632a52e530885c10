"""Runs a load test: asks the service first, then starts Locust in a process of its own, and reads what it measured.

    plan -> [service answers? rows usable? -> Locust] -> Measured -> limits -> Report, HTML and JSON

What stands in brackets is `measure_here`; on a cluster, pods do it (`tenfold.platform.kubernetes.loadtest`).
Locust's import replaces the standard library's sockets, so it never happens in the caller's process. However the run
ends, Ctrl-C and SIGTERM included, no process of it is left; only kill -9 leaves Locust to its own --run-time.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import orjson

from . import access
from .errors import InvalidPlan, RunFailed
from .limits import check
from .measured import read_measured
from .plan import WORKERS_ELSEWHERE_SECONDS, LoadTest, locust_command
from .report import Report
from .rows import read_rows
from .service import describe

POLL_SECONDS = 0.1
STARTUP_SECONDS = 300.0
END_SECONDS = 5.0
LAST_LINES = 5
MEASURED, HTML = "measured.json", "report.html"

Progress = Callable[[float], None]
# Runs a plan, and leaves both files in the folder or raises a LoadTestError. Progress is called about once a second or
# more often, with the seconds since the run began; 0 until it does.
Measure = Callable[[LoadTest, Path, Progress], None]


def measure_here(plan: LoadTest, folder: Path, progress: Progress, *, workers_port: int | None = None) -> None:
    """Measure with Locust on this machine.

    Args:
        plan: what should be run.
        folder: where the files are left.
        progress: as `Measure` says.
        workers_port: where workers on other machines find the master; None: the plan's workers are processes here.
    """
    if importlib.util.find_spec("locust") is None:
        raise RunFailed("Locust is not installed; install it with: pip install 'tenfold[loadtests]'")
    model = describe(plan.url)
    if plan.rows_file is not None:
        read_rows(plan.rows_file, model.columns, plan.label_column)
    measured, log = folder / MEASURED, folder / "locust.log"
    command = locust_command(
        plan,
        measured=measured,
        html=folder / HTML,
        master_port=workers_port or _free_port(),
        workers_elsewhere=workers_port is not None,
    )
    startup = STARTUP_SECONDS if workers_port is None else STARTUP_SECONDS + WORKERS_ELSEWHERE_SECONDS
    limit = startup + plan.run_time + plan.stop_seconds
    code = _execute(command, folder, log, limit, _since_beginning(measured, progress))
    if code != 0 or not (measured.is_file() and measured.stat().st_size):
        ended = f"did not end within {limit:g} s" if code is None else f"ended with exit code {code}"
        raise RunFailed(f"Locust {ended}. Its last lines: {_last_lines(log)}")


def run(
    plan: LoadTest,
    *,
    html: Path,
    json: Path,
    progress: Progress = lambda _: None,
    measure: Measure = measure_here,
) -> Report:
    """Run `plan`, write both reports, and return what was found; a limit that broke is a result and no error.

    Args:
        html, json: files to write; their folders are made.
        progress: called about once a second or more often, with the seconds since the run began.
        measure: what makes the load.

    Raises:
        LoadTestError: the run could not be done; nothing is written then.
    """
    for path in (html, json):
        _check_writable(path)
    with TemporaryDirectory(prefix="tenfold-loadtest-") as folder, signals_interrupt():
        measure(plan, Path(folder), progress)
        measured = read_measured(Path(folder) / MEASURED)
        if not measured.predictions.requests:
            raise RunFailed(f"Not one prediction was answered within {plan.run_time:g} s; give a longer --run-time")
        report = Report(plan, measured, check(plan.limits, measured), html, json)
        shutil.copyfile(Path(folder) / HTML, html)
    json.write_bytes(orjson.dumps(report.document(), option=orjson.OPT_INDENT_2))
    return report


def _since_beginning(measured: Path, progress: Progress) -> Callable[[], None]:
    began: float | None = None

    def look() -> None:
        nonlocal began
        if began is None and measured.exists():
            began = monotonic()
        progress(0.0 if began is None else monotonic() - began)

    return look


def _execute(command: list[str], folder: Path, log: Path, limit: float, look: Callable[[], None]) -> int | None:
    """The exit code of `command`, run in `folder` with its words in `log`; None when it had to be stopped."""
    # Variables and files of the user's own Locust tests must not change this run.
    ours = ("LOCUST_", "TENFOLD_")
    variables = {k: v for k, v in os.environ.items() if not k.startswith(ours) or k == access.VARIABLE}
    with log.open("wb") as words:
        deadline = monotonic() + limit
        # In a session of its own, a terminal's Ctrl-C reaches us alone, and we stop Locust in one way only.
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while monotonic() < deadline:
                look()
                with suppress(subprocess.TimeoutExpired):
                    return process.wait(POLL_SECONDS)
            return None
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing of the process and of what it started."""
    try:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
    finally:
        with suppress(ProcessLookupError, PermissionError):  # macOS refuses for a group of zombies
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def signals_interrupt() -> Generator[None]:
    """Let SIGTERM, and SIGHUP of a closed terminal, do what Ctrl-C does, and let none of them interrupt what puts away.

    After the first the others do nothing until the end of the context. Signals belong to the main thread alone; those
    that were ignored before, as with nohup, stay so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    heard = {each: handler for each, handler in handlers.items() if handler is not signal.SIG_IGN}

    interrupted = False

    def interrupt(*_: Any) -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            raise KeyboardInterrupt

    for each in heard:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each, handler in heard.items():
            signal.signal(each, handler)


def _check_writable(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise InvalidPlan(f"The folder of '{path}' cannot be made ({e.strerror}); give another path") from e
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InvalidPlan(f"'{path}' cannot be written; give another path")


def _last_lines(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-LAST_LINES:]) or "none"


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])

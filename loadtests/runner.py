"""Runs a load test: asks the service first, then starts Locust in a process of its own, and reads what it measured.

    plan -> service answers? rows usable? -> Locust -> Measured -> limits -> Report, HTML and JSON

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

from .errors import InvalidPlan, RunFailed
from .limits import check
from .measured import Measured, read_measured
from .plan import LoadTest, locust_command
from .report import Report
from .rows import read_rows
from .service import describe

POLL_SECONDS = 0.1
STARTUP_SECONDS = 60.0
END_SECONDS = 5.0
LAST_LINES = 5


def run(plan: LoadTest, *, html: Path, json: Path, progress: Callable[[float], None] = lambda _: None) -> Report:
    """Run `plan`, write both reports, and return what was found; a limit that broke is a result and no error.

    Args:
        html, json: files to write; their folders are made.
        progress: called several times a second with the seconds since Locust was started.

    Raises:
        LoadTestError: the run could not be done; nothing is written then.
    """
    if importlib.util.find_spec("locust") is None:
        raise RunFailed("Locust is not installed; install it with: pip install 'tenfold[loadtests]'")
    for path in (html, json):
        _check_writable(path)
    model = describe(plan.url)
    if plan.rows_file is not None:
        read_rows(plan.rows_file, model.columns, plan.label_column)
    with TemporaryDirectory(prefix="tenfold-loadtest-") as folder:
        measured = _measure(plan, Path(folder), progress)
        report = Report(plan, measured, check(plan.limits, measured), html, json)
        shutil.copyfile(Path(folder) / "report.html", html)
    json.write_bytes(orjson.dumps(report.document(), option=orjson.OPT_INDENT_2))
    return report


def _measure(plan: LoadTest, folder: Path, progress: Callable[[float], None]) -> Measured:
    found, log = folder / "measured.json", folder / "locust.log"
    command = locust_command(plan, measured=found, html=folder / "report.html", master_port=_free_port())
    limit = STARTUP_SECONDS + plan.run_time + plan.stop_seconds
    code = _execute(command, folder, log, limit, progress)
    if code != 0 or not found.is_file():
        ended = f"did not end within {limit:g} s" if code is None else f"ended with exit code {code}"
        raise RunFailed(f"Locust {ended}. Its last lines: {_last_lines(log)}")
    measured = read_measured(found)
    if not measured.predictions.requests:
        raise RunFailed(f"Not one prediction was answered within {plan.run_time:g} s; give a longer --run-time")
    return measured


def _execute(
    command: list[str], folder: Path, log: Path, limit: float, progress: Callable[[float], None]
) -> int | None:
    """The exit code of `command`, run in `folder` with its words in `log`; None when it had to be stopped."""
    # Variables and files of the user's own Locust tests must not change this run.
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "TENFOLD_"))}
    with _signals_interrupt(), log.open("wb") as words:
        started = monotonic()
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
            while (elapsed := monotonic() - started) < limit:
                progress(elapsed)
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
def _signals_interrupt() -> Generator[None]:
    """Let SIGTERM, and SIGHUP of a closed terminal, do what Ctrl-C does; signals belong to the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
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

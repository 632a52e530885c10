"""Fails when a test has left a process of a platform running; run by `.ci/run` after the tests.

Every such process carries the state folder of its platform in its environment, and those of tests are temporary.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator

import psutil


def left_running() -> Iterator[str]:
    """A line for every process."""
    for process in psutil.process_iter():
        try:
            state = process.environ().get("TENFOLD_PROCESS_STATE", "")
            if state.startswith(tempfile.gettempdir()):
                yield f"{process.pid} of {state}: {' '.join(process.cmdline())}"
        except (psutil.AccessDenied, psutil.NoSuchProcess, OSError):
            continue


if __name__ == "__main__":
    found = list(left_running())
    sys.stderr.writelines(f"left running: {line}\n" for line in found)
    sys.exit(1 if found else 0)

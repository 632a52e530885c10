"""What runs in the pods of a load test on a cluster: `python -m tenfold.loadtests.pod PLAN HOST PORT`.

The pods are those of one Job and numbered. Number 0 is Locust's master, runs the plan (JSON) and writes to its log what
`transcript.py` reads; each of the others becomes a worker of the master at HOST:PORT.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from . import access, transcript
from .errors import LoadTestError
from .plan import LoadTest, worker_command
from .runner import HTML, MEASURED, measure_here, signals_interrupt

NUMBER, MASTER = "JOB_COMPLETION_INDEX", "0"


def main() -> int:
    """Be the master or a worker; returns the exit code."""
    plan, host, port = sys.argv[1:]
    access.take_from_file()
    if os.environ[NUMBER] != MASTER:
        command = worker_command(host, int(port))
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    try:
        with signals_interrupt(), TemporaryDirectory() as folder:
            lead(LoadTest.of(orjson.loads(plan)), int(port), Path(folder))
    except LoadTestError as e:
        _say(transcript.failure(str(e)))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def lead(plan: LoadTest, port: int, folder: Path) -> None:
    """Run the plan with the workers that come to the port, and say what it gave.

    Raises:
        LoadTestError: the run could not be done.
    """
    begun = False

    def progress(seconds: float) -> None:
        nonlocal begun
        if seconds and not begun:
            begun = True
            _say(transcript.beginning())

    measure_here(plan, folder, progress, workers_port=port)
    for line in transcript.result((folder / MEASURED).read_bytes(), (folder / HTML).read_bytes()):
        _say(line)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

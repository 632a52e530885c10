"""`tenfold --help` answers at once, because nothing heavy is imported before a command runs."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from pathlib import Path

TENFOLD = Path(sys.executable).with_name("tenfold")
TYPER = (sys.executable, "-c", "import typer, rich.console, yaml, click")
HEAVY = {
    "apscheduler",
    "fastapi",
    "httpx",
    "locust",
    "matplotlib",
    "mlflow",
    "numpy",
    "pandas",
    "plotly",
    "psutil",
    "pydantic",
    "sklearn",
    "sqlalchemy",
    "starlette",
    "uvicorn",
}


def cpu_seconds(*command: str | Path) -> float:
    # What the command itself costs; on the clock, it would also wait for the tests that run beside it.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_costs_little_more_than_the_libraries_that_write_it() -> None:
    """Interleaved, so that a machine that slows down slows down both."""
    ratios = [cpu_seconds(TENFOLD, "--help") / cpu_seconds(*TYPER) for _ in range(5)]
    assert statistics.median(ratios) < 2.5


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from tenfold.platform.cli.app import run_command; run_command(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {module.partition(".")[0] for module in done.stdout.splitlines()[-1].split()}
    assert {"tenfold", "typer"} <= loaded
    assert not loaded & HEAVY

"""`tenfold --help` answers at once, because nothing heavy is imported before a command runs."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from pathlib import Path

TENFOLD = Path(sys.executable).with_name("tenfold")
SECONDS = 0.5
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


def cpu_seconds() -> float:
    # What the command itself costs; on the clock, it would also wait for the tests that run beside it.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([TENFOLD, "--help"], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "loadtest" in done.stdout
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_answers_within_half_a_second() -> None:
    assert statistics.median(cpu_seconds() for _ in range(5)) < SECONDS


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from tenfold.platform.cli.app import run_command; run_command(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {module.partition(".")[0] for module in done.stdout.splitlines()[-1].split()}
    assert {"tenfold", "typer"} <= loaded
    assert not loaded & HEAVY

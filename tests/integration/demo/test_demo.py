"""A few days of the real demo: the command, its processes, its files, and what is left when it is over."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.places import GUARD, wait_until
from tenfold import Platform
from tenfold.platform.demo.demo import NAME
from tenfold.platform.local.process import find
from tenfold.platform.local.state import State

SMALL = ("--first-days", "4", "--days", "2", "--flights-per-day", "100", "--replicas", "2")

Start = Callable[..., subprocess.Popen[str]]


def ignoring_sigint() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state")
    yield state
    Platform.local(state.folder).down()


@pytest.fixture
def start(state: State, tmp_path: Path) -> Iterator[Start]:
    """Start `tenfold demo` in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        places = ("--state", str(state.folder), "--out", str(tmp_path / "out"))
        command = [sys.executable, "-m", "tenfold.platform.cli.app", "demo", *SMALL, *places, *arguments]
        ours = {k: v for k, v in os.environ.items() if not k.startswith("TENFOLD_")}
        # As in a script's background, where Ctrl-C is ignored at first.
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, text=True, env=ours, preexec_fn=ignoring_sigint, **pipes)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_a_small_demo_from_the_command_to_the_files(start: Start, state: State, tmp_path: Path) -> None:
    demo = start("--keep")
    printed, told = demo.communicate(timeout=GUARD)

    assert demo.returncode == 0, printed + told
    with (tmp_path / "out" / "days.csv").open(newline="") as file:
        days = list(csv.DictReader(file))
    assert [day["date"] for day in days] == ["2013-06-05", "2013-06-06"]
    assert {day["failed_requests"] for day in days} == {"0"}
    assert {day["outcome"] for day in days} <= {"promoted", "kept"}
    assert all(float(day["champion_log_loss"]) > 0 and float(day["challenger_log_loss"]) > 0 for day in days)
    assert (tmp_path / "out" / "comparison.png").read_bytes().startswith(b"\x89PNG")
    for file in ("days.csv", "comparison.png", "report.html"):
        assert str(tmp_path / "out" / file) in printed
    assert "200 predictions" in printed
    assert "0 failed" in printed

    platform = Platform.local(state.folder)
    status = platform.service(NAME).status()
    assert status.verdict == "ready"
    assert status.url in printed
    assert httpx.get(status.page_url, follow_redirects=True).status_code == 200
    log = platform.inference_log()
    served = [p for p in log.recent(NAME, 10_000) if p.source != "imported"]
    log.close()
    assert len(served) == 200

    second, said = start().communicate(timeout=GUARD)
    assert str(state.folder) in said, second
    assert "--state" in said
    assert platform.service(NAME).status().verdict == "ready", "the refused demo has touched the first one"

    platform.down()
    assert find(state) == []


@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGINT, "Thu 06 Jun"), (signal.SIGTERM, "Starting")],
    ids=["Ctrl-C-during-a-night", "SIGTERM-during-the-start"],
)
def test_a_demo_that_is_interrupted_leaves_nothing_running(
    start: Start, state: State, number: signal.Signals, moment: str
) -> None:
    demo = start()
    assert demo.stderr
    for line in demo.stderr:
        if line.startswith(moment):
            break
    assert find(state)

    demo.send_signal(number)
    wait_until(lambda: demo.poll() is not None, what="the end of the demo")

    assert demo.returncode == 130
    assert find(state) == []
    assert "Traceback" not in demo.stderr.read()

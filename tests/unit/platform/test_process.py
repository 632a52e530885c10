"""Processes are found again by their marks, whoever started them, and told apart from strangers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.places import wait_until
from tenfold.platform.local.process import MARKS, Process, find, start, stop
from tenfold.platform.local.state import State

SLEEP = ["-c", "import time; print('up', flush=True); time.sleep(600)"]
DEAF = [
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]
CHILD = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
PARENT = ["-c", f"{CHILD} print('up', flush=True); time.sleep(600)"]
Begin = Callable[..., Process]


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


@pytest.fixture
def begin(state: State) -> Iterator[Begin]:
    """Start a process and wait until it says that it is up."""

    started: list[Process] = []

    def begun(arguments: list[str], **marks: str) -> Process:
        log = state.folder / f"{len(started)}.log"
        process = start(state, "replica", arguments, log=log, marks=marks)
        started.append(process)
        wait_until(lambda: "up" in log.read_text() or not process.alive, what="the process")
        return process

    yield begun
    stop([*started, *find(state)], grace=0)


def test_a_process_is_found_by_its_marks(state: State, begin: Begin) -> None:
    process = begin(SLEEP, service="m", id="7")
    found = find(State(state.folder))
    assert [p.pid for p in found] == [process.pid]
    assert (found[0].role, found[0].marks[MARKS + "SERVICE"], found[0].marks[MARKS + "ID"]) == ("replica", "m", "7")
    assert found[0].alive
    assert found[0].ending == "it ended"


def test_another_state_folder_has_none_of_them(begin: Begin, tmp_path: Path) -> None:
    begin(SLEEP)
    assert find(State(tmp_path / "other")) == []


def test_marks_of_the_starting_process_are_not_passed_on(
    state: State, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MARKS + "ID", "99")
    begin(SLEEP)
    assert MARKS + "ID" not in find(state)[0].marks


def test_stop_asks_first_and_ends_by_force_what_does_not_listen(state: State, begin: Begin) -> None:
    polite, deaf = begin(SLEEP), begin(DEAF)
    stop([polite, deaf], grace=0.5)
    wait_until(lambda: not deaf.alive, what="the end")
    assert polite.ending == "it was ended by SIGTERM"
    assert deaf.ending == "it was ended by SIGKILL"
    assert find(state) == []


def test_a_process_takes_with_it_what_it_started_itself(state: State, begin: Begin) -> None:
    process = begin(PARENT)
    wait_until(lambda: len(find(state)) == 2, what="parent and child")
    process.terminate()
    wait_until(lambda: find(state) == [], what="the end of both")


def test_how_it_ended_is_told(begin: Begin) -> None:
    assert begin(["-c", "raise SystemExit(3)"]).ending == "it ended with exit code 3"


def test_a_process_that_somebody_else_killed_is_not_alive(state: State, begin: Begin) -> None:
    process = begin(SLEEP)
    seen = find(state)[0]
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not seen.alive, what="the death to be seen")
    seen.terminate()  # of nobody any more
    assert not process.alive

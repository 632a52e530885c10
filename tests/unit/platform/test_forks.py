"""A fork is a process like any other: its marks, session, output, descriptors and end are its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.places import wait_until
from tenfold.platform.local.forks import SUPPORTED, ForkServer, ForkServers
from tenfold.platform.local.process import MARKS, Process, find, start, stop
from tenfold.platform.local.state import State

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="forks need Linux")

SAY = """
import json, os, sys
print(json.dumps({
    "argv": sys.argv, "name": __name__, "session": os.getsid(0), "pid": os.getpid(), "known": "colorsys" in sys.modules,
    "mark": os.environ["TENFOLD_PROCESS_ID"], "slot": "TENFOLD_PROCESS_SLOT" in os.environ,
}), flush=True)
"""
PROGRAMS = {
    "say": SAY,
    "sleeps": "import time; print('up', flush=True); time.sleep(600)",
    "fails": "import sys; sys.exit(3)",
    "breaks": "raise ValueError('what went wrong')",
    "writes": "import os, sys; [os.write(int(n), n.encode()) for n in sys.argv[1:]]",
}
Begin = Callable[..., Process]


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


@pytest.fixture
def server(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServer]:
    for name, code in PROGRAMS.items():
        (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = ForkServer(state, {}, ["colorsys"])
    wait_until(lambda: server.ready, what="the fork server")
    yield server
    server.close()
    stop(find(state), grace=0)


@pytest.fixture
def begin(state: State, server: ForkServer) -> Begin:
    def begun(*arguments: str, number: str = "7", pass_fds: tuple[int, ...] = ()) -> Process:
        log = state.folder / f"{number}.log"
        marks, arguments = {"id": number}, ("-m", *arguments)
        return start(state, "replica", arguments, log=log, marks=marks, pass_fds=pass_fds, forks=server)

    return begun


def test_a_fork_is_what_a_started_process_would_be(state: State, begin: Begin) -> None:
    process = begin("say", "--loud")
    wait_until(lambda: not process.alive, what="the end")
    said = json.loads((state.folder / "7.log").read_text())
    assert said == {
        "argv": [str(Path(os.environ["PYTHONPATH"]) / "say.py"), "--loud"],
        "name": "__main__",
        "session": process.pid,
        "pid": process.pid,
        "known": True,
        "mark": "7",
        "slot": False,
    }
    assert process.ending == "it ended with exit code 0"


def test_forks_are_found_by_their_own_marks_and_show_their_own_arguments(state: State, begin: Begin) -> None:
    one, two = begin("sleeps", number="1"), begin("sleeps", number="2")
    found = {p.pid: p.marks for p in find(state) if p.role == "replica"}
    assert {pid: marks[MARKS + "ID"] for pid, marks in found.items()} == {one.pid: "1", two.pid: "2"}
    assert [p.role for p in find(state)] == ["forkserver", "replica", "replica"]
    assert psutil.Process(one.pid).cmdline() == [sys.executable, "-m", "sleeps"]


def test_how_a_fork_ended_is_told(state: State, begin: Begin) -> None:
    fails, breaks, killed = begin("fails", number="1"), begin("breaks", number="2"), begin("sleeps", number="3")
    killed.kill()
    wait_until(lambda: not (fails.alive or breaks.alive or killed.alive), what="their ends")
    assert fails.ending == "it ended with exit code 3"
    assert breaks.ending == "it ended with exit code 1"
    assert "ValueError: what went wrong" in (state.folder / "2.log").read_text()
    assert killed.ending == "it was ended by SIGKILL"
    assert killed.ending == "it was ended by SIGKILL"


def test_descriptors_arrive_under_the_numbers_they_have_here(begin: Begin) -> None:
    pairs = [socket.socketpair() for _ in range(4)]
    numbers = tuple(theirs.fileno() for _, theirs in reversed(pairs))
    begin("writes", *map(str, numbers), pass_fds=numbers)
    for ours, theirs in pairs:
        number = str(theirs.fileno()).encode()
        theirs.close()
        with ours:
            assert ours.recv(100) == number
            assert ours.recv(100) == b""  # nobody else holds it


def test_forks_outlive_their_server_however_it_ends(state: State, server: ForkServer, begin: Begin) -> None:
    process = begin("sleeps")
    os.kill(next(p for p in find(state) if p.role == "forkserver").pid, signal.SIGKILL)
    wait_until(lambda: not server.alive, what="the end of the server")
    assert process.alive
    process.kill()
    wait_until(lambda: not process.alive, what="the end of the fork")
    assert process.ending == "it ended"


def test_the_server_ends_with_who_asks_it(state: State, server: ForkServer, begin: Begin) -> None:
    process = begin("sleeps")
    server.close()
    wait_until(lambda: [p.pid for p in find(state)] == [process.pid], what="the end of the server")


def test_a_server_that_died_is_replaced_and_one_that_cannot_begin_is_done_without(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenfold.platform.local.forks.MODULES", ("colorsys",))
    servers = ForkServers(state)
    first = servers.of({})
    assert first
    assert servers.of({}) is first
    assert servers.of({"OMP_NUM_THREADS": "2"}) not in (first, None)
    wait_until(lambda: first.ready, what="the fork server")
    stop(find(state), grace=0)
    second = servers.of({})
    assert second
    assert second is not first
    wait_until(lambda: second.ready, what="the second fork server")
    monkeypatch.setattr("tenfold.platform.local.forks.MODULES", ("no_such_module",))
    stop(find(state), grace=0)
    wait_until(lambda: servers.of({}) is None, what="a start that fails")
    assert "no_such_module" in (state.folder / "forkserver.log").read_text()
    servers.close()

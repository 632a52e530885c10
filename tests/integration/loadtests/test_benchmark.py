"""The benchmark with servers that run, for as short as wrk can."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from support.places import GUARD
from tenfold.loadtests.benchmark import environments, servers
from tenfold.loadtests.benchmark.__main__ import main, run
from tenfold.loadtests.benchmark.environments import Environments
from tenfold.loadtests.benchmark.errors import EnvironmentUnusable, ServerFailed
from tenfold.loadtests.benchmark.processes import MARK, Launch, running
from tenfold.loadtests.benchmark.protocols import PLAIN
from tenfold.loadtests.benchmark.result import Result
from tenfold.loadtests.benchmark.servers import CONSTANT, TENFOLD_LOG, Server
from tenfold.loadtests.benchmark.workloads import ONE_ROW


def measured(*wanted: Server, out: Path) -> Result:
    return run(wanted, rounds=1, seconds=1, cache=out / "cache", out=out)


@pytest.fixture
def ours() -> Callable[[], list[int]]:
    """Processes of servers that run."""

    def found() -> list[int]:
        return [p.pid for p in psutil.process_iter() if MARK in _environment(p)]

    return found


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def test_tenfold_and_a_limit_are_measured_and_stopped(tmp_path: Path, ours: Callable[[], list[int]]) -> None:
    result = measured(replace(CONSTANT, asks={ONE_ROW: (PLAIN,)}), TENFOLD_LOG, out=tmp_path)
    assert (result.failures, result.invalid()) == ([], [])
    assert [(cell.server, cell.protocol) for cell in result.cells] == [
        ("constant", "rows as JSON"),
        ("tenfold-log", "v2 JSON"),
    ]
    assert all(cell.measured.requests > 0 and cell.measured.p50_ms > 0 for cell in result.cells)
    constant, tenfold = result.starts
    assert constant.memory < tenfold.memory < 1000
    assert 0 < constant.seconds < tenfold.seconds
    assert not constant.log
    assert tenfold.log["accepted"] > result.cells[1].measured.requests
    assert ours() == []


def test_a_server_that_answers_otherwise_than_scikit_learn_is_not_measured(
    tmp_path: Path, ours: Callable[[], list[int]]
) -> None:
    wrong = replace(CONSTANT, constant=False, asks={ONE_ROW: (PLAIN,)})
    result = measured(wrong, out=tmp_path)
    (failure,) = result.failures
    assert "it answered [1], scikit-learn [0]" in failure.reason
    assert result.cells == []
    assert ours() == []


def test_a_server_that_ends_is_a_failure_with_its_last_words(tmp_path: Path) -> None:
    launch = Launch([sys.executable, "-c", "raise SystemExit('no model')"])
    ends = replace(CONSTANT, launch=lambda place: launch, asks={ONE_ROW: (PLAIN,)})
    (failure,) = measured(ends, out=tmp_path).failures
    assert failure.reason == "It ended with exit code 1. Its last lines: no model"


def test_processes_that_will_not_end_are_killed_with_their_children(
    tmp_path: Path, ours: Callable[[], list[int]]
) -> None:
    child = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    parent = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True).wait()"
    )
    log = tmp_path / "log"
    with running(Launch([sys.executable, "-c", parent]), prefix=(), folder=tmp_path, log=log) as processes:
        processes.until(lambda: log.read_text() == "up\n", within=GUARD, what="child")
        assert len(ours()) == 2
        assert processes.memory() > 5
    assert ours() == []


def test_a_child_that_leaves_without_its_mark_is_stopped_too(tmp_path: Path) -> None:
    child = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    command = f"[sys.executable, '-c', {child!r}], env={{}}, start_new_session=True"
    launch = Launch([sys.executable, "-c", f"import subprocess, sys; subprocess.Popen({command}).wait()"])
    log = tmp_path / "log"
    with running(launch, prefix=(), folder=tmp_path, log=log) as processes:
        processes.until(lambda: log.read_text().endswith("\n"), within=GUARD, what="child")
        left = psutil.Process(int(log.read_text()))
        assert left.is_running()
    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE


def test_what_does_not_come_in_time_is_named(tmp_path: Path) -> None:
    launch = Launch([sys.executable, "-c", "import time; time.sleep(600)"])
    expected = r"It gave no right answer within 0\.1 s\. Its last lines: none"
    with running(launch, prefix=(), folder=tmp_path, log=tmp_path / "log") as processes:  # noqa: SIM117
        with pytest.raises(ServerFailed, match=expected):
            processes.until(lambda: False, within=0.1, what="right answer")


def test_an_environment_is_made_once_until_its_requirements_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "PEERS", tmp_path)
    requirements = tmp_path / "peer.txt"
    requirements.write_text("# nothing\n")
    said: list[str] = []
    made = Environments(tmp_path / "cache", said.append)
    assert made.python("peer").is_file()
    assert made.python("peer") == tmp_path / "cache" / "peer" / "bin" / "python"
    assert len(said) == 1
    requirements.write_text("./nowhere\n")
    with pytest.raises(EnvironmentUnusable, match="The environment 'peer' cannot be made"):
        made.python("peer")
    assert len(said) == 2


def test_an_unknown_server_is_named_with_those_that_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--only", "tenfold,triton", "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "There is no server 'triton'" in error
    assert all(server.name in error for server in servers.ALL)

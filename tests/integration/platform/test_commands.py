"""The command line as a person uses it: real commands on a real platform, Ctrl-C and kill -9 included."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest
from support.logs import logged
from support.places import GUARD, answers, free_port, wait_until
from tenfold import Platform
from tenfold.platform.local.process import Process, find
from tenfold.platform.local.state import State, lock_holder
from tenfold.platform.local.target import LocalTarget
from tenfold.platform.rollout import wait_ready

# Python starts with SIGINT ignored when the tests run in the background of a shell.
TENFOLD = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from tenfold.platform.cli.app import main; main()"
)
ROWS = '[{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}]'
Start = Callable[..., subprocess.Popen[str]]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def platform(fresh: Platform) -> Platform:
    return fresh


@pytest.fixture
def state(platform: Platform) -> State:
    assert isinstance(platform.target, LocalTarget)
    return platform.target.state


@pytest.fixture
def start(state: State) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", TENFOLD, *arguments]
        environment = {**os.environ, "TENFOLD_STATE": str(state.folder)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, text=True, env=environment, **pipes))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def run(start: Start) -> Run:
    def ran(*arguments: str) -> tuple[int, str, str]:
        process = start(*arguments)
        out, err = process.communicate(timeout=GUARD)
        return process.returncode, out, err

    return ran


def deployed(replicas: int = 2) -> tuple[str, ...]:
    ports = (f"page_port={free_port()}", "registry_port=null", "server.drain_seconds=1")
    chosen = tuple(word for port in ports for word in ("--set", port))
    return ("iris", "--version", "1", "--replicas", str(replicas), "--port", str(free_port()), *chosen)


def ready(process: subprocess.Popen[str], platform: Platform) -> bool:
    assert process.poll() is None, process.communicate()
    return "iris" in platform.target.names and platform.target.status("iris").verdict == "ready"


def of_role(state: State, role: str) -> Process | None:
    return next((p for p in find(state) if p.role == role), None)


def test_up_runs_everything_and_ctrl_c_stops_it_cleanly(start: Start, platform: Platform, state: State) -> None:
    up = start("up", *deployed())
    wait_until(lambda: ready(up, platform), what="the service")
    status = platform.service("iris").status()
    assert httpx.post(f"{status.url}/predict", json={"rows": json.loads(ROWS)}).json()["predictions"] == [0]

    def page() -> bool:
        return answers(status.page_url)

    wait_until(page, what="the page")
    first = of_role(state, "page")
    assert first
    first.kill()
    wait_until(lambda: page() and not first.alive, what="the page again")

    up.send_signal(signal.SIGINT)
    out, err = up.communicate(timeout=GUARD)
    assert up.returncode == 0, err
    assert status.url in out
    assert out.endswith("Stopped; start it again with: tenfold up\n")
    assert "Traceback" not in err
    assert find(state) == []
    # The prediction was written out.
    assert logged(platform, "iris") == 1


def test_a_killed_up_is_healed_by_the_next_and_a_second_one_is_refused(
    start: Start, run: Run, platform: Platform, state: State
) -> None:
    arguments = deployed(1)
    up = start("up", *arguments)
    wait_until(lambda: ready(up, platform), what="the service")
    code, _, err = run("up")
    assert code == 1
    assert f"The platform in {state.folder} runs already (process {up.pid})" in err

    up.kill()
    up.wait()
    left = of_role(state, "replica")
    assert left
    assert left.alive
    assert platform.service("iris").status().verdict == "degraded"
    again = start("up")
    wait_until(lambda: lock_holder(state.controller_lock) == str(again.pid), what="the second up")
    wait_until(lambda: ready(again, platform), what="the service again")
    wait_until(lambda: not left.alive, what="the end of the replica that was left")

    code, out, _ = run("down")
    assert (code, out[:8]) == (0, "Stopped ")
    assert again.wait(GUARD) == 0
    assert find(state) == []


def test_a_deploy_that_is_interrupted_goes_on_by_itself_and_can_be_repeated(
    start: Start, run: Run, platform: Platform, state: State
) -> None:
    arguments = deployed()
    deploy = start("deploy", *arguments)
    wait_until(lambda: of_role(state, "replica"), what="the first replica")
    deploy.send_signal(signal.SIGINT)
    _, err = deploy.communicate(timeout=GUARD)
    assert deploy.returncode == 130
    assert "the rollout goes on by itself. Follow it with: tenfold status iris" in err
    assert "Traceback" not in err
    assert wait_ready(platform.target, "iris").ready == 2
    code, out, _ = run("deploy", *arguments)
    assert code == 0
    assert "revision 1" in out

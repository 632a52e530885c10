"""The life of a service, told in commands on a real platform. They run in this process, which imports MLflow once."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from support.places import free_port
from tenfold import Platform
from tenfold.platform.cli.app import run_command
from tenfold.platform.local.process import find
from tenfold.platform.local.state import State
from tenfold.platform.local.target import LocalTarget

ROWS = '[{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}]'
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def state(fresh: Platform) -> State:
    assert isinstance(fresh.target, LocalTarget)
    return fresh.target.state


@pytest.fixture
def run(state: State, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("TENFOLD_STATE", str(state.folder))

    def ran(*arguments: str) -> tuple[int, str, str]:
        code = run_command(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return ran


def deployed(replicas: int) -> tuple[str, ...]:
    ports = (f"page_port={free_port()}", "registry_port=null", "server.drain_seconds=1")
    chosen = tuple(word for port in ports for word in ("--set", port))
    return ("iris", "--version", "1", "--replicas", str(replicas), "--port", str(free_port()), *chosen)


def test_the_life_of_a_service_from_the_command_line(run: Run, tmp_path: Path) -> None:
    arguments = deployed(1)
    assert run("plan", *arguments)[0] == 2
    code, out, err = run("deploy", *arguments)
    assert code == 0, err
    assert "1/1 replicas" in out
    assert run("plan", *arguments)[:2] == (0, "Nothing would change.\n")

    code, out, err = run("predict", "iris", ROWS)
    assert code == 0, err
    answer = json.loads(out)
    assert answer["predictions"] == [0]
    code, out, err = run("feedback", "iris", answer["ids"][0], "0")
    assert code == 0, err
    assert "accepted" in out
    code, out, err = run("feedback", "iris", "nobody", "0")
    assert code == 1
    assert "nobody" in out + err
    assert "Traceback" not in err

    file = tmp_path / "past.csv"
    file.write_text(
        "sepal_length,sepal_width,petal_length,petal_width,species,seen\n"
        "5.1,3.5,1.4,0.2,0,2026-01-01T12:00:00Z\n6.3,3.3,6.0,2.5,2,2026-01-01T13:00:00Z\n"
    )
    importing = ("import-rows", "iris", str(file), "--label", "species", "--time", "seen")
    assert run(*importing)[:2] == (0, "Imported 2 rows.\n")

    code, out, _ = run("schedule-retraining", "iris", "--at", "23:59")
    assert code == 0
    assert "23:59 UTC" in out
    assert "not scheduled" in run("pause", "iris")[1]
    assert "23:59 UTC" in run("resume", "iris")[1]

    code, out, err = run("deploy", "iris", "--version", "2")
    assert code == 0, err
    assert "version 2" in out
    assert "version 1" in run("rollback", "iris")[1]
    assert "2/2 replicas" in run("scale", "iris", "2")[1]
    assert run("logs", "iris")[0] == 0
    assert run("nights", "iris")[0] == 0
    code, out, _ = run("delete", "iris", "--yes")
    assert code == 0
    assert "kept: the versions of iris in the registry" in out
    code, _, err = run("status", "iris")
    assert code == 1
    assert "there is none yet" in err


def test_a_port_that_is_taken_is_named_before_anything_starts(run: Run, state: State) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for field in ("port", "page_port", "registry_port"):
            code, _, err = run(
                "deploy", *deployed(1), "--set", f"{field}={port}", *(("--port", str(port)) * (field == "port"))
            )
            assert code == 1
            assert f"Nothing can listen on 127.0.0.1:{port}" in err
            assert "choose another port" in err
    assert find(state) == []
    assert state.names == ()

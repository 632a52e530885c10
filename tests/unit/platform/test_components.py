"""Which page and registry servers should run, and that they are kept running."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.places import wait_until
from tenfold.platform.local.components import Component, Components, wanted_components
from tenfold.platform.local.process import find, start, stop
from tenfold.platform.local.state import State
from tenfold.platform.spec import ServiceSpec

SLEEP = ("-c", "import time; time.sleep(600)")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state")
    yield state
    stop(find(state), grace=0)


def spec(name: str, **fields: object) -> ServiceSpec:
    return ServiceSpec.of(name=name, model=f"models:/{name}/1", **fields)


def test_services_share_a_page_and_a_registry_server(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENFOLD_REGISTRY_URI", raising=False)
    wanted = wanted_components(state, [spec("a"), spec("b", port=9000), spec("c", port=9001, page_port=9002)])
    assert [(c.role, c.port) for c in wanted] == [("page", 8081), ("page", 9002), ("registry", 8082)]
    registry = wanted[-1].arguments
    assert registry[registry.index("--workers") + 1] == "1"
    assert registry[registry.index("--host") + 1] == "127.0.0.1"


def test_no_registry_server_where_it_is_not_wished_or_not_ours(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENFOLD_REGISTRY_URI", raising=False)
    assert [c.role for c in wanted_components(state, [spec("a", registry_port=None)])] == ["page"]
    monkeypatch.setenv("TENFOLD_REGISTRY_URI", "http://registry:5000")
    assert [c.role for c in wanted_components(state, [spec("a")])] == ["page"]
    assert wanted_components(state, []) == []


def test_what_ends_is_started_again_and_what_is_not_wanted_is_ended(state: State) -> None:
    component = Component("page", 1, SLEEP)
    components = Components(state, [])
    components.step([component])
    # The table shows the environment of a process, and so its marks, a moment after it was started.
    wait_until(lambda: find(state) != [], what="the process in the table")
    (first,) = find(state)
    first.kill()

    def again() -> bool:
        components.step([component])
        return [p.pid for p in find(state)] not in ([], [first.pid])

    wait_until(again, what="another process")
    components.step([])
    wait_until(lambda: find(state) == [], what="the end")
    components.stop()


def test_one_that_cannot_run_is_not_started_over_and_over(state: State) -> None:
    component = Component("page", 1, ("-c", "print('tried', flush=True); raise SystemExit(1)"))
    components = Components(state, [])
    log = state.folder / "page-1.log"
    components.step([component])
    wait_until(lambda: find(state) == [] and log.read_text() == "tried\n", what="its end")
    for _ in range(50):
        components.step([component])
    assert log.read_text() == "tried\n"
    components.stop()


def test_those_of_an_earlier_controller_are_replaced(state: State) -> None:
    left = start(state, "page", SLEEP, log=state.folder / "left.log")
    night = start(state, "night", SLEEP, log=state.folder / "night.log")
    # The table shows the environment of a process, and so its marks, a moment after it was started.
    wait_until(lambda: [p.pid for p in find(state)] == [left.pid, night.pid], what="both in the table")
    Components(state, find(state))
    assert not left.alive
    assert night.alive
    stop([night], grace=0)


def test_the_interpreter_is_the_one_that_runs_this(state: State) -> None:
    components = Components(state, [])
    components.step([Component("page", 1, ("-c", "import sys; print(sys.executable, flush=True)"))])
    log = state.folder / "page-1.log"
    wait_until(lambda: log.exists() and log.read_text() == f"{sys.executable}\n", what="its word")
    components.stop()

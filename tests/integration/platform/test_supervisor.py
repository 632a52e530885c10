"""What the supervisor of one service makes of replicas that cannot serve, on real model servers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.places import GUARD, free_port
from tenfold.platform.local.forks import ForkServers
from tenfold.platform.local.process import MARKS, Process, find, stop
from tenfold.platform.local.state import Observed, ServiceFolder, State
from tenfold.platform.local.supervisor import Supervisor
from tenfold.platform.spec import ServiceSpec

Wish = Callable[..., ServiceSpec]


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


@pytest.fixture
def folder(state: State) -> ServiceFolder:
    return state.service("m")


@pytest.fixture
def wish(state: State, folder: ServiceFolder) -> Wish:
    def wished(**fields: Any) -> ServiceSpec:
        fields = {"port": free_port(), "server": {"drain_seconds": 0}, "replicas": 1, **fields}
        spec = ServiceSpec.of(name="m", model="models:/m/1", **fields)
        with state.writing():
            folder.write(spec)
        return spec

    return wished


@pytest.fixture
async def supervisor(state: State, folder: ServiceFolder) -> AsyncIterator[Supervisor]:
    fork_servers = ForkServers(state)
    async with httpx.AsyncClient(trust_env=False) as http:
        supervisor = Supervisor(state, folder, [], http, fork_servers)
        yield supervisor
        await supervisor.stop()
    fork_servers.close()
    stop(find(state), grace=0)


def replicas(state: State) -> list[Process]:
    return [p for p in find(state) if p.role == "replica"]


async def seen(supervisor: Supervisor, folder: ServiceFolder, condition: Callable[[Observed], object]) -> Observed:
    """Round after round until what was observed is as `condition` wants it."""
    async with asyncio.timeout(GUARD):
        while True:
            await supervisor.step()
            observed = folder.observed()
            assert observed
            if condition(observed):
                return observed
            await asyncio.sleep(0.05)


async def test_a_model_that_is_not_there_fails_with_the_servers_own_reason(
    supervisor: Supervisor, folder: ServiceFolder, wish: Wish
) -> None:
    wish()
    observed = await seen(supervisor, folder, lambda o: o.failure)
    assert "There is no model at" in observed.failure
    assert not observed.completed
    assert observed.controller == str(os.getpid())


async def test_a_replica_that_ends_again_and_again_fails_with_its_last_words(
    supervisor: Supervisor, folder: ServiceFolder, wish: Wish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENFOLD_LOG_URL", "mysql://nowhere/log")
    wish()
    observed = await seen(supervisor, folder, lambda o: o.failure)
    assert "before it was ready: " in observed.failure
    assert "mysql" in observed.failure
    assert observed.restarts == 3


async def test_no_progress_within_the_deadline_fails(supervisor: Supervisor, folder: ServiceFolder, wish: Wish) -> None:
    wish(progress_deadline_seconds=0.01)
    await supervisor.step()
    observed = await seen(supervisor, folder, lambda o: o.failure)
    assert "0 of 1 replicas are ready after 0.01 s: " in observed.failure


async def test_a_taken_port_is_named_and_used_as_soon_as_it_is_free(
    supervisor: Supervisor, folder: ServiceFolder, wish: Wish
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        spec = wish(port=taken.getsockname()[1])
        observed = await seen(supervisor, folder, lambda o: o.failure)
        assert f"Nothing can listen on 127.0.0.1:{spec.port}" in observed.failure
        assert observed.replicas == ()
    await seen(supervisor, folder, lambda o: o.replicas)


async def test_no_replicas_are_refused_connections_and_not_endless_waiting(
    supervisor: Supervisor, folder: ServiceFolder, wish: Wish
) -> None:
    spec = wish()
    await seen(supervisor, folder, lambda o: o.replicas)
    wish(replicas=0, port=spec.port)
    observed = await seen(supervisor, folder, lambda o: not o.replicas)
    assert observed.completed
    await supervisor.step()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", spec.port)


async def test_a_deleted_service_is_gone_when_its_replicas_are(
    supervisor: Supervisor, folder: ServiceFolder, wish: Wish, state: State
) -> None:
    wish()
    await seen(supervisor, folder, lambda o: o.replicas)
    folder.mark_deleted()
    async with asyncio.timeout(GUARD):
        while not supervisor.gone:
            await supervisor.step()
            await asyncio.sleep(0.05)
    assert replicas(state) == []


async def test_replicas_are_numbered_on_from_those_that_wrote_a_log(
    state: State, folder: ServiceFolder, wish: Wish
) -> None:
    folder.logs.mkdir(parents=True)
    (folder.logs / "000041.log").write_text("")
    wish()
    fork_servers = ForkServers(state)
    async with httpx.AsyncClient(trust_env=False) as http:
        supervisor = Supervisor(state, folder, [], http, fork_servers)
        await seen(supervisor, folder, lambda o: o.replicas)
        (replica,) = replicas(state)
        assert replica.marks[MARKS + "ID"] == "42"
        os.kill(replica.pid, signal.SIGKILL)
        await supervisor.stop()
    fork_servers.close()
    stop(find(state), grace=0)


async def test_where_nothing_can_be_forked_replicas_are_started_directly(
    supervisor: Supervisor, state: State, folder: ServiceFolder, wish: Wish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenfold.platform.local.forks.MODULES", ("no_such_module",))
    wish()
    await seen(supervisor, folder, lambda o: o.replicas)
    assert [p.role for p in find(state)] == ["replica"]
    observed = await seen(supervisor, folder, lambda o: o.failure)
    assert "There is no model at" in observed.failure

"""Requests go on while versions are replaced, replicas are killed, and the platform itself dies."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from support.load import Load, post
from support.logs import logged
from support.places import GUARD, wait_until
from tenfold import Client, Platform
from tenfold.platform.errors import RolledBack, RolloutFailed, StateUnusable
from tenfold.platform.local.controller import hold
from tenfold.platform.local.process import find
from tenfold.platform.local.state import State, lock_holder
from tenfold.platform.local.target import LocalTarget
from tenfold.platform.service import Service

Deploy = Callable[..., Service]
ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
PREDICT = post("/predict", {"rows": [ROW]})
REQUESTS = 20_000


def quiet(_: object) -> None:
    """Report no progress."""


def state_of(platform: Platform) -> State:
    assert isinstance(platform.target, LocalTarget)
    return platform.target.state


async def test_a_new_version_under_load_loses_no_request(platform: Platform, deploy: Deploy) -> None:
    before = logged(platform, "iris")
    service = await asyncio.to_thread(deploy, replicas=4)
    spec = service.status().spec
    async with Load(spec.port, PREDICT, connections=16) as load:
        await load.reached(REQUESTS // 10)
        await asyncio.to_thread(platform.deploy, "iris", version="2", progress=quiet)
        await load.reached(REQUESTS)
    assert load.outcome.failed == 0, load.outcome
    assert load.outcome.requests >= REQUESTS
    # Each replica publishes what it has counted a few times a second.
    await asyncio.to_thread(wait_until, lambda: sum(_answered(service).values()) == load.outcome.requests)
    assert all(_answered(service)[version] > 0 for version in ("1", "2"))
    status = service.status()
    assert {r.version for r in status.replicas if r.state == "ready"} == {"2"}
    # What was answered is on disk once the replicas have ended cleanly.
    await asyncio.to_thread(platform.down)
    assert logged(platform, "iris") - before == load.outcome.requests


async def test_killed_replicas_cost_only_what_was_in_flight_on_them(platform: Platform, deploy: Deploy) -> None:
    service = await asyncio.to_thread(deploy, replicas=4)
    spec = service.status().spec
    connections, kills = 16, 3
    async with Load(spec.port, PREDICT, connections=connections) as load:
        await load.reached(1_000)
        for _ in range(kills):
            await asyncio.to_thread(_kill_one, service)
            await asyncio.to_thread(wait_until, lambda: service.status().verdict == "ready", what="all four again")
        await load.reached(5_000)
    # A killed process takes with it at most the one request in flight on each of its connections.
    assert load.outcome.failed <= kills * connections, load.outcome
    assert load.outcome.requests - load.outcome.failed >= 5_000 - kills * connections
    assert service.status().restarts == kills


def test_the_user_of_the_client_sees_nothing_of_killed_replicas(deploy: Deploy) -> None:
    service = deploy(replicas=4)
    errors: list[Exception] = []
    done = threading.Event()
    answers = [0]

    def ask() -> None:
        with Client(service.url) as client:
            while not done.is_set():
                try:
                    assert list(client.predict([ROW]).predictions) == [0]
                    answers[0] += 1
                except Exception as e:
                    errors.append(e)

    users = [threading.Thread(target=ask) for _ in range(4)]
    for user in users:
        user.start()
    try:
        for _ in range(3):
            before = answers[0]
            _kill_one(service)
            wait_until(lambda: service.status().verdict == "ready" and answers[0] > before + 50, what="answers again")  # noqa: B023
    finally:
        done.set()
        for user in users:
            user.join()
    assert errors == []
    assert answers[0] > 150


def _answered(service: Service) -> dict[str, int]:
    """Requests that each version has answered, as the service tells it."""
    return {t.version: t.requests for t in service.status().traffic}


def _kill_one(service: Service) -> None:
    before = service.status().restarts
    victim = random.choice([r for r in service.status().replicas if r.state == "ready"])
    assert victim.pid
    os.kill(victim.pid, signal.SIGKILL)
    wait_until(lambda: service.status().restarts > before, what="the death to be seen")


async def test_a_killed_controller_leaves_a_service_that_serves_and_the_next_deploy_heals_it(
    platform: Platform, deploy: Deploy
) -> None:
    service = await asyncio.to_thread(deploy)
    state = state_of(platform)
    before = {r.pid for r in service.status().replicas}
    async with Load(service.status().spec.port, PREDICT, connections=8, pause=0.01) as load:
        await load.reached(500)
        os.kill(int(lock_holder(state.controller_lock) or 0), signal.SIGKILL)
        await asyncio.to_thread(wait_until, lambda: service.status().verdict == "degraded", what="the loss to be seen")
        assert "controller does not run" in service.status().reason
        assert {r.pid for r in service.status().replicas} == before
        await asyncio.to_thread(platform.deploy, "iris", progress=quiet)
        await load.reached(load.outcome.requests + 500)
    assert load.outcome.failed == 0, load.outcome
    status = service.status()
    assert status.verdict == "ready"
    assert before.isdisjoint({r.pid for r in status.replicas if r.state == "ready"})


def test_two_starts_at_once_are_one_platform(platform: Platform, deploy: Deploy) -> None:
    service = deploy()
    state = state_of(platform)
    with pytest.raises(StateUnusable, match=r"runs already \(process \d+\).*tenfold down"), hold(state):
        pass
    platform.down()
    command = [sys.executable, "-m", "tenfold.platform.cli.app", "deploy", "iris", "--state", str(state.folder)]
    deploys = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [started.wait(GUARD) for started in deploys] == [0, 0]
    wait_until(lambda: [p.role for p in find(state)].count("controller") == 1, what="one controller alone")
    assert service.status().verdict == "ready"
    assert len(service.status().replicas) == 2


def test_down_stops_everything_and_deploy_starts_it_again(platform: Platform, deploy: Deploy) -> None:
    service = deploy()
    assert platform.down() >= 3
    assert service.status().verdict == "stopped"
    platform.deploy("iris", progress=quiet)
    assert service.status().verdict == "ready"
    assert service.status().revision == 1


async def test_a_version_that_cannot_be_loaded_is_taken_back_and_the_old_one_goes_on(
    platform: Platform, deploy: Deploy
) -> None:
    service = await asyncio.to_thread(deploy)
    async with Load(service.status().spec.port, PREDICT, connections=4, pause=0.01) as load:
        why = r"Version 3 does not become ready, 2 replicas go on serving: .*pickle"
        with pytest.raises(RolledBack, match=rf"{why}.*Version 1 is back"):
            await asyncio.to_thread(platform.deploy, "iris", version="3", progress=quiet)
        assert platform.registry.champion("iris").version != "3"
        assert (service.status().verdict, service.status().spec.version) == ("ready", "1")
        with pytest.raises(RolloutFailed, match=why):
            await asyncio.to_thread(platform.deploy, "iris", version="3", progress=quiet, roll_back=False)
        assert (service.status().verdict, service.status().spec.version) == ("failed", "3")
        await asyncio.to_thread(service.rollback, progress=quiet)
        await load.reached(load.outcome.requests + 200)
    assert load.outcome.failed == 0, load.outcome
    assert service.status().spec.version == "1"

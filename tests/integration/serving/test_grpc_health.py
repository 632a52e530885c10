"""`grpc.health.v1`, as Kubernetes' probes and clients ask it, from before the model is loaded until the stop."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from integration.serving.channels import ALONE, called
from integration.serving.test_grpc_transport import asked, infer, predicted
from integration.serving.threads import running
from support.places import GUARD, wait_until
from tenfold.serving.core import Core
from tenfold.serving.rpc.messages import HEALTH, SERVICE
from tenfold.serving.server import ModelServer
from unit.serving.stage import Folders, settings

SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3


def question(service: str) -> bytes:
    return HEALTH.messages["HealthCheckRequest"](service=service).SerializeToString()


def status(answer: bytes) -> int:
    return HEALTH.messages["HealthCheckResponse"].FromString(answer).status


def check(channel: grpc.Channel, service: str = "", **more: Any) -> int:
    return status(channel.unary_unary("/grpc.health.v1.Health/Check")(question(service), timeout=30, **more))


def watch(channel: grpc.Channel, service: str = "") -> Iterator[int]:
    call = channel.unary_stream("/grpc.health.v1.Health/Watch")(question(service), timeout=60)
    return (status(answer) for answer in call)


@pytest.fixture(scope="module")
def channel(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    """To a server whose calls need a key, but for probes."""
    keys = tmp_path_factory.mktemp("health") / "keys"
    keys.write_text("first-key\n")
    with called(folders.line, name="line", api_keys_file=keys) as (_, channel):
        yield channel


@pytest.mark.parametrize("service", ["", SERVICE])
def test_what_is_served_is_said_without_a_key(channel: grpc.Channel, service: str) -> None:
    assert check(channel, service) == SERVING
    assert next(watch(channel, service)) == SERVING


def test_who_watches_no_more_is_forgotten(folders: Folders) -> None:
    with called(folders.line, name="line") as (server, channel):
        method = channel.unary_stream("/grpc.health.v1.Health/Watch")
        calls = [method(question(""), timeout=60) for _ in range(3)]
        for call in calls:
            next(call)
        assert len(server.core.watchers) == 3
        calls[0].cancel()
        wait_until(lambda: len(server.core.watchers) == 2, what="the end of a watch")
        with pytest.raises(grpc.RpcError):
            list(method(question(""), timeout=0.2))
        wait_until(lambda: len(server.core.watchers) == 2, what="the end of another")


def test_a_service_that_there_is_not(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as e:
        check(channel, "shop.Flowers")
    assert e.value.code() is grpc.StatusCode.NOT_FOUND
    assert e.value.details() == (f"There is no service 'shop.Flowers' here. Ask for {SERVICE}, or leave it empty")
    assert next(watch(channel, "shop.Flowers")) == SERVICE_UNKNOWN


def test_probes_need_a_key_where_the_operator_says_so(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("first-key\n")
    given = {"api_keys_file": tmp_path / "keys", "api_keys_for_probes": True}
    with called(folders.line, **given) as (_, channel):
        assert check(channel, metadata=[("authorization", "Bearer first-key")]) == SERVING
        with pytest.raises(grpc.RpcError) as e:
            check(channel)
        assert e.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_while_the_server_drains_clients_are_sent_away_and_those_who_come_are_answered(folders: Folders) -> None:
    rows = np.array([[4.0]])
    with running(folders.line, grpc_port=0, name="line", drain_seconds=2 * GUARD) as (server, port):
        wait_until(lambda: server.grpc_port)
        address = f"127.0.0.1:{server.grpc_port}"
        with socket.create_connection(("127.0.0.1", port)):  # somebody is left until the end of this block
            with grpc.insecure_channel(address, options=ALONE) as channel:
                assert predicted(infer(channel)(asked("line", rows), timeout=30)) == [9.0]
                server.should_exit = True
                wait_until(lambda: not server._rpc.connected, what="a client that was sent away")
            with grpc.insecure_channel(address, options=ALONE) as late:
                assert predicted(infer(late)(asked("line", rows), timeout=30)) == [9.0]
                assert check(late) == NOT_SERVING
    # It has ended by now, since nobody was left: `running` waits for that, less long than a drain may take.


def test_a_server_that_stands_alone_is_asked_from_the_start_to_the_stop(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, may_load = Core.load, threading.Event()

    def wait_and_load(core: Core) -> None:
        assert may_load.wait(60)
        load(core)

    monkeypatch.setattr(Core, "load", wait_and_load)
    server = ModelServer(
        settings(model=str(folders.line), name="line", version="7", grpc_port=0, port=0, drain_seconds=0)
    )
    thread = threading.Thread(target=server.run_on, args=(None,))
    thread.start()
    try:
        wait_until(lambda: server.grpc_port, what="the port of gRPC")
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options=ALONE) as channel:
            assert check(channel) == NOT_SERVING
            told = watch(channel)
            assert next(told) == NOT_SERVING
            with pytest.raises(grpc.RpcError) as e:
                infer(channel)(asked("line", np.array([[4.0]])), timeout=30)
            assert e.value.code() is grpc.StatusCode.UNAVAILABLE
            assert "the model is being loaded" in e.value.details()
            may_load.set()
            assert next(told) == SERVING
            assert predicted(infer(channel)(asked("line", np.array([[4.0]])), timeout=30)) == [9.0]
            server.should_exit = True
            with pytest.raises(grpc.RpcError) as e:
                assert [*told] in ([], [NOT_SERVING])
            assert e.value.code() is grpc.StatusCode.UNAVAILABLE
    finally:
        may_load.set()
        server.should_exit = True
        thread.join(60)
    assert not thread.is_alive()

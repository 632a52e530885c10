"""The stop of a server process: clients move away, what is in flight is answered, the log is complete, exit code 0."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from integration.serving.processes import COMMAND, MODULE, Connection, started
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from support.places import GUARD, free_port, wait_until
from support.postgres import running_postgres
from tenfold.serving.inference_log.store import InferenceLog
from unit.serving.stage import SLOW_ROWS, Folders

Connect = Callable[[int], Awaitable[Connection]]

CLIENTS = 64
PREDICTIONS = 20_000


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens connections that are closed at the end, whatever the test made of them."""
    opened: list[Connection] = []

    async def to(port: int) -> Connection:
        opened.append(await Connection.to(port))
        return opened[-1]

    yield to
    for connection in opened:
        await connection.closed()


@pytest.mark.parametrize(
    ("number", "program"), [(signal.SIGTERM, MODULE), (signal.SIGINT, COMMAND)], ids=["SIGTERM", "Ctrl-C"]
)
async def test_a_stop_finishes_what_is_in_flight_and_lets_clients_move_away(
    folders: Folders, tmp_path: Path, connect: Connect, number: int, program: Sequence[str]
) -> None:
    # The model answers a row that it has seen with that row's number.
    seen = np.random.default_rng(1).normal(size=(SLOW_ROWS, 8))[:240]
    names = [f"c{n}" for n in range(8)]
    rows = [dict(zip(names, row, strict=True)) for row in seen.tolist()]
    port = free_port()
    arguments = (str(folders.slow), "--port", str(port)) if program is COMMAND else ()
    given = {"program": program, "arguments": arguments, "port": port}
    with started(tmp_path, **given, model=folders.slow, drain_seconds=2 * GUARD) as server:
        await asyncio.to_thread(server.until_ready)
        idle, slow = await connect(server.port), [await connect(server.port) for _ in range(3)]
        assert (await idle.ask("/predict", {"rows": rows[:1]}))[:2] == (200, False)
        for n, connection in enumerate(slow):
            connection.send("/predict", {"rows": rows[80 * n : 80 * (n + 1)]})
            await connection.writer.drain()
        waiting = [asyncio.create_task(connection.answer()) for connection in slow]
        assert (await idle.get("/v2/health/live"))[0] == 200  # by now it has read what came before
        server.process.send_signal(number)
        assert not waiting[-1].done()
        await asyncio.to_thread(wait_until, lambda: server.answers("/v2/health/ready", 503), what="a draining server")
        # New connections and those that were idle are still answered, and asked to go.
        late = await connect(server.port)
        for connection in (late, idle):
            status, closes, content = await connection.ask("/predict", {"rows": rows[7:8]})
            assert (status, closes, content["predictions"]) == (200, True, [7])
            await connection.closed()
        for n, (status, _, content) in enumerate(await asyncio.gather(*waiting)):
            assert (status, content["predictions"]) == (200, list(range(80 * n, 80 * (n + 1))))
            await slow[n].closed()
        assert await asyncio.to_thread(server.ended) == 0  # long before its drain ends: nobody was left to wait for
        assert "Traceback" not in server.said


@pytest.fixture(params=["sqlite", "postgresql"])
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'log.db'}"
        return
    with running_postgres() as postgres:
        yield postgres.new_database()


async def test_parallel_clients_get_their_own_rows_and_after_a_stop_all_of_them_are_in_the_log(
    folders: Folders, tmp_path: Path, log_url: str, connect: Connect
) -> None:
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    settings = {"log_url": log_url, "drain_seconds": 2, "PROMETHEUS_MULTIPROC_DIR": metrics}
    with started(tmp_path, model=folders.line, **settings) as server:
        await asyncio.to_thread(server.until_ready)
        connections = [await connect(server.port) for _ in range(CLIENTS)]
        answered = await asyncio.gather(*(_client(connection, n) for n, connection in enumerate(connections)))
        server.process.terminate()  # at once: the last rows still wait to be written
        assert await asyncio.to_thread(server.ended) == 0, server.said
    ids = [identity for some in answered for identity in some]
    assert len(set(ids)) == len(ids) == PREDICTIONS
    with closing(InferenceLog(log_url)) as log:
        assert log.count("line").predictions == PREDICTIONS
    counted = {kind: _counted(metrics, f"tenfold_log_rows_{kind}_total") for kind in ("accepted", "written", "dropped")}
    assert counted == {"accepted": PREDICTIONS, "written": PREDICTIONS, "dropped": 0}


async def _client(connection: Connection, number: int) -> list[str]:
    """Ask for rows that nobody else asks for, of changing size, over one connection; the ids of the answers."""
    ids: list[str] = []
    share = PREDICTIONS // CLIENTS + (number < PREDICTIONS % CLIENTS)
    while len(ids) < share:
        size = min(len(ids) % 7 + 1, share - len(ids))
        xs = [1000.0 * number + len(ids) + k for k in range(size)]
        status, _, content = await connection.ask("/predict", {"rows": [{"x": x} for x in xs]})
        assert status == 200, content
        assert content["predictions"] == pytest.approx([2 * x + 1 for x in xs], abs=1e-3)
        assert len(content["ids"]) == size
        ids += content["ids"]
    await connection.closed()
    return ids


def _counted(folder: Path, name: str) -> float:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    value = registry.get_sample_value(name)
    return 0 if value is None else value


async def test_bodies_that_are_too_large_are_answered_and_a_client_that_never_goes_is_not_waited_for_for_ever(
    folders: Folders, tmp_path: Path, connect: Connect
) -> None:
    with started(tmp_path, model=folders.line, max_body_bytes=1000, drain_seconds=0.5) as server:
        await asyncio.to_thread(server.until_ready)
        for size in (2_000, 5_000_000):
            connection = await connect(server.port)
            status, closes, content = await connection.ask("/predict", {"rows": "x" * size})
            assert (status, closes) == (413, False)
            assert "the limit is 1000 bytes" in content["error"]
            chunked = await connect(server.port)
            head = "POST /predict HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            head += f"Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n"
            chunked.writer.write(head.encode() + b"x" * size + b"\r\n0\r\n\r\n")
            status, _, content = await chunked.answer()
            assert status == 413
            assert "more bytes than allowed; the limit is 1000 bytes" in content["error"]
        idle = await connect(server.port)
        assert (await idle.ask("/predict", {"rows": [{"x": 1}]}))[0] == 200
        server.process.terminate()
        assert await asyncio.to_thread(server.ended) == 0
        assert await idle.reader.read() == b""

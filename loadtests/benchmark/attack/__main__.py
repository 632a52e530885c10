"""`python -m tenfold.loadtests.benchmark.attack`: attack a model server that has keys, and see what it costs others.

The server has one core; the attack and the client that must not notice have another. Exit codes: 0 every bar holds,
3 one broke, 1 it could not be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import uvloop

from ... import own
from ...errors import LoadTestError
from .. import fit
from ..errors import BenchmarkError, ServerFailed
from ..protocols import MODEL, NAMES
from . import kinds, memory
from .client import Answers, ask
from .http_kinds import head
from .kind import Kind
from .prober import probe
from .report import MOST_MIB, Attacked, Run

BROKEN = 3
SERVER_CORE, LOAD_CORE = 0, 1
CALM_SECONDS, AFTER_SECONDS = 3.0, 2.0
TRIES = 3
"""Of an attack that broke a bar in time: others on the machine add to it, and never take away."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack, print the table, and say how it went."""
    options = _parser().parse_args(arguments)
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        sys.stderr.write(f"Error: The measurement needs the cores {SERVER_CORE} and {LOAD_CORE} of this machine\n")
        return 1
    os.sched_setaffinity(0, {LOAD_CORE})
    try:
        chosen = [kinds.named(name.strip()) for name in options.only.split(";") if name.strip()] or list(kinds.ALL)
        with TemporaryDirectory() as folder:
            run = _run(chosen, Path(folder), options.seconds / len(chosen))
    except (BenchmarkError, LoadTestError) as e:
        sys.stderr.write(f"Error: {e}\n")
        return 1
    sys.stdout.write(run.table())
    if options.json:
        options.json.write_bytes(orjson.dumps(asdict(run), option=orjson.OPT_INDENT_2))
    return BROKEN if any(map(run.broken, run.attacked)) else 0


def _run(chosen: Sequence[Kind], folder: Path, seconds: float) -> Run:
    key, model = secrets.token_urlsafe(32), folder / MODEL
    keys = folder / "keys"
    keys.write_text(f"{key}\n")
    request = _request(key, _save(model))
    left, run = list(chosen), Run()
    # What ended a server, or made it large, must not count as what the next attack does.
    while left:
        rpc = own.free_port()
        settings = {"NAME": MODEL, "API_KEYS_FILE": str(keys), "DRAIN_SECONDS": "0", "GRPC_PORT": str(rpc)}
        with own.running(folder, model, settings, core=SERVER_CORE) as server:
            uvloop.run(_attacks(left, run, server, rpc, request, seconds))
        if server.fault:
            sys.stderr.write(f"At the end {server.fault}\n")
    return run


async def _attacks(left: list[Kind], run: Run, server: own.OwnServer, rpc: int, request: bytes, seconds: float) -> None:
    """Take kinds from `left` until none is, or one hurt the server."""
    pid = server.process.pid
    await ask(server.port, request, CALM_SECONDS)  # the first requests load what the model puts off
    start = memory.held(pid)
    run.calm_ms.append((await ask(server.port, request, CALM_SECONDS)).p99 * 1000)
    while left:
        kind = left.pop(0)
        one: Attacked | None = None
        for _ in range(TRIES):
            again = await _tried(kind, server, rpc, request, seconds, start)
            one = again if one is None else one.tried_again(again)
            _say(again)
            if again.fault or again.peak - start > MOST_MIB:
                run.attacked.append(one)
                return
            run.calm_ms.append((await ask(server.port, request, CALM_SECONDS)).p99 * 1000)
            if not {"p99", "probe"} & set(run.broken(one)):
                break
        assert one is not None
        run.attacked.append(one)


async def _tried(kind: Kind, server: own.OwnServer, rpc: int, request: bytes, seconds: float, start: float) -> Attacked:
    """Attack once."""
    pid = server.process.pid
    memory.forget_peak(pid)
    port = rpc if kind.rpc else server.port
    (sent, connections, answers), probe_seconds = await asyncio.gather(
        _attack(kind, port, server.port, request, seconds), probe(server.port, seconds)
    )
    try:
        peak = memory.peak(pid)
        await asyncio.sleep(AFTER_SECONDS)
        after, fault = memory.held(pid), ""
    except OSError:
        peak = after = 0.0
        fault = f"the server ended with {server.process.poll()}"
    return Attacked(
        kind.name,
        kind.about,
        sent / 2**20,
        connections,
        start,
        peak,
        after,
        answers.p99 * 1000,
        len(answers.seconds),
        answers.failed,
        probe_seconds * 1000,
        fault,
    )


async def _attack(kind: Kind, port: int, of_client: int, request: bytes, seconds: float) -> tuple[int, int, Answers]:
    """Bytes and connections of the attack, and what the client had."""
    command = ["-m", f"{__package__}.attacker", kind.name, str(port), str(seconds)]
    attacker = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    assert attacker.stdout is not None
    await attacker.stdout.readline()  # it begins
    answers = await ask(of_client, request, seconds)
    said, _ = await attacker.communicate()
    if attacker.returncode:
        raise ServerFailed(
            f"The attack '{kind.name}' ended with exit code {attacker.returncode}. See what it said above"
        )
    sent, connections = said.split()
    return int(sent), int(connections), answers


def _save(folder: Path) -> dict[str, float]:
    """Fit and write the logistic regression; returns a row of it."""
    import pandas as pd

    X, y = fit.data(fit.FITTED_ROWS)
    table = pd.DataFrame(X, columns=NAMES)
    own.save(fit.make("logistic").fit(table, y), table.head(), folder)
    return {str(column): float(value) for column, value in table.iloc[0].items()}


def _request(key: str, row: dict[str, float]) -> bytes:
    body = orjson.dumps({"rows": [row]})
    lines = (
        "Content-Type: application/json\r\n",
        f"Authorization: Bearer {key}\r\n",
        f"Content-Length: {len(body)}\r\n",
    )
    return head("/predict", *lines) + body


def _say(one: Attacked) -> None:
    memory_said = f"memory {one.start:6.1f} -> {one.peak:6.1f} -> {one.after:6.1f} MiB"
    said = f"p99 {one.p99_ms:8.1f} ms  failed {one.failed} of {one.asked}  probe {one.probe_ms:.0f} ms"
    said += f"  sent {one.sent:,.0f} MiB  {one.fault}"
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {one.kind:26} {memory_said}  {said}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tenfold.loadtests.benchmark.attack", description=__doc__)
    add = parser.add_argument
    add("--seconds", type=float, default=300, help="of all attacks together (default %(default)g)")
    add("--only", default="", help="names of attacks, separated by semicolons; all without it")
    add("--json", type=Path, help="file for the result")
    return parser


if __name__ == "__main__":
    sys.exit(main())

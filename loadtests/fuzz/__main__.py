"""`python -m tenfold.loadtests.fuzz URL` or `--start`: mixed valid and broken requests, and the bars that must hold.

Exit codes: 0 every bar holds, 3 one broke, 1 the run could not be done.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from ..errors import LoadTestError, RunFailed
from .cases import Cases
from .costs import Costs
from .exchange import Connection
from .memory import Memory
from .result import Result
from .run import fuzz, send
from .server import started
from .target import Target, look
from .traffic import Traffic

BROKEN = 3
# Longer than any limit that a server has by default.
PATIENCE = 90.0
RPC_CHANNELS, RPC_SHARE = 2, 0.15
WARM_UP_SECONDS = 120.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, print the report, and say how it went."""
    options = _parser().parse_args(arguments)
    if bool(options.url) == options.start:
        _parser().error("Give the URL of a service, or --start")
    try:
        with TemporaryDirectory() as folder:
            result = _fuzzed(options, Path(folder))
    except LoadTestError as e:
        sys.stderr.write(f"Error: {e}\n")
        return 1
    result.write(sys.stdout)
    options.report.write_bytes(orjson.dumps(result.document(), option=orjson.OPT_INDENT_2))
    return BROKEN if result.broken else 0


def _fuzzed(options: Any, folder: Path) -> Result:
    if not options.start:
        return asyncio.run(_run(options, options.url.rstrip("/"), options.grpc, options.pid))
    with started(folder, rpc=_has_grpc()) as (server, rpc):
        result = asyncio.run(_run(options, server.url, rpc, [server.process.pid]))
    if server.fault:
        result.server = server.fault
        shutil.copy(server.log, options.failures.with_suffix(".server.log"))
    return result


async def _run(options: Any, url: str, rpc: str | None, pids: Sequence[int]) -> Result:
    target = await asyncio.to_thread(look, url, options.seed)
    options.failures.unlink(missing_ok=True)  # those of an earlier run
    result = Result(Memory(pids, WARM_UP_SECONDS), options.failures, Costs(pids))
    traffic = _traffic(options, target, rpc)
    if options.only:
        protocol, _, number = options.only.rpartition(":")
        await send(traffic[protocol or "http"], int(number), result)
    else:
        await result.costs.measure(list(traffic.values()), result.note, options.each)
        await fuzz(list(traffic.values()), result, options.minutes * 60)
    return result


def _traffic(options: Any, target: Target, rpc: str | None) -> dict[str, Traffic]:
    connections = [Connection(target.host, target.port, PATIENCE) for _ in range(options.connections)]
    traffic = {"http": Traffic(Cases(target, options.seed), connections, options.rate)}
    if rpc:
        if not _has_grpc():
            raise RunFailed("gRPC needs grpcio and protobuf. Run: pip install grpcio protobuf")
        from .rpc import RpcCases, RpcConnection

        channels = [RpcConnection(rpc, PATIENCE) for _ in range(RPC_CHANNELS)]
        traffic["grpc"] = Traffic(RpcCases(target, options.seed), channels, options.rate * RPC_SHARE)
    return traffic


def _has_grpc() -> bool:
    return all(importlib.util.find_spec(name) for name in ("grpc", "google.protobuf"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tenfold.loadtests.fuzz", description=__doc__)
    add = parser.add_argument
    add("url", nargs="?", help="of a service that is ready")
    add("--start", action="store_true", help="start a model server with a model of its own instead")
    add("--minutes", type=float, default=30, help="how long (default %(default)g)")
    add("--seed", type=int, default=0, help="the same requests for the same seed and model")
    add("--rate", type=float, default=100, help="most requests a second (default %(default)g)")
    add("--each", type=int, default=10, help="requests of each kind whose cost is measured first (default %(default)s)")
    add("--connections", type=int, default=16, help="at once (default %(default)s)")
    add(
        "--grpc",
        metavar="ADDRESS",
        help="host:port of the service's gRPC; with --start it is found where it is installed",
    )
    add("--pid", type=int, action="append", default=[], help="process whose memory is watched; repeatable")
    add("--only", metavar="N", help="send request number N alone, or with grpc:N that of gRPC")
    add("--report", type=Path, default=Path("fuzz.json"), help="the result for programs (default %(default)s)")
    add("--failures", type=Path, default=Path("fuzz-failures.jsonl"), help="takes what failed (default %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""What tenfold is held against: each bar a number from one result, and whether it is reached. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .load import Measured
from .protocols import GRPC, INVOCATIONS, PREDICT, V2, V2_BINARY, V2_BY_H2LOAD, Protocol
from .result import Result
from .servers import (
    DIRECT,
    LIMITS,
    ONNX,
    PLAIN_TENFOLD,
    TENFOLD,
    TENFOLD_GRPC,
    TENFOLD_LOG,
    TENFOLD_ONNX,
    TENFOLD_TWO,
    Server,
)
from .workloads import BOOSTING, FOREST, HUNDRED_ROWS, ONE_CONNECTION, ONE_ROW, VECTORS, Workload


@dataclass(frozen=True)
class Bar:
    """One of them.

    Attributes:
        what: is compared with what.
        wanted: the number that it should reach; at most that where `most` is true, else at least.
        value: the number; None when a part of it was not measured.
        unit: of both.
    """

    what: str
    wanted: float
    value: float | None
    most: bool = False
    unit: str = "x"

    @property
    def reached(self) -> bool | None:
        """Whether it is; None when that is not known."""
        if self.value is None:
            return None
        return self.value <= self.wanted if self.most else self.value >= self.wanted


def best_peer(result: Result, servers: Iterable[Server], workload: Workload) -> tuple[Server, Measured] | None:
    """The peer that answers most requests a second, in its best configuration; None when none was measured."""
    found = [
        (server, measured)
        for server in servers
        if server.group not in (TENFOLD, LIMITS) and workload in server.asks
        for protocol in server.asks[workload]
        if (measured := result.find(server.name, workload.name, protocol.name))
    ]
    return max(found, key=lambda pair: pair[1].rate, default=None)


def bars(result: Result, servers: Iterable[Server]) -> list[Bar]:
    """All bars, in the order of the documentation."""
    servers = list(servers)

    def find(server: Server, workload: Workload, protocol: Protocol | None = None) -> Measured | None:
        return result.find(server.name, workload.name, (protocol or server.asks[workload][0]).name)

    def peers(workload: Workload) -> Measured | None:
        best = best_peer(result, servers, workload)
        return best[1] if best else None

    one, compiled = find(PLAIN_TENFOLD, ONE_ROW), find(TENFOLD_ONNX, ONE_ROW)
    protocols = [find(PLAIN_TENFOLD, ONE_ROW, protocol) for protocol in (V2, PREDICT, INVOCATIONS)]
    rates = [each.rate for each in protocols if each]
    start = result.start(PLAIN_TENFOLD.name, ONE_ROW.model)
    return [
        Bar("one row: tenfold to the best peer", 5, _rates(one, peers(ONE_ROW))),
        Bar("one row: p99 of tenfold to its p50", 4, one.p99_ms / one.p50_ms if one else None, most=True),
        Bar("one row: tenfold compiled to raw ASGI with onnxruntime", 0.6, _rates(compiled, find(ONNX, ONE_ROW))),
        *(
            Bar(
                f"one connection: p50 of {name}, asked by {protocol.name}, to {limit.about}",
                wanted,
                _latencies(find(server, ONE_CONNECTION, protocol), find(limit, ONE_CONNECTION)),
                most=True,
            )
            for server, name, limit, wanted in (
                (PLAIN_TENFOLD, "tenfold", DIRECT, 1.15),
                (TENFOLD_ONNX, "tenfold compiled", ONNX, 1.6),
            )
            for protocol in (V2, PREDICT)
        ),
        Bar("100 rows: tenfold to the best peer", 2.5, _rates(find(PLAIN_TENFOLD, HUNDRED_ROWS), peers(HUNDRED_ROWS))),
        *(
            Bar(f"{workload.name}: {name} to the best peer", wanted, _rates(find(server, workload), peers(workload)))
            for workload in (FOREST, BOOSTING)
            for server, name, wanted in ((PLAIN_TENFOLD, "tenfold", 3), (TENFOLD_ONNX, "tenfold compiled", 10))
        ),
        Bar("one row: tenfold with the inference log to without", 0.9, _rates(find(TENFOLD_LOG, ONE_ROW), one)),
        *(
            Bar(
                f"{workload.name}: two processes to one",
                1.8,
                _rates(find(TENFOLD_TWO, workload), find(PLAIN_TENFOLD, workload)),
            )
            for workload in (ONE_ROW, HUNDRED_ROWS, VECTORS)
        ),
        Bar(
            "one row: the slowest of v2 JSON, /predict and /invocations to the fastest",
            0.75,
            min(rates) / max(rates) if len(rates) == len(protocols) else None,
        ),
        Bar(
            "100 rows: v2 binary to v2 JSON",
            1,
            _rates(find(PLAIN_TENFOLD, HUNDRED_ROWS, V2_BINARY), find(PLAIN_TENFOLD, HUNDRED_ROWS, V2)),
        ),
        Bar(
            "100 rows: gRPC to v2 JSON, both by h2load",
            1,
            _rates(find(TENFOLD_GRPC, HUNDRED_ROWS, GRPC), find(TENFOLD_GRPC, HUNDRED_ROWS, V2_BY_H2LOAD)),
        ),
        Bar("start of the process to the first right answer", 2, start.seconds if start else None, True, "s"),
        Bar("memory of one replica", 150, start.memory if start else None, True, "MiB"),
    ]


def _rates(one: Measured | None, other: Measured | None) -> float | None:
    return one.rate / other.rate if one and other else None


def _latencies(one: Measured | None, other: Measured | None) -> float | None:
    return one.p50_ms / other.p50_ms if one and other else None

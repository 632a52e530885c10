"""What tenfold is held against: each bar a number from every round of a result, and whether it is met. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from .load import Measured
from .protocols import GRPC, INVOCATIONS, PREDICT, V2, V2_BINARY, V2_BY_H2LOAD, Protocol
from .result import Result
from .servers import (
    DIRECT,
    LIMITS,
    MOSEC,
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

MET, MISSED, WITHIN_NOISE, NOT_MEASURED = "met", "not met", "within noise", "not measured"
Rounds = Mapping[int, Measured]


@dataclass(frozen=True)
class Bar:
    """One of them.

    Attributes:
        what: is compared with what.
        wanted: the number that it should reach; at most that where `most` is true, else at least.
        rounds: the number in each round; none when a part of it was not measured.
        unit: of all of them.
    """

    what: str
    wanted: float
    rounds: Sequence[float]
    most: bool = False
    unit: str = "x"

    @property
    def value(self) -> float | None:
        """The median of the rounds."""
        return median(self.rounds) if self.rounds else None

    @property
    def verdict(self) -> str:
        """Met only when every round met it; when the median alone did, the noise is larger than what is between."""
        if self.value is None:
            return NOT_MEASURED
        if not self._meets(self.value):
            return MISSED
        return MET if all(map(self._meets, self.rounds)) else WITHIN_NOISE

    def _meets(self, value: float) -> bool:
        return value <= self.wanted if self.most else value >= self.wanted


def best_peer(
    result: Result, servers: Iterable[Server], workload: Workload, *, but: str = ""
) -> tuple[Server, Protocol] | None:
    """The peer that answers most requests a second, in its best configuration; None when none was measured.

    Args:
        but: a project that does not count.
    """
    found = [
        (measured.rate, server, protocol)
        for server in servers
        if server.group not in (TENFOLD, LIMITS, but) and workload in server.asks
        for protocol in server.asks[workload]
        if (measured := result.find(server.name, workload.name, protocol.name))
    ]
    if not found:
        return None
    _, server, protocol = max(found, key=lambda each: each[0])
    return server, protocol


def bars(result: Result, servers: Iterable[Server]) -> list[Bar]:
    """All bars, in the order of the documentation."""
    servers = list(servers)

    def of(server: Server, workload: Workload, protocol: Protocol | None = None) -> Rounds:
        return result.rounds(server.name, workload.name, (protocol or server.asks[workload][0]).name)

    def others(workload: Workload) -> Rounds:
        best = best_peer(result, servers, workload, but=MOSEC.group)
        return of(best[0], workload, best[1]) if best else {}

    def to_mosec(workload: Workload, wanted: float) -> Bar:
        """By the protocol that is quicker."""
        rates = {
            protocol: measured.rate
            for protocol in (V2, PREDICT)
            if (measured := result.find(PLAIN_TENFOLD.name, workload.name, protocol.name))
        }
        best = max(rates, key=lambda protocol: rates[protocol], default=V2)
        ratios = _rates(of(PLAIN_TENFOLD, workload, best), of(MOSEC, workload))
        return Bar(f"{workload.name}: tenfold, asked by {best.name}, to mosec", wanted, ratios)

    protocols = [of(PLAIN_TENFOLD, ONE_ROW, protocol) for protocol in (V2, PREDICT, INVOCATIONS)]
    starts = result.starts_of(PLAIN_TENFOLD.name, ONE_ROW.model)
    return [
        *(to_mosec(workload, wanted) for workload, wanted in ((ONE_ROW, 1.2), (HUNDRED_ROWS, 1.3), (FOREST, 1.2))),
        *(
            Bar(
                f"{workload.name}: tenfold compiled to mosec",
                2,
                _rates(of(TENFOLD_ONNX, workload), of(MOSEC, workload)),
            )
            for workload in (ONE_ROW, HUNDRED_ROWS, FOREST)
        ),
        *(
            Bar(
                f"{workload.name}: tenfold to the best peer but mosec",
                wanted,
                _rates(of(PLAIN_TENFOLD, workload), others(workload)),
            )
            for workload, wanted in ((ONE_ROW, 5), (HUNDRED_ROWS, 2.5), (FOREST, 3), (BOOSTING, 3))
        ),
        *(
            Bar(
                f"{workload.name}: tenfold compiled to the best peer but mosec",
                10,
                _rates(of(TENFOLD_ONNX, workload), others(workload)),
            )
            for workload in (FOREST, BOOSTING)
        ),
        *(
            Bar(
                f"{workload.name}: p99 of tenfold to its p50",
                4,
                [each.p99_ms / each.p50_ms for each in of(PLAIN_TENFOLD, workload).values()],
                most=True,
            )
            for workload in (ONE_ROW, HUNDRED_ROWS, FOREST)
        ),
        Bar(
            "one row: tenfold compiled to raw ASGI with onnxruntime",
            0.6,
            _rates(of(TENFOLD_ONNX, ONE_ROW), of(ONNX, ONE_ROW)),
        ),
        *(
            Bar(
                f"one connection: p50 of {name}, asked by {protocol.name}, to {limit.about}",
                wanted,
                _ratios(of(server, ONE_CONNECTION, protocol), of(limit, ONE_CONNECTION), lambda each: each.p50_ms),
                most=True,
            )
            for server, name, limit, wanted in (
                (PLAIN_TENFOLD, "tenfold", DIRECT, 1.15),
                (TENFOLD_ONNX, "tenfold compiled", ONNX, 1.6),
            )
            for protocol in (V2, PREDICT)
        ),
        Bar(
            "one row: tenfold with the inference log to without",
            0.9,
            _rates(of(TENFOLD_LOG, ONE_ROW), of(PLAIN_TENFOLD, ONE_ROW)),
        ),
        _two_processes(of(TENFOLD_TWO, ONE_ROW), of(PLAIN_TENFOLD, ONE_ROW), by_rate=result.two_have_cores),
        *(
            Bar(
                f"{workload.name}: two processes to one",
                1.8,
                _rates(of(TENFOLD_TWO, workload), of(PLAIN_TENFOLD, workload)),
            )
            for workload in (HUNDRED_ROWS, VECTORS)
        ),
        Bar(
            "one row: the slowest of v2 JSON, /predict and /invocations to the fastest",
            0.75,
            [
                min(rates) / max(rates)
                for number in protocols[0]
                if len(rates := [each[number].rate for each in protocols if number in each]) == len(protocols)
            ],
        ),
        Bar(
            "100 rows: v2 binary to v2 JSON",
            1,
            _rates(of(PLAIN_TENFOLD, HUNDRED_ROWS, V2_BINARY), of(PLAIN_TENFOLD, HUNDRED_ROWS, V2)),
        ),
        Bar(
            "100 rows: gRPC to v2 JSON, both by h2load",
            1,
            _rates(of(TENFOLD_GRPC, HUNDRED_ROWS, GRPC), of(TENFOLD_GRPC, HUNDRED_ROWS, V2_BY_H2LOAD)),
        ),
        Bar("start of the process to the first right answer", 2, [start.seconds for start in starts], True, "s"),
        Bar("memory of one replica", 150, [start.memory for start in starts], True, "MiB"),
        Bar("memory of each of ten local replicas", 60, [each.memory for each in result.replicas], True, "MB"),
    ]


def _two_processes(two: Rounds, one: Rounds, *, by_rate: bool) -> Bar:
    """Where the load has no core beside theirs it takes its part of them: then their CPU says what they could do."""
    if by_rate:
        return Bar("one row: two processes to one", 1.6, _rates(two, one))
    ratios = [2 * ratio for ratio in _ratios(one, two, lambda each: each.cpu_us)]
    return Bar("one row: two processes to one, by the CPU of a request", 1.6, ratios)


def _rates(one: Rounds, other: Rounds) -> list[float]:
    return _ratios(one, other, lambda each: each.rate)


def _ratios(one: Rounds, other: Rounds, of: Callable[[Measured], float]) -> list[float]:
    """Of the rounds that measured both."""
    return [of(one[number]) / of(other[number]) for number in one if number in other]

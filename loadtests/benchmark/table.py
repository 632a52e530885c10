"""A result as Markdown: a table for each workload, start and memory, the bars, and what could not be measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .bars import Bar, bars
from .load import Measured
from .result import Result
from .servers import PLAIN_TENFOLD, Server
from .workloads import Workload


def comparison(result: Result, servers: Sequence[Server]) -> str:
    """Everyone at each workload, what was needed for it, and the bars; servers in the order of the lines."""
    return _joined(
        _machine(result),
        *(_workload(result, servers, workload) for workload in _workloads(servers)),
        _starts(result, servers),
        _bars(bars(result, servers)),
        _wrong(result),
        _versions(result),
    )


def growth(result: Result, servers: Sequence[Server]) -> str:
    """All workloads in one table, a line for each."""
    head = ["workload", "model", "processes", "requests/s", "rows/s", "p50 ms", "p99 ms"]
    body = [
        [
            workload.name,
            workload.model,
            str(server.processes),
            f"{m.rate:,.0f}",
            f"{m.rate * workload.rows:,.0f}",
            f"{m.p50_ms:.2f}",
            f"{m.p99_ms:.2f}",
        ]
        for server in servers
        for workload in server.asks
        if (m := _first(result, server, workload))
    ]
    return _joined(_machine(result), markdown(head, body, numbers=3), _starts(result, servers), _wrong(result))


def _workload(result: Result, servers: Sequence[Server], workload: Workload) -> str:
    tenfold = _first(result, PLAIN_TENFOLD, workload)
    lines = [
        (server, protocol.name, measured)
        for server in servers
        for protocol in server.asks.get(workload, ())
        if (measured := result.find(server.name, workload.name, protocol.name))
    ]
    if not lines:
        return ""
    rows = f"{workload.rows} row{'s' if workload.rows > 1 else ''} a request"
    connections = f"{workload.connections} connection{'s' if workload.connections > 1 else ''}"
    head = ["server", "configuration", "protocol", "requests/s", "tenfold is", "p50 ms", "p99 ms", "CPU us"]
    body = [
        [
            server.name,
            server.about,
            protocol,
            f"{m.rate:,.0f}",
            _times(tenfold, m),
            f"{m.p50_ms:.2f}",
            f"{m.p99_ms:.2f}",
            f"{m.cpu_us:.1f}",
        ]
        for server, protocol, m in lines
    ]
    return f"### {workload.name}: {workload.model}, {rows}, {connections}\n\n{markdown(head, body, numbers=3)}"


def _starts(result: Result, servers: Sequence[Server]) -> str:
    models = list(dict.fromkeys(workload.model for server in servers for workload in server.asks))
    body = [
        [server.name, model, f"{start.seconds:.1f}", f"{start.memory:.0f}"]
        for model in models
        for server in servers
        if (start := result.start(server.name, model))
    ]
    head = ["server", "model", "start to first right answer, s", "memory after the load, MiB"]
    return f"### Start and memory\n\n{markdown(head, body, numbers=2)}" if body else ""


def _bars(found: Iterable[Bar]) -> str:
    head = ["bar", "wanted", "measured", "rounds", "verdict"]
    body = [
        [
            bar.what,
            f"{'<=' if bar.most else '>='} {bar.wanted:g} {bar.unit}",
            "" if bar.value is None else f"{bar.value:.2f} {bar.unit}",
            f"{min(bar.rounds):.2f} to {max(bar.rounds):.2f}" if bar.rounds else "",
            bar.verdict,
        ]
        for bar in found
    ]
    return f"### Bars\n\n{markdown(head, body, numbers=2)}"


def _wrong(result: Result) -> str:
    lines = [f"- {name}: {reason}." for name, reason in result.skipped.items()]
    lines += [f"- Round {f.round}, {f.server}, {f.model}: {f.reason}" for f in result.failures]
    lines += [
        f"- Round {c.round}, {c.server}, {c.workload}, {c.protocol}: does not count, "
        f"{c.measured.refused} requests were refused and {c.measured.unanswered} not answered."
        for c in result.invalid()
    ]
    lines += [
        f"- Round {s.round}, {s.server}: the log had {s.log['accepted']:,} rows accepted, {s.log['written']:,} written "
        f"and {s.log['dropped']:,} dropped when the load ended."
        for s in result.starts
        if s.log.get("accepted")
    ]
    return "### Not measured, or to be known\n\n" + "\n".join(lines) if lines else ""


def _versions(result: Result) -> str:
    lines = [f"- {group}: {', '.join(f'{p} {v}' for p, v in of.items())}" for group, of in result.versions.items()]
    return "### Versions\n\n" + "\n".join(lines) if lines else ""


def _machine(result: Result) -> str:
    return "; ".join(f"{name}: {value}" for name, value in result.machine.items())


def _workloads(servers: Iterable[Server]) -> Iterator[Workload]:
    return iter(dict.fromkeys(workload for server in servers for workload in server.asks))


def _first(result: Result, server: Server, workload: Workload) -> Measured | None:
    asks = server.asks.get(workload)
    return result.find(server.name, workload.name, asks[0].name) if asks else None


def _times(one: Measured | None, other: Measured) -> str:
    return f"{one.rate / other.rate:.2f} x" if one else ""


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown(head: Sequence[str], body: Iterable[Sequence[str]], *, numbers: int) -> str:
    """Lines of a table whose columns from the `numbers`th on are flush right."""
    body = [*body]
    assert all(len(line) == len(head) for line in body)
    marks = ["---"] * numbers + ["---:"] * (len(head) - numbers)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, marks, *body))

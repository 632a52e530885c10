"""What an attack did, the bars, and the table. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median

from ..table import markdown

MOST_MIB, MOST_TIMES = 64.0, 3.0
MOST_PROBE_MS = 1000.0
"""Kubernetes gives a probe up after a second, unless it is told otherwise."""


@dataclass(frozen=True)
class Attacked:
    """One kind of attack.

    Attributes:
        sent: MiB that it sent, over `connections` connections in all.
        start, peak, after: MiB that the server held (RSS): before anybody attacked it, at most, and two seconds after
            the end of this attack.
        p99_ms: of the client meanwhile; `failed` of its `asked` requests were not answered with 200.
        probe_ms: of the slowest health check from the attack's own address; infinity where one failed.
        fault: what became of the server, if anything did.
        tries: how often it was made.
    """

    kind: str
    about: str
    sent: float
    connections: int
    start: float
    peak: float
    after: float
    p99_ms: float
    asked: int
    failed: int
    probe_ms: float
    fault: str = ""
    tries: int = 1

    def tried_again(self, other: Attacked) -> Attacked:
        """Of both tries the lower times, and the worse of all else."""
        return replace(
            other,
            sent=self.sent + other.sent,
            connections=self.connections + other.connections,
            peak=max(self.peak, other.peak),
            p99_ms=min(self.p99_ms, other.p99_ms),
            probe_ms=min(self.probe_ms, other.probe_ms),
            asked=self.asked + other.asked,
            failed=self.failed + other.failed,
            tries=self.tries + 1,
        )


@dataclass
class Run:
    """All kinds against one server, or against several where an attack hurt one.

    Attributes:
        calm_ms: p99 of the client when nobody attacks, before the first kind and after each.
    """

    calm_ms: list[float] = field(default_factory=list[float])
    attacked: list[Attacked] = field(default_factory=list[Attacked])

    @property
    def usual_ms(self) -> float:
        """Median of the p99 when nobody attacks."""
        return median(self.calm_ms)

    def broken(self, one: Attacked) -> list[str]:
        """The bars that a kind broke."""
        bars = {
            "memory": one.peak - one.start > MOST_MIB,
            "p99": one.p99_ms > MOST_TIMES * self.usual_ms,
            "failed": one.failed > 0,
            "probe": one.probe_ms > MOST_PROBE_MS,
            one.fault: bool(one.fault),
        }
        return [name for name, broke in bars.items() if broke]

    def table(self) -> str:
        """As Markdown."""
        head = [
            "attack",
            "each connection sends",
            "sent MiB",
            "memory MiB",
            "tries",
            "p99 ms",
            "p99",
            "failed",
            "probe ms",
            "broken",
        ]
        body = [
            [
                one.kind,
                one.about,
                f"{one.sent:,.0f}",
                f"{one.peak - one.start:+.0f}",
                str(one.tries),
                f"{one.p99_ms:.1f}",
                f"{one.p99_ms / self.usual_ms:.1f} x",
                f"{one.failed} of {one.asked}",
                f"{one.probe_ms:.0f}",
                ", ".join(self.broken(one)) or "none",
            ]
            for one in self.attacked
        ]
        calm = f"{self.usual_ms:.2f} ms ({min(self.calm_ms):.2f} to {max(self.calm_ms):.2f})"
        return f"p99 when nobody attacks: {calm}\n\n{markdown(head, body, numbers=2)}\n"

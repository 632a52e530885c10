"""What an attack did, the bars, and the table. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from ..table import markdown

MOST_MIB, MOST_TIMES = 64.0, 3.0


@dataclass(frozen=True)
class Attacked:
    """One kind of attack.

    Attributes:
        sent: MiB that it sent, over `connections` connections in all.
        start, peak, after: MiB that the server held (RSS): before anybody attacked it, at most, and two seconds after
            the end of this attack.
        p99_ms: of the client meanwhile; `failed` of its `asked` requests were not answered with 200.
        fault: what became of the server, if anything did.
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
    fault: str = ""


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
            one.fault: bool(one.fault),
        }
        return [name for name, broke in bars.items() if broke]

    def table(self) -> str:
        """As Markdown."""
        head = ["attack", "each connection sends", "sent MiB", "memory MiB", "p99 ms", "p99", "failed", "broken"]
        body = [
            [
                one.kind,
                one.about,
                f"{one.sent:,.0f}",
                f"{one.peak - one.start:+.0f}",
                f"{one.p99_ms:.1f}",
                f"{one.p99_ms / self.usual_ms:.1f} x",
                f"{one.failed} of {one.asked}",
                ", ".join(self.broken(one)) or "none",
            ]
            for one in self.attacked
        ]
        calm = f"{self.usual_ms:.2f} ms ({min(self.calm_ms):.2f} to {max(self.calm_ms):.2f})"
        return f"p99 when nobody attacks: {calm}\n\n{markdown(head, body, numbers=2)}\n"

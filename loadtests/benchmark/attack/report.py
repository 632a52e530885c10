"""What an attack did, the bars, and the table. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

MOST_MIB, MOST_TIMES = 64.0, 3.0


@dataclass(frozen=True)
class Attacked:
    """One kind of attack.

    Attributes:
        sent: MiB that it sent, over `connections` connections in all.
        before, peak, after: MiB that the server held (RSS) before, at most, and two seconds after the end.
        p99_ms: of the client meanwhile; `failed` of its `asked` requests were not answered with 200.
        fault: what became of the server, if anything did.
    """

    kind: str
    about: str
    sent: float
    connections: int
    before: float
    peak: float
    after: float
    p99_ms: float
    asked: int
    failed: int
    fault: str = ""


@dataclass
class Run:
    """All kinds against one server.

    Attributes:
        calm_ms: p99 of the client when nobody attacks, before the first kind and after each.
        start: MiB that the server held before the first kind.
    """

    start: float
    calm_ms: list[float] = field(default_factory=list[float])
    attacked: list[Attacked] = field(default_factory=list[Attacked])

    @property
    def usual_ms(self) -> float:
        """Median of the p99 when nobody attacks."""
        return median(self.calm_ms)

    def broken(self, one: Attacked) -> list[str]:
        """The bars that a kind broke."""
        bars = {
            "memory": one.peak - one.before > MOST_MIB,
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
                f"+{max(0.0, one.peak - one.before):.0f}",
                f"{one.p99_ms:.1f}",
                f"{one.p99_ms / self.usual_ms:.1f} x",
                f"{one.failed} of {one.asked}",
                ", ".join(self.broken(one)) or "none",
            ]
            for one in self.attacked
        ]
        most = max((one.peak for one in self.attacked), default=self.start) - self.start
        whole = "met" if most <= MOST_MIB else "not met"
        return (
            f"p99 when nobody attacks: {self.usual_ms:.2f} ms ({min(self.calm_ms):.2f} to {max(self.calm_ms):.2f}). "
            f"Memory over the whole run: {self.start:.0f} MiB before, {most:+.0f} MiB at most "
            f"(<= {MOST_MIB:g}: {whole}).\n\n{_table(head, body)}\n"
        )


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    marks = ["---", "---", *["---:"] * (len(head) - 3), "---"]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, marks, *body))

"""Why a service is not what it should be: the verdict, and what its replicas that are not ready have to say.

`Service.explain` and `tenfold explain` make one. What each cause is belongs to the target; here causes that several
replicas share become one, with the last words of one of them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pydantic import Field

from .display import Shown
from .spec import Frozen
from .target import Status, Target, Verdict

if TYPE_CHECKING:
    from rich.console import RenderableType

LAST_WORDS = 10


class Trouble(Frozen):
    """What keeps some replicas from being ready."""

    replicas: tuple[str, ...]
    reason: str = Field(description="A sentence, with what would help.")
    last_words: tuple[str, ...] = Field(default=(), description="What one of them wrote last, before it ended.")


class Explanation(Shown, Frozen):
    """The verdict and everything that stands behind it."""

    name: str
    verdict: Verdict
    reason: str
    troubles: tuple[Trouble, ...]

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.markup import escape
        from rich.text import Text

        from .display import coloured

        lines: list[RenderableType] = [
            Text.from_markup(f"[bold]{self.name}[/] {coloured(self.verdict)}\n{escape(self.reason)}")
        ]
        for trouble in self.troubles:
            lines.append(Text(f"\n{', '.join(trouble.replicas)}: {trouble.reason}"))
            lines += [Text(f"  {line}", style="dim") for line in trouble.last_words]
        return Group(*lines)


def explain(target: Target, name: str) -> Explanation:
    """Why the service is as it is.

    Raises:
        UnknownService: no such service.
    """
    status = target.status(name)
    return Explanation(name=name, verdict=status.verdict, reason=status.reason, troubles=_troubles(target, status))


def _troubles(target: Target, status: Status) -> tuple[Trouble, ...]:
    by_reason: dict[str, list[str]] = {}
    for replica in status.replicas:
        if replica.state not in {"ready", "draining"} and replica.reason:
            by_reason.setdefault(_without(replica.reason, replica.id), []).append(replica.id)
    ended = {r.id for r in status.replicas if r.state == "crashed"}
    words: dict[str, deque[str]] = {}
    if ended:
        for line in target.logs(status.name, previous=True):
            words.setdefault(line.replica, deque(maxlen=LAST_WORDS)).append(line.text)
    return tuple(
        Trouble(
            replicas=tuple(replicas),
            reason=reason.replace("REPLICA", replicas[0]),
            last_words=tuple(next((words[r] for r in replicas if r in ended and r in words), ())),
        )
        for reason, replicas in by_reason.items()
    )


def _without(reason: str, replica: str) -> str:
    """The reason as all replicas share it."""
    return reason.replace(replica, "REPLICA") if len(replica) > 3 else reason

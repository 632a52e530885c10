"""The contract between tenfold and what runs a service: five methods, and the values they speak in.

`tenfold.platform.local` implements it with processes on this machine, `tenfold.platform.kubernetes` with a Deployment
and what belongs to it. One test suite runs over every target.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import Field

from .display import Shown
from .spec import Frozen, ServiceSpec

if TYPE_CHECKING:
    from rich.console import RenderableType

Verdict = Literal["ready", "progressing", "degraded", "failed", "stopped"]
ReplicaState = Literal["starting", "ready", "unready", "draining", "crashed"]


class Change(Frozen):
    """One field that would change; `before` is None where it is new."""

    field: str
    before: str | None
    after: str | None


class Replica(Frozen):
    """One model server as it is."""

    id: str
    state: ReplicaState
    version: str
    reason: str = Field("", description="Why it is not ready, in words; empty when it is.")
    pid: int | None = None
    url: str = Field("", description="Its own address for probes, not the service's.")
    started: datetime | None = None


class Traffic(Frozen):
    """Requests answered by one model version since the service started."""

    version: str
    requests: int
    errors: int = Field(description="Answers with a 5xx status, or with 422: the model refused a value.")


class Status(Shown, Frozen):
    """Desired and actual state of one service, and why they differ."""

    name: str
    verdict: Verdict
    reason: str = Field(description="One sentence: why the verdict, and the next command where one helps.")
    timed_out: bool = Field(default=False, description="Whether it failed by its progress deadline.")
    spec: ServiceSpec
    revision: int = Field(description="Number of the desired state; each change counts one up.")
    previous: ServiceSpec | None = Field(description="The desired state before the newest change of version.")
    replicas: tuple[Replica, ...]
    restarts: int = Field(description="Replicas that ended, or answered no more, and were replaced.")
    url: str = Field(description="Where programs reach the model.")
    page_url: str = Field(description="Where people reach the page.")
    registry_url: str = Field(description="Where the registry's own web page is; empty when it has none.")
    traffic: tuple[Traffic, ...]
    next_run: datetime | None = Field(description="When retraining runs next; None without a schedule.")

    @property
    def ready(self) -> int:
        """Replicas of the desired version that are ready."""
        return sum(r.state == "ready" and r.version == self.spec.version for r in self.replicas)

    def __rich__(self) -> RenderableType:
        from .display import status_view

        return status_view(self)


class LogLine(Frozen):
    """One line that a replica wrote."""

    replica: str
    text: str


class Target(Protocol):
    """What runs services. Construction opens nothing; every method tells the truth of the moment it is called."""

    @property
    def poll_seconds(self) -> float:
        """How often its status is worth asking for."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The services that exist, sorted."""
        ...

    def plan(self, spec: ServiceSpec) -> tuple[Change, ...]:
        """What `apply(spec)` would change; empty when nothing."""
        ...

    def apply(self, spec: ServiceSpec) -> None:
        """Make `spec` the desired state and return at once; `status` tells how far it is."""
        ...

    def status(self, name: str) -> Status:
        """Desired and actual state.

        Raises:
            UnknownService: no such service.
        """
        ...

    def logs(self, name: str, *, follow: bool = False, previous: bool = False) -> Iterator[LogLine]:
        """What the replicas wrote, oldest first; with `follow`, on and on; with `previous`, those that ended."""
        ...

    def delete(self, name: str) -> tuple[str, ...]:
        """Stop and forget the service. Returns what is kept, one line each (the data is)."""
        ...

"""Which replicas to start and which to drain next: a pure function from what is to what should be.

The controller calls it in every round. It promises what a Kubernetes Deployment with maxUnavailable 0 and
maxSurge 25 % promises: never fewer than the wished number of ready replicas because of a replacement, and never more
than a quarter above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Protocol

from ..target import ReplicaState


class Candidate(Protocol):
    """What the decision needs to know of a replica."""

    @property
    def id(self) -> int: ...
    @property
    def template(self) -> str: ...
    @property
    def state(self) -> ReplicaState: ...


@dataclass(frozen=True)
class Steps:
    """What to do now."""

    start: int
    drain: frozenset[int]


def next_steps(replicas: Sequence[Candidate], template: str, wanted: int) -> Steps:
    """The next steps towards `wanted` replicas made from `template`.

    Args:
        replicas: what runs, draining ones included.
        template: digest of what a replica is to be made from; others are replaced.
        wanted: number of ready replicas wished for.
    """
    serving = [r for r in replicas if r.state != "draining"]
    current = [r for r in serving if r.template == template]
    old = [r for r in serving if r.template != template]

    surge = max(1, ceil(wanted / 4)) if old else 0
    start = max(0, min(wanted - len(current), wanted + surge - len(serving)))

    # Those that are not ready go first, then the youngest: they carry the fewest connections.
    superfluous = sorted(current, key=lambda r: (r.state == "ready", -r.id))[: max(0, len(current) - wanted)]
    drain = {r.id for r in superfluous}

    # An old replica that is not ready may only be slow to answer a probe: it goes when a new one can be missed for it.
    unready = [r for r in old if r.state != "ready"]
    spare = len(serving) - len(drain) - wanted - sum(r.state != "ready" for r in current if r.id not in drain)
    drain |= {r.id for r in unready[: max(0, spare)]}

    ready_old = sorted((r for r in old if r.state == "ready"), key=lambda r: r.id)
    ready = len(ready_old) + sum(r.state == "ready" for r in current if r.id not in drain)
    drain |= {r.id for r in ready_old[: max(0, ready - wanted)]}
    return Steps(start, frozenset(drain))

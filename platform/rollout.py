"""Brings a spec to life on any target and watches it: the last steps of a deploy and of a night.

It speaks to a target through its five methods only, so a rollout on a cluster goes the same way as one on this machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .errors import RolloutFailed, RolloutTimedOut
from .spec import ServiceSpec
from .target import Status, Target, Traffic

# A version that fails more of its first requests than this is rolled back.
FAILING_SHARE = 0.01

Progress = Callable[[Status], None]


def roll_out(
    target: Target, spec: ServiceSpec, *, watch_seconds: float = 0, progress: Progress | None = None
) -> Status:
    """Apply `spec`, wait until it is ready, then watch its requests.

    Args:
        target: where it runs.
        spec: the new desired state.
        watch_seconds: how long its requests are watched once it is ready.
        progress: called with every status on the way.

    Raises:
        RolloutFailed: it did not become ready within its progress deadline, or fails requests. It stays as it is;
            the caller decides what follows.
    """
    target.apply(spec)
    status = wait_ready(target, spec.name, progress=progress)
    before = status.traffic
    deadline = time.monotonic() + watch_seconds
    while time.monotonic() < deadline:
        time.sleep(target.poll_seconds)
        status = target.status(spec.name)
        requests, errors = answered(before, status.traffic, spec.version)
        if errors > FAILING_SHARE * requests:
            raise RolloutFailed(
                f"Version {spec.version} of {spec.name} fails requests: "
                f"{errors} of {requests} were answered with a server error"
            )
    return status


def wait_ready(target: Target, name: str, *, progress: Progress | None = None) -> Status:
    """Wait until the service is ready.

    Raises:
        RolloutFailed: its verdict is `failed` or `stopped`.
    """
    while True:
        status = target.status(name)
        if progress:
            progress(status)
        if status.verdict == "ready":
            return status
        if status.verdict in {"failed", "stopped"}:
            raise RolloutTimedOut(status.reason) if status.timed_out else RolloutFailed(status.reason)
        time.sleep(target.poll_seconds)


def answered(before: tuple[Traffic, ...], now: tuple[Traffic, ...], version: str) -> tuple[int, int]:
    """Requests that `version` answered between two statuses, and those of them with a server error."""
    nothing = Traffic(version=version, requests=0, errors=0)
    first = next((t for t in before if t.version == version), nothing)
    last = next((t for t in now if t.version == version), first)
    return last.requests - first.requests, last.errors - first.errors

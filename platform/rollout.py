"""Brings a spec to life on any target and watches it: the last steps of a deploy and of a night.

It speaks to a target through its five methods only, so a rollout on a cluster goes the same way as one on this machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .errors import RolledBack, RolloutFailed, RolloutStopped, RolloutTimedOut, UnknownService
from .spec import ServiceSpec
from .target import Status, Target, Traffic

# A version that fails more of its first requests than this is rolled back.
FAILING_SHARE = 0.01

Progress = Callable[[Status], None]


def roll_out(
    target: Target,
    spec: ServiceSpec,
    *,
    watch_seconds: float = 0,
    progress: Progress | None = None,
    roll_back: bool = True,
) -> Status:
    """Apply `spec`, wait until it is ready, then watch its requests. What does not serve is taken back.

    Args:
        target: where it runs.
        spec: the new desired state.
        watch_seconds: how long its requests are watched once it is ready.
        progress: called with every status on the way.
        roll_back: whether what served before is made the desired state again when this one fails.

    Raises:
        RolledBack: it failed, and what served before serves again.
        RolloutFailed: it did not become ready within its progress deadline, or fails requests, and stays as it is:
            nothing served before, or it was not to be taken back.
    """
    before = _served(target, spec.name)
    target.apply(spec)
    try:
        status = wait_ready(target, spec.name, progress=progress)
        return _watched(target, status, watch_seconds) if watch_seconds else status
    except RolloutFailed as e:
        if isinstance(e, RolloutStopped) or before is None or before == spec or not roll_back:
            raise
        back = _taken_back(target.status(spec.name).spec, before, spec)
        target.apply(back)
        wait_ready(target, spec.name, progress=progress)
        raise RolledBack(e, before.version if before.model != spec.model else None) from e


def _served(target: Target, name: str) -> ServiceSpec | None:
    """What is known to serve: only that is worth going back to."""
    try:
        status = target.status(name)
    except UnknownService:
        return None
    served = any(r.state == "ready" and r.version == status.spec.version for r in status.replicas)
    return status.spec if served else None


def _taken_back(now: ServiceSpec, before: ServiceSpec, failed: ServiceSpec) -> ServiceSpec:
    """`now` without what the failed rollout changed; what somebody else changed meanwhile stays."""
    fields = (field for field in type(before).model_fields if getattr(before, field) != getattr(failed, field))
    return now.changed(**{field: getattr(before, field) for field in fields})


def _watched(target: Target, status: Status, seconds: float) -> Status:
    """Watch the requests that the version answers.

    Raises:
        RolloutFailed: it answers too many with a server error.
    """
    spec, before = status.spec, status.traffic
    deadline = time.monotonic() + seconds
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
        RolloutFailed: its verdict is `failed`.
        RolloutStopped: its verdict is `stopped`.
        RolloutTimedOut: replicas are missing, and no other came within its progress deadline.
    """
    most, since = -1, time.monotonic()
    while True:
        status = target.status(name)
        if progress:
            progress(status)
        if status.verdict == "ready":
            return status
        if status.verdict == "stopped":
            raise RolloutStopped(status.reason)
        if status.verdict == "failed":
            raise RolloutTimedOut(status.reason) if status.timed_out else RolloutFailed(status.reason)
        # A target judges its rollouts; that replicas of a version that serves stay away is judged here.
        if status.verdict != "degraded" or status.ready > most:
            most, since = status.ready, time.monotonic()
        elif time.monotonic() - since > status.spec.progress_deadline_seconds:
            raise RolloutTimedOut(status.reason)
        time.sleep(target.poll_seconds)


def answered(before: tuple[Traffic, ...], now: tuple[Traffic, ...], version: str) -> tuple[int, int]:
    """Requests that `version` answered between two statuses, and those of them with a server error."""
    nothing = Traffic(version=version, requests=0, errors=0)
    first = next((t for t in before if t.version == version), nothing)
    last = next((t for t in now if t.version == version), first)
    return last.requests - first.requests, last.errors - first.errors

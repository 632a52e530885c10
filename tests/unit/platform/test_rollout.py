"""What is waited for, given up and taken back, on a target whose next statuses are written down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tenfold.platform.errors import RolledBack, RolloutFailed, RolloutStopped, RolloutTimedOut, UnknownService
from tenfold.platform.rollout import roll_out, wait_ready
from tenfold.platform.spec import ServiceSpec
from tenfold.platform.target import Replica, Status

OLD = ServiceSpec.of(name="m", model="models:/m/1", replicas=2, progress_deadline_seconds=1)
NEW = OLD.changed(model="models:/m/2")


def status(spec: ServiceSpec, verdict: Any, *, ready: int = 0) -> Status:
    replicas = tuple(Replica(id=str(n), state="ready", version=spec.version) for n in range(ready))
    return Status(
        name="m",
        verdict=verdict,
        reason=f"It is {verdict}.",
        spec=spec,
        revision=1,
        previous=None,
        replicas=replicas,
        restarts=0,
        url="",
        page_url="",
        registry_url="",
        traffic=(),
        next_run=None,
    )


class Scripted:
    """Answers with the next status, and with the last one for ever; notes what is applied."""

    poll_seconds = 0.01
    names = ("m",)

    def __init__(self, *statuses: Status | None) -> None:
        self._next: Iterator[Status | None] = iter(statuses)
        self._last: Status | None = None
        self.applied: list[ServiceSpec] = []

    def status(self, name: str) -> Status:
        self._last = next(self._next, self._last)
        if self._last is None:
            raise UnknownService(name, ())
        return self._last

    def apply(self, spec: ServiceSpec) -> None:
        self.applied.append(spec)


def test_what_fails_is_taken_back_and_what_others_changed_meanwhile_stays() -> None:
    scaled = NEW.changed(replicas=5)
    target: Any = Scripted(
        status(OLD, "ready", ready=2),
        status(NEW, "failed"),
        status(scaled, "failed"),
        status(OLD.changed(replicas=5), "ready", ready=5),
    )
    with pytest.raises(RolledBack, match=r"It is failed\. Version 1 is back"):
        roll_out(target, NEW)
    assert target.applied == [NEW, OLD.changed(replicas=5)]


@pytest.mark.parametrize("before", [None, status(OLD, "failed"), status(OLD, "stopped")])
def test_there_is_nothing_to_go_back_to_where_nothing_served(before: Status | None) -> None:
    target: Any = Scripted(before, status(NEW, "failed"))
    with pytest.raises(RolloutFailed, match=r"It is failed\.$"):
        roll_out(target, NEW)
    assert target.applied == [NEW]


def test_what_somebody_stopped_is_not_started_again() -> None:
    target: Any = Scripted(status(OLD, "ready", ready=2), status(NEW, "stopped"))
    with pytest.raises(RolloutStopped):
        roll_out(target, NEW)
    assert target.applied == [NEW]


def test_replicas_that_stay_away_are_waited_for_until_the_deadline() -> None:
    target: Any = Scripted(status(OLD, "degraded", ready=1))
    with pytest.raises(RolloutTimedOut, match="It is degraded"):
        wait_ready(target, "m")


def test_the_exit_code_of_what_was_taken_back_is_that_of_its_cause() -> None:
    assert RolledBack(RolloutTimedOut("late"), "1").timed_out
    assert not RolledBack(RolloutFailed("broken"), None).timed_out

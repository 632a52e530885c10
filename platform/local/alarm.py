"""The alarm clock of the local platform: it wakes the nights up, and decides nothing.

APScheduler rings; which dates are due is found out by the command that it starts (`tenfold retrain --due`), the same
way as on every other target. A ring that comes late, after sleep or an outage, rings all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger

from ..spec import Retraining, ServiceSpec
from .process import MARKS, Process, start
from .state import State

log = logging.getLogger(__name__)


class Alarm:
    """Rings once a day for every service with a schedule, and once at the start for nights that were missed."""

    def __init__(self, state: State, found: Iterable[Process]) -> None:
        self._state = state
        self._scheduler = AsyncIOScheduler()
        self._set: dict[str, Retraining] = {}
        self._nights = {p.marks[MARKS + "SERVICE"]: p for p in found if p.role == "night"}

    def start(self) -> None:
        """Begin to ring; needs a running event loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Ring no more, and end nights that run: the next start catches them up."""
        self._scheduler.shutdown(wait=False)
        for night in self._nights.values():
            night.terminate()

    def step(self, specs: Iterable[ServiceSpec]) -> None:
        """One round: set, change and remove alarms as the specs wish."""
        wanted = {s.name: s.retraining for s in specs if s.retraining.at and not s.retraining.paused}
        for name in [n for n in self._set if self._set[n] != wanted.get(n)]:
            self._scheduler.remove_job(name)
            del self._set[name]
        for name, retraining in wanted.items():
            if name not in self._set:
                self._scheduler.add_job(
                    self._ring,
                    trigger_of(retraining),
                    [name],
                    id=name,
                    next_run_time=next_run(retraining, datetime.now(UTC)),
                    misfire_grace_time=None,
                    coalesce=True,
                )
                self._set[name] = retraining
                self._ring(name)

    def _ring(self, name: str) -> None:
        running = self._nights.get(name)
        if running and running.alive:
            log.info("retraining of %s is still running", name)
            return
        self._nights[name] = start(
            self._state,
            "night",
            ["-m", "tenfold.platform.cli.app", "retrain", name, "--due", "--state", str(self._state.folder)],
            log=self._state.service(name).path / "nights.log",
            marks={"service": name},
        )


def trigger_of(retraining: Retraining) -> CalendarIntervalTrigger:
    """Every day at that time of the wall clock, also on the days when the clock changes, where cron triggers fail."""
    at, zone = retraining.at, ZoneInfo(retraining.timezone)
    assert at
    today = datetime.now(zone).date()
    return CalendarIntervalTrigger(
        days=1, hour=at.hour, minute=at.minute, second=at.second, start_date=today, timezone=zone
    )


def next_run(retraining: Retraining, now: datetime) -> datetime | None:
    """When the night runs next; None without a schedule or while it is paused."""
    if not retraining.at or retraining.paused:
        return None
    trigger = trigger_of(retraining)
    # Its first time is that of the start date, even if that has passed.
    time = trigger.get_next_fire_time(None, now)
    while time and time <= now:
        time = trigger.get_next_fire_time(time, now)
    return time

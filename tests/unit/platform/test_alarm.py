"""When the next night rings, also when the clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tenfold.platform.local.alarm import next_run, trigger_of
from tenfold.platform.spec import Retraining

NEW_YORK = "America/New_York"


def test_it_rings_today_when_the_time_is_still_to_come_and_tomorrow_when_it_has_passed() -> None:
    now = datetime.now(UTC)
    soon = (now + timedelta(minutes=5)).time().replace(microsecond=0)
    past = (now - timedelta(minutes=5)).time().replace(microsecond=0)
    first, second = next_run(Retraining(at=soon), now), next_run(Retraining(at=past), now)
    assert first is not None
    assert second is not None
    assert timedelta(0) < first - now <= timedelta(minutes=5)
    assert timedelta(hours=23) < second - now < timedelta(hours=24)


@pytest.mark.parametrize(
    ("day", "expected"), [("2027-03-14", 23), ("2027-03-15", 24), ("2027-11-07", 25)], ids=["spring", "plain", "autumn"]
)
def test_it_rings_once_a_day_when_the_clock_changes(day: str, expected: int) -> None:
    trigger = trigger_of(Retraining.model_validate({"at": "00:30", "timezone": NEW_YORK}))
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(NEW_YORK))
    rings: list[datetime] = []
    ring = trigger.get_next_fire_time(None, midnight)
    while ring and len(rings) < 2000:
        rings.append(ring)
        ring = trigger.get_next_fire_time(ring, ring)
        if ring and ring.date() > midnight.date() + timedelta(days=1):
            break
    around = [r for r in rings if midnight.date() <= r.date() <= midnight.date() + timedelta(days=1)]
    assert len(around) == 2
    assert (around[1].astimezone(UTC) - around[0].astimezone(UTC)) == timedelta(hours=expected)


@pytest.mark.parametrize("retraining", [Retraining(), Retraining.model_validate({"at": "02:00", "paused": True})])
def test_no_schedule_or_a_pause_never_rings(retraining: Retraining) -> None:
    assert next_run(retraining, datetime.now(UTC)) is None

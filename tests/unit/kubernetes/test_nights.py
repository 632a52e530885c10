"""A night by hand is a Job as the CronJob would make it."""

from datetime import date

import pytest
from tenfold.platform.kubernetes.errors import NightUnfinished
from tenfold.platform.kubernetes.manifests import service_manifests
from tenfold.platform.kubernetes.nights import job
from tenfold.platform.kubernetes.platform import _told, ranges
from tenfold.training.night import Night
from unit.kubernetes.objects import SPEC


def test_the_job_differs_from_the_cron_jobs_in_its_arguments_alone() -> None:
    (cron_job,) = (p for p in service_manifests(SPEC) if p["kind"] == "CronJob")
    cron_job["metadata"]["uid"] = "u"
    made = job(cron_job, ["retrain", "m", "--date", "2013-06-21"], "abc")
    assert made["metadata"]["name"] == "m-training-abc"
    assert made["metadata"]["ownerReferences"][0] == {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": "m-training",
        "uid": "u",
    }
    container = made["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["retrain", "m", "--date", "2013-06-21"]
    container["args"] = ["retrain", "m", "--due"]
    assert made["spec"] == cron_job["spec"]["jobTemplate"]["spec"]


def test_days_without_a_gap_are_one_job() -> None:
    days = [date(2013, 6, d) for d in (21, 22, 25, 23)]
    assert ranges(days) == [(date(2013, 6, 21), date(2013, 6, 23)), (date(2013, 6, 25), date(2013, 6, 25))]
    assert ranges([]) == []


def test_an_old_record_is_not_told_as_the_night_that_ended_without_one() -> None:
    day = date(2013, 6, 21)
    old = Night(date=day, outcome="promoted", reason="better", challenger="2")
    for night, well in ((None, True), (old, False)):
        with pytest.raises(NightUnfinished, match="The night of 2013-06-21 ended without a record"):
            _told(night, old, day, well)
    assert _told(old, old, day, True) is old
    failed = old.model_copy(update={"outcome": "failed"})
    assert _told(failed, failed, day, False) is failed

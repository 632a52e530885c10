"""Nights that a person starts from outside: Jobs from the CronJob's own template, watched to their end.

What a night does is the training image's business, the same as at two in the morning; what became of it is read from
the registry.
"""

from __future__ import annotations

import copy
import secrets
import time
from collections.abc import Sequence
from typing import Any

from .api import Api
from .errors import NightUnfinished
from .explain import of_pod

Object = dict[str, Any]
LOOK_SECONDS = 1.0
LAST_LINES = "20"
# How long a Job may be without a pod that runs before the reason counts as the answer.
START_SECONDS = 300.0


def job(cron_job: Object, arguments: Sequence[str], suffix: str) -> Object:
    """A Job as the CronJob would make it, with other arguments: pure."""
    template = copy.deepcopy(cron_job["spec"]["jobTemplate"])
    name = cron_job["metadata"]["name"]
    template["spec"]["template"]["spec"]["containers"][0]["args"] = list(arguments)
    metadata = template.get("metadata") or {}
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": name, "uid": cron_job["metadata"].get("uid", "")}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{name}-{suffix}",
            "labels": metadata.get("labels") or {},
            "annotations": {**(metadata.get("annotations") or {}), "cronjob.kubernetes.io/instantiate": "manual"},
            # Deleted with the service.
            "ownerReferences": [owner],
        },
        "spec": template["spec"],
    }


def run(api: Api, name: str, arguments: Sequence[str]) -> bool:
    """Run `tenfold --target kubernetes ARGUMENTS` in the training image, and return when it has ended by itself.

    Returns:
        Whether it says that all went well. A night that failed has ended too: the registry says so.

    Raises:
        NightUnfinished: it did not come to run, or was ended.
    """
    made = api.create(job(api.get("CronJob", f"{name}-training"), arguments, secrets.token_hex(4)))
    return wait(api, made["metadata"]["name"])


def wait(api: Api, name: str) -> bool:
    """Return when the Job has ended by itself, and whether with exit code 0.

    Raises:
        NightUnfinished: it did not come to run, or was ended; quotes why.
    """
    begun = time.monotonic()
    while True:
        live = api.get("Job", name)
        status: Object = live.get("status") or {}
        ended = {c["type"]: c for c in status.get("conditions") or [] if c["status"] == "True"}
        if "Complete" in ended:
            return True
        if failed := ended.get("Failed"):
            if failed.get("reason") == "PodFailurePolicy":
                return False
            raise NightUnfinished(_ending(api, name, str(failed.get("message", ""))))
        if not status.get("ready") and time.monotonic() - begun > START_SECONDS:
            pods = api.list("Pod", f"batch.kubernetes.io/job-name={name}")
            events = api.list("Event", fields="type=Warning")
            cause = next((c for p in pods if (c := of_pod(p, events))), None)
            if cause and not any((p.get("status") or {}).get("phase") == "Running" for p in pods):
                api.delete("Job", name)
                raise NightUnfinished(f"The night did not begin within {START_SECONDS:g} s: {cause}")
        time.sleep(LOOK_SECONDS)


def last_lines(api: Api, name: str) -> list[str]:
    """What the newest pod of the Job wrote last."""
    pods = api.list("Pod", f"batch.kubernetes.io/job-name={name}")
    newest = max(pods, key=lambda p: p["metadata"]["creationTimestamp"], default=None)
    return list(api.lines(newest["metadata"]["name"], tailLines=LAST_LINES)) if newest else []


def _ending(api: Api, name: str, message: str) -> str:
    said = next((line for line in reversed(last_lines(api, name)) if line.strip()), "it wrote nothing")
    return f"The night ended without a decision ({message}): {said}. All of it: kubectl logs job/{name}"

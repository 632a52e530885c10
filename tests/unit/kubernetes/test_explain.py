"""Every cause for which a pod is not ready, in the order in which they hide each other."""

from typing import Any

import pytest
from tenfold.platform.kubernetes.explain import of_deployment, of_job, of_pod
from unit.kubernetes.objects import container, crashed, event, live, pod, replica_set, unschedulable

WAITING = {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}
SECRET = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "tenfold-database" not found'}}
UNHEALTHY = event("m-1", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")


@pytest.mark.parametrize(
    ("status", "events", "kind", "words", "hopeless"),
    [
        ({"conditions": [unschedulable("0/2 nodes: Insufficient cpu")]}, [], "no room", "Insufficient cpu", False),
        ({"containerStatuses": [container(WAITING)]}, [UNHEALTHY], "image", "ml-serving:1.0", False),
        ({"containerStatuses": [container(SECRET)]}, [], "configuration", "tenfold-database", False),
        (
            {"containerStatuses": [crashed("loading\nError: The model cannot be loaded")]},
            [UNHEALTHY],
            "crash",
            "exit code 1, 1 restarts: The model cannot be loaded",
            False,
        ),
        ({"containerStatuses": [crashed("again", restarts=2)]}, [], "crash", "again", True),
        (
            {"containerStatuses": [crashed("", code=137, reason="OOMKilled", restarts=3)]},
            [],
            "memory",
            "OOMKilled",
            True,
        ),
        ({"containerStatuses": [container({"running": {}})]}, [UNHEALTHY], "not ready", "statuscode: 503", False),
    ],
)
def test_causes(status: dict[str, Any], events: list[Any], kind: str, words: str, hopeless: bool) -> None:
    cause = of_pod(pod(**status), events)
    assert cause
    assert (cause.kind, cause.hopeless) == (kind, hopeless)
    assert words in str(cause)
    assert cause.remedy


def test_a_container_that_has_just_ended_is_explained_before_its_pause() -> None:
    ended = {"terminated": {"exitCode": 3, "reason": "Error", "message": "no"}}
    for state in (container(ended), container({"running": {}}, last=ended, restarts=1)):
        assert "exit code 3" in str(of_pod(pod(containerStatuses=[state])))


def test_the_newest_warning_about_this_very_pod_counts() -> None:
    old = event("m-1", "FailedScheduling", "was full", "2025-12-31T00:00:00Z")
    other = event("m-2", "Unhealthy", "another pod", "2026-02-01T00:00:00Z")
    assert "statuscode: 503" in str(of_pod(pod(), [old, UNHEALTHY, other]))


def test_nothing_is_wrong_with_what_only_starts_or_is_ready() -> None:
    assert of_pod(pod(containerStatuses=[container({"waiting": {"reason": "ContainerCreating"}})])) is None
    assert of_pod(pod(ready=True), [UNHEALTHY]) is None


@pytest.mark.parametrize(
    ("message", "words", "hopeless"),
    [
        ('pods "x" is forbidden: exceeded quota: small', "A quota forbids more pods", False),
        ('pods "x" is forbidden: violates PodSecurity "restricted:latest"', "Pod Security forbids", True),
        ("admission webhook denied", "refuses the pods", False),
    ],
)
def test_pods_that_cannot_even_be_made(message: str, words: str, hopeless: bool) -> None:
    cause = of_deployment(live(), [replica_set(failure=message)])
    assert cause
    assert (cause.kind, cause.hopeless) == ("not admitted", hopeless)
    assert words in str(cause)
    assert of_deployment(live(), [replica_set()]) is None


def test_a_job_without_pods_is_explained_by_its_own_newest_refusal() -> None:
    job = {"metadata": {"uid": "j"}}
    old = event("j", "FailedCreate", "Error creating: violates PodSecurity", "2025-12-31T00:00:00Z")
    quota = event("j", "FailedCreate", "Error creating: exceeded quota: none")
    other = event("k", "FailedCreate", "another Job", "2026-02-01T00:00:00Z")
    assert "A quota forbids more pods: Error creating: exceeded quota: none" in str(of_job(job, [old, quota, other]))
    assert of_job(job, [other, event("j", "Unhealthy", "no")]) is None

"""Why a pod is not ready, from the objects that the cluster has: pure, in the order in which causes hide each other.

Scheduling, then what a container waits for, then how it ended, then the newest warning; and where there is no pod at
all, why its ReplicaSet cannot make one. Each cause is a sentence that quotes the cluster, and says what would help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Object = dict[str, Any]
Kind = Literal["no room", "image", "configuration", "crash", "memory", "not ready", "not admitted"]

# Restarts after which a container that ends by itself is not expected to heal.
HOPELESS_RESTARTS: Final = 2
IMAGE_REASONS: Final = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ErrInvalidImageName",
}
_CONFIGURATION = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_EVENTS = {"Unhealthy", "FailedScheduling", "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"}


@dataclass(frozen=True)
class Cause:
    """Why something is not ready.

    Args:
        kind: of what sort it is.
        sentence: what the cluster says, with its values.
        remedy: what to do, a command where there is one.
        hopeless: whether it cannot heal without a change.
    """

    kind: Kind
    sentence: str
    remedy: str
    hopeless: bool = False

    def __str__(self) -> str:
        return f"{self.sentence.rstrip('.')}. {self.remedy}"


def of_pod(pod: Object, events: Sequence[Object] = ()) -> Cause | None:
    """Why the pod is not ready; None when nothing is wrong, or nothing is known yet."""
    name = pod["metadata"]["name"]
    status: Object = pod.get("status") or {}
    return _scheduling(status) or _waiting(name, status) or _ended(name, status) or _warned(pod, events)


def of_deployment(deployment: Object, replica_sets: Sequence[Object] = ()) -> Cause | None:
    """Why its pods cannot even be made: a quota, or the namespace's Pod Security."""
    for owner in (deployment, *replica_sets):
        for condition in (owner.get("status") or {}).get("conditions") or []:
            if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
                return _not_admitted(str(condition.get("message", "")))
    return None


def of_job(job: Object, events: Sequence[Object]) -> Cause | None:
    """Why its pods cannot even be made: a Job says so in events alone."""
    uid = job["metadata"].get("uid")
    refused = [e for e in events if e.get("involvedObject", {}).get("uid") == uid and e.get("reason") == "FailedCreate"]
    return _not_admitted(str(max(refused, key=when).get("message", ""))) if refused else None


def _not_admitted(message: str) -> Cause:
    if "exceeded quota" in message:
        return Cause(
            "not admitted", f"A quota forbids more pods: {message}", "Ask for more, or deploy fewer or smaller replicas"
        )
    if "PodSecurity" in message:
        return Cause(
            "not admitted",
            f"The namespace's Pod Security forbids the pod: {message}",
            "Change the pod, or the label pod-security.kubernetes.io/enforce of the namespace",
            hopeless=True,
        )
    return Cause("not admitted", f"The cluster refuses the pods: {message}", "Change what it names")


def _scheduling(status: Object) -> Cause | None:
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            if condition.get("reason") != "Unschedulable":
                return None
            return Cause(
                "no room",
                f"No node takes it: {condition.get('message', '')}",
                "Ask for less with --set resources.cpu=0.1 or resources.memory=256Mi, or add a node",
            )
    return None


def _waiting(name: str, status: Object) -> Cause | None:
    for container in _containers(status):
        waiting = container["state"].get("waiting")
        if not waiting:
            continue
        reason, message = waiting.get("reason", ""), waiting.get("message", "")
        if reason in IMAGE_REASONS:
            return Cause(
                "image",
                f"The image {container.get('image', '')} cannot be pulled ({reason}): {message}",
                "Push it where the nodes can pull it, or name another with --set images.serving=IMAGE",
                hopeless=reason in {"InvalidImageName", "ErrInvalidImageName"},
            )
        if reason in _CONFIGURATION:
            return Cause(
                "configuration",
                f"The container cannot be made ({reason}): {message}",
                f"Make what is missing; it is named by: kubectl describe pod {name}",
            )
        if reason == "CrashLoopBackOff":
            return _end(name, container, container.get("lastState", {}).get("terminated") or {}, message)
    return None


def _ended(name: str, status: Object) -> Cause | None:
    for container in _containers(status):
        state = container["state"]
        ended = state.get("terminated")
        if not ended and not container.get("ready") and container.get("restartCount"):
            ended = container.get("lastState", {}).get("terminated")
        if ended and ended.get("exitCode"):
            return _end(name, container, ended, "")
    return None


def _end(name: str, container: Object, ended: Object, message: str) -> Cause:
    restarts = int(container.get("restartCount") or 0)
    hopeless = restarts >= HOPELESS_RESTARTS
    if ended.get("reason") == "OOMKilled":
        return Cause(
            "memory",
            f"It needs more memory than its limit and was killed (OOMKilled), {restarts} restarts",
            "Give it more with --set resources.memory=1Gi",
            hopeless,
        )
    said = _last_words(str(ended.get("message") or message))
    return Cause(
        "crash",
        f"It ends by itself with exit code {ended.get('exitCode', 'unknown')}, {restarts} restarts: {said}",
        f"What it wrote: kubectl logs {name} --previous",
        hopeless,
    )


def _warned(pod: Object, events: Sequence[Object]) -> Cause | None:
    if _ready(pod):
        return None
    uid = pod["metadata"].get("uid")
    about = [
        e
        for e in events
        if e.get("involvedObject", {}).get("uid") == uid and e.get("type") == "Warning" and e.get("reason") in _EVENTS
    ]
    if not about:
        return None
    newest = max(about, key=when)
    return Cause(
        "not ready",
        f"{newest['reason']}: {str(newest.get('message', '')).strip()}",
        f"More of it: kubectl describe pod {pod['metadata']['name']}",
    )


def when(event: Object) -> str:
    """When the event was seen last, comparable as text."""
    series = event.get("series") or {}
    seen = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(seen or event["metadata"].get("creationTimestamp") or "")


def _ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _containers(status: Object) -> list[Object]:
    found = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return [{**c, "state": c.get("state") or {}} for c in found]


def _last_words(text: str) -> str:
    """The last line that says something: with FallbackToLogsOnError that is the end of the log."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("Error: ") if lines else "it said nothing"

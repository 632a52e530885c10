"""One verdict and one sentence from a Deployment, its ReplicaSets, pods and events: pure functions.

By the rules of kstatus: what the controller has not observed yet is progressing; done is only what is updated,
available and ready as often as wished for, with nothing old left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..spec import ServiceSpec
from ..target import Replica, ReplicaState, Verdict
from .explain import Cause, of_deployment, of_pod
from .manifests import spec_of, version_of

Object = dict[str, Any]
REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Seen:
    """What was read of one service at one moment."""

    deployment: Object
    replica_sets: Sequence[Object] = ()
    pods: Sequence[Object] = ()
    events: Sequence[Object] = ()

    @property
    def newest(self) -> Object | None:
        """The ReplicaSet of the template in force, told as the controller tells it: by comparing templates."""
        wished = _template(self.deployment)
        return next((rs for rs in self.replica_sets if _template(rs) == wished), None)

    @property
    def newest_pods(self) -> list[Object]:
        """The pods of the template in force that are not on their way out."""
        newest = self.newest
        uid = newest["metadata"]["uid"] if newest else None
        return [p for p in self.pods if not _leaving(p) and uid in _owners(p)]


def judge(seen: Seen, spec: ServiceSpec) -> tuple[Verdict, str]:
    """How the service does, and why in one sentence with the next command where one helps."""
    deployment = seen.deployment
    status: Object = deployment.get("status") or {}
    metadata: Object = deployment["metadata"]
    wanted = int(deployment["spec"].get("replicas", 1))
    ready, updated = int(status.get("readyReplicas") or 0), int(status.get("updatedReplicas") or 0)
    if metadata.get("deletionTimestamp"):
        return "stopped", "It is being deleted."
    if int(metadata.get("generation") or 0) > int(status.get("observedGeneration") or 0):
        return "progressing", "The change has been accepted and is about to begin."
    if deployment["spec"].get("paused"):
        return "degraded", f"The rollout is paused. Go on with: kubectl rollout resume deployment {metadata['name']}"
    available, all_of_them = int(status.get("availableReplicas") or 0), int(status.get("replicas") or 0)
    if updated >= wanted and available >= wanted and ready >= wanted and all_of_them == updated:
        return "ready", f"{ready} of {wanted} replicas are ready."
    cause = worst(seen)
    progressing = _condition(deployment, "Progressing")
    new_ready = sum(_is_ready(p) for p in seen.newest_pods)
    still = f"{ready} replicas go on serving" if ready else "nothing is served"
    if past_deadline(seen):
        why = str(cause) if cause else "it made no progress within its deadline"
        return "failed", f"Version {spec.version} does not become ready, {still}: {why}"
    if progressing.get("reason") == "NewReplicaSetAvailable" and all_of_them == updated:
        # The rollout itself is over: replicas were lost, or are being added.
        if cause:
            return "degraded", f"{ready} of {wanted} replicas are ready: {cause}"
        return "progressing", f"{ready} of {wanted} replicas are ready."
    if cause and cause.hopeless and not new_ready:
        return "failed", f"Version {spec.version} does not become ready, {still}: {cause}"
    about = f": {cause}" if cause else "."
    return "progressing", f"{new_ready} of {wanted} replicas of version {spec.version} are ready{about}"


def past_deadline(seen: Seen) -> bool:
    """Whether the rollout made no progress within its deadline."""
    return _condition(seen.deployment, "Progressing").get("reason") == "ProgressDeadlineExceeded"


def worst(seen: Seen) -> Cause | None:
    """The cause of the pod in the template in force that is furthest from being ready."""
    newest = seen.newest
    # A pod that cannot be made is not there to be asked.
    not_made = of_deployment(seen.deployment, [newest] if newest else [])
    causes = [cause for pod in seen.newest_pods if not _is_ready(pod) and (cause := of_pod(pod, seen.events))]
    return max(causes, key=lambda c: c.hopeless, default=None) or not_made


def replicas(seen: Seen) -> tuple[Replica, ...]:
    """The model servers as they are, oldest first."""
    alive = [p for p in seen.pods if (p.get("status") or {}).get("phase") not in {"Failed", "Succeeded"}]
    ordered = sorted(alive, key=lambda p: (p["metadata"].get("creationTimestamp") or "", p["metadata"]["name"]))
    return tuple(_replica(pod, seen.events) for pod in ordered)


def previous(seen: Seen, spec: ServiceSpec) -> ServiceSpec | None:
    """The desired state before the newest change of version, from the rollout's history."""
    older = [rs for rs in seen.replica_sets if version_of(rs["spec"]["template"]) not in {"", spec.version}]
    newest = max(older, key=revision_of, default=None)
    if newest is None:
        return None
    model = f"models:/{spec.name}/{version_of(newest['spec']['template'])}"
    return (spec_of(newest) or spec).changed(model=model)


def revision_of(live: Object) -> int:
    """The number that `kubectl rollout history` shows; 1 before the controller has written it."""
    return int((live["metadata"].get("annotations") or {}).get(REVISION) or 1)


def restarts(seen: Seen) -> int:
    """How often containers of the service ended by themselves."""
    statuses = [c for p in seen.pods for c in (p.get("status") or {}).get("containerStatuses") or []]
    return sum(int(c.get("restartCount") or 0) for c in statuses)


def _replica(pod: Object, events: Sequence[Object]) -> Replica:
    status: Object = pod.get("status") or {}
    cause = None if _is_ready(pod) or _leaving(pod) else of_pod(pod, events)
    started = status.get("startTime")
    return Replica(
        id=pod["metadata"]["name"],
        state=_state(pod, cause),
        version=version_of(pod),
        reason=str(cause) if cause else "",
        url=f"http://{address}" if (address := status.get("podIP")) else "",
        started=datetime.fromisoformat(started) if started else None,
    )


def _state(pod: Object, cause: Cause | None) -> ReplicaState:
    if _leaving(pod):
        return "draining"
    if _is_ready(pod):
        return "ready"
    if cause and cause.kind in {"crash", "memory"}:
        return "crashed"
    return "unready" if cause and cause.kind == "not ready" else "starting"


def _template(owner: Object) -> Object:
    template: Object = owner["spec"]["template"]
    metadata: Object = template.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != "pod-template-hash"}
    return {**template, "metadata": {"labels": labels, "annotations": metadata.get("annotations") or {}}}


def _owners(pod: Object) -> set[str]:
    return {owner["uid"] for owner in pod["metadata"].get("ownerReferences") or []}


def _leaving(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _condition(live: Object, kind: str) -> Object:
    found = [c for c in (live.get("status") or {}).get("conditions") or [] if c["type"] == kind]
    return found[0] if found else {}

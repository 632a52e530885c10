"""Objects as a cluster has them, as small as the tests need."""

from typing import Any

from tenfold.platform.kubernetes.manifests import deployment
from tenfold.platform.spec import ServiceSpec

Object = dict[str, Any]
SPEC = ServiceSpec.of(name="m", model="models:/m/2", replicas=2)
COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


def live(
    *counts: int, spec: ServiceSpec = SPEC, generation: int = 1, observed: int = 1, progressing: str = "", **more: Any
) -> Object:
    """The Deployment, with so many replicas in all, updated, ready and available."""
    made = deployment(spec)
    made["metadata"] |= {"generation": generation, "uid": "d", **more}
    made["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "3"
    conditions = [{"type": "Progressing", "status": "True", "reason": progressing}] if progressing else []
    status = {"observedGeneration": observed, "conditions": conditions, **dict(zip(COUNTS, counts, strict=False))}
    return {**made, "status": status}


def replica_set(version: str = "2", revision: int = 3, failure: str = "") -> Object:
    spec = SPEC.changed(model=f"models:/m/{version}")
    of = deployment(spec)
    template = of["spec"]["template"]
    labels = {**template["metadata"]["labels"], "pod-template-hash": f"h{version}"}
    conditions = [{"type": "ReplicaFailure", "status": "True", "message": failure}] if failure else []
    annotations = {**of["metadata"]["annotations"], "deployment.kubernetes.io/revision": str(revision)}
    return {
        "metadata": {"name": f"m-h{version}", "uid": f"rs{version}", "annotations": annotations},
        "spec": {"template": {**template, "metadata": {"labels": labels}}},
        "status": {"conditions": conditions},
    }


def pod(name: str = "m-1", version: str = "2", *, ready: bool = False, leaving: bool = False, **status: Any) -> Object:
    template = replica_set(version)["spec"]["template"]
    conditions = [{"type": "Ready", "status": str(ready)}, *status.pop("conditions", [])]
    metadata = {"name": name, "uid": name, "ownerReferences": [{"uid": f"rs{version}"}]}
    if leaving:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {
        "metadata": metadata,
        "spec": template["spec"],
        "status": {"phase": "Running", "conditions": conditions, **status},
    }


def container(state: Object, *, last: Object | None = None, restarts: int = 0) -> Object:
    return {
        "name": "ml-rest-server",
        "image": "ml-serving:1.0",
        "ready": False,
        "state": state,
        "lastState": last or {},
        "restartCount": restarts,
    }


def crashed(message: str, code: int = 1, restarts: int = 1, reason: str = "Error") -> Object:
    """A container in its pause between two attempts."""
    ended = {"terminated": {"exitCode": code, "reason": reason, "message": message}}
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    return container(waiting, last=ended, restarts=restarts)


def unschedulable(message: str) -> Object:
    return {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}


def event(about: str, reason: str, message: str, seen: str = "2026-01-01T00:00:00Z") -> Object:
    return {
        "metadata": {},
        "involvedObject": {"uid": about},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": seen,
    }

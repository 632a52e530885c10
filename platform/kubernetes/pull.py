"""Tries whether a node can pull the images: a pod that has one container of each and does nothing, gone at the end.

There is no other way to know: which registries a node reaches, and with which login, no object of the cluster tells.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

from ..spec import ServiceSpec
from . import manifests as made
from .api import Api
from .explain import IMAGE_REASONS

Object = dict[str, Any]
LOOK_SECONDS = 0.5
# Some images have hundreds of megabytes, and a node that has none of them pulls them one after the other.
PULL_SECONDS = 120.0


def pod(spec: ServiceSpec) -> Object:
    """As restricted as the model server's pod, and with its pull policy: pure."""
    template = made.pod_of(made.deployment(spec))
    assert template is not None
    container = template["containers"][0]
    containers = [
        {
            "name": f"image-{number}",
            "image": image,
            "imagePullPolicy": container["imagePullPolicy"],
            "command": ["true"],
            "securityContext": container["securityContext"],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "16Mi"}},
        }
        for number, image in enumerate(_images(spec))
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"tenfold-doctor-{secrets.token_hex(3)}",
            "labels": {"app.kubernetes.io/part-of": "tenfold"},
        },
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            # If nobody is left to delete it.
            "activeDeadlineSeconds": int(2 * PULL_SECONDS),
            "terminationGracePeriodSeconds": 0,
            "securityContext": {k: v for k, v in template["securityContext"].items() if k != "sysctls"},
            "containers": containers,
        },
    }


def refused(pod: Object) -> dict[str, str]:
    """The images that could not be pulled so far, with what the node says."""
    waiting = {image: state.get("waiting") or {} for image, state in _states(pod)}
    return {
        image: f"{said['reason']}: {said.get('message', '')}".strip(": ")
        for image, said in waiting.items()
        if said.get("reason") in IMAGE_REASONS
    }


def unknown(pod: Object) -> list[str]:
    """The images of which nothing is known yet."""
    return [image for image, state in _states(pod) if image not in refused(pod) and not _was_pulled(state)]


def try_images(api: Api, spec: ServiceSpec) -> Object:
    """The pod as it was when all was known, or the time was over.

    Raises:
        KubernetesError: the pod cannot be made.
    """
    live = api.create(pod(spec))
    name = live["metadata"]["name"]
    deadline = time.monotonic() + PULL_SECONDS
    try:
        while unknown(live) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            live = api.get("Pod", name)
        return live
    finally:
        api.delete("Pod", name)


def _images(spec: ServiceSpec) -> Iterator[str]:
    yield from dict.fromkeys((spec.images.serving, spec.images.training, spec.images.user_interface))
    if spec.database is None:
        yield spec.images.postgres


def _states(pod: Object) -> Iterator[tuple[str, Object]]:
    """Each image as the pod names it, with the state of its container; a node writes names in its own way."""
    statuses = {c["name"]: c for c in (pod.get("status") or {}).get("containerStatuses") or []}
    for container in pod["spec"]["containers"]:
        yield container["image"], statuses.get(container["name"], {}).get("state") or {}


def _was_pulled(state: Object) -> bool:
    # What cannot be started was pulled before.
    waits_for = (state.get("waiting") or {}).get("reason")
    failed = waits_for not in {None, "ContainerCreating", "PodInitializing"}
    return failed or not {"running", "terminated"}.isdisjoint(state)

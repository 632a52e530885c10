"""Namespaces on the cluster that KUBECONFIG names, and what stands in them when a test fails.

kubectl is used where a person would use it: to see with other eyes than our own what tenfold has done.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.places import wait_until

RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
}


class NoCluster(RuntimeError):
    """The tests were not pointed at a cluster."""


def require_cluster() -> None:
    """Refuse to run on a cluster that nobody named: the default of a kubeconfig may be anyone's.

    Raises:
        NoCluster: KUBECONFIG is not set.
    """
    if not os.environ.get("KUBECONFIG"):
        raise NoCluster(
            "The cluster tests make and delete namespaces. Say on which cluster: KUBECONFIG=FILE make test-cluster"
        )


def kubectl(*arguments: str, namespace: str = "", given: str | None = None, check: bool = True) -> str:
    """What kubectl answers."""
    command = ["kubectl", *(["--namespace", namespace] if namespace else []), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=300)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def objects(*arguments: str, namespace: str) -> Any:
    """What `kubectl get ... -o json` answers."""
    return json.loads(kubectl("get", *arguments, "--output", "json", namespace=namespace))


_made: list[str] = []


@contextmanager
def namespace(purpose: str) -> Iterator[str]:
    """A namespace that enforces Pod Security "restricted", gone some time after the end."""
    require_cluster()
    name = f"t-{purpose}-{secrets.token_hex(3)}"
    labels = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "labels": RESTRICTED}}
    kubectl("apply", "--filename", "-", given=json.dumps(labels))
    _made.append(name)
    try:
        yield name
    finally:
        _made.remove(name)
        kubectl("delete", "namespace", name, "--wait=false")


def first_node() -> str:
    """A node that lives on."""
    return min(_nodes())


def last_node() -> str:
    """The node that may be drained, or die."""
    return max(_nodes())


def _nodes() -> list[str]:
    return [node["metadata"]["name"] for node in objects("nodes", namespace="")["items"]]


@contextmanager
def cordoned(node: str) -> Iterator[None]:
    """Nothing new comes onto the node meanwhile."""
    kubectl("cordon", node)
    try:
        yield
    finally:
        kubectl("uncordon", node)


@contextmanager
def quota(namespace: str, pods: int) -> Iterator[None]:
    """So many pods may run in the namespace meanwhile, and no more; those that run already stay."""
    limit = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": pods}}}
    kubectl("apply", "--filename", "-", namespace=namespace, given=json.dumps(limit))
    try:
        # Before it has counted, it refuses every pod.
        wait_until(
            lambda: objects("resourcequota", "few", namespace=namespace).get("status", {}).get("used"), what="the count"
        )
        yield
    finally:
        kubectl("delete", "resourcequota", "few", namespace=namespace)


def shown() -> str:
    """What a person would look at in the namespaces that there are: pods, events, the ends of logs."""
    return "\n".join(line for name in _made for line in _shown(name))


def _shown(name: str) -> Iterator[str]:
    for arguments in (
        ("get", "deployments,statefulsets,jobs,pods", "--output", "wide"),
        ("get", "events", "--sort-by", ".lastTimestamp"),
    ):
        yield f"--- kubectl {' '.join(arguments)}\n{kubectl(*arguments, namespace=name, check=False)}"
    for pod in kubectl("get", "pods", "--output", "name", namespace=name, check=False).split():
        for previous in ((), ("--previous",)):
            said = kubectl("logs", pod, "--tail", "15", *previous, namespace=name, check=False)
            if said:
                yield f"--- logs of {pod} {' '.join(previous)}\n{said}"

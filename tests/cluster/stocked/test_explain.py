"""Every cause that `explain` knows, for a real broken deployment."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from cluster.conftest import SMALL
from support.cluster import kubectl, quota
from support.places import wait_until
from tenfold import Platform
from tenfold.platform.service import Service
from tenfold.platform.spec import ServiceSpec

# What is wrong with the service of that name, and what is said of it. Version 3 of iris needs pickle; no other one of
# them comes so far that it needs a model.
BROKEN: Final[dict[str, tuple[dict[str, Any], tuple[str, ...]]]] = {
    "image": (
        {"images": {"serving": "no-such-image:1"}},
        ("The image no-such-image:1 cannot be pulled", "images.serving"),
    ),
    "iris": ({"version": "3"}, ("exit code 1", "TENFOLD_ALLOW_PICKLE")),
    "memory": ({"resources": {"cpu": 0.05, "memory": "40Mi"}}, ("memory", "OOMKilled", "resources.memory")),
    "room": ({"resources": {"cpu": 500}}, ("No node takes it", "Insufficient cpu", "resources.cpu")),
    "secret": ({"database": "no-such-secret"}, ("CreateContainerConfigError", "no-such-secret")),
}
HEALTHY = "other"


@pytest.fixture(scope="module", autouse=True)
def applied(cluster: Platform) -> None:
    """All of them at once: most take their time to break."""
    for name, (fields, _) in BROKEN.items():
        apply(cluster, name, **fields)
    apply(cluster, HEALTHY)


def apply(cluster: Platform, name: str, version: str = "1", **fields: Any) -> None:
    fields = {**SMALL, "replicas": 1, "server": {"drain_seconds": 1}, **fields}
    cluster.target.apply(ServiceSpec.of(name=name, model=f"models:/{name}/{version}", **fields))


def explained(service: Service, *words: str) -> str:
    """What `explain` says as soon as it has these words."""
    text = ""

    def said() -> bool:
        nonlocal text
        text = " ".join(str(service.explain()).split())
        return all(word in text for word in words)

    try:
        wait_until(said, within=120, what=f"{words}")
    except TimeoutError as e:
        raise AssertionError(f"{words} not in: {text}") from e
    return text


@pytest.mark.parametrize("name", BROKEN)
def test_causes(cluster: Platform, name: str) -> None:
    explained(cluster.service(name), *BROKEN[name][1])


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"readinessProbe": {"httpGet": {"path": "/nowhere"}}}, ("Unhealthy", "statuscode: 404")),
        (
            {"securityContext": {"allowPrivilegeEscalation": True}},
            ("Pod Security forbids the pod", "violates PodSecurity"),
        ),
    ],
    ids=["readiness", "policy"],
)
def test_what_somebody_else_broke(
    ns: str, cluster: Platform, container: dict[str, Any], words: tuple[str, ...]
) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "ml-rest-server", **container}]}}}}
    kubectl("patch", "deployment", f"{HEALTHY}-serving", "--patch", json.dumps(patch), namespace=ns)
    explained(cluster.service(HEALTHY), *words)


def test_quota(ns: str, cluster: Platform) -> None:
    with quota(ns, pods=1):
        apply(cluster, "quota")
        explained(cluster.service("quota"), "A quota forbids more pods", "exceeded quota: few")

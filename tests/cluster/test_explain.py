"""Every cause that `explain` knows, for a real broken deployment."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.conftest import SMALL
from integration.platform.conftest import iris
from sklearn.linear_model import LogisticRegression
from support.cluster import kubectl
from support.places import wait_until
from tenfold import Platform
from tenfold.platform.service import Service
from tenfold.platform.spec import ServiceSpec


@pytest.fixture(scope="module", autouse=True)
def stocked(cluster: Platform, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Version 1 of iris can be served, version 2 needs pickle and cannot."""
    import mlflow.sklearn

    X, y = iris()
    model = LogisticRegression(max_iter=1000).fit(X, y)
    cluster.register(model, "iris", example=X.head(3))
    pickled = tmp_path_factory.mktemp("pickled") / "model"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, about this very format
        mlflow.sklearn.save_model(model, pickled, serialization_format="cloudpickle", pip_requirements=["scikit-learn"])
    cluster.registry.register_folder(pickled, "iris", tags={})


@pytest.fixture
def broken(cluster: Platform) -> Iterator[Service]:
    yield Service(cluster, "iris")
    cluster.service("iris").delete()


def spec(version: str = "1", **fields: Any) -> ServiceSpec:
    fields = {**SMALL, "replicas": 1, "server": {"drain_seconds": 1}, **fields}
    return ServiceSpec.of(name="iris", model=f"models:/iris/{version}", **fields)


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


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"images": {"serving": "no-such-image:1"}}, ("The image no-such-image:1 cannot be pulled", "images.serving")),
        ({"version": "2"}, ("exit code 1", "TENFOLD_ALLOW_PICKLE")),
        ({"resources": {"cpu": 0.05, "memory": "40Mi"}}, ("memory", "OOMKilled", "resources.memory")),
        ({"resources": {"cpu": 500}}, ("No node takes it", "Insufficient cpu", "resources.cpu")),
        ({"database": "no-such-secret"}, ("CreateContainerConfigError", "no-such-secret")),
    ],
    ids=["image", "crash", "memory", "room", "secret"],
)
def test_causes(cluster: Platform, broken: Service, fields: dict[str, Any], words: tuple[str, ...]) -> None:
    cluster.target.apply(spec(**fields))
    explained(broken, *words)


def test_quota(ns: str, cluster: Platform, broken: Service) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "1"}}}
    kubectl("apply", "--filename", "-", namespace=ns, given=json.dumps(quota))
    try:
        cluster.target.apply(spec())
        explained(broken, "A quota forbids more pods", "exceeded quota: none")
    finally:
        kubectl("delete", "resourcequota", "none", namespace=ns)


@pytest.mark.parametrize(
    ("container", "words"),
    [
        (
            {"securityContext": {"allowPrivilegeEscalation": True}},
            ("Pod Security forbids the pod", "violates PodSecurity"),
        ),
        ({"readinessProbe": {"httpGet": {"path": "/nowhere"}}}, ("Unhealthy", "statuscode: 404")),
    ],
    ids=["policy", "readiness"],
)
def test_what_somebody_else_broke(
    ns: str, cluster: Platform, broken: Service, container: dict[str, Any], words: tuple[str, ...]
) -> None:
    cluster.target.apply(spec())
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "ml-rest-server", **container}]}}}}
    kubectl("patch", "deployment", "iris-serving", "--patch", json.dumps(patch), namespace=ns)
    explained(broken, *words)

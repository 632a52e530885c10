"""No request is lost while replicas come and go, and a version that does not serve is taken back."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.conftest import QUIET, SMALL
from integration.platform.conftest import iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.asking import Asker, asking
from support.cluster import kubectl, objects
from support.places import wait_until
from tenfold import Platform
from tenfold.platform.errors import RolledBack
from tenfold.platform.service import Service

ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
AT_LEAST = 50_000


@pytest.fixture(scope="module")
def service(cluster: Platform, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """Ten replicas of iris; version 3 needs pickle and cannot be loaded."""
    import mlflow.sklearn

    X, y = iris()
    for c in (1.0, 0.1):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c)).fit(X, y)
        cluster.register(model, "iris", example=X.head(3))
    pickled = tmp_path_factory.mktemp("pickled") / "model"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, about this very format
        mlflow.sklearn.save_model(model, pickled, serialization_format="cloudpickle", pip_requirements=["scikit-learn"])
    cluster.registry.register_folder(pickled, "iris", tags={})
    return cluster.deploy("iris", version="1", replicas=10, **SMALL, **QUIET)


@pytest.fixture
def asker(ns: str, service: Service) -> Iterator[Asker]:
    # More would take the two cores that the replicas start on.
    with asking(ns, f"{service.name}-svc", "/predict", {"rows": [ROW]}, threads=4) as pod:
        yield pod


def none_failed(asker: Asker, at_least: int = 1000) -> dict[str, Any]:
    wait_until(lambda: asker.counts()["ok"] >= at_least, within=400, what=f"{at_least} answers")
    counts = asker.counts()
    print(counts)
    assert counts["failed"] == 0, counts
    return counts


def test_no_request_fails_while_versions_numbers_and_pods_change(
    cluster: Platform, ns: str, service: Service, asker: Asker
) -> None:
    cluster.deploy("iris", version="2", **QUIET)
    assert service.status().spec.version == "2"
    service.scale(4, **QUIET)
    service.scale(10, **QUIET)
    for replica in service.status().replicas[:3]:
        kubectl("delete", "pod", replica.id, "--wait=false", namespace=ns)
    wait_until(lambda: service.status().verdict == "ready", within=120, what="ten replicas again")
    service.rollback(**QUIET)
    assert service.status().spec.version == "1"
    none_failed(asker, AT_LEAST)


def test_a_version_that_does_not_load_leaves_the_old_replicas_serving(
    cluster: Platform, ns: str, service: Service, asker: Asker
) -> None:
    why = "Version 3 does not become ready, 10 replicas go on serving: It ends by itself"
    began = time.monotonic()
    with pytest.raises(RolledBack, match=rf"{why}.*Version 1 is back"):
        cluster.deploy("iris", version="3", **QUIET)
    taken_back = time.monotonic() - began
    print(f"the version that does not load was taken back after {taken_back:.0f} s")
    status = service.status()
    assert taken_back < status.spec.progress_deadline_seconds
    assert (status.verdict, status.spec.version, status.ready) == ("ready", "1", 10)
    none_failed(asker)


def test_a_node_that_is_drained_loses_no_request(ns: str, service: Service, asker: Asker) -> None:
    pods = [p for p in objects("pods", "--selector", "app=iris", namespace=ns)["items"] if not is_leaving(p)]
    # Not the node of what there is one of only: the registry and the database.
    single = {p["spec"]["nodeName"] for p in objects("pods", "--selector", "app=postgres", namespace=ns)["items"]}
    node = next(n for n in sorted({p["spec"]["nodeName"] for p in pods}) if n not in single)
    kubectl("cordon", node)
    try:
        for pod in [p["metadata"]["name"] for p in pods if p["spec"]["nodeName"] == node]:
            wait_until(lambda pod=pod: evicted(ns, pod), within=120, what=f"the eviction of {pod}")
        wait_until(lambda: service.status().verdict == "ready", within=120, what="ten replicas on the other nodes")
    finally:
        kubectl("uncordon", node)
    none_failed(asker)


def is_leaving(pod: dict[str, Any]) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def evicted(ns: str, pod: str) -> bool:
    """What `kubectl drain` does to each pod, of this namespace alone: other tests have pods on the node too."""
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": ns}}
    path = f"/api/v1/namespaces/{ns}/pods/{pod}/eviction"
    return "Success" in kubectl("create", "--raw", path, "--filename", "-", given=json.dumps(eviction), check=False)


def test_the_history_tells_what_was_served(ns: str, service: Service) -> None:
    history = kubectl("rollout", "history", f"deployment/{service.name}-serving", namespace=ns)
    assert "models:/iris/1" in history
    assert "models:/iris/2" in history

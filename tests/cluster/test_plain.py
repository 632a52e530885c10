"""`kubectl apply -k k8s/` as it stands, and tenfold on top of it."""

from pathlib import Path
from typing import Any

import pytest
from integration.platform.conftest import iris
from sklearn.linear_model import LogisticRegression
from support.cluster import kubectl, objects
from support.places import wait_until
from tenfold import Platform

K8S = Path(__file__).parents[2] / "k8s"


@pytest.fixture(scope="module")
def applied(ns: str) -> str:
    return kubectl("apply", "--kustomize", str(K8S), namespace=ns)


def ready(ns: str, name: str) -> int:
    status: dict[str, Any] = objects("deployment", name, namespace=ns)["status"]
    return status.get("readyReplicas") or 0


def test_it_runs_once_version_1_is_registered(ns: str, applied: str, cluster: Platform) -> None:
    assert "deployment.apps/ml-model-serving created" in applied
    wait_until(lambda: ready(ns, "mlflow") == 1, within=240, what="the registry")
    X, y = iris()
    cluster.register(LogisticRegression(max_iter=1000).fit(X, y), "ml-model", example=X.head(3))
    # The model servers restarted until now, with longer and longer pauses.
    wait_until(lambda: ready(ns, "ml-model-serving") == 10, within=400, what="ten ready replicas")
    wait_until(lambda: ready(ns, "user-interface") == 1, within=60, what="the page")
    service = cluster.service("ml-model")
    wait_until(lambda: service.status().verdict == "ready", within=30, what="the verdict")
    assert len(service.predict(X.head(2)).predictions) == 2


def test_applying_it_again_changes_nothing(ns: str, applied: str) -> None:
    assert applied
    again = kubectl("apply", "--kustomize", str(K8S), namespace=ns)
    changed = [line for line in again.strip().splitlines() if not line.endswith(" unchanged")]
    # kubectl always sends the selector of a budget, because its schema says that it is replaced as a whole.
    assert set(changed) <= {"poddisruptionbudget.policy/ml-model-serving configured"}


def test_tenfold_takes_it_over(ns: str, applied: str, cluster: Platform) -> None:
    assert applied
    spec = cluster.service("ml-model").status().spec
    assert cluster.plan(spec) == ()
    service = cluster.deploy("ml-model", progress=lambda _: None)
    assert service.status().revision == 1

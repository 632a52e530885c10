"""A node dies: its replicas are replaced, and nobody who asks through the client sees it.

How a node's power is cut and given back is the cluster's own business: FAIL_NODE and START_NODE are commands that take
its name.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cluster.conftest import QUIET, SMALL
from integration.platform.conftest import iris
from sklearn.linear_model import LogisticRegression
from support.asking import CLIENT, asking
from support.cluster import kubectl, objects
from support.places import wait_until
from tenfold import Platform
from tenfold.platform.service import Service

ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
HEALED_SECONDS = 90.0


@pytest.fixture
def victim() -> Iterator[str]:
    """The node that will die; alive again at the end."""
    known = {"FAIL_NODE", "START_NODE"} <= os.environ.keys()
    assert known, "Say how a node of this cluster dies and comes back: FAIL_NODE='COMMAND' START_NODE='COMMAND'"
    name = max(n["metadata"]["name"] for n in objects("nodes", namespace="")["items"])
    yield name
    subprocess.run([*shlex.split(os.environ["START_NODE"]), name], check=True, timeout=120)
    kubectl("wait", "node", name, "--for=condition=Ready", "--timeout=120s")


@contextmanager
def elsewhere(node: str) -> Iterator[None]:
    """Nothing new comes onto the node meanwhile."""
    kubectl("cordon", node)
    try:
        yield
    finally:
        kubectl("uncordon", node)


@contextmanager
def asked_from_outside(service: Service) -> Iterator[Counter[str]]:
    """A person who predicts on and on from outside of the cluster."""
    counts, over = Counter[str](), threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                service.predict([ROW])
                counts["ok"] += 1
            except Exception as e:
                counts[f"{type(e).__name__}: {e}"] += 1

    person = threading.Thread(target=ask)
    person.start()
    try:
        yield counts
    finally:
        over.set()
        person.join()


def test_the_death_of_a_node_is_healed_and_not_noticed(ns: str, cluster: Platform, victim: str) -> None:
    X, y = iris()
    with elsewhere(victim):
        # There is one registry and one database: they live on another node.
        cluster.register(LogisticRegression(max_iter=1000).fit(X, y), "iris", example=X.head(3))
    service = cluster.deploy("iris", replicas=10, **SMALL, **QUIET)

    def ready() -> Counter[str]:
        pods: list[dict[str, Any]] = objects("pods", "--selector", "app=iris", namespace=ns)["items"]
        return Counter(p["spec"]["nodeName"] for p in pods if _is_ready(p))

    assert ready()[victim] >= 3
    survivor = next(node for node in ready() if node != victim)
    with (
        asking(ns, "iris-svc", "/predict", {"rows": [ROW]}, way=CLIENT, node=survivor) as inside,
        asked_from_outside(service) as outside,
    ):
        wait_until(lambda: outside["ok"], what="the first answer outside")
        before = inside.counts()["ok"], outside["ok"]
        died = time.monotonic()
        subprocess.run([*shlex.split(os.environ["FAIL_NODE"]), victim], check=True, timeout=120)
        wait_until(lambda: ready()[survivor] == 10, within=300, what="ten replicas on the other node")
        healed = time.monotonic() - died
        after = inside.counts(), outside.copy()
    print(f"ten replicas {healed:.0f} s after the node died; inside {after[0]}, outside {dict(after[1])}")
    assert healed <= HEALED_SECONDS
    assert after[0]["ok"] > before[0]
    assert after[1]["ok"] > before[1]
    assert after[0]["failed"] == 0, after[0]
    assert set(after[1]) == {"ok"}, after[1]


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))

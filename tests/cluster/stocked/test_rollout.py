"""Ten replicas lose no request while versions, numbers, pods and nodes come and go.

The tests run in this order, on the same ten replicas. After a node has died and come back, a pod asks through all that
follows: its counts go on from test to test, and together they are AT_LEAST.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.conftest import QUIET, SMALL
from support.asking import CLIENT, Asker, asked_from_outside, asking
from support.cluster import cordoned, first_node, kubectl, last_node, objects
from support.places import wait_until
from tenfold import Platform
from tenfold.platform.errors import RolledBack
from tenfold.platform.service import Service

ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
AT_LEAST = 50_000
# In a second. More would take the two cores that the replicas start on.
RATE = 350.0
# Without a toleration of ours, Kubernetes leaves the replicas of a dead node where they are for 300 s, and for the time
# that it takes to notice.
HEALED_SECONDS = 240.0


@pytest.fixture(scope="module")
def service(cluster: Platform) -> Service:
    """Ten replicas of iris."""
    began = time.monotonic()
    service = cluster.deploy("iris", version="1", replicas=10, **SMALL, **QUIET)
    print(f"ten replicas ready after {time.monotonic() - began:.0f} s")
    return service


def ready(ns: str) -> Counter[str]:
    """How many replicas are ready on each node, and not on their way out."""
    pods: list[dict[str, Any]] = objects("pods", "--selector", "app=iris", namespace=ns)["items"]
    return Counter(p["spec"]["nodeName"] for p in pods if _is_ready(p) and not _is_leaving(p))


@pytest.fixture
def victim() -> Iterator[str]:
    """The node that will die; alive again at the end.

    How its power is cut and given back is the cluster's own business: FAIL_NODE and START_NODE are commands that take
    its name.
    """
    known = {"FAIL_NODE", "START_NODE"} <= os.environ.keys()
    assert known, "Say how a node of this cluster dies and comes back: FAIL_NODE='COMMAND' START_NODE='COMMAND'"
    name = last_node()
    yield name
    subprocess.run([*shlex.split(os.environ["START_NODE"]), name], check=True, timeout=120)
    kubectl("wait", "node", name, "--for=condition=Ready", "--timeout=120s")


def test_the_death_of_a_node_is_healed_and_not_noticed(ns: str, service: Service, victim: str) -> None:
    """Whoever asks through the client sees nothing of it; who does without would see its connections break."""
    assert ready(ns)[victim] >= 3

    def elsewhere() -> int:
        return sum(count for node, count in ready(ns).items() if node != victim)

    with (
        asking(ns, "iris-svc", "/predict", {"rows": [ROW]}, way=CLIENT, rate=100, node=first_node()) as inside,
        asked_from_outside(service, [ROW]) as outside,
    ):
        wait_until(lambda: outside["ok"], what="the first answer outside")
        before = inside.counts()["ok"], outside["ok"]
        died = time.monotonic()
        subprocess.run([*shlex.split(os.environ["FAIL_NODE"]), victim], check=True, timeout=120)
        wait_until(lambda: elsewhere() == 10, within=HEALED_SECONDS, what="ten replicas on other nodes")
        healed = time.monotonic() - died
        after = inside.counts(), outside.copy()
    print(f"ten replicas {healed:.0f} s after the node died; inside {after[0]}, outside {dict(after[1])}")
    assert after[0]["ok"] > before[0]
    assert after[1]["ok"] > before[1]
    assert after[0]["failed"] == 0, after[0]
    assert set(after[1]) == {"ok"}, after[1]


@pytest.fixture(scope="module")
def load(ns: str, service: Service) -> Iterator[Asker]:
    # Not on the node that is drained.
    with asking(ns, f"{service.name}-svc", "/predict", {"rows": [ROW]}, rate=RATE, node=first_node()) as pod:
        yield pod


@pytest.fixture
def asker(load: Asker) -> Iterator[Asker]:
    """The pod that asks; it must have asked on during the test, and no request may have failed."""
    before, began = load.counts()["ok"], time.monotonic()
    yield load
    counts = load.counts()
    print(f"{counts['ok'] - before} requests in {time.monotonic() - began:.0f} s; since the first test {counts}")
    assert counts["failed"] == 0, counts
    assert counts["ok"] > before + 1000


@pytest.mark.usefixtures("asker")
def test_no_request_fails_while_versions_numbers_and_pods_change(cluster: Platform, ns: str, service: Service) -> None:
    began = time.monotonic()
    cluster.deploy("iris", version="2", **QUIET)
    print(f"version 2 rolled out in {time.monotonic() - began:.0f} s")
    assert service.status().spec.version == "2"
    service.scale(4, **QUIET)
    service.scale(10, **QUIET)
    for replica in service.status().replicas[:3]:
        kubectl("delete", "pod", replica.id, "--wait=false", namespace=ns)
    wait_until(lambda: service.status().verdict == "ready", within=120, what="ten replicas again")


@pytest.mark.usefixtures("asker")
def test_a_version_that_does_not_load_leaves_the_old_replicas_serving(cluster: Platform, service: Service) -> None:
    why = "Version 3 does not become ready, 10 replicas go on serving: It ends by itself"
    began = time.monotonic()
    with pytest.raises(RolledBack, match=rf"{why}.*Version 2 is back"):
        cluster.deploy("iris", version="3", **QUIET)
    taken_back = time.monotonic() - began
    print(f"the version that does not load was taken back after {taken_back:.0f} s")
    status = service.status()
    assert taken_back < status.spec.progress_deadline_seconds
    assert (status.verdict, status.spec.version, status.ready) == ("ready", "2", 10)


@pytest.mark.usefixtures("asker")
def test_a_node_that_is_drained_loses_no_request(ns: str, service: Service) -> None:
    node = last_node()
    pods = objects("pods", "--selector", "app=iris", namespace=ns)["items"]
    leaving = [p["metadata"]["name"] for p in pods if p["spec"]["nodeName"] == node and not _is_leaving(p)]
    assert len(leaving) >= 3
    with cordoned(node):
        for pod in leaving:
            wait_until(lambda pod=pod: evicted(ns, pod), within=120, what=f"the eviction of {pod}")
        wait_until(lambda: service.status().verdict == "ready", within=120, what="ten replicas on the other nodes")
        assert not ready(ns)[node]


def test_so_many_requests_were_answered(load: Asker) -> None:
    wait_until(lambda: load.counts()["ok"] >= AT_LEAST, within=400, what=f"{AT_LEAST} answers")
    assert load.counts()["failed"] == 0


def test_the_history_tells_what_was_served(ns: str, service: Service) -> None:
    history = kubectl("rollout", "history", f"deployment/{service.name}-serving", namespace=ns)
    assert "models:/iris/1" in history
    assert "models:/iris/2" in history


def evicted(ns: str, pod: str) -> bool:
    """What `kubectl drain` does to each pod, of this namespace alone: other tests have pods on the node too."""
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": ns}}
    path = f"/api/v1/namespaces/{ns}/pods/{pod}/eviction"
    return "Success" in kubectl("create", "--raw", path, "--filename", "-", given=json.dumps(eviction), check=False)


def _is_leaving(pod: dict[str, Any]) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))

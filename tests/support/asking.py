"""Requests from a pod in the cluster: as `BARE`, without a retry, half over kept connections and half over new ones,
or as `CLIENT`, through tenfold's own. And requests from outside, as a person makes them.

The pod runs in the training image as `python -c`, and prints its count every half second.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from support.cluster import kubectl, objects
from support.places import wait_until
from tenfold.platform.service import Service

COUNTED = """
import http.client, json, sys, threading, time
host, path, body = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
threads, seconds_each = int(sys.argv[4]), float(sys.argv[5])
done = {"ok": 0, "failed": 0}
why, lock = {}, threading.Lock()

def count(key, reason=""):
    with lock:
        done[key] += 1
        if reason:
            why[reason] = why.get(reason, 0) + 1

def paced():
    due = time.monotonic()
    while True:
        yield
        due = max(due + seconds_each, time.monotonic() - 1)  # what was missed is caught up, a second of it
        time.sleep(max(0, due - time.monotonic()))

def ask(keep):
    ...

for n in range(threads):
    threading.Thread(target=ask, args=(n % 2 == 0,), daemon=True).start()
while True:
    time.sleep(0.5)
    with lock:
        print(json.dumps({**done, "why": why}), flush=True)
"""

BARE = """
    connection, sent = None, json.dumps(body)
    for _ in paced():
        try:
            connection = connection or http.client.HTTPConnection(host, 80, timeout=30)
            connection.request("POST", path, sent, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            count("ok") if answer.status == 200 else count("failed", f"status {answer.status}")
            if not keep or answer.will_close:
                connection.close()
                connection = None
        except Exception as e:
            count("failed", f"{type(e).__name__}: {e}")
            connection = None
            time.sleep(0.05)
"""

CLIENT = """
    from tenfold import Client
    client = Client(f"http://{host}")
    for _ in paced():
        try:
            client.predict(body["rows"])
            count("ok")
        except Exception as e:
            count("failed", f"{type(e).__name__}: {e}")
"""


@dataclass
class Asker:
    """The pod; its counts are read from its log."""

    namespace: str
    name: str

    def counts(self) -> dict[str, Any]:
        """Requests answered with 200, and all others with the reasons."""
        lines = kubectl("logs", self.name, "--tail", "1", namespace=self.namespace).strip().splitlines()
        return json.loads(lines[-1]) if lines else {"ok": 0, "failed": 0, "why": {}}


@contextmanager
def asking(
    namespace: str,
    host: str,
    path: str,
    body: Any,
    *,
    threads: int = 8,
    rate: float = 0,
    way: str = BARE,
    node: str | None = None,
) -> Iterator[Asker]:
    """A pod that asks on and on, as a client in the namespace would; gone at the end.

    Args:
        namespace: where it runs.
        host: of the service.
        path: that it asks.
        body: what it sends.
        threads: how many requests are under way at once.
        rate: requests in a second at most, of all threads together; 0: as many as are answered.
        way: `BARE` or `CLIENT`.
        node: where it runs; None: anywhere.
    """
    name = f"asker-{time.time_ns() % 10**8}"
    script = COUNTED.replace("    ...\n", way)
    words = [json.dumps(body), str(threads), str(threads / rate if rate else 0)]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            **({"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}),
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "asker",
                    "image": "ml-training:1.0",
                    "command": ["python", "-c", script, host, path, *words],
                    "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                    },
                }
            ],
        },
    }
    kubectl("apply", "--filename", "-", namespace=namespace, given=json.dumps(pod))
    asker = Asker(namespace, name)
    try:
        wait_until(
            lambda: objects("pod", name, namespace=namespace)["status"]["phase"] == "Running",
            within=120,
            what="the pod that asks",
        )
        wait_until(lambda: asker.counts()["ok"], within=60, what="the first answer")
        yield asker
    finally:
        kubectl("delete", "pod", name, "--wait=false", namespace=namespace)


@contextmanager
def asked_from_outside(service: Service, rows: list[dict[str, Any]]) -> Iterator[Counter[str]]:
    """A person who predicts on and on from outside of the cluster: counts "ok", and whatever was raised."""
    counts, over = Counter[str](), threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                service.predict(rows)
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

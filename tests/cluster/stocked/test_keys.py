"""A service that asks for the keys of a Secret: who may read them, and a new key without a new pod."""

from __future__ import annotations

import json

import pytest
from cluster.conftest import QUIET, SMALL
from support.cluster import kubectl, objects
from support.places import wait_until
from tenfold import Client, Platform
from tenfold.serving.client import Refused

ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
SECRET = "shop-keys"


def write(ns: str, keys: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET}, "stringData": {"keys": keys}}
    kubectl("apply", "--filename", "-", namespace=ns, given=json.dumps(secret))


def lets_in(platform: Platform, key: str | None) -> bool:
    with Client(platform.address("iris"), name="iris", api_key=key) as client:
        try:
            client.predict([ROW])
        except Refused as e:
            return e.status != 401
    return True


@pytest.mark.timeout(600)
def test_a_secret_has_the_keys_of_a_service(ns: str, cluster: Platform) -> None:
    write(ns, "first-key\nsecond-key\n")
    server = {"drain_seconds": 1, "api_keys_secret": SECRET}
    service = cluster.deploy("iris", version="1", replicas=1, server=server, **SMALL, **QUIET)
    assert [lets_in(cluster, key) for key in (None, "none", "first-key", "second-key")] == [False, False, True, True]
    assert list(service.predict([ROW]).predictions) == [0]
    page = f"system:serviceaccount:{ns}:user-interface"
    may = kubectl("auth", "can-i", "get", f"secret/{SECRET}", "--as", page, namespace=ns, check=False)
    other = kubectl("auth", "can-i", "get", "secret/tenfold-database", "--as", page, namespace=ns, check=False)
    assert (may.strip(), other.strip()) == ("yes", "no")

    pods = [pod.id for pod in service.status().replicas]
    write(ns, "third-key\n")
    wait_until(lambda: not lets_in(cluster, "first-key"), within=180, what="the first key to be refused")
    assert list(service.predict([ROW]).predictions) == [0]
    assert [pod.id for pod in service.status().replicas] == pods

    service.change(server={"api_keys_secret": None}, **QUIET)
    wait_until(lambda: lets_in(cluster, None), within=60, what="a service without keys")
    roles = [role["metadata"]["name"] for role in objects("roles", namespace=ns)["items"]]
    assert "iris-api-keys" not in roles

"""Under load the cluster makes more replicas, and a deploy leaves them."""

import pytest
from cluster.conftest import QUIET
from support.asking import asking
from support.cluster import objects
from support.places import wait_until
from tenfold import Platform

ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


@pytest.mark.timeout(1200)
def test_the_cluster_scales_and_a_deploy_does_not_scale_back(ns: str, cluster: Platform) -> None:
    limits = {"min_replicas": 2, "max_replicas": 5, "cpu_percent": 80}
    size = {"resources": {"cpu": 0.1, "memory": "512Mi"}, "server": {"drain_seconds": 1}}
    service = cluster.deploy("iris", version="1", replicas=2, autoscaling=limits, **size, **QUIET)
    assert service.status().ready == 2

    def replicas() -> int:
        return int(objects("deployment", "iris-serving", namespace=ns)["spec"]["replicas"])

    with asking(ns, "iris-svc", "/predict", {"rows": [ROW]}, threads=4):
        wait_until(lambda: replicas() > 2, within=600, what="more replicas")
        assert not [c for c in cluster.plan(service.status().spec) if "replicas" in c.field]
        grown = replicas()
        cluster.deploy("iris", version="1", retraining={"window_days": 7}, **QUIET)
        assert replicas() >= grown
        assert objects("hpa", "iris-serving", namespace=ns)["spec"]["maxReplicas"] == 5

    # Without an autoscaler the number is ours again.
    service.change(autoscaling=None, replicas=1, **QUIET)
    assert (replicas(), service.status().ready) == (1, 1)

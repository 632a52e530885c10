"""The contract of a target, on real processes. Written against the five methods, so that every target can take it.

`tests/cluster/stocked/test_target.py` runs the same tests on a real cluster: it brings its own `platform` and
`deploy`. What holds on this machine alone stands in `test_ports.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.logs import logged
from support.places import wait_until
from tenfold import Platform
from tenfold.platform.errors import UnknownService
from tenfold.platform.service import Service

Deploy = Callable[..., Service]
ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


def test_nothing_is_there_at_first(platform: Platform) -> None:
    assert platform.target.names == ()
    with pytest.raises(UnknownService, match="No service is named 'iris'; there is none yet"):
        platform.target.status("iris")


def test_apply_makes_it_so_and_status_tells_it(platform: Platform, deploy: Deploy) -> None:
    service = deploy()
    status = service.status()
    assert platform.target.names == ("iris",)
    assert (status.verdict, status.ready, len(status.replicas), status.revision) == ("ready", 2, 2, 1)
    assert {r.version for r in status.replicas} == {"1"}
    answer = service.predict([ROW])
    assert list(answer.predictions) == [0]
    wait_until(lambda: sum(t.requests for t in service.status().traffic) >= 1, what="the request in the traffic")


def test_plan_tells_what_would_change_and_changes_nothing(platform: Platform, deploy: Deploy) -> None:
    service = deploy()
    spec = service.status().spec
    assert platform.target.plan(spec) == ()
    (change,) = platform.target.plan(spec.changed(replicas=3))
    assert (change.field.rpartition(".")[2].rpartition(" ")[2], change.before, change.after) == ("replicas", "2", "3")
    assert service.status().revision == 1


def test_applying_the_same_again_is_no_new_revision(platform: Platform, deploy: Deploy) -> None:
    service = deploy()
    platform.target.apply(service.status().spec)
    assert service.status().revision == 1


def test_scale_up_and_down(deploy: Deploy) -> None:
    service = deploy(replicas=1)
    quiet = {"progress": lambda _: None}
    assert service.scale(3, **quiet).ready == 3
    service.scale(1, **quiet)
    wait_until(lambda: [r.state for r in service.status().replicas] == ["ready"], what="one replica alone")


def test_rollback_serves_the_version_before_and_makes_it_the_champion(platform: Platform, deploy: Deploy) -> None:
    service = deploy(version="1")
    platform.deploy("iris", version="2", progress=lambda _: None)
    assert service.status().spec.version == "2"
    assert platform.registry.champion("iris").version == "2"
    status = service.rollback(progress=lambda _: None)
    assert (status.spec.version, status.verdict) == ("1", "ready")
    assert platform.registry.champion("iris").version == "1"


def test_logs_name_the_replica(deploy: Deploy) -> None:
    service = deploy()
    lines = list(service.logs())
    assert {line.replica for line in lines} == {r.id for r in service.status().replicas}


def test_delete_stops_it_and_keeps_the_data(platform: Platform, deploy: Deploy) -> None:
    service = deploy()
    before = logged(platform, "iris")
    service.predict([ROW])
    assert any("inference log" in kept for kept in service.delete())
    assert platform.target.names == ()
    assert logged(platform, "iris") == before + 1
    assert deploy(replicas=1).status().revision == 1


def test_two_services_side_by_side_share_the_page(platform: Platform, deploy: Deploy) -> None:
    first = deploy(replicas=1)
    second = deploy("other", replicas=1, page_port=first.status().spec.page_port)
    assert [status.verdict for status in platform.statuses()] == ["ready", "ready"]
    assert second.status().page_url == first.status().page_url
    assert [list(s.predict([ROW]).predictions) for s in platform.services()] == [[0], [0]]
    first.delete()
    assert platform.target.names == ("other",)
    assert list(second.predict([ROW]).predictions) == [0]

"""Ports of the local target: what another program or service holds is said before anything is changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.places import wait_until
from tenfold import Platform
from tenfold.platform.errors import AddressInUse
from tenfold.platform.service import Service

Deploy = Callable[..., Service]


def test_a_port_that_another_service_holds_is_refused(platform: Platform, deploy: Deploy) -> None:
    taken = deploy(replicas=1).status().spec
    with pytest.raises(AddressInUse, match=f"Nothing can listen on 127.0.0.1:{taken.port}"):
        deploy("other", replicas=1, port=taken.port, page_port=taken.page_port)
    assert platform.target.names == ("iris",)


def test_the_oldest_replica_stays(deploy: Deploy) -> None:
    service = deploy(replicas=1)
    first = service.status().replicas[0].id
    quiet = {"progress": lambda _: None}
    service.scale(3, **quiet)
    service.scale(1, **quiet)
    wait_until(lambda: [r.id for r in service.status().replicas] == [first], what="the oldest replica alone")

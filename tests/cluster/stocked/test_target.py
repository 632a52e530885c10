"""The contract of a target on a real cluster: the same tests that run on the local one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cluster.conftest import QUIET, SMALL
from cluster.stocked.conftest import delete_all
from integration.platform.test_target import *  # noqa: F403 - every test of the contract
from tenfold import Platform
from tenfold.platform.service import Service


@pytest.fixture
def platform(cluster: Platform) -> Iterator[Platform]:
    """The platform without a service, or with iris as `deploy` makes it: that needs no other start."""
    yield cluster
    if any((s.name, s.revision, s.verdict) != ("iris", 1, "ready") for s in cluster.statuses()):
        delete_all(cluster)


@pytest.fixture
def deploy(platform: Platform) -> Callable[..., Service]:
    """Deploy a model quietly, small, with few seconds to drain."""

    def deployed(name: str = "iris", **fields: Any) -> Service:
        fields.pop("page_port", None)
        fields = {"version": "1", "replicas": 2, "server": {"drain_seconds": 1}, **SMALL, **fields}
        return platform.deploy(name, **QUIET, **fields)

    return deployed

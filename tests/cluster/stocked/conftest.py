"""One namespace with a registry, a database and a few models, for all tests in this folder.

They start once, on one node: the other one can be drained, and die.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from integration.platform.conftest import stock
from support.cluster import cordoned, last_node, namespace
from tenfold import Platform


@pytest.fixture(scope="package")
def ns() -> Iterator[str]:
    """The namespace of all tests."""
    with namespace("stocked") as name:
        yield name


@pytest.fixture(scope="package")
def cluster(ns: str, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The platform in it. Versions 1 and 2 of iris can be served, 3 needs pickle and cannot; there is one of OTHER."""
    platform = Platform.kubernetes(ns)
    with cordoned(last_node()):
        stock(platform.registry, tmp_path_factory.mktemp("stock"))
    return platform


@pytest.fixture(scope="module", autouse=True)
def left_empty(cluster: Platform) -> Iterator[None]:
    """A module leaves no service."""
    yield
    delete_all(cluster)


def delete_all(platform: Platform) -> None:
    """Delete every service, and return when their replicas are gone."""
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda service: service.delete(), platform.services()))

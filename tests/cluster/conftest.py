"""The cluster that KUBECONFIG names: a namespace for each module, shown when a test fails, always deleted."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cluster import namespace, require_cluster, shown
from tenfold import Platform

HERE = Path(__file__).parent
QUIET: dict[str, Any] = {"progress": lambda _: None}
# Two cores carry the test cluster.
SMALL = {"resources": {"cpu": 0.05, "memory": "512Mi"}}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(600))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # Before fixtures take away what there is to see.
    if report.failed and report.when != "teardown" and HERE in item.path.parents:
        report.sections.append(("the cluster", shown()))
    return report


@pytest.fixture(scope="session", autouse=True)
def environment() -> Iterator[None]:
    """Nothing of the environment but the cluster decides where a platform is."""
    require_cluster()
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("TENFOLD_REGISTRY_URI", "TENFOLD_LOG_URL", "TENFOLD_NAMESPACE", "TENFOLD_TARGET"):
            patch.delenv(variable, raising=False)
        yield


@pytest.fixture(scope="module")
def ns(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty namespace."""
    with namespace(request.path.stem.removeprefix("test_")) as name:
        yield name


@pytest.fixture(scope="module")
def cluster(ns: str) -> Platform:
    """The platform in the namespace."""
    return Platform.kubernetes(ns)

"""The cluster that KUBECONFIG names: a namespace for each module, shown when a test fails, always deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cluster import namespace, require_cluster, show
from tenfold import Platform
from tenfold.platform.service import Service

QUIET: dict[str, Any] = {"progress": lambda _: None}
# Two cores carry the test cluster.
SMALL = {"resources": {"cpu": 0.05, "memory": "512Mi"}}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="module")
def ns(request: pytest.FixtureRequest, monkeypatch_module: pytest.MonkeyPatch) -> Iterator[str]:
    require_cluster()
    for variable in ("TENFOLD_REGISTRY_URI", "TENFOLD_LOG_URL", "TENFOLD_NAMESPACE", "TENFOLD_TARGET"):
        monkeypatch_module.delenv(variable, raising=False)
    failed_before = request.session.testsfailed
    with namespace(request.path.stem.removeprefix("test_")) as name:
        yield name
        if request.session.testsfailed > failed_before:
            show(name)


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def cluster(ns: str) -> Platform:
    """The platform in the module's namespace."""
    return Platform.kubernetes(ns)


@pytest.fixture
def platform(cluster: Platform) -> Iterator[Platform]:
    """The platform without a service."""
    yield cluster
    for service in cluster.services():
        service.delete()


@pytest.fixture
def deploy(platform: Platform) -> Callable[..., Service]:
    """Deploy a model quietly, small, with few seconds to drain."""

    def deployed(name: str = "iris", **fields: Any) -> Service:
        fields.pop("page_port", None)
        fields = {"version": "1", "replicas": 2, "server": {"drain_seconds": 1}, **SMALL, **fields}
        return platform.deploy(name, **QUIET, **fields)

    return deployed

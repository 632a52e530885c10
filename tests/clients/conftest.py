"""A local service of a model with two versions, and the requests that its clients send."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clients.plan import LIMITS, NAME, Plan, examples, models
from support.places import free_port
from tenfold import Platform
from tenfold.training.registry import Registry


@pytest.fixture(scope="session")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return Plan(tmp_path_factory.mktemp("plan"))


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """With two replicas of version 1."""
    folder = tmp_path_factory.mktemp("platform")
    uri = f"sqlite:///{folder / 'registry.db'}"
    registry = Registry(uri, artifacts=folder / "artifacts")
    for model in models().values():
        registry.register(model, NAME, example=examples().head(3), tags={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENFOLD_REGISTRY_URI", uri)
        platform = Platform.local(folder / "state")
        ports = {"port": free_port(), "page_port": free_port(), "registry_port": None}
        platform.deploy(NAME, version="1", replicas=2, server=LIMITS, progress=lambda _: None, **ports)
        yield platform
        platform.down()

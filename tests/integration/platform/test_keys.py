"""A service that asks for API keys: its own callers have one, others do not, and a new key needs no new replica."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.places import wait_until
from tenfold import Client, Platform
from tenfold.loadtests.errors import ServiceUnreachable
from tenfold.loadtests.service import describe
from tenfold.platform.errors import KeysElsewhere, KeyUnknown, RolloutFailed
from tenfold.platform.page.platform_source import PlatformSource
from tenfold.platform.service import Service
from tenfold.serving.client import Refused

Deploy = Callable[..., Service]
ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "keys"
    file.write_text("# of the shop\nfirst-key\nsecond-key\n")
    return file


def keyed(file: Path) -> dict[str, object]:
    return {"drain_seconds": 1, "api_keys_file": str(file)}


def test_the_platforms_own_callers_have_a_key(
    platform: Platform, deploy: Deploy, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = deploy(replicas=1, server=keyed(file))
    status = service.status()
    with Client(status.url, name="iris", retries=0) as stranger, pytest.raises(Refused, match="API key"):
        stranger.predict([ROW])
    answer = service.predict([ROW])
    assert service.feedback(answer.ids, [0]).counts == {"accepted": 1}
    # Nobody needs a key to see whether it is well.
    assert (status.verdict, status.ready) == ("ready", 1)
    # Traffic is requests for predictions: the stranger's and the owner's.
    wait_until(lambda: sum(t.requests for t in service.status().traffic) == 2, what="the requests in the traffic")

    source = PlatformSource(platform)
    try:
        assert source.call("iris", "GET", "/openapi.json").status == 200
    finally:
        source.close()

    with pytest.raises(ServiceUnreachable, match="asks for an API key; set TENFOLD_API_KEY"):
        describe(status.url)
    monkeypatch.setenv("TENFOLD_API_KEY", "second-key")
    assert describe(status.url).name == "iris"


def test_a_key_that_is_taken_away_is_looked_up_again(deploy: Deploy, file: Path) -> None:
    service = deploy(replicas=1, server=keyed(file))
    before = service.status().replicas
    service.predict([ROW])
    file.write_text("third-key\n")

    def refused() -> bool:
        with Client(service.url, name="iris", api_key="first-key") as late:
            try:
                late.predict([ROW])
            except Refused:
                return True
        return False

    wait_until(refused, what="the first key to be refused")
    assert list(service.predict([ROW]).predictions) == [0]
    assert service.status().replicas == before


def test_a_key_that_cannot_be_read_is_told(platform: Platform, deploy: Deploy, file: Path) -> None:
    deploy(replicas=1, server=keyed(file))
    file.unlink()
    with pytest.raises(KeyUnknown, match=r"No API key can be read from .*keys \(No such file.* Set TENFOLD_API_KEY"):
        platform.service("iris").predict([ROW])


def test_keys_that_are_not_there_stop_the_rollout(deploy: Deploy, tmp_path: Path) -> None:
    with pytest.raises(RolloutFailed, match=r"The API keys in .*none cannot be read"):
        deploy(replicas=1, server=keyed(tmp_path / "none"))


def test_keys_of_a_cluster_alone_are_refused(deploy: Deploy) -> None:
    with pytest.raises(KeysElsewhere, match=r"server.api_keys_secret .* Set server.api_keys_file as well"):
        deploy(server={"api_keys_secret": "shop-keys"})

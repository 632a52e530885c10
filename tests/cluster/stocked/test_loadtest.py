"""A load test whose load comes from the cluster: limits, files, and nothing of it left, however it ends."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster.conftest import QUIET, SMALL
from integration.platform.conftest import iris
from support.cluster import kubectl, objects, quota
from support.commands import Start, finish, starting
from support.places import wait_until
from tenfold import Platform
from tenfold.loadtests.errors import RunFailed
from tenfold.loadtests.plan import LoadTest
from tenfold.loadtests.runner import run
from tenfold.platform.kubernetes import loadtest
from tenfold.platform.kubernetes.target import KubernetesTarget
from tenfold.platform.service import Service

NAME = "iris"
FEW = ("--users", "4", "--think-time", "50ms", "--run-time")


@pytest.fixture(scope="module")
def service(cluster: Platform) -> Service:
    return cluster.deploy(NAME, version="1", replicas=2, server={"drain_seconds": 1}, **SMALL, **QUIET)


@pytest.fixture
def start(ns: str, service: Service, tmp_path: Path) -> Iterator[Start]:
    """Starts the command in a folder of its own; stopped with the test."""
    assert service
    with starting(tmp_path, "--target", "kubernetes", "--namespace", ns, "loadtest") as start:
        yield start


def there(ns: str) -> set[str]:
    """What there is of load tests, as kind/name."""
    kinds = "jobs,pods,services,networkpolicies,configmaps"
    found = objects(kinds, "--selector", "tenfold.dev/part=loadtest", namespace=ns)["items"]
    return {f"{each['kind']}/{each['metadata']['name']}" for each in found}


def all_is_gone(ns: str) -> None:
    wait_until(lambda: not there(ns), within=60, what="the end of all that a load test made")


def await_load(ns: str, service: Service) -> str:
    """Return the name of the Job when its requests reach the service."""
    before = sum(t.requests for t in service.status().traffic)
    wait_until(
        lambda: sum(t.requests for t in service.status().traffic) > before + 20, within=120, what="requests of the load"
    )
    return next(each.removeprefix("Job/") for each in there(ns) if each.startswith("Job/"))


def test_a_run_within_its_limits(ns: str, start: Start, tmp_path: Path) -> None:
    X, y = iris()
    X.assign(species=y).to_csv(tmp_path / "real.csv", index=False)
    rows = ("--rows-file", "real.csv", "--label-column", "species", "--feedback-delay", "300ms")
    protocols = ("--protocol", "predict", "--protocol", "v2")
    limits = ("--p95", "20s", "--rps-min", "1")
    code, said = finish(start(NAME, *FEW, "5s", "--processes", "2", *rows, *protocols, *limits))
    assert code == 0, said
    found = json.loads((tmp_path / "loadtest.json").read_text())
    assert found["within_limits"]
    assert {each["name"] for each in found["endpoints"]} == {"/predict", "/v2/infer", "/feedback"}
    assert all(each["requests"] > 5 and not each["failures"] for each in found["endpoints"])
    assert found["plan"]["rows_file"] == "real.csv"
    assert "<html" in (tmp_path / "loadtest.html").read_text()
    assert "Latency in ms" in said
    all_is_gone(ns)


def test_limits_that_cannot_be_kept_are_named(ns: str, start: Start, tmp_path: Path) -> None:
    code, said = finish(start(f"http://{NAME}-svc.{ns}", *FEW, "2s", "--p95", "0.001ms", "--shape", "ramp"))
    assert code == 3, said
    broken = [line.partition(" broke: ")[0] for line in said.splitlines() if line.startswith("limit ")]
    assert broken == ["limit p95"]
    assert json.loads((tmp_path / "loadtest.json").read_text())["within_limits"] is False
    all_is_gone(ns)


# Some who send SIGTERM send it twice, and who presses Ctrl-C may do it again.
@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGINT]])
def test_a_stopped_run_leaves_nothing(
    ns: str, service: Service, start: Start, tmp_path: Path, signals: list[signal.Signals]
) -> None:
    (tmp_path / "real.csv").write_text(iris()[0].to_csv(index=False))
    process = start(NAME, *FEW, "10m", "--rows-file", "real.csv")
    name = await_load(ns, service)
    kinds = [each.partition("/")[0] for each in there(ns)]
    assert sorted(kinds) == ["ConfigMap", "Job", "NetworkPolicy", "Pod", "Pod", "Service"]
    for each in signals:
        process.send_signal(each)
    code, said = finish(process)
    assert code == 130, said
    assert "Traceback" not in said
    # What belongs to the Job is removed by the cluster.
    assert f"Job/{name}" not in there(ns)
    all_is_gone(ns)
    assert [each.name for each in tmp_path.iterdir()] == ["real.csv"]


def test_a_run_whose_caller_was_killed_ends_and_removes_itself(ns: str, service: Service, start: Start) -> None:
    process = start(NAME, *FEW, "10s")
    name = await_load(ns, service)
    process.kill()

    def complete() -> bool:
        status = objects("job", name, namespace=ns)["status"]
        return any(c["type"] == "Complete" and c["status"] == "True" for c in status.get("conditions", []))

    wait_until(complete, within=60, what="the Job's own end")
    assert objects("job", name, namespace=ns)["spec"]["ttlSecondsAfterFinished"] == 300
    kubectl("patch", "job", name, "--patch", '{"spec": {"ttlSecondsAfterFinished": 0}}', namespace=ns)
    all_is_gone(ns)


def test_a_worker_that_is_taken_away_ends_the_run(ns: str, service: Service, start: Start) -> None:
    process = start(NAME, *FEW, "10m")
    name = await_load(ns, service)
    selector = f"batch.kubernetes.io/job-name={name},batch.kubernetes.io/job-completion-index=1"
    kubectl("delete", "pod", "--selector", selector, "--wait=false", namespace=ns)
    code, said = finish(process)
    assert code == 1
    assert said.startswith("Error: ")
    all_is_gone(ns)


@pytest.fixture
def refusal(ns: str, cluster: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Why a load test does not start, without waiting long for it."""

    def refused() -> str:
        assert isinstance(cluster.target, KubernetesTarget)
        monkeypatch.setattr(loadtest, "START_SECONDS", 5.0)
        load = loadtest.ClusterLoad(cluster.target, NAME)
        with pytest.raises(RunFailed) as raised:
            run(
                LoadTest(load.url, processes=1),
                html=tmp_path / "r.html",
                json=tmp_path / "r.json",
                measure=load.measure,
            )
        assert not list(tmp_path.iterdir())
        all_is_gone(ns)
        return str(raised.value)

    return refused


def test_an_image_that_cannot_be_pulled_is_named(service: Service, refusal: Callable[[], str]) -> None:
    before = service.status().spec.images.user_interface
    service.change(images={"user_interface": "no-such-image:1"}, **QUIET)
    try:
        assert "The image no-such-image:1 cannot be pulled" in (said := refusal())
        assert "--set images.user_interface=" in said
    finally:
        service.change(images={"user_interface": before}, **QUIET)


def test_a_quota_is_named(ns: str, service: Service, refusal: Callable[[], str]) -> None:
    assert service
    with quota(ns, pods=1):
        assert "A quota forbids more pods" in refusal()


def test_a_service_that_is_not_there_is_named(ns: str, start: Start) -> None:
    code, said = finish(start("other"))
    assert (code, said.startswith("Error: No service is named 'other'; there are: iris.")) == (1, True), said
    code, said = finish(start("http://example.org"))
    assert (code, "is not the address of a service in the namespace" in said) == (1, True), said
    assert not there(ns)

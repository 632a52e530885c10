"""From an empty namespace to a night on real flights, rolled out and rolled back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from cluster.conftest import QUIET
from playwright.sync_api import expect
from support.chromium import chromium
from support.cluster import kubectl, objects, quota
from support.places import wait_until
from tenfold import Platform
from tenfold.platform.demo import champion, flights
from tenfold.platform.service import Service

NAME = "flight-delay"
# The champion saw January; five months later its world has changed.
FIRST, DAY, WINDOW = date(2013, 1, 1), date(2013, 6, 21), 7


def tenfold(ns: str, *words: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "tenfold.platform.cli.app", "--target", "kubernetes", "--namespace", ns, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=550)
    assert done.returncode == code, f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def memory(ns: str) -> list[int]:
    """MiB of each replica, sorted."""
    said = kubectl("top", "pods", "--selector", f"app={NAME}", "--no-headers", namespace=ns, check=False)
    return sorted(int(line.split()[2].removesuffix("Mi")) for line in said.splitlines())


def running(ns: str, selector: str = "") -> list[str]:
    """The pods that count for a quota."""
    pods = objects("pods", "--selector", selector, namespace=ns)["items"]
    return [p["metadata"]["name"] for p in pods if p["status"]["phase"] in {"Pending", "Running"}]


@pytest.fixture(scope="module")
def table() -> Any:
    return flights.load()


@pytest.fixture(scope="module")
def service(cluster: Platform, ns: str, table: Any) -> Service:
    """Ten replicas from an empty namespace; how long each step took is printed."""
    began = time.monotonic()
    january = flights.between(table, FIRST, 31)
    cluster.register(champion.fitted(january), NAME, example=flights.example(january))
    registered = time.monotonic()
    settings = ("--set", "resources.cpu=0.05", "--set", "retraining.at=02:00")
    zone = ("--set", "retraining.timezone=America/New_York", "--set", f"retraining.window_days={WINDOW}")
    tenfold(ns, "deploy", NAME, *settings, *zone)
    print(
        f"registered after {registered - began:.0f} s, ten replicas ready {time.monotonic() - registered:.0f} s later"
    )
    return cluster.service(NAME)


def test_one_command_from_an_empty_namespace(ns: str, service: Service, table: Any) -> None:
    status = service.status()
    assert (status.verdict, status.ready, len(status.replicas)) == ("ready", 10, 10)
    deployment = objects("deployment", f"{NAME}-serving", namespace=ns)
    assert deployment["status"]["readyReplicas"] == 10
    rows = flights.between(table, DAY, 1)[flights.FEATURES].head(3)
    assert len(service.predict(rows).predictions) == 3
    cron_job = objects("cronjob", f"{NAME}-training", namespace=ns)["spec"]
    assert (cron_job["suspend"], cron_job["schedule"], cron_job["timeZone"]) == (False, "0 2 * * *", "America/New_York")
    assert "ready" in tenfold(ns, "status", NAME)
    assert tenfold(ns, "plan", NAME) == "Nothing would change.\n"
    assert "spec.replicas: 11" in tenfold(ns, "plan", NAME, "--replicas", "11", code=2)
    kubectl(
        "apply",
        "--server-side",
        "--dry-run=server",
        "--filename",
        "-",
        "--field-manager",
        "tenfold",
        namespace=ns,
        given=tenfold(ns, "render", NAME),
    )


def test_the_page_is_reachable_through_the_ingress_and_the_model_is_not(ns: str, service: Service) -> None:
    ingress = os.environ.get("INGRESS")
    assert ingress, "Say where the cluster's ingress controller listens: INGRESS=http://HOST:PORT"
    with httpx.Client(base_url=ingress, trust_env=False, timeout=10, follow_redirects=True) as http:
        wait_until(lambda: http.get("/app/").status_code == 200, within=120, what="the page at /app/")
        for path in ("/predict", "/v2/health/ready", "/app/predict", f"/v2/models/{NAME}", "/metrics", "/app/metrics"):
            assert http.get(path).status_code == 404, path
            assert http.post(path, json={"rows": []}).status_code in {404, 405}, path

    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{ingress}/app")
        card = page.get_by_role("article", name=NAME)
        expect(card.locator(".dot[data-state=ready]")).to_have_count(10, timeout=60_000)
        card.get_by_role("link", name=f"Try {NAME}").click()
        expect(page.get_by_role("button", name="Predict")).to_be_enabled(timeout=60_000)
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#answer-id")).to_have_text(re.compile(r"\S+"), timeout=60_000)


def test_a_replica_needs_little_memory(ns: str, service: Service) -> None:
    assert service
    wait_until(lambda: len(memory(ns)) == 10, within=120, what="the cluster's measurement of ten replicas")
    print(f"memory of the replicas in MiB, as the cluster measures it: {memory(ns)}")
    assert memory(ns)[-1] < 256


def test_a_night_on_real_flights_is_rolled_out_and_rolled_back(ns: str, service: Service, table: Any) -> None:
    known = flights.between(table, DAY - timedelta(days=WINDOW - 1), WINDOW)
    known = known[known["late"].notna()]
    service.import_rows(
        known[flights.FEATURES], known["late"].astype("int64").tolist(), known["scheduled"].dt.to_pydatetime().tolist()
    )
    began = time.monotonic()
    night = service.retrain(DAY)
    print(f"the night took {time.monotonic() - began:.0f} s: {night.reason}")
    assert (night.outcome, night.served) == ("promoted", "2"), night.reason
    status = service.status()
    assert (status.spec.version, status.verdict, status.ready) == ("2", "ready", 10)
    history = kubectl("rollout", "history", f"deployment/{NAME}-serving", namespace=ns)
    assert f"models:/{NAME}/1" in history
    assert f"models:/{NAME}/2" in history
    assert service.predict(known[flights.FEATURES].head(2)).model.version == "2"

    # The same night again is trained once.
    assert (service.retrain(DAY).outcome, service.status().revision) == ("promoted", status.revision)

    began = time.monotonic()
    tenfold(ns, "rollback", NAME)
    print(f"the rollback took {time.monotonic() - began:.0f} s")
    status = service.status()
    assert (status.spec.version, status.verdict, status.ready) == ("1", "ready", 10)


def test_a_version_that_does_not_become_ready_is_rolled_back_by_the_night(ns: str, service: Service) -> None:
    service.change(progress_deadline_seconds=10, replicas=2, **QUIET)
    wait_until(lambda: len(running(ns, f"app={NAME}")) == 2, within=120, what="the end of eight replicas")
    earlier = DAY - timedelta(days=1)
    # There is room for the night itself, and for no other replica.
    with quota(ns, pods=len(running(ns)) + 1):
        night = service.retrain(earlier)
    assert (night.outcome, night.served) == ("rolled back", "1"), night.reason
    status = service.status()
    assert (status.spec.version, status.verdict, status.ready) == ("1", "ready", 2)


def test_the_cron_job_itself_runs_in_the_cluster(ns: str, service: Service) -> None:
    service.change(progress_deadline_seconds=120, **QUIET)
    kubectl("create", "job", "by-the-clock", f"--from=cronjob/{NAME}-training", namespace=ns)

    def ended() -> bool:
        status = objects("job", "by-the-clock", namespace=ns)["status"]
        return any(c["type"] in {"Complete", "Failed"} and c["status"] == "True" for c in status.get("conditions", []))

    wait_until(ended, within=240, what="the end of the Job")
    assert objects("job", "by-the-clock", namespace=ns)["status"].get("succeeded") == 1
    assert "No night is due" in kubectl("logs", "job/by-the-clock", namespace=ns)


def test_nights_are_paused_and_resumed(ns: str, service: Service) -> None:
    def suspended() -> bool:
        return bool(objects("cronjob", f"{NAME}-training", namespace=ns)["spec"]["suspend"])

    service.pause()
    assert (suspended(), service.status().next_run) == (True, None)
    service.resume()
    assert not suspended()
    assert service.status().next_run


def test_a_night_may_not_touch_anything_else(ns: str, service: Service) -> None:
    account = f"--as=system:serviceaccount:{ns}:{NAME}-training"

    def may(*words: str) -> bool:
        return kubectl("auth", "can-i", *words, account, namespace=ns, check=False).strip() == "yes"

    assert may("patch", f"deployments.apps/{NAME}-serving")
    assert not may("patch", "deployments.apps/mlflow")
    assert not may("delete", f"deployments.apps/{NAME}-serving")
    assert not may("get", "secrets")
    assert not may("create", "pods")


def test_another_managers_field_is_named_and_not_taken(ns: str, service: Service) -> None:
    kubectl("scale", f"deployment/{NAME}-serving", "--replicas=3", namespace=ns)
    assert service.status().spec.replicas == 3
    with pytest.raises(Exception, match=r"\.spec\.replicas \(conflict with .kubectl") as raised:
        service.scale(4, **QUIET)
    assert "--force-conflicts" in str(raised.value)
    assert objects("deployment", f"{NAME}-serving", namespace=ns)["spec"]["replicas"] == 3

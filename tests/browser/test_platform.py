"""The page that a deployed local platform starts: real replicas, a real model, a real inference log."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pandas as pd
import pytest
from playwright.sync_api import Page, expect
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.places import GUARD, answers, free_port, wait_until
from tenfold import Platform
from tenfold.platform.service import Service

from .conftest import Visit

COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
SPECIES = ["setosa", "versicolor", "virginica"]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = Platform.local(tmp_path_factory.mktemp("page") / "state")
    yield platform
    platform.down()


@pytest.fixture(scope="module")
def service(platform: Platform) -> Service:
    """Two replicas of a model that names the species of an iris, with the page of the platform running."""
    X, y = load_iris(return_X_y=True)
    rows = pd.DataFrame(X, columns=COLUMNS).assign(petals=3)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, [SPECIES[n] for n in y])
    platform.register(model, "iris", example=rows.head(3))
    service = platform.deploy(
        "iris",
        progress=lambda _: None,
        replicas=2,
        port=free_port(),
        page_port=free_port(),
        registry_port=None,
        server={"drain_seconds": 1},
    )
    wait_until(lambda: answers(f"{service.page_url}health/ready"), what="the page")
    return service


def predicted(page: Page) -> str:
    """Predict the example; returns the id of the answer."""
    expect(page.get_by_role("button", name="Predict")).to_be_enabled()
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#answer-id")).to_have_text(re.compile(r"\S+"))
    return page.locator("#answer-id").inner_text()


def test_a_prediction_is_tried_and_its_label_arrives(visit: Visit, platform: Platform, service: Service) -> None:
    page = visit(service.page_url)
    card = page.get_by_role("article", name="iris")
    expect(card.locator(".dot[data-state=ready]")).to_have_count(2)
    card.get_by_role("link", name="Try iris").click()
    for column in COLUMNS:
        expect(page.get_by_label(column)).to_have_attribute("type", "number")
    page.get_by_label("petal_length").fill("6.25")
    id_ = predicted(page)
    expect(page.locator(".bar-row dt")).to_have_text(SPECIES)
    guessed = page.locator(".prediction").inner_text()
    assert guessed in SPECIES
    expect(page.locator(".bar-row[data-chosen=true] dt")).to_have_text(guessed)

    # A class that the model does not know yet may be true, so the known ones are only suggested.
    page.get_by_label("What turned out to be true").fill("virginica")
    page.get_by_role("button", name="Send it back").click()
    expect(page.locator(".labelled")).to_have_attribute("data-status", "accepted")
    expect(page.locator(".labelled")).to_have_attribute("data-tone", "good")
    page.get_by_role("button", name="Send it back").click()
    expect(page.locator(".labelled")).to_have_attribute("data-status", "repeated")

    log = platform.inference_log()
    now = datetime.now(UTC)
    try:
        (row,) = [r for r in log.labelled_rows("iris", now - timedelta(hours=1), now) if r.id == id_]
    finally:
        log.close()
    assert row.label == "virginica"
    assert row.row["petal_length"] == 6.25


def test_the_models_own_refusal_stands_beside_the_column(visit: Visit, service: Service) -> None:
    page = visit(f"{service.page_url}services/iris/")
    expect(page.get_by_role("button", name="Predict")).to_be_enabled()
    # More than 64 bits: the page sends it as it was typed, and the model server says what is wrong with it.
    petals = page.get_by_label("petals")
    petals.fill("99999999999999999999")
    page.get_by_role("button", name="Predict").click()
    expect(petals).to_have_attribute("aria-invalid", "true")
    expect(petals).to_have_accessible_description(re.compile("petals"))
    expect(petals).to_be_focused()


def test_the_code_does_what_the_page_did(visit: Visit, service: Service, tmp_path: Path) -> None:
    page = visit(f"{service.page_url}services/iris/")
    predicted(page)
    shown = page.locator(".prediction").inner_text()
    script = tmp_path / "call.py"
    script.write_text(page.get_by_role("region", name="Python").inner_text())
    from_python = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=GUARD, check=True
    ).stdout
    assert shown in from_python
    command = tmp_path / "call.sh"
    command.write_text(page.get_by_role("region", name="curl").inner_text())
    assert (
        shown
        in subprocess.run(["/bin/sh", str(command)], capture_output=True, text=True, timeout=GUARD, check=True).stdout
    )


def test_scaling_is_seen_live(visit: Visit, service: Service) -> None:
    page = visit(service.page_url)
    card = page.get_by_role("article", name="iris")
    expect(card.locator(".dot[data-state=ready]")).to_have_count(2)
    service.scale(3, progress=lambda _: None)
    expect(card.locator(".dot[data-state=ready]")).to_have_count(3)
    expect(card.locator(".reason")).to_have_text("3 of 3 replicas are ready.")
    expect(page.locator("#summary")).to_contain_text("3 of 3 replicas ready")
    requests = httpx.post(f"{service.url}/predict", json={"rows": [dict.fromkeys(COLUMNS, 1.0) | {"petals": 3}]})
    assert requests.status_code == 200
    expect(card.locator(".totals").first).to_contain_text("(served)")

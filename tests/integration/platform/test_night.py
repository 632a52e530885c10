"""Nights on a running service: what is better is rolled out, and what does not serve is taken back by itself."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from support.places import free_port, wait_until
from tenfold import Platform
from tenfold.platform.errors import PlatformError, RolloutStopped
from tenfold.platform.local.process import find
from tenfold.platform.local.target import LocalTarget
from tenfold.platform.service import Service

DAY = date(2026, 3, 4)
_numbers = count(1)
QUIET: dict[str, Any] = {"progress": lambda _: None}
# Fails on a colour that it was not fitted on, where the champion does not.
STRICT = """
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder


def train(X, y, champion):
    codes = make_column_transformer((OrdinalEncoder(), ["colour"]), remainder="passthrough")
    return make_pipeline(codes, LogisticRegression()).fit(X, y)
"""

# Says when it has begun, and waits until it may go on.
PATIENT = """
import time
from pathlib import Path

from sklearn.base import clone

here = Path(__file__).parent


def train(X, y, champion):
    (here / "begun").touch()
    while not (here / "go").exists():
        time.sleep(0.05)
    return clone(champion).fit(X, y)
"""


def rows() -> tuple[pd.DataFrame, list[int]]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"colour": rng.choice(["red", "blue"], 400), "x": rng.normal(size=400)})
    return X, [int(v) for v in X["x"] > 0]


def tolerant() -> Pipeline:
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return make_pipeline(make_column_transformer((codes, ["colour"]), remainder="passthrough"), LogisticRegression())


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """With a registry of its own, since nights change it."""
    folder = tmp_path_factory.mktemp("nights")
    (folder / "strict.py").write_text(STRICT)
    (folder / "patient.py").write_text(PATIENT)
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("TENFOLD_REGISTRY_URI", "TENFOLD_LOG_URL"):
            patch.delenv(variable, raising=False)
        patch.setenv("PYTHONPATH", str(folder))
        platform = Platform.local(folder / "state")
        yield platform
        platform.down()


@pytest.fixture
def service(platform: Platform) -> Iterator[Service]:
    """Serves a first champion that learned nothing, with a day of labelled rows to learn from."""
    X, y = rows()
    name = f"colours-{next(_numbers)}"
    platform.register(tolerant().fit(X, np.random.default_rng(1).permutation(y)), name, example=X.head())
    ports = {"port": free_port(), "page_port": free_port(), "registry_port": None}
    service = platform.deploy(name, replicas=2, server={"drain_seconds": 1}, **ports, **QUIET)
    service.change(retraining={"watch_seconds": 1, "window_days": 7}, **QUIET)
    remember(service, DAY)
    yield service
    service.delete()


def remember(service: Service, day: date) -> None:
    X, y = rows()
    noon = datetime.combine(day, time(12), UTC)
    service.import_rows(X, y, [noon + timedelta(seconds=n) for n in range(len(X))])


@contextmanager
def asked(service: Service, row: dict[str, Any]) -> Iterator[None]:
    """The same request over and over, whatever is answered."""
    url, done = service.url, threading.Event()

    def ask() -> None:
        with httpx.Client(trust_env=False) as http:
            while not done.wait(0.02):
                http.post(f"{url}/predict", json={"rows": [row]})

    user = threading.Thread(target=ask)
    user.start()
    try:
        yield
    finally:
        done.set()
        user.join()


def test_a_better_version_is_rolled_out_and_the_same_night_again_changes_nothing(
    platform: Platform, service: Service
) -> None:
    night = service.retrain(DAY)
    assert (night.outcome, night.served) == ("promoted", "2"), night.reason
    status = service.status()
    assert (status.spec.version, status.verdict, status.ready) == ("2", "ready", 2)
    assert platform.registry.champion(service.name).version == "2"
    assert service.predict([{"colour": "red", "x": 2.0}]).model.version == "2"
    again = service.retrain(DAY)
    assert (again.outcome, again.served) == ("promoted", "2")
    assert service.status().revision == status.revision
    assert [n.challenger for n in service.nights()] == ["2"]


def test_a_service_that_accelerates_goes_on_doing_so(platform: Platform, service: Service) -> None:
    def answers_by(version: str, how: str) -> None:
        """Soon: a replica of the version before may be answering its last connection."""

        def answering() -> bool:
            found = httpx.get(f"{service.url}/v2/models/{service.name}", trust_env=False).json()
            return (found["versions"][0], found["platform"]) == (version, how)

        wait_until(answering, what=f"answers of version {version} by {how}")

    X, y = rows()
    unfit = tolerant().fit(X, np.random.default_rng(1).permutation(y))
    platform.register(unfit, service.name, example=X.head(), accelerate="onnx")
    platform.deploy(service.name, version="2", server={"accelerate": "onnx"}, **QUIET)
    answers_by("2", "onnxruntime_onnx")
    night = service.retrain(DAY)
    assert (night.outcome, night.served) == ("promoted", "3"), night.reason
    answers_by("3", "onnxruntime_onnx")
    assert service.predict([{"colour": "red", "x": 2.0}]).predictions == [1]
    # Nobody need say it again.
    assert platform.register(unfit, service.name, example=X.head()).tags["tenfold.accelerate"] == "onnx"
    # A version from before is served all the same.
    service.change(model=f"models:/{service.name}/1", **QUIET)
    answers_by("1", "sklearn")


def test_a_version_that_does_not_become_ready_is_rolled_back(platform: Platform, service: Service) -> None:
    assert isinstance(platform.target, LocalTarget)
    # What its replicas find is not what was registered, so they refuse it.
    files = platform.target.state.model(service.name, "2")
    files.mkdir(parents=True)
    (files / "MLmodel").write_text("something else")
    night = service.retrain(DAY)
    assert (night.outcome, night.served) == ("rolled back", "1")
    assert "does not become ready" in night.reason
    assert night.reason.endswith("Version 1 is back")
    status = service.status()
    assert (status.spec.version, status.verdict) == ("1", "ready")
    assert platform.registry.champion(service.name).version == "1"
    assert [n.outcome for n in service.nights()] == ["rolled back"]
    assert service.retrain(DAY).served == "1"


def test_a_version_that_fails_requests_is_rolled_back(platform: Platform, service: Service) -> None:
    service.change(retraining={"train": "strict:train", "watch_seconds": 20}, **QUIET)
    with asked(service, {"colour": "green", "x": 1.0}):
        night = service.retrain(DAY)
    assert night.outcome == "rolled back", night.reason
    assert f"Version 2 of {service.name} fails requests" in night.reason
    assert service.status().spec.version == "1"
    assert platform.registry.champion(service.name).version == "1"
    assert service.predict([{"colour": "green", "x": 1.0}]).model.version == "1"


def test_the_alarm_clock_starts_the_night_that_was_missed(platform: Platform, service: Service) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    remember(service, yesterday)
    # No night is owed from before the model was registered, so it has to be two days old.
    with closing(sqlite3.connect(platform.registry.uri.removeprefix("sqlite:///"))) as registry, registry:
        registry.execute("UPDATE registered_models SET creation_time = creation_time - 2 * 86400000")
    service.schedule_retraining(at="00:00", catch_up_days=1)

    def done() -> bool:
        status = service.status()
        return bool(service.nights()) and (status.spec.version, status.verdict) == ("2", "ready")

    wait_until(done, what="the night and its rollout")
    assert [(n.date, n.outcome) for n in service.nights()] == [(yesterday, "promoted")]
    next_run = service.status().next_run
    assert next_run
    assert timedelta(0) < next_run - datetime.now(UTC) <= timedelta(days=1)


def test_what_a_person_changed_during_the_night_stays(service: Service) -> None:
    scaled: list[int] = []

    def scale() -> None:
        service.scale(3, **QUIET)
        scaled.append(3)

    person = threading.Thread(target=scale)
    person.start()
    night = service.retrain(DAY)
    person.join()
    assert scaled == [3]
    assert night.outcome == "promoted", night.reason
    assert (service.status().spec.version, service.status().spec.replicas) == ("2", 3)


def test_a_night_whose_training_breaks_is_a_sentence(service: Service) -> None:
    service.change(retraining={"train": "nowhere:train"}, **QUIET)
    night = service.retrain(DAY)
    assert night.outcome == "failed"
    assert "nowhere:train" in night.reason
    assert service.status().spec.version == "1"


def test_a_day_without_data_is_skipped_and_an_empty_range_refused(service: Service) -> None:
    empty = DAY - timedelta(days=30)
    assert [n.outcome for n in service.backfill(empty, empty)] == ["skipped"]
    with pytest.raises(PlatformError, match="is after the last"):
        service.backfill(DAY, empty)


def test_a_night_does_not_start_a_platform_that_was_stopped_meanwhile(platform: Platform, service: Service) -> None:
    assert isinstance(platform.target, LocalTarget)
    state = platform.target.state
    service.change(retraining={"train": "patient:train"}, **QUIET)
    with ThreadPoolExecutor() as threads:
        night = threads.submit(service.retrain, DAY)
        wait_until((state.folder.parent / "begun").exists, what="the beginning of the training")
        platform.down()
        (state.folder.parent / "go").touch()
        with pytest.raises(RolloutStopped, match=f"{service.name} was stopped while the night of {DAY} was trained"):
            night.result()
    assert find(state) == []
    # What was decided waits for the platform.
    platform.deploy(service.name, **QUIET)
    assert service.retrain(DAY).served == "2"

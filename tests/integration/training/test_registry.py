"""The registry on its own: versions, the champion, files and nights, on SQLite and behind an MLflow server."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from integration.training.stage import CANCER, DAY, DIABETES, Place, cancer, diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import FunctionTransformer
from support.places import free_port
from support.registry import registry_server
from tenfold.serving.digest import DIGEST_TAG
from tenfold.serving.model import load
from tenfold.serving.signature import Column
from tenfold.training.errors import (
    ModelNotStorable,
    RegistryError,
    RegistryUnreachable,
    UnknownModel,
    UnknownVersion,
)
from tenfold.training.mlmodel import settings_of
from tenfold.training.night import Night
from tenfold.training.registry import ModelVersion, Registry


def test_constructing_opens_nothing_and_imports_no_mlflow(tmp_path: Path) -> None:
    code = (
        "import sys; from tenfold.training.registry import Registry; "
        f"print(Registry('sqlite:///{tmp_path}/new/registry.db').uri, 'mlflow' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == f"sqlite:///{tmp_path}/new/registry.db False\n"
    assert not list(tmp_path.iterdir())


def test_versions_count_up_and_the_champion_is_the_first_until_another_is_promoted(place: Place) -> None:
    X, y = diabetes()
    second = place.registry.register(Ridge().fit(X, y), DIABETES, example=X.head(2), tags={"why": "a test"})
    assert second == ModelVersion(DIABETES, "2", {"why": "a test", DIGEST_TAG: second.tags[DIGEST_TAG]})
    assert second.uri == "models:/diabetes/2"
    assert place.registry.version(DIABETES, "2") == second
    assert place.registry.champion(DIABETES).version == "1"
    place.registry.promote(DIABETES, "2")
    assert place.registry.champion(DIABETES) == second
    assert place.registry.with_tag(DIABETES, "why", "a test") == [second]


@pytest.mark.parametrize("version", ["9", "latest"])
def test_what_is_not_there_is_named_with_what_is(place: Place, version: str) -> None:
    with pytest.raises(UnknownVersion, match=f"'diabetes' has no version {version}; there are 1"):
        place.registry.version(DIABETES, version)
    with pytest.raises(UnknownVersion):
        place.registry.promote(DIABETES, version)
    with pytest.raises(UnknownVersion):
        place.registry.fetch(DIABETES, version, place.folder / "into")
    with pytest.raises(UnknownModel, match="No model is named 'nobody'"):
        place.registry.champion("nobody")
    assert place.registry.nights("nobody") == []
    assert place.registry.first_date("nobody", "UTC") is None


def test_gaps_in_the_example_make_columns_optional_and_the_example_is_kept(place: Place) -> None:
    X, y = diabetes()
    X = X[["age", "bmi"]].assign(ward=np.arange(len(X)))
    X.loc[0, "bmi"] = np.nan
    place.registry.register(HistGradientBoostingRegressor(max_iter=5).fit(X, y), "gaps", example=X.head(3), tags={})
    into = place.folder / "gaps"
    place.registry.fetch("gaps", "1", into)
    model = load(into, name="gaps", version="1", settings=settings_of(into))
    assert model.signature.columns == (
        Column("age", "double", dtype="float64"),
        Column("bmi", "double", required=False, dtype="float64"),
        Column("ward", "long", dtype="int64"),
    )
    assert model.example[0] == {"age": X.loc[0, "age"], "bmi": None, "ward": 0}
    assert len(model.example) == 3
    requirements = (into / "requirements.txt").read_text().splitlines()
    assert all("==" in line for line in requirements)
    assert {line.partition("==")[0] for line in requirements} >= {"scikit-learn", "skops", "mlflow"}


def test_examples_may_be_matrices_and_lists_of_rows(place: Place) -> None:
    X, y = cancer()
    by_position = GaussianNB().fit(X.to_numpy(), y)
    place.registry.register(by_position, "matrix", example=X.to_numpy()[:2], tags={})
    place.registry.register(GaussianNB().fit(X, y), "rows", example=X.head(2).to_dict("records"), tags={})
    for name in ("matrix", "rows"):
        place.registry.fetch(name, "1", place.folder / name)
        model = load(place.folder / name, name=name, version="1", settings=settings_of(place.folder / name))
        assert model.signature.named is (name == "rows")


def test_what_serving_would_refuse_is_not_registered(place: Place) -> None:
    X, y = diabetes()
    with pytest.raises(ModelNotStorable, match="cannot predict its example"):
        place.registry.register(Ridge(), DIABETES, example=X.head(2), tags={})
    with pytest.raises(ModelNotStorable, match="has no rows"):
        place.registry.register(Ridge().fit(X, y), DIABETES, example=X.head(0), tags={})

    class Mine(Ridge):
        pass

    with pytest.raises(ModelNotStorable, match="Mine"):
        place.registry.register(Mine().fit(X, y), DIABETES, example=X.head(2), tags={})
    with pytest.raises(ModelNotStorable):
        place.registry.register(FunctionTransformer(lambda X: X), DIABETES, example=X.head(2), tags={})
    with pytest.raises(UnknownVersion):
        place.registry.version(DIABETES, "2")


def test_files_appear_all_at_once_for_two_that_fetch_at_a_time(place: Place) -> None:
    into = place.folder / "models" / CANCER / "1"
    with ThreadPoolExecutor(4) as several:
        for done in [several.submit(place.registry.fetch, CANCER, "1", into) for _ in range(4)]:
            done.result()
    assert {p.name for p in into.parent.iterdir()} == {"1"}
    model = load(into, name=CANCER, version="1", settings=settings_of(into))
    assert len(model.example) == 3
    changed = (into / "MLmodel").stat().st_mtime_ns
    place.registry.fetch(CANCER, "1", into)
    assert (into / "MLmodel").stat().st_mtime_ns == changed


def test_a_folder_in_the_way_is_named_and_left_as_it_is(place: Place) -> None:
    into = place.folder / "taken"
    into.mkdir()
    (into / "mine.txt").write_text("precious")
    with pytest.raises(RegistryError, match=r"cannot be put into .*taken"):
        place.registry.fetch(CANCER, "1", into)
    assert [p.name for p in into.iterdir()] == ["mine.txt"]


def test_nights_are_kept_by_date_and_one_that_cannot_be_read_hides_no_other(place: Place) -> None:
    later = Night(date=DAY, outcome="kept", reason="no better")
    earlier = Night(date=date(2026, 3, 1), outcome="failed", reason="x" * 5_000)
    for night in (later, earlier):
        place.registry.record_night(CANCER, night)
    assert place.registry.nights(CANCER) == [earlier, later]
    back = later.model_copy(update={"outcome": "rolled back"})
    place.registry.record_night(CANCER, back)
    place.registry._client().set_registered_model_tag(CANCER, "tenfold.night.2026-03-02", "{}")
    assert place.registry.nights(CANCER) == [earlier, back]
    with pytest.raises(UnknownModel):
        place.registry.record_night("nobody", later)


def test_the_first_date_is_the_day_of_registration_in_the_zone(place: Place) -> None:
    today = datetime.now(UTC).date()
    first = place.registry.first_date(CANCER, "UTC")
    assert first is not None
    assert abs((today - first).days) <= 1
    west, east = (place.registry.first_date(CANCER, z) for z in ("Pacific/Pago_Pago", "Pacific/Kiritimati"))
    assert west is not None
    assert east is not None
    assert west < east


def test_what_is_no_registry_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_text("this is no database, however long it goes on" * 30)
    began = time.monotonic()
    with pytest.raises(RegistryUnreachable, match="file is not a database"):
        Registry(f"sqlite:///{tmp_path}/registry.db").nights("x")
    with pytest.raises(RegistryUnreachable, match="TENFOLD_REGISTRY_URI"):
        Registry("sqlite:////proc/registry.db").nights("x")
    for scheme in ("http", "postgresql"):
        with pytest.raises(RegistryUnreachable) as caught:
            Registry(f"{scheme}://me:hunter2@127.0.0.1:{free_port()}/x").nights("x")
        assert "hunter2" not in str(caught.value)
    assert time.monotonic() - began < 60  # MLflow by itself goes on trying for minutes


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """An MLflow server that keeps the files too."""
    with registry_server(tmp_path) as uri:
        yield uri


def test_a_whole_night_works_through_a_server(server: str, tmp_path: Path) -> None:
    place = Place(tmp_path, Registry(server), f"sqlite:///{tmp_path / 'log.db'}")
    X, y = cancer()
    place.registry.register(GaussianNB().fit(X.head(40), y.head(40)), CANCER, example=X.head(3), tags={})
    place.put_cancer()
    assert place.night(CANCER).outcome == "promoted"
    place.registry.fetch(CANCER, "2", tmp_path / "two")
    assert load(tmp_path / "two", name=CANCER, version="2", settings=settings_of(tmp_path / "two")).classes is not None
    assert not (tmp_path / "mlruns").exists()

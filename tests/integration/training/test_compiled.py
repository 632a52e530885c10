"""Versions with a compiled form: where it is kept, and what becomes of a night whose challenger can have none."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.training.stage import CANCER, DAY, DIABETES, IRIS, Place, cancer, diabetes, iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from tenfold.serving.compiled import FILE
from tenfold.serving.digest import DIGEST_TAG, digest
from tenfold.serving.model import load
from tenfold.serving.settings import Settings
from tenfold.training.compiled import ACCELERATE_TAG
from tenfold.training.errors import NotCompilable


def accelerated(place: Place, name: str, version: str, folder: Path) -> str:
    """What a replica that is told to accelerate would answer by; empty: the compiled form."""
    place.registry.fetch(name, version, folder)
    assert place.registry.version(name, version).tags[DIGEST_TAG] == digest(folder)
    model = load(folder, name=name, version=version, settings=Settings(model=str(folder), accelerate="onnx"))
    model.warm_up()
    return model.not_compiled


def test_a_version_is_registered_with_its_compiled_form(place: Place, tmp_path: Path) -> None:
    X, y = iris()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    logged = [*X.to_dict("records"), {"of another": "signature"}]
    made = place.registry.register(model, IRIS, example=X.head(3), tags={}, accelerate="onnx", logged=logged)
    assert made.tags[ACCELERATE_TAG] == "onnx"
    assert accelerated(place, IRIS, made.version, tmp_path / "files") == ""


def test_what_cannot_be_accelerated_is_not_registered(place: Place) -> None:
    X, y = cancer()
    model = make_pipeline(StandardScaler(), SplineTransformer(n_knots=3), LogisticRegression()).fit(X, y)
    with pytest.raises(NotCompilable, match="skl2onnx cannot convert it"):
        place.registry.register(model, CANCER, example=X.head(3), tags={}, accelerate="onnx")
    assert place.registry.champion(CANCER).version == "1"
    assert place.registry.with_tag(CANCER, ACCELERATE_TAG, "onnx") == []


def test_a_night_compiles_its_challenger(place: Place, tmp_path: Path) -> None:
    X, y = diabetes()
    place.put(DIABETES, X, y.tolist())
    night = place.night_of_script(DIABETES, TENFOLD_ACCELERATE="onnx")
    assert (night.outcome, night.challenger) == ("promoted", "2")
    assert "accelerated" not in night.reason
    assert place.registry.version(DIABETES, "2").tags[ACCELERATE_TAG] == "onnx"
    assert accelerated(place, DIABETES, "2", tmp_path / "files") == ""


def test_a_night_whose_challenger_cannot_be_accelerated_says_so_and_goes_on(place: Place, tmp_path: Path) -> None:
    """With 32 bits, the probabilities of this discriminant analysis are others."""
    place.put_cancer()
    night = place.night(CANCER, accelerate="onnx")
    assert night.outcome == "promoted"
    assert "; it is not accelerated: its compiled form differs: predict_proba by up to" in night.reason
    assert ACCELERATE_TAG not in place.registry.version(CANCER, "2").tags
    assert "it was registered without model.onnx" in accelerated(place, CANCER, "2", tmp_path / "files")
    assert not (tmp_path / "files" / FILE).exists()


def test_a_night_that_is_told_nonsense(place: Place) -> None:
    script = place.script("--model", CANCER, "--date", str(DAY), TENFOLD_ACCELERATE="tensorrt")
    assert script.returncode == 2
    assert "TENFOLD_ACCELERATE is 'tensorrt'; it may be onnx, or left out" in script.stderr

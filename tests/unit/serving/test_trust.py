"""A model file is no reason to trust it: types outside of our own list are refused by name, and nothing is built."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from tenfold.serving import trust
from tenfold.serving.bounds import check_bounds
from tenfold.serving.errors import ModelUnloadable, UntrustedTypes
from unit.serving.stage import flower_model, flowers, trip_model

X, y = flowers()


class OwnModel(BaseEstimator):
    """Not scikit-learn's."""

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))


OWN = f"{OwnModel.__module__}.OwnModel"


def changed(data: bytes, change: Callable[[str], str]) -> bytes:
    """The skops file with another schema."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content.decode()) if name == "schema.json" else content)
    return made.getvalue()


def dumped(model: Any) -> bytes:
    return skops.io.dumps(model)


@pytest.mark.parametrize(
    "model",
    [
        flower_model(),
        trip_model(),
        RandomForestClassifier(3).fit(X, y),
        HistGradientBoostingClassifier(max_iter=3).fit(X, y),
        KNeighborsClassifier(3, algorithm="kd_tree").fit(X, y),
    ],
    ids=lambda m: type(m).__name__,
)
def test_models_of_scikit_learn_are_loaded_and_answer_the_same(model: Any) -> None:
    loaded = trust.load_skops(dumped(model), source="m")
    if hasattr(model, "feature_names_in_") and list(model.feature_names_in_) == list(X.columns):
        assert np.array_equal(loaded.predict(X), model.predict(X))
    trust.types_to_trust(model, source="m")


def test_an_unknown_type_is_refused_with_its_name() -> None:
    with pytest.raises(UntrustedTypes) as caught:
        trust.load_skops(dumped(OwnModel()), source="models/own")
    assert caught.value.types == (OWN,)
    assert str(caught.value).startswith(f"The model models/own holds types that are not trusted: {OWN}. If you know ")
    assert "TENFOLD_TRUSTED_TYPES" in str(caught.value)
    with pytest.raises(UntrustedTypes):
        trust.types_to_trust(OwnModel(), source="own")


def test_the_operator_may_trust_it() -> None:
    loaded = trust.load_skops(dumped(OwnModel()), source="m", extra=[OWN])
    assert loaded.predict(X).tolist() == [0.0] * 150
    assert OWN in trust.types_to_trust(OwnModel(), source="own", extra=[OWN])


@pytest.mark.parametrize(
    "name",
    [
        *("numpy.memmap", "numpy.fromfile", "numpy.load", "numpy.save", "numpy.ndarray.tofile", "numpy.DataSource"),
        *("scipy.io.netcdf_file", "scipy.io._netcdf.netcdf_file", "scipy.io.savemat"),
        *("os.system", "posix.system", "subprocess.Popen", "builtins.eval", "builtins.open", "builtins.getattr"),
        *("sklearn.datasets.fetch_openml", "sklearn.utils._testing.assert_run_python_script_without_output"),
        *("sklearn.externals.joblib.load", "sklearn.utils.os.system", "sklearn.os.system", "sklearn.base.os"),
        *("sklearn.tree.export_graphviz", "sklearn.clone", "sklearn", "", "sklearn.linear_model", "joblib.load"),
        *("pathlib.Path", "pickle.loads", "sklearn.linear_model.LogisticRegression"),
    ],
)
def test_what_reads_writes_or_runs_is_never_trusted(name: str) -> None:
    assert not trust.is_trusted(name)


def test_a_class_is_only_trusted_in_the_module_that_defines_it() -> None:
    assert trust.is_trusted("sklearn.linear_model._logistic.LogisticRegression")
    assert not trust.is_trusted("sklearn.pipeline.LogisticRegression")


def test_no_module_is_imported_because_a_file_names_it() -> None:
    import sys

    assert "sklearn.experimental.enable_halving_search_cv" not in sys.modules
    assert not trust.is_trusted("sklearn.experimental.enable_halving_search_cv.HalvingGridSearchCV")
    assert "sklearn.experimental.enable_halving_search_cv" not in sys.modules


@pytest.mark.parametrize(
    ("module", "name"), [("numpy", "memmap"), ("os", "system"), ("builtins", "eval"), ("scipy.io", "netcdf_file")]
)
def test_a_crafted_file_builds_nothing(module: str, name: str, tmp_path: Path) -> None:
    """The estimator's type is another one, with the constructor's arguments that the file chooses."""
    target = tmp_path / "written"
    data = changed(
        dumped(LogisticRegression(max_iter=1000).fit(X, y)),
        lambda schema: (
            schema.replace('"LogisticRegression"', json.dumps(name))
            .replace('"sklearn.linear_model._logistic"', json.dumps(module))
            .replace('"lbfgs"', json.dumps(str(target)))
        ),
    )
    with pytest.raises(ModelUnloadable) as caught:
        trust.load_skops(data, source="m")
    assert not target.exists()
    assert name in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04broken", b"\x80\x04."])
def test_what_is_no_skops_file_is_said(data: bytes) -> None:
    with pytest.raises(ModelUnloadable, match="is not a readable skops file"):
        trust.load_skops(data, source="m")


@pytest.mark.parametrize("schema", ["{}", "[]", "null", "{broken", '{"__class__": 7}', '{"__class__": "a"}'])
def test_a_broken_schema_is_said(schema: str) -> None:
    with pytest.raises(ModelUnloadable, match="The model m "):
        trust.load_skops(changed(dumped(flower_model()), lambda _: schema), source="m")


def test_a_zip_without_a_schema_is_said() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("other", "x")
    with pytest.raises(ModelUnloadable, match="is not a readable skops file"):
        trust.load_skops(made.getvalue(), source="m")


def test_functions_of_ones_own_are_refused_before_the_model_is_saved() -> None:
    model = OwnModel()
    model.way = lambda x: x
    with pytest.raises(UntrustedTypes, match="<lambda>"):
        trust.types_to_trust(model, source="m", extra=[OWN])


def test_what_skops_cannot_save_is_said() -> None:
    model = OwnModel()
    model.way = (n for n in range(3))
    with pytest.raises(ModelUnloadable, match="cannot be saved in the skops format"):
        trust.types_to_trust(model, source="m", extra=[OWN])


@pytest.mark.parametrize(("at", "index"), [("left_child", 10**6), ("left_child", 0), ("feature", 99), ("feature", -7)])
def test_a_tree_whose_indices_point_outside_is_refused(at: str, index: int) -> None:
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    state = model.tree_.__getstate__()
    state["nodes"][at][0] = index
    model.tree_.__setstate__(state)
    with pytest.raises(ModelUnloadable, match=r"holds a Tree whose indices point outside .* Register the model again"):
        check_bounds(model, "m")


@pytest.mark.parametrize(("at", "index"), [("left", 10**6), ("right", 0), ("feature_idx", 99)])
def test_a_boosted_tree_whose_indices_point_outside_is_refused(at: str, index: int) -> None:
    model = HistGradientBoostingClassifier(max_iter=2).fit(X, y)
    check_bounds(model, "m")
    model._predictors[1][0].nodes[at][0] = index
    with pytest.raises(ModelUnloadable, match="TreePredictor whose indices"):
        check_bounds(model, "m")


def test_fewer_features_than_the_trees_were_grown_on_are_refused() -> None:
    model = RandomForestClassifier(2, random_state=0).fit(X, y)
    for tree in model.estimators_:
        tree.n_features_in_ = 2
    with pytest.raises(ModelUnloadable, match=r"holds a (Tree|DecisionTree|RandomForest)"):
        check_bounds(model, "m")


def test_a_kd_tree_whose_indices_point_outside_is_refused() -> None:
    model = KNeighborsClassifier(1, algorithm="kd_tree", leaf_size=5).fit(X.to_numpy(), y)
    check_bounds(model, "m")
    state = list(model._tree.__getstate__())
    index = np.array(state[1])
    index[0] = 10**6
    state[1] = index
    model._tree.__setstate__(tuple(state))
    with pytest.raises(ModelUnloadable, match="KDTree whose indices"):
        check_bounds(model, "m")

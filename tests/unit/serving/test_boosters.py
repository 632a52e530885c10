"""Models of XGBoost and LightGBM as MLflow saves them: they answer the same, and no made-up file crashes the server."""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import lightgbm
import numpy as np
import pytest
import xgboost
import yaml
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from tenfold.serving.booster_bounds import Unsound, booster_of_lightgbm, sound_lightgbm
from tenfold.serving.errors import ModelUnloadable, NeedsCode, NeedsPickle
from tenfold.serving.model import Model, load
from tenfold.serving.validation import Batch, from_rows
from tenfold.training.mlmodel import save
from unit.serving.stage import InProcess, flowers, in_process, settings, trips

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow's own, about itself
    import mlflow.lightgbm
    import mlflow.pyfunc
    import mlflow.xgboost
    from mlflow.models import infer_signature

X, y = flowers()
NAMES = ["setosa", "versicolor", "virginica"]
FEW: dict[str, Any] = {"n_estimators": 5, "n_jobs": 1}


def saved(model: Any, folder: Path, **how: Any) -> Path:
    """The folder that MLflow writes of it, with signature and example."""
    flavor = mlflow.xgboost if type(model).__module__.startswith("xgboost") else mlflow.lightgbm
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signature = infer_signature(X, np.zeros(len(X)))
        flavor.save_model(
            model, str(folder), signature=signature, input_example=X.head(3), pip_requirements=["numpy"], **how
        )
    return folder


def warmed(folder: Path, **given: Any) -> Model:
    model = load(folder, name="m", version="1", settings=settings(**given))
    model.warm_up()
    return model


def rows(model: Model) -> Batch:
    return from_rows(model.signature, X.to_dict("records"), 1000)


def xgb(kind: type[Any] = xgboost.XGBClassifier, **how: Any) -> Any:
    return kind(**FEW, **how).fit(X, y)


def lgb(kind: type[Any] = lightgbm.LGBMClassifier, labels: Any = y, **how: Any) -> Any:
    return kind(**FEW, verbose=-1, **how).fit(X, labels)


@pytest.mark.parametrize(
    ("model", "how", "flavor"),
    [
        (xgb(), {}, "xgboost"),
        (xgb(), {"model_format": "json"}, "xgboost"),
        (xgb(booster="dart"), {}, "xgboost"),
        (xgb(tree_method="exact", gamma=1.0), {}, "xgboost"),
        (xgb(xgboost.XGBRFClassifier), {}, "xgboost"),
        (xgb(xgboost.XGBRegressor), {}, "xgboost"),
        (xgb(xgboost.XGBRegressor, booster="gblinear"), {}, "xgboost"),
        (lgb(), {}, "lightgbm"),
        (lgb(labels=y.map(dict(enumerate(NAMES)))), {}, "lightgbm"),
        (lgb(lightgbm.LGBMRegressor), {}, "lightgbm"),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else str(value),
)
def test_estimators_answer_as_they_did(model: Any, how: dict[str, Any], flavor: str, tmp_path: Path) -> None:
    served = warmed(saved(model, tmp_path / "m", **how))
    assert served.platform == flavor
    expected = {name: getattr(model, name)(X) for name in served.outputs}
    assert ("predict_proba" in served.outputs) == hasattr(model, "predict_proba")
    for name, answer in served.answer(rows(served), served.outputs).items():
        assert answer.dtype == expected[name].dtype
        assert np.array_equal(answer, expected[name])
    if hasattr(model, "classes_"):
        assert served.classes is not None
        assert served.classes.tolist() == model.classes_.tolist()


@pytest.mark.parametrize("model", [xgb().get_booster(), lgb().booster_], ids=["xgboost", "lightgbm"])
def test_bare_boosters_answer_with_numbers(model: Any, tmp_path: Path) -> None:
    """As MLflow's own server does: they know nothing of labels."""
    folder = saved(model, tmp_path / "m")
    served = warmed(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.asarray(mlflow.pyfunc.load_model(str(folder)).predict(X))
    assert served.outputs == ("predict",)
    assert served.output_specs[0].shape == (-1, 3)
    assert isinstance(served.inputs(rows(served)), np.ndarray)  # no DataFrame is made of a row
    assert np.array_equal(served.answer(rows(served))["predict"], expected)


async def test_over_every_protocol(tmp_path: Path) -> None:
    model = xgb()
    row = X.iloc[60]
    expected = (int(model.predict(X)[60]), model.predict_proba(X)[60].tolist())

    async def answers(server: InProcess, path: str, document: Any) -> Any:
        answer = await server.post(path, document)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async with in_process(saved(model, tmp_path / "m")) as server:
        asked = {"rows": [row.to_dict()], "outputs": ["predict", "predict_proba"]}
        predicted = await answers(server, "/predict", asked)
        assert predicted["outputs"]["predict"] == [expected[0]]
        assert predicted["outputs"]["predict_proba"][0] == pytest.approx(expected[1])
        tensor = {"name": "input", "shape": [1, 4], "datatype": "FP64", "data": row.tolist()}
        outputs = (await answers(server, "/v2/models/m/infer", {"inputs": [tensor]}))["outputs"]
        assert outputs[0]["data"] == [expected[0]]
        assert outputs[1]["data"] == pytest.approx(expected[1])
        assert (await server.http.get("/v2/models/m")).json()["platform"] == "xgboost"
        invoked = await answers(server, "/invocations", {"dataframe_records": [row.to_dict()]})
        assert invoked["predictions"] == [expected[0]]


def test_a_pipeline_that_ends_with_lightgbm_is_one_of_scikit_learn(tmp_path: Path) -> None:
    table, late = trips()
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["carrier"]), remainder="passthrough")
    model = make_pipeline(columns, lightgbm.LGBMClassifier(**FEW, verbose=-1)).fit(table, late)
    with warnings.catch_warnings():
        # LightGBM names the columns of a matrix itself, and scikit-learn then wonders.
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        save(model, tmp_path / "m", name="m", example=table.head(5))
        served = warmed(tmp_path / "m")
        batch = from_rows(served.signature, table.astype("object").where(table.notna(), None).to_dict("records"), 1000)
        answers = served.answer(batch, ("predict", "predict_proba"))
        assert answers["predict"].tolist() == model.predict(table).tolist()
        assert np.array_equal(answers["predict_proba"], model.predict_proba(table))


def test_pickled_ones_need_the_operators_word(tmp_path: Path) -> None:
    folder = saved(lgb(), tmp_path / "m", serialization_format="cloudpickle")
    with pytest.raises(NeedsPickle, match="is saved with cloudpickle"):
        warmed(folder)
    served = warmed(folder, allow_pickle=True)
    assert np.array_equal(served.answer(rows(served))["predict"], lgb().predict(X))


def test_a_model_of_ones_own_code_needs_the_operators_word(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signature = infer_signature(X, np.zeros(len(X)))

        class Widths(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input, params=None):  # MLflow would make a schema of type hints
                return model_input["petal_width"] * 2

        mlflow.pyfunc.save_model(
            str(tmp_path / "m"), python_model=Widths(), signature=signature, pip_requirements=["numpy"]
        )
        with pytest.raises(NeedsCode, match=r"is saved as python_function, .* TENFOLD_ALLOW_PICKLE=true"):
            warmed(tmp_path / "m")
        served = warmed(tmp_path / "m", allow_pickle=True)
        assert served.answer(rows(served))["predict"].tolist() == (X["petal_width"] * 2).tolist()
    assert served.platform == "python_function"


def test_the_class_is_not_what_the_artifact_names(tmp_path: Path) -> None:
    folder = saved(xgb(), tmp_path / "m")
    content = yaml.safe_load((folder / "MLmodel").read_text())
    for name in ("os.system", "xgboost.sklearn.callable", "xgboost.dask.DaskXGBClassifier"):
        content["flavors"]["xgboost"]["model_class"] = name
        (folder / "MLmodel").write_text(yaml.safe_dump(content))
        with pytest.raises(ModelUnloadable, match=f"is a {name}, which is not served. Save a Booster, or one of XGBCl"):
            warmed(folder)


def test_a_library_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, model in (("xgboost", xgb()), ("lightgbm", lgb()), ("lightgbm", lgb().booster_)):
        folder = saved(model, tmp_path / type(model).__name__)
        with monkeypatch.context() as without:
            without.setitem(sys.modules, name, None)
            with pytest.raises(ModelUnloadable, match=f"is one of {name}, which cannot be imported here"):
                warmed(folder)


@pytest.mark.parametrize(("model", "file"), [(xgb(), "model.ubj"), (lgb().booster_, "model.lgb")])
def test_a_file_that_is_broken_or_gone(model: Any, file: str, tmp_path: Path) -> None:
    folder = saved(model, tmp_path / "m")
    (folder / file).write_bytes(b"{rubbish")
    with pytest.raises(ModelUnloadable, match=r"cannot be read by .* Install the version in the model's"):
        warmed(folder)
    (folder / file).unlink()
    with pytest.raises(ModelUnloadable, match=f"has no file {file}. Register the model again"):
        warmed(folder)


def tree(learner: Any) -> Any:
    trees = learner["gradient_booster"]["model"]["trees"]
    return next(t for t in trees if len(t["left_children"]) > 1)


def child(learner: Any) -> None:
    tree(learner)["left_children"][0] = 10**7


def cycle(learner: Any) -> None:
    tree(learner)["left_children"][0] = tree(learner)["right_children"][0] = 0


def column(learner: Any) -> None:
    tree(learner)["split_indices"][0] = 10**7


def group(learner: Any) -> None:
    learner["gradient_booster"]["model"]["tree_info"][0] = 10**6


@pytest.mark.parametrize("change", [child, cycle, column, group])
def test_xgboost_would_follow_any_index(change: Callable[[Any], None], tmp_path: Path) -> None:
    """Each of these crashes the process, or makes it read foreign memory, once it predicts."""
    folder = saved(xgb(), tmp_path / "m", model_format="json")
    content = json.loads((folder / "model.json").read_text())
    change(content["learner"])
    (folder / "model.json").write_text(json.dumps(content))
    with pytest.raises(ModelUnloadable, match="holds a Booster whose indices point outside of it"):
        warmed(folder)


@pytest.mark.parametrize(
    ("pattern", "made_up"),
    [
        (r"left_child=-?\d+", "left_child=10000000"),
        (r"left_child=-?\d+", "left_child=-10000000"),
        (r"left_child=-?\d+", "left_child=0"),
        (r"split_feature=\d+", "split_feature=10000000"),
        (r"decision_type=\d+", "decision_type=1"),
        (r"objective=multiclass num_class:3", "objective=multiclass num_class:1000"),
    ],
)
def test_lightgbm_would_follow_any_index(pattern: str, made_up: str, tmp_path: Path) -> None:
    folder = saved(lgb().booster_, tmp_path / "text")
    text = (folder / "model.lgb").read_text()
    # Without their sizes, trees are found by their names.
    (folder / "model.lgb").write_text(re.sub(pattern, made_up, re.sub(r"tree_sizes=.*\n", "", text)))
    with pytest.raises(ModelUnloadable, match="its indices point outside of it: the text is damaged"):
        warmed(folder)
    folder = saved(lgb(), tmp_path / "skops")
    with ZipFile(folder / "model.skops") as file:
        parts = {name: file.read(name).decode() for name in file.namelist() if name == "schema.json"}
        others = {name: file.read(name) for name in file.namelist() if name != "schema.json"}
    # The text is a string of JSON in a string of JSON.
    changed = re.sub(pattern, made_up, re.sub(r"tree_sizes=[\d ]*\\+n", "", parts["schema.json"]))
    assert made_up in changed
    with ZipFile(folder / "model.skops", "w") as file:
        for name, content in {"schema.json": changed, **others}.items():
            file.writestr(name, content)
    with pytest.raises(ModelUnloadable, match="its indices point outside of it: the text is damaged"):
        warmed(folder)


def test_a_skops_file_makes_no_booster_by_calling_it() -> None:
    """It could hand over a text, or the name of a file, that nobody has checked."""
    text = lgb().booster_.model_to_string()
    for state in (None, (text,), {"handle": text}, {"_handle": None}, {"model_file": "x"}):
        with pytest.raises(Unsound):
            booster_of_lightgbm(lightgbm.Booster, state)
    assert booster_of_lightgbm(lightgbm.Booster, {"_handle": text}).num_feature() == 4
    twice = text.replace("num_leaves=", "num_leaves=2\nnum_leaves=")
    hidden = text.replace("split_feature=", "split_feature=9999 ").replace("Tree=", "Tree=x")
    early = text.replace("split_feature=", "split_feature=9999 ").replace("\nTree=0", "\n\nend of trees\nTree=0")
    for broken in (None, "", "tree\n", twice, hidden, early, text.replace("\nTree=", "\rTree=")):
        with pytest.raises(Unsound):
            sound_lightgbm(broken)


def test_lightgbm_splits_by_category(tmp_path: Path) -> None:
    whole = X.assign(petal_length=X["petal_length"].astype(int))
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, min_data_per_group=1, max_cat_to_onehot=1)
    model.fit(whole, y, categorical_feature=["petal_length"])
    assert re.search("num_cat=[1-9]", model.booster_.model_to_string())
    served = warmed(saved(model.booster_, tmp_path / "m"))
    answer = served.answer(from_rows(served.signature, whole.to_dict("records"), 1000))["predict"]
    assert np.array_equal(answer, model.predict_proba(whole))

"""The model: the quick way and the DataFrame give the same, and an answer has an entry per row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor
from tenfold.serving.errors import ModelUnloadable, NeedsPickle, PredictionFailed
from tenfold.serving.model import Model, load
from tenfold.serving.signature import Column, Signature
from tenfold.serving.validation import Batch, from_rows
from unit.serving.stage import Folders, flower_model, flowers, line_model, settings, trip_model, trips

X, y = flowers()
DOUBLES = Signature(tuple(Column(name, "double") for name in X.columns))


def warmed(estimator: Any, signature: Signature = DOUBLES, example: Any = None) -> Model:
    rows = X.iloc[::50].to_dict("records") if example is None else example
    model = Model(estimator, signature, "m", "1", rows)
    model.warm_up()
    return model


def batch(table: pd.DataFrame, signature: Signature = DOUBLES) -> Batch:
    return from_rows(signature, table.astype("object").where(table.notna(), None).to_dict("records"), 1000)


@pytest.mark.parametrize(
    "estimator",
    [
        flower_model(),
        LogisticRegression(max_iter=1000),
        RandomForestClassifier(5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5),
        KNeighborsClassifier(3),
        make_pipeline(StandardScaler(), SVC()),
        GaussianNB(),
        RandomForestRegressor(5, random_state=0),
        DecisionTreeRegressor(),
    ],
    ids=lambda e: type(e).__name__,
)
def test_a_matrix_gives_what_a_data_frame_gives(estimator: Any) -> None:
    estimator.fit(X, y)
    expected = {name: getattr(estimator, name)(X) for name in Model(estimator, DOUBLES, "m", "1", []).outputs}
    model = warmed(estimator)
    assert isinstance(model.inputs(batch(X)), np.ndarray)  # the quick way is really taken
    answers = model.answer(batch(X), model.outputs)
    assert answers.keys() == expected.keys()
    for name, answer in answers.items():
        assert np.array_equal(answer, expected[name])


def test_outputs_are_what_the_model_can_be_asked() -> None:
    assert warmed(flower_model()).outputs == ("predict", "predict_proba", "decision_function")
    assert warmed(RandomForestClassifier(2).fit(X, y)).outputs == ("predict", "predict_proba")
    regressor = warmed(LinearRegression().fit(X, y))
    assert regressor.outputs == ("predict",)
    assert regressor.output_specs[0].v2() == {"name": "predict", "datatype": "FP64", "shape": [-1]}
    assert regressor.classes is None


def test_columns_selected_by_name_are_given_a_data_frame(folders: Folders) -> None:
    model = load(folders.trips, name="", version="", settings=settings())
    model.warm_up()
    table, _ = trips()
    rows = batch(table, model.signature)
    assert isinstance(model.inputs(rows), pd.DataFrame)
    estimator = trip_model()
    answers = model.answer(rows, ("predict", "predict_proba"))
    assert answers["predict"].tolist() == estimator.predict(table).tolist()
    assert np.allclose(answers["predict_proba"], estimator.predict_proba(table))
    assert [(s.name, s.datatype) for s in model.output_specs] == [
        ("predict", "BYTES"),
        ("predict_proba", "FP64"),
        ("decision_function", "FP64"),
    ]
    assert [c.required for c in model.signature.columns] == [True, True, False]  # `delay` has a gap in the example


def test_unnamed_columns_are_given_as_a_matrix(folders: Folders) -> None:
    model = load(folders.matrix, name="", version="", settings=settings())
    model.warm_up()
    assert not model.signature.named
    rows = from_rows(model.signature, X.to_numpy().tolist(), 1000)
    assert np.array_equal(model.answer(rows)["predict"], model.estimator.predict(X.to_numpy()))


def test_integers_and_floats_of_different_widths_are_the_same_as_in_a_data_frame() -> None:
    table = pd.DataFrame({"a": np.arange(20, dtype="int32"), "b": np.linspace(0, 1, 20, dtype="float32")})
    estimator = DecisionTreeRegressor().fit(table, np.arange(20.0))
    expected = estimator.predict(table)
    signature = Signature((Column("a", "integer"), Column("b", "float")))
    model = warmed(estimator, signature, table.head(3).to_dict("records"))
    assert model.answer(batch(table, signature))["predict"].tolist() == expected.tolist()


def test_names_that_the_model_does_not_know_are_not_ignored() -> None:
    other = Signature(tuple(Column(name, "double") for name in reversed(X.columns)))
    with pytest.raises(ModelUnloadable, match="feature names"):
        warmed(LinearRegression().fit(X, y), other, X[[*reversed(X.columns)]].head(2).to_dict("records"))


def test_an_estimator_that_needs_names_keeps_them() -> None:
    class ByName(BaseEstimator):
        def predict(self, X: Any) -> Any:
            return X["petal_width"].to_numpy()

    model = warmed(ByName())
    assert model.answer(batch(X))["predict"].tolist() == X["petal_width"].tolist()


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_several_outputs_per_row_are_served_and_their_probabilities_left_out(rows: int) -> None:
    """predict_proba then answers a list with a table per output, which could be mistaken for as many rows."""
    two = pd.DataFrame({"a": y, "b": y % 2})
    estimator = RandomForestClassifier(3, random_state=0).fit(X, two)
    expected = estimator.predict(X)
    model = warmed(estimator, example=X.head(rows).to_dict("records"))
    assert model.outputs == ("predict",)
    assert model.output_specs[0].shape == (-1, 2)
    assert np.array_equal(model.answer(batch(X))["predict"], expected)


def test_several_numbers_per_row() -> None:
    model = warmed(LinearRegression().fit(X, pd.DataFrame({"a": y, "b": 2 * y})))
    assert model.output_specs[0].v2() == {"name": "predict", "datatype": "FP64", "shape": [-1, 2]}


def test_a_sparse_answer_is_refused_at_the_start_and_not_at_the_first_request() -> None:
    import scipy.sparse

    many = scipy.sparse.csr_matrix(np.column_stack([y == 0, y == 1]).astype(int))
    with pytest.raises(ModelUnloadable, match="cannot predict its own example"):
        warmed(OneVsRestClassifier(GaussianNB()).fit(X, many))


def test_a_model_that_breaks_says_with_what() -> None:
    class Broken(BaseEstimator):
        def predict(self, X: Any) -> Any:
            raise ZeroDivisionError("no petals\nand more")

    model = Model(Broken(), DOUBLES, "m", "1", [])
    with pytest.raises(PredictionFailed, match=r"The model's predict failed with ZeroDivisionError: no petals\. "):
        model.answer(batch(X))
    with pytest.raises(ModelUnloadable, match="cannot predict a made-up row, and it has no example of its own"):
        model.warm_up()


def test_an_answer_with_another_number_of_rows_is_no_answer() -> None:
    class Short(BaseEstimator):
        def predict(self, X: Any) -> Any:
            return np.zeros(len(X) - 1)

    model = Model(Short(), DOUBLES, "m", "1", [])
    with pytest.raises(PredictionFailed, match="150 rows were asked, 149 answered"):
        model.answer(batch(X))


def test_the_example_is_checked_rows_as_json_values(folders: Folders) -> None:
    model = load(folders.trips, name="", version="", settings=settings())
    assert model.example[0] == {"carrier": "AA", "distance": 100, "delay": pytest.approx(trips()[0]["delay"][0])}
    assert model.example[3]["delay"] is None
    assert Model(line_model(), Signature((Column("x", "double"),)), "m", "1", []).example == [{"x": 1.5}]


def test_name_and_version_are_the_folders_unless_given(folders: Folders) -> None:
    model = load(folders.iris, name="", version="", settings=settings())
    assert model.name == "iris"
    assert len(model.version) == 12
    assert load(folders.iris, name="", version="", settings=settings()).version == model.version
    other = load(folders.iris, name="n", version="7", settings=settings())
    assert (other.name, other.version) == ("n", "7")


def test_pickle_only_if_the_operator_says_so(folders: Folders) -> None:
    with pytest.raises(NeedsPickle, match=r'serialization_format="skops", or, .* TENFOLD_ALLOW_PICKLE=true'):
        load(folders.pickled, name="", version="", settings=settings())
    model = load(folders.pickled, name="", version="", settings=settings(allow_pickle=True))
    model.warm_up()
    assert model.outputs == ("predict",)
    assert model.signature.columns == (Column("x", "any", required=False),)


def test_what_cannot_predict_is_refused(tmp_path: Path) -> None:
    import warnings

    import mlflow.sklearn

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.sklearn.save_model(
            StandardScaler().fit(X), str(tmp_path / "m"), serialization_format="skops", pip_requirements=["skops"]
        )
    with pytest.raises(ModelUnloadable, match="is a StandardScaler, which has no predict"):
        load(tmp_path / "m", name="", version="", settings=settings())

"""Whose fault it is that a model cannot answer: the rows', while it still answers its own example, else its own."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from tenfold.serving.errors import PredictionFailed, ValueRefused
from tenfold.serving.model import Model
from tenfold.serving.signature import without_types
from tenfold.serving.validation import from_rows

NUMBERS = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [0.0, 1.0, 0.0, 1.0]})
TEXTS = pd.DataFrame({"a": ["x", "y", "x", "y"], "b": [0.0, 1.0, 0.0, 1.0]})
Y = np.array([0, 1, 0, 1])


def coded(encoder: Any) -> Any:
    return make_pipeline(make_column_transformer((encoder, ["a"]), remainder="passthrough"), LogisticRegression())


def named(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(a=frame["a"].map(lambda value: {1.0: 1, 2.0: 2, 3.0: 3, 4.0: 4}[value]))


def model_of(estimator: Any, table: pd.DataFrame) -> Model:
    """Saved without a signature: a column takes any scalar."""
    fitted = estimator.fit(table, Y)
    model = Model(fitted, without_types(table.columns, width=2), "m", "1", table.to_dict("records"))
    model.warm_up()
    return model


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("value", ["text", "", True, 1e308, 10**18, -5, None, "2013-01-31", "\x00"])
@pytest.mark.parametrize(
    ("estimator", "table"),
    [
        *((make_pipeline(StandardScaler(), LogisticRegression()), t) for t in (NUMBERS,)),
        *(
            (estimator, NUMBERS)
            for estimator in (LinearRegression(), KNeighborsClassifier(1), DecisionTreeClassifier())
        ),
        *((estimator, NUMBERS) for estimator in (MultinomialNB(), HistGradientBoostingRegressor())),
        (make_pipeline(FunctionTransformer(np.log1p), LinearRegression()), NUMBERS),
        (make_pipeline(FunctionTransformer(named), LinearRegression()), NUMBERS),
        (make_pipeline(KBinsDiscretizer(2, quantile_method="averaged_inverted_cdf"), LinearRegression()), NUMBERS),
        *((coded(encoder), TEXTS) for encoder in (OneHotEncoder(), OrdinalEncoder())),
        (coded(OneHotEncoder(handle_unknown="ignore")), TEXTS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_value_of_a_client_is_the_servers_fault(estimator: Any, table: pd.DataFrame, value: Any) -> None:
    model = model_of(estimator, table)
    for row in ({"a": value, "b": 1.0}, {"a": table["a"][0], "b": value}, {"a": value, "b": value}):
        for others in ([], table.to_dict("records")):
            batch = from_rows(model.signature, [*others, row], 10)
            with suppress(ValueRefused):
                model.answer(batch, model.outputs)


def test_a_text_for_a_number_is_refused_and_shown() -> None:
    model = model_of(make_pipeline(StandardScaler(), LogisticRegression()), NUMBERS)
    with pytest.raises(ValueRefused, match="could not convert string to float: 'far'"):
        model.answer(from_rows(model.signature, [{"a": "far", "b": 1}], 10))


def test_a_model_that_no_longer_answers_its_example_is_broken() -> None:
    model = model_of(LogisticRegression(), NUMBERS)
    del model.estimator.coef_
    model.direct = None
    with pytest.raises(PredictionFailed) as caught:
        model.answer(from_rows(model.signature, [{"a": 1.0, "b": 1.0}], 10))
    assert caught.value.status == 500


def test_all_lines_of_what_the_model_says_are_told_and_a_remedy_only_where_it_helps() -> None:
    said = str(ValueRefused("predict", ValueError("Cannot use mean strategy with non-numeric data:\nfrom 'four'")))
    assert "non-numeric data: from 'four'. Send values" in said
    assert "handle_unknown" not in said
    assert "handle_unknown" in str(ValueRefused("predict", ValueError("Found unknown categories ['x'] in column 0")))

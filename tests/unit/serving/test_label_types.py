"""Which labels fit which model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from tenfold.serving.errors import InvalidInput
from tenfold.serving.labels import LabelType, label_type
from tenfold.serving.model import Model
from tenfold.serving.signature import Column, Signature
from unit.serving.stage import line_model

X = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})
ONE = Signature((Column("x", "double"),))


def labels_of(estimator: Any) -> LabelType:
    model = Model(estimator, ONE, "m", "1", [])
    model.warm_up()
    return label_type(model)


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([0, 0, 1, 1], LabelType("integer", (0, 1))),
        ([0.5, 0.5, 1.5, 1.5], LabelType("number", (0.5, 1.5))),
        (["a", "a", "b", "b"], LabelType("string", ("a", "b"))),
        ([False, False, True, True], LabelType("boolean", (False, True))),
    ],
)
def test_a_classifier_says_what_its_labels_are(y: list[Any], expected: LabelType) -> None:
    model = KNeighborsClassifier(1) if isinstance(y[0], float) else LogisticRegression()
    if isinstance(y[0], float):
        model.fit(X, ["0.5" if v == 0.5 else "1.5" for v in y])
        model.classes_ = np.array([0.5, 1.5])
    else:
        model.fit(X, y)
    assert labels_of(model) == expected


def test_text_labels_of_a_data_frame_are_strings() -> None:
    assert labels_of(LogisticRegression().fit(X, pd.Series(["a", "a", "b", "b"]))).kind == "string"


def test_a_regressors_labels_are_numbers() -> None:
    assert labels_of(line_model()) == LabelType("number")


@pytest.mark.parametrize(
    ("kind", "fits", "refused"),
    [
        ("boolean", [True, False], [0, 1.0, "true", None]),
        ("integer", [0, -7, 3.0], [1.5, True, "1", None, [1], {}]),
        ("number", [0, 1.5], [True, "1.5", None, [1.5]]),
        ("string", ["a", ""], [1, True, None, ["a"]]),
        ("any", ["a", 1, 1.5, True], [None, ["a"], {}]),
    ],
)
def test_a_label_of_another_type_is_named_with_what_is_expected(kind: Any, fits: list[Any], refused: list[Any]) -> None:
    labels = LabelType(kind)
    for label in fits:
        assert labels.check(label) == label
    for label in refused:
        with pytest.raises(InvalidInput, match=r"The label is .*, but this model's labels are .*\. Send e\.g\. "):
            labels.check(label)


def test_a_class_that_the_model_does_not_know_yet_is_welcome() -> None:
    assert LabelType("string", ("a", "b")).check("c") == "c"


def test_the_example_is_a_class_of_the_model() -> None:
    with pytest.raises(InvalidInput, match=r'Send e\.g\. "in time"'):
        LabelType("string", ("in time", "late")).check(1)


def test_an_integer_label_that_came_as_a_float_is_kept_as_an_integer() -> None:
    assert repr(LabelType("integer").check(3.0)) == "3"


def test_schemas() -> None:
    assert LabelType("any").schema() == {"type": ["string", "number", "boolean"]}
    assert LabelType("number").schema() == {"type": "number"}
    assert LabelType("integer", (0, 1)).schema() == {"type": "integer", "examples": [0, 1]}

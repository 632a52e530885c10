"""Scores of real models, also of those that do not know the same labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss, mean_absolute_error, roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from tenfold.serving.model import Model
from tenfold.serving.signature import without_types
from tenfold.serving.validation import Batch
from tenfold.training.data import Part
from tenfold.training.errors import NotRetrainable, ScoringFailed
from tenfold.training.evaluate import ORDER, compare
from tenfold.training.labels import LabelType, WrongLabel, label_type

X, Y = load_iris(return_X_y=True)
TWO = Y < 2


def model(estimator: Any) -> Model:
    return Model(estimator, without_types(None, width=X.shape[1]), "iris", "1", X[:2].tolist())


def part(rows: np.ndarray, labels: np.ndarray) -> Part:
    return Part(Batch({f"x{n}": column for n, column in enumerate(rows.T)}, len(rows)), labels)


def test_two_classes_are_scored_by_log_loss_and_auc() -> None:
    noisy = X + np.random.default_rng(0).normal(0, 1.5, X.shape)
    nb = GaussianNB().fit(noisy[TWO][::2], Y[TWO][::2])
    champion, challenger = compare(model(DummyClassifier().fit(X[TWO], Y[TWO])), model(nb), part(noisy[TWO], Y[TWO]))
    assert champion == {"log_loss": pytest.approx(np.log(2)), "roc_auc": 0.5}
    probabilities = nb.predict_proba(noisy[TWO])
    assert challenger == {
        "log_loss": pytest.approx(log_loss(Y[TWO], probabilities)),
        "roc_auc": pytest.approx(roc_auc_score(Y[TWO], probabilities[:, 1])),
    }


def test_more_classes_are_scored_by_log_loss_and_accuracy() -> None:
    nb = GaussianNB().fit(X, Y)
    champion, challenger = compare(model(nb), model(nb), part(X, Y))
    assert champion == challenger
    assert list(champion) == ["log_loss", "accuracy"]
    assert champion["accuracy"] == nb.score(X, Y)


@pytest.mark.parametrize("names", [np.array([0, 1, 2]), np.array(["a", "b", "c"]), np.array(["a", "b", "c"], object)])
def test_labels_that_only_one_model_knows_count_against_the_other(names: np.ndarray) -> None:
    labels = names[Y]
    of_two, of_three = GaussianNB().fit(X[TWO], labels[TWO]), GaussianNB().fit(X, labels)
    champion, challenger = compare(model(of_two), model(of_three), part(X, labels))
    assert champion["log_loss"] > 10 > challenger["log_loss"]
    reverse_champion, _ = compare(model(of_three), model(of_two), part(X[TWO], labels[TWO]))
    assert reverse_champion["log_loss"] < 1
    neither, _ = compare(model(of_two), model(of_two), part(X, labels))
    assert neither["log_loss"] > 10


def test_without_probabilities_of_both_only_labels_are_compared() -> None:
    svc, nb = LinearSVC(random_state=0).fit(X, Y), GaussianNB().fit(X, Y)
    champion, challenger = compare(model(svc), model(nb), part(X, Y))
    assert list(champion) == list(challenger) == ["accuracy", "balanced_accuracy"]
    assert challenger["accuracy"] == pytest.approx(challenger["balanced_accuracy"])


def test_one_class_among_the_held_out_rows_has_no_auc() -> None:
    nb = GaussianNB().fit(X[TWO], Y[TWO])
    champion, _ = compare(model(nb), model(nb), part(X[:50], Y[:50]))
    assert list(champion) == ["log_loss", "accuracy"]


def test_numbers_are_scored_by_their_errors() -> None:
    rows, y = load_diabetes(return_X_y=True)
    rows = rows[:, :4]
    line = LinearRegression().fit(rows, y)
    champion, _ = compare(model(line), model(line), part(rows, y))
    assert list(champion) == ["mean_absolute_error", "root_mean_squared_error"]
    assert champion["mean_absolute_error"] == pytest.approx(mean_absolute_error(y, line.predict(rows)))


def test_models_that_cannot_be_compared_are_named() -> None:
    nb, line = GaussianNB().fit(X, Y), LinearRegression().fit(X, Y)
    with pytest.raises(ScoringFailed, match="the challenger a LinearRegression, which has no classes"):
        compare(model(nb), model(line), part(X, Y))
    with pytest.raises(ScoringFailed, match="classes such as 0, the challenger such as 'a'"):
        compare(model(nb), model(GaussianNB().fit(X, np.array(["a", "b", "c"])[Y])), part(X, Y))
    with pytest.raises(ScoringFailed, match="The challenger, a GaussianNB, cannot be scored"):
        compare(model(nb), model(GaussianNB().fit(X[:, :2], Y)), part(X, Y))


def test_the_order_of_all_metrics_is_the_order_of_each_model() -> None:
    assert len(ORDER) == len(set(ORDER)) == 6


@pytest.mark.parametrize(
    ("classes", "label", "expected"),
    [
        ([0, 1], True, 1),
        ([0, 1], 1.0, 1),
        ([0, 1], 2, 2),
        ([False, True], 1, True),
        ([0.0, 0.5], 1, 1.0),
        (["a", "b"], "longer", "longer"),
        ([0, 1], 0.5, None),
        ([0, 1], "1", None),
        ([False, True], 2, None),
        (["a", "b"], 1, None),
    ],
)
def test_labels_take_the_type_of_the_classes(classes: list[Any], label: Any, expected: Any) -> None:
    kind = label_type(model(DummyClassifier().fit(X[49:51], np.array(classes))))
    if expected is None:
        with pytest.raises(WrongLabel, match="as the model learns"):
            kind.convert(label)
    else:
        converted = kind.convert(label)
        assert (converted, type(converted)) == (expected, type(expected))


def test_labels_of_a_regressor_are_numbers_and_no_booleans() -> None:
    kind = LabelType("number", is_class=False)
    assert kind.convert(3) == 3.0
    for wrong in (True, "3"):
        with pytest.raises(WrongLabel, match="is not a number"):
            kind.convert(wrong)


def test_a_model_that_learns_from_no_label_is_named() -> None:
    from sklearn.cluster import KMeans

    with pytest.raises(NotRetrainable, match="KMeans, which does not learn one label a row"):
        label_type(model(KMeans(2, n_init=1).fit(X)))

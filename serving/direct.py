"""The direct form of a model: the arithmetic of its estimators alone, on rows that the validator has already checked.

scikit-learn checks its input, and starts its workers, anew in every step of every call: of a forest of a hundred trees
that is nine tenths of the time for 32 rows, of a linear model nearly all. The forms here do what the estimators' own
methods do after those checks, in the same order, so that every answer is the same to the last bit; and all outputs of a
call come out of one pass. `Model.warm_up` compares them with the estimator and does without where they differ. What is
not plain numbers, the estimator itself judges, so that errors are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from .compiled import Answers
from .validation import Batch

Array = NDArray[Any]
Step = Callable[[Array], Array]


class _NotPlain(ValueError):
    """Rows with a number that is missing, infinite, or too large for the estimator."""


class Direct:
    """Answers in place of an estimator of scikit-learn.

    Every output is made of one array, such as the scores of a linear model, which is computed once a call.
    """

    def __init__(self, steps: Sequence[Step], outputs: Mapping[str, Step]) -> None:
        """`steps` lead from the rows to that array, `outputs` from there to each output."""
        self._steps, self._outputs = steps, outputs

    @classmethod
    def of(cls, estimator: Any) -> Direct | None:
        """The direct form of a fitted estimator; None where it has none."""
        steps: list[Step] = []
        while type(estimator) is Pipeline:
            *before, (_, estimator) = cast("list[tuple[str, Any]]", estimator.steps)
            for _, step in before:
                make = _TRANSFORMERS.get(_name(step))
                if make is None:
                    return None
                steps.append(make(step))
        make = _PREDICTORS.get(_name(estimator))
        made = make(estimator) if make else None
        return None if made is None else cls([*steps, made[0]], made[1])

    def answer(self, batch: Batch, outputs: Sequence[str]) -> Answers:
        """The answers to `outputs`; none for rows that only the estimator can judge."""
        values = batch.matrix
        if values is None:
            return {}
        try:
            for step in self._steps:
                values = step(values)
        except _NotPlain:
            return {}
        return {name: self._outputs[name](values) for name in outputs if name in self._outputs}

    def equals(self, original: Callable[[Batch, Sequence[str]], Answers], batch: Batch, outputs: Sequence[str]) -> bool:
        """Whether `original` answers the same, to the last bit: to the rows of `batch`, and to some around them."""
        rows = batch.matrix
        if rows is None:
            return False
        around = Batch.of_matrix(tuple(batch.columns), np.concatenate([rows, rows * 0.5, rows * 1.5, -rows]))
        expected, answers = original(around, outputs), self.answer(around, outputs)
        return answers.keys() == expected.keys() and all(_same(answers[name], expected[name]) for name in expected)


def _same(one: Array, other: Array) -> bool:
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def _name(estimator: Any) -> str:
    kind = type(estimator)
    return kind.__name__ if kind.__module__.startswith("sklearn.") else ""


def _scaled(scaler: Any) -> Step:
    mean, scale = scaler.mean_ if scaler.with_mean else None, scaler.scale_ if scaler.with_std else None

    def scaled(rows: Array) -> Array:
        if mean is not None:
            rows = rows - mean
        return rows if scale is None else rows / scale

    return scaled


def _linear(estimator: Any) -> Step:
    coefficients, intercept = estimator.coef_.T, estimator.intercept_
    return lambda rows: _finite(rows) @ coefficients + intercept


def _regression(estimator: Any) -> tuple[Step, Mapping[str, Step]]:
    return _linear(estimator), {"predict": _unchanged}


def _logistic(estimator: Any) -> tuple[Step, Mapping[str, Step]] | None:
    from scipy.special import expit
    from sklearn.utils.extmath import softmax

    classes = estimator.classes_
    scores = _linear(estimator)
    if estimator.coef_.shape[0] > 1:
        return scores, {
            "predict": lambda scores: classes.take(scores.argmax(axis=1), axis=0),
            "predict_proba": lambda scores: softmax(scores, copy=True),
            "decision_function": _unchanged,
        }

    def both(scores: Array) -> Array:
        second = expit(scores)
        return np.stack([1 - second, second], axis=1)

    return lambda rows: scores(rows).reshape(-1), {
        "predict": lambda scores: classes.take((scores > 0).astype(np.int64), axis=0),
        "predict_proba": both,
        "decision_function": _unchanged,
    }


def _forest(estimator: Any) -> tuple[Step, Mapping[str, Step]] | None:
    if estimator.n_outputs_ > 1:
        return None
    trees = [each.tree_ for each in estimator.estimators_]
    classes = getattr(estimator, "classes_", None)

    def mean(rows: Array) -> Array:
        with np.errstate(over="ignore"):
            singles = _finite(rows.astype(np.float32, order="C"))
        total = np.zeros((len(rows), 1 if classes is None else len(classes)))
        for tree in trees:
            total += tree.predict(singles)
        total /= len(trees)
        return total

    if classes is None:
        return mean, {"predict": lambda mean: mean[:, 0]}
    return mean, {"predict": lambda mean: classes.take(mean.argmax(axis=1), axis=0), "predict_proba": _unchanged}


def _finite(rows: Array) -> Array:
    if not np.isfinite(rows).all():
        raise _NotPlain
    return rows


def _unchanged(values: Array) -> Array:
    return values


_TRANSFORMERS: Mapping[str, Callable[[Any], Step]] = {"StandardScaler": _scaled}
_PREDICTORS: Mapping[str, Callable[[Any], tuple[Step, Mapping[str, Step]] | None]] = {
    **dict.fromkeys(("LinearRegression", "Ridge", "Lasso", "ElasticNet"), _regression),
    "LogisticRegression": _logistic,
    **dict.fromkeys(
        ("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"), _forest
    ),
}

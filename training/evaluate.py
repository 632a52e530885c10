"""Scores of champion and challenger on the same held-out rows, with the same metrics, so that they can be compared.

The first metric is the one that a promotion is decided by; the others must not get worse. A label that only one of
the two knows is no accident but news: it counts against the model that cannot predict it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from ..serving.errors import PredictionFailed, first_line
from ..serving.model import Model
from .data import Part
from .errors import ScoringFailed

Array = NDArray[Any]
Metrics = dict[str, float]

LOWER_IS_BETTER = frozenset({"log_loss", "mean_absolute_error", "root_mean_squared_error"})
ORDER = ("log_loss", "roc_auc", "mean_absolute_error", "root_mean_squared_error", "accuracy", "balanced_accuracy")
"""All metrics; of those that a model has, the first decides."""
PROBABILITIES = "predict_proba"


def compare(champion: Model, challenger: Model, rows: Part) -> tuple[Metrics, Metrics]:
    """The metrics of the champion and those of the challenger: the same names in the same order.

    Classifiers: `log_loss` and `roc_auc` (two classes) or `accuracy` (more); without probabilities `accuracy` and
    `balanced_accuracy`. Regressors: `mean_absolute_error` and `root_mean_squared_error`.

    Raises:
        ScoringFailed: one of them cannot predict the rows.
    """
    if champion.classes is None:
        return _each(champion, challenger, lambda model: _regression(model, rows))
    if challenger.classes is None:
        raise ScoringFailed(
            f"The champion is a classifier, the challenger a {type(challenger.estimator).__name__}, which has no "
            f"classes. Let the train function return a classifier"
        )
    if (champion.classes.dtype.kind in "OU") != (challenger.classes.dtype.kind in "OU"):
        raise ScoringFailed(
            f"The champion knows classes such as {champion.classes.tolist()[0]!r}, the challenger such as "
            f"{challenger.classes.tolist()[0]!r}. Let the train function fit the labels as it is given them"
        )
    if not all(PROBABILITIES in model.outputs for model in (champion, challenger)):
        return _each(champion, challenger, lambda model: _labels(model, rows))
    known = np.unique(np.concatenate([champion.classes, challenger.classes, rows.labels]))
    return _each(champion, challenger, lambda model: _probabilities(model, rows, known))


def _each(champion: Model, challenger: Model, score: Callable[[Model], Metrics]) -> tuple[Metrics, Metrics]:
    scores: list[Metrics] = []
    for who, model in (("champion", champion), ("challenger", challenger)):
        try:
            scores.append(score(model))
        except (PredictionFailed, ValueError, TypeError) as e:
            raise ScoringFailed(
                f"The {who}, a {type(model.estimator).__name__}, cannot be scored on the held-out rows: "
                f"{first_line(e)}. Try it on the rows of the inference log"
            ) from e
    return scores[0], scores[1]


def _regression(model: Model, rows: Part) -> Metrics:
    predicted = model.answer(rows.batch)["predict"]
    return {
        "mean_absolute_error": float(metrics.mean_absolute_error(rows.labels, predicted)),
        "root_mean_squared_error": float(metrics.root_mean_squared_error(rows.labels, predicted)),
    }


def _labels(model: Model, rows: Part) -> Metrics:
    predicted = model.answer(rows.batch)["predict"]
    present = np.unique(rows.labels)
    balanced = np.mean([np.mean(predicted[rows.labels == label] == label) for label in present])
    return {"accuracy": float(np.mean(predicted == rows.labels)), "balanced_accuracy": float(balanced)}


def _probabilities(model: Model, rows: Part, known: Array) -> Metrics:
    answers = model.answer(rows.batch, ("predict", PROBABILITIES))
    assert model.classes is not None  # `compare` looked
    # A class that the model does not know has the probability 0.
    probabilities = np.zeros((rows.batch.rows, len(known)))
    probabilities[:, np.searchsorted(known, model.classes)] = answers[PROBABILITIES]
    scores = {"log_loss": float(metrics.log_loss(rows.labels, probabilities, labels=known))}
    if len(known) == 2 and len(np.unique(rows.labels)) == 2:
        scores["roc_auc"] = float(metrics.roc_auc_score(rows.labels == known[1], probabilities[:, 1]))
    else:
        scores["accuracy"] = float(np.mean(answers["predict"] == rows.labels))
    return scores

"""What it takes to be promoted."""

from __future__ import annotations

import math

import pytest
from tenfold.training.gate import Decision, decide, improvement


def decided(champion: dict[str, float], challenger: dict[str, float]) -> Decision:
    return decide(champion, challenger, min_improvement=0.01, tolerance=0.01)


@pytest.mark.parametrize(
    ("champion", "challenger", "promote"),
    [
        ({"log_loss": 0.6, "roc_auc": 0.61}, {"log_loss": 0.55, "roc_auc": 0.66}, True),
        ({"log_loss": 0.6, "roc_auc": 0.61}, {"log_loss": 0.594, "roc_auc": 0.61}, True),
        ({"log_loss": 0.6, "roc_auc": 0.61}, {"log_loss": 0.5941, "roc_auc": 0.9}, False),
        ({"log_loss": 0.6, "roc_auc": 0.61}, {"log_loss": 0.8, "roc_auc": 0.62}, False),
        ({"log_loss": 0.6, "roc_auc": 0.61}, {"log_loss": 0.5, "roc_auc": 0.604}, True),
        ({"log_loss": 0.6, "roc_auc": 0.61}, {"log_loss": 0.5, "roc_auc": 0.60}, False),
        ({"accuracy": 0.8, "balanced_accuracy": 0.7}, {"accuracy": 0.9, "balanced_accuracy": 0.7}, True),
        ({"mean_absolute_error": 10.0}, {"mean_absolute_error": 9.0}, True),
        ({"mean_absolute_error": 10.0}, {"mean_absolute_error": 10.0}, False),
        ({"log_loss": 0.6}, {"log_loss": math.nan}, False),
        ({"log_loss": 0.6, "roc_auc": 0.6}, {"log_loss": 0.5, "roc_auc": math.nan}, False),
        ({"log_loss": 0.0}, {"log_loss": 0.0}, False),
        ({"accuracy": 0.0}, {"accuracy": 0.1}, True),
    ],
)
def test_the_first_metric_must_improve_and_no_other_worsen(
    champion: dict[str, float], challenger: dict[str, float], promote: bool
) -> None:
    assert decided(champion, challenger).promote is promote


def test_equal_is_not_better_even_when_no_improvement_is_asked_for() -> None:
    same = {"log_loss": 0.5}
    assert not decide(same, same, min_improvement=0, tolerance=0).promote
    assert decide(same, {"log_loss": 0.4999}, min_improvement=0, tolerance=0).promote


def test_the_reason_has_the_numbers_that_decided() -> None:
    assert decided({"log_loss": 0.6, "roc_auc": 0.5}, {"log_loss": 0.3, "roc_auc": 0.6}).reason == (
        "log_loss 0.6 -> 0.3 (50.00% better), roc_auc 0.5 -> 0.6 (20.00% better)"
    )
    assert decided({"log_loss": 0.5, "roc_auc": 0.5}, {"log_loss": 0.25, "roc_auc": 0.4}).reason == (
        "log_loss 0.5 -> 0.25 (50.00% better), but roc_auc 0.5 -> 0.4 (20.00% worse), and 1.00% worse is tolerated"
    )
    assert decided({"log_loss": 0.5}, {"log_loss": 0.75}).reason == (
        "log_loss 0.5 -> 0.75 (50.00% worse), and a promotion needs 1.00% better"
    )


@pytest.mark.parametrize(
    ("name", "before", "after", "expected"),
    [("log_loss", 0.5, 0.4, 0.2), ("roc_auc", 0.5, 0.4, -0.2), ("log_loss", 0, 0.1, -math.inf), ("accuracy", 0, 0, 0)],
)
def test_improvement_is_relative_to_the_value_before(name: str, before: float, after: float, expected: float) -> None:
    assert improvement(name, before, after) == pytest.approx(expected)

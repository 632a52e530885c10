"""The comparison of the retrained service with the model that was never retrained."""

from __future__ import annotations

from datetime import date
from math import log

import pytest
from tenfold.platform.demo.score import Judged, score, score_days


def test_score_of_a_coin_and_of_a_perfect_order() -> None:
    coin = score([0, 1], [0.5, 0.5])
    assert coin.log_loss == pytest.approx(log(2))
    assert coin.roc_auc == 0.5
    assert score([0, 1], [0.1, 0.9]).roc_auc == 1.0


def test_a_day_on_which_no_flight_was_late_has_a_log_loss_but_no_auc() -> None:
    punctual = score([0, 0], [0.5, 0.5])
    assert punctual.log_loss == pytest.approx(log(2))
    assert punctual.roc_auc is None


def test_days_add_up_flight_by_flight_not_day_by_day() -> None:
    days = [
        Judged(date(2013, 6, 1), [1], [0.8], [0.5]),
        Judged(date(2013, 6, 2), [], [], []),
        Judged(date(2013, 6, 3), [0, 0, 0], [0.1, 0.1, 0.1], [0.5, 0.5, 0.5]),
    ]
    scored = score_days(days)
    assert [day.date.day for day in scored] == [1, 3]
    assert [day.flights for day in scored] == [1, 3]
    assert scored[1].served.log_loss == pytest.approx(-log(0.9))
    assert scored[1].served_so_far.log_loss == pytest.approx((-log(0.8) - 3 * log(0.9)) / 4)
    assert scored[1].served_so_far.roc_auc == 1.0
    assert scored[1].never_so_far.log_loss == pytest.approx(log(2))

"""The night as a value, as JSON, and as the tags of its version."""

from __future__ import annotations

from datetime import date

from tenfold.training.night import LONGEST_REASON, Night
from tenfold.training.options import TrainingOptions
from tenfold.training.tags import night_of, tags_of

NIGHT = Night(
    date=date(2013, 6, 21),
    outcome="promoted",
    reason="log_loss 0.6 -> 0.5",
    rows=900,
    champion="3",
    challenger="4",
    champion_metrics={"log_loss": 0.1 + 0.2, "roc_auc": 0.6},
    challenger_metrics={"log_loss": 0.5, "roc_auc": 0.7},
    fingerprint="abc",
)


def test_it_survives_json_and_tags_to_the_last_digit() -> None:
    assert Night.model_validate_json(NIGHT.model_dump_json()) == NIGHT
    tags = tags_of(NIGHT, TrainingOptions(), trained=700, held_out=190, left_out=10)
    again = night_of("4", dict(sorted(tags.items())))
    assert again == NIGHT
    assert list(again.champion_metrics) == ["log_loss", "roc_auc"]


def test_tags_that_tell_of_no_night_are_none() -> None:
    assert night_of("1", {}) is None
    assert night_of("1", {"tenfold.outcome": "kept", "tenfold.date": "2013-06-21"}) is None


def test_a_reason_is_one_line_that_fits_into_a_tag() -> None:
    night = Night(date=date(2013, 6, 21), outcome="failed", reason="a\n  b\x00" + "é" * 9_000)
    assert night.reason.startswith("a b éé")
    assert len(night.reason) == LONGEST_REASON
    assert len(night.model_dump_json()) < 5_000
    assert not night.is_done

"""Records made of many predictions at once are those of each alone, value by value and type by type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from tenfold.serving.inference_log.records import PredictionRecord
from tenfold.serving.prediction import Prediction, records
from tenfold.serving.validation import Batch

WHEN = datetime(2013, 6, 21, tzinfo=UTC)


def prediction(name: str, columns: dict[str, Any], outputs: dict[str, Any]) -> Prediction:
    rows = len(next(iter(columns.values())))
    arrays = {k: np.asarray(v) for k, v in columns.items()}
    answers = {k: np.asarray(v) for k, v in outputs.items()}
    return Prediction("m", "7", [f"{name}{i}" for i in range(rows)], answers, Batch(arrays, rows), WHEN)


PREDICTIONS = [
    prediction("a", {"x": [1.5, np.nan], "n": [1, 2]}, {"predict": ["no", "yes"]}),
    prediction("b", {"x": [2.5], "n": [3]}, {"predict": ["perhaps"]}),
    # Whole numbers, which must not become 4.0 beside the others.
    prediction("c", {"x": [4], "n": [4]}, {"predict": ["no"]}),
    prediction("d", {"x": [1.0], "n": [5]}, {"predict": ["no"], "predict_proba": [[0.75, 0.25]]}),
    prediction("e", {"x": [2.0], "n": [6]}, {"predict": ["yes"], "predict_proba": [[0.25, 0.75]]}),
    prediction("f", {"x": np.array(["2013-06-21T05:00:00"], "datetime64[us]"), "n": [7]}, {"predict": [True]}),
]


def test_many_at_once_are_the_same_as_each_alone() -> None:
    together = records(PREDICTIONS)
    assert repr(together) == repr([record for p in PREDICTIONS for record in records([p])])
    assert [r.id for r in together] == ["a0", "a1", "b0", "c0", "d0", "e0", "f0"]


def test_a_record_holds_what_json_can() -> None:
    first, second, *_ = records(PREDICTIONS)
    assert first == PredictionRecord("a0", WHEN, "m", "7", {"x": 1.5, "n": 1}, {"predict": "no"})
    assert second.row == {"x": None, "n": 2}
    *_, probable, dated = records(PREDICTIONS)
    assert probable.result == {"predict": "yes", "predict_proba": [0.25, 0.75]}
    assert dated.row == {"x": "2013-06-21T05:00:00", "n": 7}
    assert dated.result == {"predict": True}


def test_nothing_makes_nothing() -> None:
    assert records([]) == []

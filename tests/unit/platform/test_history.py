"""Rows of the past, as people have them, become plain values or a sentence."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tenfold import Platform
from tenfold.platform.errors import InvalidRows
from tenfold.platform.history import past_rows

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("missing", [None, float("nan"), np.float64("nan"), np.float32("nan"), pd.NA, pd.NaT])
def test_every_spelling_of_missing_becomes_none(missing: Any) -> None:
    assert past_rows([{"a": missing}], [1], [NOON]).rows == [{"a": None}]


def test_a_table_gives_plain_python_values() -> None:
    rows = pd.DataFrame({"n": [1, 2], "x": [0.5, np.nan], "word": ["a", None], "yes": [True, False]})
    given = past_rows(rows, pd.Series([0, 1]), pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True))
    assert given.rows == [{"n": 1, "x": 0.5, "word": "a", "yes": True}, {"n": 2, "x": None, "word": None, "yes": False}]
    assert {type(v) for row in given.rows for v in row.values()} <= {int, float, str, bool, type(None)}
    assert [type(label) for label in given.labels] == [int, int]
    assert given.times == [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("rows", "labels", "times", "words"),
    [
        ([{"a": 1}], [1, 0], [NOON], "1 rows came with 2 labels and 1 times. Give as many"),
        ([{"a": 1}], [1], [], "1 rows came with 1 labels and 0 times. Give as many"),
        ([], [], [], "no rows to import. Give at least one"),
        ([[1]], [1], [NOON], "Row 0 is of type list. Give a DataFrame"),
        ([{"a": 1}], [1], [NOON.replace(tzinfo=None)], "Time 0 is 2026-01-01 12:00:00, without a zone. Give one"),
        ([{"a": 1}], [1], ["2026-01-01"], "Time 0 is '2026-01-01'. Give a datetime with a zone"),
        ([{"a": 1}], [1], [pd.NaT], "Time 0 is NaT. Give a datetime with a zone"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_stored(
    tmp_path: Path, rows: Any, labels: Any, times: Any, words: str
) -> None:
    platform = Platform.local(tmp_path)
    with pytest.raises(InvalidRows) as raised:
        platform.import_rows("m", rows, labels, times)
    assert words in str(raised.value)
    assert not (tmp_path / "log.db").exists()


def test_importing_again_changes_nothing(tmp_path: Path) -> None:
    platform = Platform.local(tmp_path)
    rows = pd.DataFrame({"x": [0.5, None]})
    first = platform.import_rows("m", rows, [0, 1], [NOON, NOON])
    assert platform.import_rows("m", rows, [0, 1], [NOON, NOON]) == first
    log = platform.inference_log()
    found = log.labelled_rows("m", NOON, NOON.replace(hour=13))
    log.close()
    assert {(row.id, row.row["x"], row.label) for row in found} == {(first[0], 0.5, 0), (first[1], None, 1)}

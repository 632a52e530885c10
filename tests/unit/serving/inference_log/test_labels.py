"""What a label does to what is known of its prediction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tenfold.serving.inference_log.errors import InvalidLabel
from tenfold.serving.inference_log.labels import settle
from tenfold.serving.inference_log.records import LabelRecord

TIME = datetime(2013, 1, 31, tzinfo=UTC)


def test_items_of_one_call_meet_what_the_earlier_ones_left() -> None:
    items = [
        LabelRecord(id_, label, TIME) for id_, label in [("a", 1), ("a", 1), ("a", 2), ("b", 7), ("b", 8), ("c", 1)]
    ]
    settlement = settle(items, {"a", "b"}, {"b": 7})
    assert settlement.statuses == ["accepted", "repeated", "replaced", "repeated", "replaced", "unknown"]
    assert {id_: r.label for id_, r in settlement.changes.items()} == {"a": 2, "b": 8}


def test_the_newest_is_the_one_that_arrives_last() -> None:
    older = LabelRecord("a", 2, TIME - timedelta(days=1))
    assert settle([older], {"a"}, {"a": 1}).statuses == ["replaced"]


@pytest.mark.parametrize(("a", "b", "same"), [(1, 1.0, True), (1, True, False), (0.0, False, False), ("1", 1, False)])
def test_which_labels_are_the_same(a: Any, b: Any, same: bool) -> None:
    assert settle([LabelRecord("x", b, TIME)], {"x"}, {"x": a}).statuses == ["repeated" if same else "replaced"]


@pytest.mark.parametrize(
    ("label", "why"),
    [
        (None, "null is not a label: it is of type NoneType"),
        ([1], "of type list"),
        (float("nan"), "not a label: it is not a finite number"),
        (float("inf"), "not a label: it is not a finite number"),
        (2**64, "64-bit"),
        ("\ud800", "not a label"),
        ({"long": "x" * 100}, r"\.\.\. is not a label"),
        ("x" * 10_001, r"\.\.\.' is not a label: it has 10001 characters, and a label may have 10000"),
    ],
)
def test_what_is_no_label(label: Any, why: str) -> None:
    with pytest.raises(InvalidLabel, match=why):
        LabelRecord("a", label, TIME)


def test_what_cannot_even_be_written_down_is_not_a_label() -> None:
    nested: Any = 1
    for _ in range(1_000):
        nested = [nested]
    for label, shown in ((10**5_000, "an integer of 16610 bits"), (nested, r"\[{9}\.\.\.\]{9}")):
        with pytest.raises(InvalidLabel, match=f"^{shown} is not a label: "):
            LabelRecord("a", label, TIME)

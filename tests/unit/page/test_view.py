"""The document that the overview draws."""

from __future__ import annotations

import orjson
import pytest
from support.pages import night, replica, status
from tenfold.platform.page import view
from tenfold.platform.page.traffic import TrafficHistory
from tenfold.platform.target import Traffic


def test_a_service_says_what_should_be_and_what_is() -> None:
    seen = view.service(
        status(replicas=(replica(1), replica(2, "starting", reason="loading"), replica(3, version="6")), restarts=2),
        [night(3), night(2, "kept")],
        "",
        None,
    )
    assert (seen["desired"], seen["ready"], seen["restarts"]) == (3, 1, 2)
    assert (seen["version"], seen["previous"], seen["verdict"]) == ("7", "6", "ready")
    assert [(r["state"], r["current"], r["reason"]) for r in seen["replicas"]] == [
        ("ready", True, ""),
        ("starting", True, "loading"),
        ("ready", False, ""),
    ]
    assert seen["schedule"]["at"] == "02:00"
    assert seen["schedule"]["timezone"] == "America/New_York"
    assert [n["date"] for n in seen["nights"]] == ["2026-03-02", "2026-03-03"]
    assert seen["nights"][1]["challenger_metrics"] == {"log_loss": 0.555, "roc_auc": 0.663}
    assert orjson.loads(orjson.dumps(seen)) == seen


def test_nothing_that_people_do_not_need_goes_out() -> None:
    assert b"4242" not in orjson.dumps(view.service(status(), [], "", None))


def test_traffic_is_summed_and_now_is_the_last_minute() -> None:
    history = TrafficHistory()
    for second in range(0, 61, 5):
        history.add(1000 + second, [Traffic(version="7", requests=100 + 10 * second, errors=second // 5)])
    seen = view.service(status(), [], "", history.rates())["traffic"]
    assert (seen["requests"], seen["errors"]) == (1250, 2)
    assert seen["by_version"][1] == {"version": "7", "requests": 250, "errors": 0}
    assert seen["now"] == {"requests": 10.0, "errors": 0.2}


def test_only_the_newest_nights_are_sent() -> None:
    nights = [night(1, reason=f"{n}") for n in range(100)]
    assert len(view.service(status(), nights, "", None)["nights"]) == view.NIGHTS


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "Row 0: no"}, "Row 0: no"),
        ({"error_code": "BAD", "message": "no"}, "no"),
        ({"results": [{"status": "unknown", "message": "no id"}]}, "no id"),
        ({}, "The model server answered 500 without a reason"),
    ],
)
def test_the_model_servers_own_sentence(body: dict[str, object], said: str) -> None:
    assert view.sentence(body, 500) == said


@pytest.mark.parametrize(
    ("sentence", "column"),
    [
        ("Row 0: 'dep_time' is 'x', not a number", "dep_time"),
        ("Row 0: column `air` is missing", "air"),
        ("The value of air is too large", "air"),
        ("air and dep_time are wrong", None),
        ("airport is wrong", None),
        ("nothing here", None),
    ],
)
def test_the_column_that_an_error_is_about(sentence: str, column: str | None) -> None:
    assert view.named_column(sentence, ["dep_time", "air"]) == column

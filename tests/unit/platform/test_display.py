"""Values as a person sees them, in a terminal and in a notebook."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from rich.console import Console
from tenfold.platform.display import changes_view, nights_view, statuses_view
from tenfold.platform.plan import differences
from tenfold.platform.progress import shown_progress
from tenfold.platform.retraining import Retrained
from tenfold.platform.spec import ServiceSpec
from tenfold.platform.target import Replica, Status, Traffic
from tenfold.training.night import Night

SPEC = ServiceSpec.of(name="m", model="models:/m/2", replicas=2)
STATUS = Status(
    name="m",
    verdict="degraded",
    reason="1 of 2 replicas are ready: [Errno 5] it broke",
    spec=SPEC,
    revision=3,
    previous=None,
    replicas=(
        Replica(id="7", state="ready", version="2", pid=41, started=datetime(2026, 1, 1, tzinfo=UTC)),
        Replica(id="8", state="starting", version="2", reason="type [x] is being loaded"),
    ),
    restarts=1,
    url="http://127.0.0.1:8080",
    page_url="http://127.0.0.1:8081/",
    registry_url="",
    traffic=(Traffic(version="2", requests=12, errors=1),),
    next_run=datetime(2026, 1, 2, 2, tzinfo=UTC),
)
NIGHT = Night(
    date=date(2026, 1, 1), outcome="promoted", reason="log loss 0.5 [0.4]", rows=99, champion="1", challenger="2"
)


def seen(view: Any) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(view)
    return captured.get()


def test_a_status_is_one_screen_with_reasons_as_they_were_written() -> None:
    text = seen(STATUS)
    for words in (
        "m degraded  version 2, 1/2 replicas, revision 3",
        "[Errno 5] it broke",
        "type [x] is being loaded",
        "12 requests, 1 errors",
        "1 replicas ended, or answered no more",
        "2026-01-02 02:00 UTC",
        "http://127.0.0.1:8081/",
    ):
        assert words in text
    assert "registry" not in text


def test_a_status_without_replicas_or_schedule() -> None:
    text = seen(STATUS.model_copy(update={"replicas": (), "traffic": (), "next_run": None, "restarts": 0}))
    assert "not scheduled" in text
    assert "pid" not in text


def test_all_services_are_a_line_each() -> None:
    lines = seen(statuses_view([STATUS, STATUS.model_copy(update={"name": "n"})])).splitlines()
    assert [line.split()[0] for line in lines] == ["service", "m", "n"]
    assert "[Errno 5] it broke" in lines[1]


def test_a_night_is_a_line_with_its_versions_and_reason() -> None:
    for view in (nights_view([NIGHT]), Retrained(night=NIGHT, served="2")):
        line = seen(view).splitlines()[1]
        assert line.split() == ["2026-01-01", "promoted", "99", "1", "2", "log", "loss", "0.5", "[0.4]"]
    assert "None" not in seen(nights_view([NIGHT.model_copy(update={"champion": None, "challenger": None})]))


def test_a_plan_is_a_diff() -> None:
    text = seen(changes_view(differences(SPEC, SPEC.changed(replicas=5, retraining={"at": "02:00"}))))
    assert text.split("\n")[:3] == ["- replicas: 2", "+ replicas: 5", "+ retraining.at: 02:00:00"]
    assert "Nothing would change." in seen(changes_view(()))


def test_print_shows_what_a_terminal_does() -> None:
    assert str(STATUS).startswith("m degraded  version 2, 1/2 replicas")
    assert "\x1b" not in str(STATUS)
    assert "verdict='degraded'" in repr(STATUS)


@pytest.mark.parametrize("value", [STATUS, Retrained(night=NIGHT, served="2")])
def test_a_notebook_shows_the_same_as_html(value: Any, capsys: pytest.CaptureFixture[str]) -> None:
    html = value._repr_html_()
    assert html.startswith("<pre>")
    assert "2026-01-0" in html
    assert capsys.readouterr().out == "", "a notebook would show it twice"


def test_progress_goes_to_whoever_asked_for_it_else_to_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    reported: list[Status] = []
    with shown_progress(reported.append) as report:
        report(STATUS)
    assert reported == [STATUS]
    with shown_progress(None) as report:
        report(STATUS)
    assert capsys.readouterr().out == ""

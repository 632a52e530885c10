"""Options that make no sense are named, and a plan becomes Locust's argument list."""

import json
from pathlib import Path
from typing import Any

import pytest
from tenfold.loadtests import quantities
from tenfold.loadtests.errors import InvalidPlan
from tenfold.loadtests.limits import Limits
from tenfold.loadtests.plan import LOCUSTFILE, LoadTest, locust_command, worker_command
from tenfold.loadtests.shapes import users_at

URL = "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "127.0.0.1:8080"}, "'127.0.0.1:8080' is not the address of a service"),
        ({"users": 0}, "--users 0"),
        ({"run_time": 0.5}, "--run-time 0.5s"),
        ({"spawn_rate": 0.0}, "--spawn-rate 0"),
        ({"protocols": {"grpc": 1}}, "--protocol grpc is unknown; known are predict, v2, invocations"),
        ({"protocols": {"predict": 0}}, "--protocol needs whole weights"),
        ({"users": 1, "protocols": {"predict": 1, "v2": 1}}, "--users 1 are fewer than the 2 protocols"),
        ({"batch": 0}, "--batch 0"),
        ({"timeout": 0.0}, "--timeout 0"),
        ({"shape": "spike"}, "--shape 'spike' is unknown; known are constant, ramp, steps"),
        ({"processes": -1}, "--processes -1"),
        ({"users": 2, "processes": 4}, "--processes 4 are more than --users 2"),
        ({"label_column": "late"}, "--label-column 'late'"),
        ({"rows_file": Path("nowhere.csv")}, "--rows-file 'nowhere.csv' is not a file"),
    ],
)
def test_an_option_without_a_usable_value_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidPlan) as raised:
        LoadTest(**{"url": URL, **fields})
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("text", "seconds"), [("45", 45), ("30s", 30), ("2m", 120), ("1h30m", 5400), (" 500MS ", 0.5), ("1.5s", 1.5)]
)
def test_times_are_read(text: str, seconds: float) -> None:
    assert quantities.seconds(text, "--run-time") == seconds


def test_a_latency_without_a_unit_is_in_milliseconds() -> None:
    assert [quantities.milliseconds(text, "--p95") for text in ("200", "200ms", "1.5s")] == [200, 200, 1500]


@pytest.mark.parametrize(("text", "share"), [("0", 0), ("0.01", 0.01), ("1%", 0.01), ("100%", 1)])
def test_shares_are_read(text: str, share: float) -> None:
    assert quantities.share(text, "--errors") == share


@pytest.mark.parametrize("text", ["", "fast", "10x", "-5s", "s", "1 0s", "nan", "1s2"])
def test_words_that_are_no_time_are_refused(text: str) -> None:
    with pytest.raises(InvalidPlan, match=r"--p95 '.*' is not a length of time; write 200ms"):
        quantities.milliseconds(text, "--p95")


@pytest.mark.parametrize("text", ["", "2", "101%", "-1%", "few"])
def test_words_that_are_no_share_are_refused(text: str) -> None:
    with pytest.raises(InvalidPlan, match="--errors"):
        quantities.share(text, "--errors")


def test_protocols_have_weights() -> None:
    assert quantities.weights(["predict=3", "v2"], "--protocol") == {"predict": 3, "v2": 1}
    for words in (["v2=x"], ["v2="], ["v2", "v2=2"]):
        with pytest.raises(InvalidPlan, match="--protocol"):
            quantities.weights(words, "--protocol")


def test_the_command_is_an_argument_list_that_asks_locust_for_no_more_than_the_plan(tmp_path: Path) -> None:
    rows = tmp_path / "my rows; rm -rf.csv"
    rows.touch()
    plan = LoadTest(
        URL + "/", users=8, protocols={"v2": 2, "predict": 1}, rows_file=rows, label_column="-y", processes=2
    )
    command = locust_command(plan, measured=Path("m.json"), html=Path("r.html"), master_port=5001)
    assert command[-2:] == ["V2User", "PredictUser"]
    assert f"--rows-file={rows}" in command
    assert "--label-column=-y" in command
    assert command[command.index("--host") + 1] == URL
    assert command[command.index("--spawn-rate") + 1] == "8"
    assert command[command.index("--measured-file") + 1] == str(Path("m.json").resolve())
    assert [command[n + 1] for n, word in enumerate(command) if word == "--config-users"] == [
        '{"user_class_name": "V2User", "weight": 2}',
        '{"user_class_name": "PredictUser", "weight": 1}',
    ]


def test_a_plan_without_labels_sends_no_feedback() -> None:
    command = locust_command(LoadTest(URL), measured=Path("m"), html=Path("h"), master_port=1)
    assert not [word for word in command if "feedback" in word or "master" in word]


def test_the_master_of_workers_elsewhere_waits_for_them_and_starts_none() -> None:
    plan = LoadTest(URL, processes=3)
    command = locust_command(plan, measured=Path("m"), html=Path("h"), master_port=5557, workers_elsewhere=True)
    assert command[command.index("--expect-workers") + 1] == "3"
    assert command[command.index("--master-bind-port") + 1] == "5557"
    assert "--master" in command
    assert "--processes" not in command
    worker = worker_command("master", 5557)
    assert worker[worker.index("-f") + 1] == str(LOCUSTFILE)
    assert worker[worker.index("--worker") :] == [
        *("--worker", "--headless", "--master-host", "master", "--master-port", "5557", "--exit-code-on-error", "0")
    ]


def test_a_plan_travels_as_json(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").touch()
    for rows_file in (None, tmp_path / "rows.csv"):
        plan = LoadTest(URL, protocols={"v2": 2}, rows_file=rows_file, spawn_rate=0.5, limits=Limits(p95=20.0))
        assert LoadTest.of(json.loads(json.dumps(plan.document()))) == plan


@pytest.mark.parametrize(
    ("shape", "users"),
    [("constant", [10, 10, 10, 10]), ("ramp", [1, 5, 10, 10]), ("steps", [2, 6, 10, 10])],
)
def test_shapes_climb_to_the_peak_and_end_with_the_run(shape: str, users: list[int]) -> None:
    assert [users_at(shape, at, 10, 100) for at in (0, 50, 91, 99.9)] == users
    assert users_at(shape, 100, 10, 100) is None

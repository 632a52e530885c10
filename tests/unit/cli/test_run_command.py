"""Commands on real state folders: what goes wrong is one sentence on stderr and exit code 1, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.places import free_port
from tenfold.platform.cli.app import COMMANDS, run_command
from tenfold.platform.local.state import State
from tenfold.platform.spec import ServiceSpec

SPEC = ServiceSpec.of(name="m", model="models:/m/1", replicas=2)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """A folder with one service that is wished for; nothing of it runs."""
    for variable in ("TENFOLD_REGISTRY_URI", "TENFOLD_LOG_URL"):
        monkeypatch.delenv(variable, raising=False)
    state = State(tmp_path / "state")
    monkeypatch.setenv("TENFOLD_STATE", str(state.folder))
    with state.writing():
        state.service("m").write(SPEC)
    return state


@pytest.fixture
def run(state: State, capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*arguments: str) -> tuple[int, str, str]:
        code = run_command(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return ran


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nonsense",), "No such command 'nonsense'. See: tenfold --help"),
        (("scale", "m"), "Missing argument 'replicas'. See: tenfold scale --help"),
        (("scale", "m", "many"), "Invalid value for 'replicas': "),
        (("status", "--nonsense"), "No such option"),
        (("status", "other"), "No service is named 'other'; there are: m."),
        (("logs", "other"), "No service is named 'other'"),
        (("delete", "other", "--yes"), "No service is named 'other'"),
        (("nights", "other"), "No service is named 'other'"),
        (("plan",), "Name the service, or give a --file"),
        (("plan", "m", "--set", "replicas"), "--set takes FIELD=VALUE"),
        (("plan", "m", "--set", "replicas=-1"), "replicas: "),
        (("plan", "m", "--set", "server=1", "--set", "server.max_rows=2"), "server, which is set as a whole before"),
        (("plan", "m", "--set", "retraining.timezone=Mars"), "'Mars' is not a time zone"),
        (("plan", "m", "--file", "nowhere.yaml"), "nowhere.yaml cannot be read"),
        (("retrain", "m"), "Give either --date DAY or --due."),
        (("retrain", "m", "--due", "--date", "2013-06-01"), "Give either --date DAY or --due."),
        (("retrain", "m", "--date", "yesterday"), "'yesterday' does not match"),
        (("backfill", "m", "2013-06-02", "2013-06-01"), "2013-06-02, is after the last, 2013-06-01"),
        (("rollback", "m"), "m has served one version only"),
        (("predict", "m", "{"), "ROWS is not valid JSON"),
        (("predict", "m", "@rows.xlsx"), "rows.xlsx is none of .csv"),
        (("import-rows", "m", "nowhere.csv", "--label", "y", "--time", "t"), "nowhere.csv cannot be read"),
        (("register", "m", "nowhere"), "There is no model at nowhere"),
        (("loadtest", "http://127.0.0.1:1", "--users", "0"), "--users 0"),
    ],
)
def test_wrong_usage_is_a_sentence(run: Run, arguments: tuple[str, ...], words: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("Error: ")
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["deploy", "plan", "up"])
def test_a_state_folder_that_cannot_be_written_is_named(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("")
    code, out, err = run(command, "m", "--state", str(tmp_path / "file" / "state"))
    assert (code, out) == (1, "")
    assert "file/state cannot be written" in err
    assert "choose another with --state or TENFOLD_STATE" in err


@pytest.mark.parametrize("command", ["status", "down"])
def test_where_nothing_is_there_is_nothing_to_see_or_to_stop(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file" / "state", tmp_path / "nowhere"):
        code, out, err = run(command, "--state", str(folder))
        assert (code, err) == (0, "")
        assert "No service is deployed" in out or "Nothing was running" in out
    assert not (tmp_path / "nowhere").exists()


def test_a_service_that_was_stopped_says_how_to_start_it(run: Run) -> None:
    code, out, _ = run("status", "m")
    assert code == 0
    assert "stopped" in out
    assert "tenfold deploy m" in out
    code, out, _ = run("status")
    assert (code, out.split()[:2]) == (0, ["service", "verdict"])


def test_plan_tells_by_its_exit_code_whether_something_would_change(run: Run, tmp_path: Path) -> None:
    assert run("plan", "m")[:2] == (0, "Nothing would change.\n")
    code, out, _ = run("plan", "m", "--replicas", "3", "--set", "retraining.at=02:00")
    assert (code, out.splitlines()) == (2, ["- replicas: 2", "+ replicas: 3", "+ retraining.at: 02:00:00"])
    file = tmp_path / "m.yaml"
    file.write_text("name: m\nreplicas: 4\nretraining: {at: 12:30, timezone: Europe/Berlin}\n")
    code, out, _ = run("plan", "--file", str(file))
    assert code == 2
    assert "+ retraining.at: 12:30:00" in out
    # What is given beside the file wins.
    assert "replicas" not in run("plan", "--file", str(file), "--replicas", "2")[1]


def test_status_for_programs_is_json(run: Run) -> None:
    import json

    assert json.loads(run("status", "m", "--json")[1])["spec"]["replicas"] == 2
    assert [s["name"] for s in json.loads(run("status", "--json")[1])] == ["m"]


def test_a_registry_that_does_not_answer_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("TENFOLD_REGISTRY_URI", uri)
    for arguments in (("deploy", "m", "--version", "2"), ("nights", "m"), ("plan", "new")):
        code, _, err = run(*arguments)
        assert code == 1
        assert f"The model registry at {uri} cannot be reached" in err


def test_a_model_that_is_not_registered_is_named(run: Run) -> None:
    code, _, err = run("deploy", "new")
    assert code == 1
    assert "No model is named 'new'" in err


def test_the_version_and_the_list_of_commands(run: Run) -> None:
    from tenfold import __version__

    assert run("--version")[:2] == (0, f"tenfold {__version__}\n")
    code, out, _ = run()
    assert code == 0
    assert all(name in out for name in COMMANDS)


def test_a_name_that_is_none_never_becomes_a_path(run: Run, tmp_path: Path) -> None:
    for name in ("../other", "/etc", ".", ""):
        code, _, err = run("status", name or "x/..")
        assert code == 1
        assert "No service is named" in err

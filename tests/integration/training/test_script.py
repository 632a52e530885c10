"""The training script as its callers run it: a process, its exit code, and the night on its stdout."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.training.stage import CANCER, DAY, Place, cancer
from mlflow import MlflowClient
from support.places import free_port
from tenfold.serving import artifact
from tenfold.training.registry import NIGHT_TAG

LOUD = """
import os
from sklearn.base import clone

def train(X, y, champion):
    print("on stdout")
    os.write(1, b"from below Python\\n")
    return clone(champion).fit(X, y)

def broken(X, y, champion):
    raise ValueError(f"these {len(X)} rows are not for me")
"""


def test_a_better_challenger_is_promoted_once_and_keeps_why(place: Place, tmp_path: Path) -> None:
    place.put_cancer()
    night = place.night_of_script(CANCER)
    assert (night.outcome, night.champion, night.challenger, night.rows) == ("promoted", "1", "2", 569)
    assert list(night.champion_metrics) == list(night.challenger_metrics) == ["log_loss", "roc_auc"]
    assert night.challenger_metrics["log_loss"] < night.champion_metrics["log_loss"]
    assert f"{night.challenger_metrics['log_loss']:.4g}" in night.reason
    assert place.registry.nights(CANCER) == [night]
    champion = place.registry.champion(CANCER)
    assert champion.version == "2"
    assert (
        champion.tags.items()
        >= {
            "tenfold.date": str(DAY),
            "tenfold.window_days": "28",
            "tenfold.rows": "569",
            "tenfold.fingerprint": night.fingerprint,
            "tenfold.reason": night.reason,
            "tenfold.compared_with": "1",
            "tenfold.champion.roc_auc": repr(night.champion_metrics["roc_auc"]),
            "tenfold.challenger.log_loss": repr(night.challenger_metrics["log_loss"]),
        }.items()
    )
    assert {p.name for p in place.folder.iterdir()} <= {"registry.db", "log.db", "log.db-shm", "log.db-wal"}

    place.registry.fetch(CANCER, "2", tmp_path / "challenger")
    saved = artifact.read(tmp_path / "challenger")
    assert saved.newest_row is not None
    assert saved.newest_row.date() == DAY  # the day's rows were the newest that it saw
    assert saved.created is not None
    assert saved.created > saved.newest_row

    assert place.night_of_script(CANCER) == night
    with pytest.raises(Exception, match="no version 3"):
        place.registry.version(CANCER, "3")


def test_a_night_that_died_after_registering_is_finished_and_not_repeated(place: Place) -> None:
    place.put_cancer()
    whole = place.night(CANCER)
    assert whole.outcome == "promoted"
    client = MlflowClient(tracking_uri=place.registry.uri, registry_uri=place.registry.uri)
    client.delete_registered_model_tag(CANCER, f"{NIGHT_TAG}{DAY}")
    place.registry.promote(CANCER, "1")
    assert place.registry.nights(CANCER) == []

    assert place.night_of_script(CANCER) == whole
    assert place.registry.nights(CANCER) == [whole]
    assert place.registry.champion(CANCER).version == "2"
    assert len(client.search_model_versions(f"name = '{CANCER}'")) == 2


def test_a_day_without_data_is_skipped(place: Place) -> None:
    night = place.night_of_script(CANCER, "--timezone", "America/New_York")
    assert night.outcome == "skipped"
    assert "no labelled row of 2026-03-08 (America/New_York)" in night.reason
    assert place.registry.nights(CANCER) == [night]
    assert place.registry.champion(CANCER).version == "1"


def test_a_function_of_the_user_that_raises_fails_the_night_which_can_be_run_again(place: Place) -> None:
    X, y = cancer()
    place.put(CANCER, X.head(200), y.head(200).tolist())
    (place.folder / "mine.py").write_text(LOUD)
    failed = place.night_of_script(CANCER, "--train", "mine:broken")
    assert failed.outcome == "failed"
    assert "ValueError: these" in failed.reason
    assert "broken (mine.py, line" in failed.reason
    assert place.registry.nights(CANCER) == [failed]
    assert place.registry.champion(CANCER).version == "1"

    again = place.night_of_script(CANCER, "--train", "mine:train")
    assert again.outcome in {"promoted", "kept"}
    assert place.registry.nights(CANCER) == [again]


def test_an_unreachable_registry_fails_the_night_within_seconds_and_names_no_password(place: Place) -> None:
    port = free_port()
    night = place.night_of_script(CANCER, TENFOLD_REGISTRY_URI=f"http://me:hunter2@127.0.0.1:{port}")
    assert night.outcome == "failed"
    assert f"http://127.0.0.1:{port} cannot be reached" in night.reason
    assert "TENFOLD_REGISTRY_URI" in night.reason
    assert "hunter2" not in night.model_dump_json()


def test_a_registry_that_cannot_be_written_fails_the_night(place: Place) -> None:
    file = place.folder / "file"
    file.touch()
    night = place.night_of_script(CANCER, TENFOLD_REGISTRY_URI=f"sqlite:///{file}/registry.db")
    assert night.outcome == "failed"
    assert f"{file}/registry.db cannot be reached: {file} is not a folder" in night.reason


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--date", "yesterday"], "'yesterday' is not a day; write for example 2013-06-21"),
        (["--date", "2026-03-08", "--holdout", "1.5"], "--holdout: Input should be less than 1 (got '1.5')"),
        (["--date", "2026-03-08", "--timezone", "Mars"], "--timezone: 'Mars' is not a time zone"),
    ],
)
def test_wrong_flags_are_said_and_print_no_night(place: Place, arguments: list[str], said: str) -> None:
    script = place.script("--model", CANCER, *arguments)
    assert (script.returncode, script.stdout) == (2, "")
    assert said in script.stderr

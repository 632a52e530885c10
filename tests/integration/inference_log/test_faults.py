"""A database that is not there, or not as it should be: a sentence with place and remedy, never a password."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
import traceback
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.cutting import Cutting
from support.postgres import Postgres
from tenfold.serving.inference_log.errors import InvalidLogUrl, LogUnreachable, OutcomeUnknown
from tenfold.serving.inference_log.records import Count, LabelRecord
from tenfold.serving.inference_log.rows import served
from tenfold.serving.inference_log.store import InferenceLog


def test_nobody_listens() -> None:
    log = InferenceLog("postgresql://tenfold:secret-word@127.0.0.1:1/log")
    with pytest.raises(LogUnreachable) as e:
        log.count()
    assert str(e.value).startswith("The inference log at postgresql://127.0.0.1:1/log cannot be reached: ")
    assert str(e.value).endswith(
        "Check that the server runs and that host, port, user, password and database of the URL are right"
    )
    assert "secret-word" not in "".join(traceback.format_exception(e.value))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [("secret-word", "wrong-word", "password authentication failed"), ("/postgres", "/nowhere", "does not exist")],
)
def test_a_wrong_password_or_database(postgres: Postgres, old: str, new: str, why: str) -> None:
    log = InferenceLog(postgres.url.replace(old, new))
    with pytest.raises(LogUnreachable, match=why) as e:
        log.count()
    assert "-word" not in "".join(traceback.format_exception(e.value))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    log = InferenceLog(f"sqlite:///{tmp_path}/nowhere/log.db")
    with pytest.raises(
        LogUnreachable, match=r"nowhere/log.db cannot be reached: unable to open.*Check that its folder exists"
    ):
        log.count()


@pytest.fixture
def nobody() -> Generator[None]:
    """Not root for a while, since root may write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    yield
    os.seteuid(0)


@pytest.fixture
def locked() -> Generator[Path]:
    """Not `tmp_path`, which nobody but its owner may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_that_cannot_be_written(locked: Path, nobody: None) -> None:
    with pytest.raises(LogUnreachable, match=f"at {locked}/log.db cannot be reached: unable to open database file"):
        InferenceLog(f"sqlite:///{locked}/log.db").count()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_text("This is a letter and no database. " * 100)
    with pytest.raises(LogUnreachable, match="file is not a database"):
        InferenceLog(f"sqlite:///{tmp_path}/log.db").count()


def test_a_connection_that_breaks_during_a_commit_leaves_it_open_what_was_kept(postgres: Postgres) -> None:
    url, now = postgres.new_database(), datetime.now(UTC)
    with Cutting(postgres.port) as way:
        log = InferenceLog(url.replace(str(postgres.port), str(way.port)))
        rows = served("m", "1", ["a", "b"], now, [{}, {}], [{}, {}])
        truths = [LabelRecord("a", 1, now), LabelRecord("b", 1, now)]
        for call in (lambda: log.write(rows), lambda: log.write_labels("m", truths)):
            log.count()  # after a fault it looks for its tables first
            way.armed = True
            with pytest.raises(OutcomeUnknown, match="and it did not say whether it had kept what was sent"):
                call()
            way.armed = False
        log.count()
        way.armed = True
        with pytest.raises(LogUnreachable) as e:  # what only reads kept nothing
            log.count()
        assert not isinstance(e.value, OutcomeUnknown)
        way.armed = False
        assert way.cut == 3
        # To repeat it is safe: here it had been kept.
        log.write(rows)
        assert log.write_labels("m", [LabelRecord("a", 1, now), LabelRecord("b", 2, now)]) == ["repeated", "replaced"]
        assert log.count() == Count(2, 2)
        log.close()


def test_what_fails_before_the_commit_was_not_kept(postgres: Postgres) -> None:
    url, now = postgres.new_database(), datetime.now(UTC)
    log, other = InferenceLog(f"{url}?options=-c%20lock_timeout%3D200ms"), InferenceLog(url)
    log.write(served("m", "1", ["a", "b"], now, [{}, {}], [{}, {}]))
    with other._transaction() as connection:  # pyright: ignore[reportPrivateUsage]
        connection.exec_driver_sql("SELECT * FROM predictions WHERE id = 'b' FOR UPDATE")
        with pytest.raises(LogUnreachable, match="lock timeout") as e:
            log.write_labels("m", [LabelRecord("a", 1, now), LabelRecord("b", 1, now)])
    assert not isinstance(e.value, OutcomeUnknown)
    assert log.count() == Count(2, 0)
    log.close()
    other.close()


def test_a_database_that_comes_back_empty_gets_its_tables_again(postgres: Postgres) -> None:
    url = postgres.new_database()
    log, other = InferenceLog(url), InferenceLog(url)
    assert log.count().predictions == 0
    with other._transaction() as connection:  # pyright: ignore[reportPrivateUsage]
        connection.exec_driver_sql("DROP TABLE labels")
    with pytest.raises(LogUnreachable, match="labels"):
        log.count()
    assert log.count().predictions == 0
    log.close()
    other.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("secret-word", "not a URL"),
        ("mysql://user:secret-word@host/db", "'mysql' is neither sqlite nor postgresql"),
        ("sqlite://", "in memory is lost"),
        ("sqlite:///:memory:", "in memory is lost"),
        ("postgresql://user:secret-word@host:port/db", "not a URL"),
    ],
)
def test_a_url_where_no_log_can_live(url: str, why: str) -> None:
    with pytest.raises(InvalidLogUrl, match=why) as e:
        InferenceLog(url)
    assert "secret-word" not in "".join(traceback.format_exception(e.value))
    assert "Write sqlite:////absolute/path/log.db" in str(e.value)


def test_a_closed_log_opens_again(log: InferenceLog) -> None:
    log.write(served("m", "1", ["a"], datetime.now(UTC), [{}], [{}]))
    log.close()
    assert log.count().predictions == 1

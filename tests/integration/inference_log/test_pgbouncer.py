"""The log behind PgBouncer in transaction mode, where every transaction may meet another server process."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import pytest
from support.postgres import PGBOUNCER, Postgres, running_pgbouncer
from tenfold.serving.inference_log.database import open_engine, parse_url
from tenfold.serving.inference_log.records import Count, LabelRecord
from tenfold.serving.inference_log.rows import served
from tenfold.serving.inference_log.store import InferenceLog

TIME = datetime(2013, 1, 31, tzinfo=UTC)


@pytest.fixture
def bouncer(postgres: Postgres) -> Iterator[Postgres]:
    if PGBOUNCER is None:
        pytest.fail("PgBouncer is not installed. On Debian: apt-get install pgbouncer")
    with running_pgbouncer(postgres) as bouncer:
        yield bouncer


def test_many_transactions_of_many_clients(postgres: Postgres, bouncer: Postgres) -> None:
    url = bouncer.url_of(postgres.new_database().rpartition("/")[2])

    def client(number: int) -> None:
        with closing(InferenceLog(url)) as log:
            for i in range(20):  # a driver that prepares statements does so after the fifth time
                identity = f"{number}-{i}"
                log.write(served("m", "1", [identity], TIME, [{}], [{}]))
                assert log.write_labels("m", [LabelRecord(identity, i, TIME)]) == ["accepted"]
                assert log.known("m", [identity]) == {identity}

    with ThreadPoolExecutor(6) as clients:
        list(clients.map(client, range(6)))
    with closing(InferenceLog(url)) as log:
        assert log.count("m") == Count(120, 120)


def test_nothing_is_told_to_the_session(postgres: Postgres) -> None:
    engine = open_engine(parse_url(postgres.new_database()), 1)
    with engine.connect() as connection:
        for setting, within in (("lock_timeout", "10s"), ("TimeZone", "UTC")):
            with connection.begin():
                assert connection.exec_driver_sql(f"SHOW {setting}").scalar() == within
        with connection.begin():
            prepared = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements")
            assert prepared.scalar() == 0
    connecting = engine.raw_connection()
    cursor = connecting.cursor()
    cursor.execute("SHOW lock_timeout")
    assert cursor.fetchone() == ("0",)
    connecting.close()
    engine.dispose()


def test_a_lock_timeout_of_ones_own_stays(postgres: Postgres) -> None:
    engine = open_engine(parse_url(f"{postgres.new_database()}?options=-c%20lock_timeout%3D3s"), 1)
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "3s"
    engine.dispose()

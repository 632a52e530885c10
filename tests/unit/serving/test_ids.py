"""Ids sort by time, and carry it."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from tenfold.serving.ids import made_at, new_ids


def test_ids_are_uuids_of_version_7_in_ascending_order() -> None:
    ids = new_ids(10_000)
    assert len(set(ids)) == 10_000
    assert ids == sorted(ids)
    assert {(u.version, u.variant) for u in map(uuid.UUID, ids)} == {(7, uuid.RFC_4122)}
    assert all(str(uuid.UUID(id_)) == id_ for id_ in ids)
    assert new_ids(0) == []


def test_a_process_that_is_forked_makes_other_ids() -> None:
    new_ids(1)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writer, "".join(new_ids(200)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 65536).decode()
    assert len(theirs) == 200 * 36
    assert not {theirs[i + 15 : i + 36] for i in range(0, len(theirs), 36)} & {ours[15:] for ours in new_ids(200)}


def test_an_id_carries_its_time_to_the_millisecond() -> None:
    before = datetime.now(UTC)
    made = made_at(new_ids(1)[0])
    assert made is not None
    assert before - timedelta(milliseconds=1) <= made <= datetime.now(UTC)


@pytest.mark.parametrize("other", ["", "id-7", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", str(uuid.UUID(int=0)), "\0"])
def test_other_ids_carry_no_time(other: str) -> None:
    assert made_at(other) is None

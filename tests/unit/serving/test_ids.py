"""Ids sort by time, and carry it."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from support.new_ids import new_ids
from tenfold.serving.ids import made_at


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


def test_the_last_time_that_python_knows() -> None:
    millis = f"{253402300799999:012x}"
    assert made_at(f"{millis[:8]}-{millis[8:]}-7000-8000-000000000000") == datetime(
        9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC
    )
    millis = f"{253402300800000:012x}"
    assert made_at(f"{millis[:8]}-{millis[8:]}-7000-8000-000000000000") is None


YOUNG = "0190a8f2-7c3e-7d4a-9b1c-2f6e8d0a4b5c"


@pytest.mark.parametrize(
    "other",
    [
        *("", "id-7", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", str(uuid.UUID(int=0)), "\0", "\ud800", "0" * 1_000),
        *("ffffffff-ffff-7fff-bfff-ffffffffffff", "ffffffff-ffff-7fff-8fff-ffffffffffff"),
        # Forms that uuid.UUID takes for the same, and that no prediction was answered with.
        *(YOUNG.upper(), f"{{{YOUNG}}}", f"urn:uuid:{YOUNG}", YOUNG.replace("-", ""), f"{YOUNG}\n", f" {YOUNG}"),
        *("\u0660190a8f2-7c3e-7d4a-9b1c-2f6e8d0a4b5c", "0190a8f2-7c3e-7d4a-cb1c-2f6e8d0a4b5c"),
    ],
)
def test_other_ids_carry_no_time(other: str) -> None:
    assert made_at(YOUNG) is not None
    assert made_at(other) is None

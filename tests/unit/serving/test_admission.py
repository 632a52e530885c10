"""How many connections there may be, and how often an address may ask without a key."""

from __future__ import annotations

import pytest
from tenfold.serving.admission import Admission
from tenfold.serving.budget import ByteBudget


def test_connections_are_bounded_in_all_and_by_address() -> None:
    admission = Admission(3, 2)
    assert [admission.admit(address) for address in ("a", "a", "a", "b", "c")] == [True, True, False, True, False]
    admission.release("a")
    assert admission.admit("c")
    for address in ("a", "b", "c"):
        admission.release(address)
    assert not admission._by_address
    assert [Admission(2, None).admit("a") for _ in range(2)] == [True, True]


def test_who_asks_without_a_key_all_the_time_waits() -> None:
    admission = Admission(10, None)
    delays = [admission.delay("a", 0.0) for _ in range(400)]
    assert delays[:100] == [0] * 100
    assert delays[110] == pytest.approx(11 / 20)
    assert max(delays) == 5
    assert admission.delay("a", 0.0, most=0.5) == 0.5
    assert admission.delay("b", 0.0) == 0
    assert admission.delay("a", 20.0) == 0, "an address that has stopped is forgiven"


def test_made_up_addresses_are_not_remembered_without_end() -> None:
    admission = Admission(10, None)
    for n in range(10_100):
        admission.delay(str(n), 0.0)
    assert len(admission._debts) == 10_000


def test_bytes_are_taken_while_there_is_room() -> None:
    budget = ByteBudget(10)
    assert budget.take(8)
    assert not budget.take(3)
    assert budget.take(2)
    budget.give(10)
    assert budget.taken == 0

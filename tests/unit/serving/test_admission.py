"""How many connections there may be, and how many bytes they may hold."""

from __future__ import annotations

import pytest
from tenfold.serving.admission import Admission, client_of
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


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
    ],
)
def test_who_counts_as_one_client(address: str, client: str) -> None:
    assert client_of(address) == client


def test_bytes_are_taken_while_there_is_room() -> None:
    budget = ByteBudget(10)
    assert budget.take(8)
    assert not budget.take(3)
    assert budget.take(2)
    budget.give(10)
    assert budget.taken == 0

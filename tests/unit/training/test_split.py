"""The held-out rows: the same for every process, and as many as asked for."""

from __future__ import annotations

import pytest
from support.new_ids import new_ids
from tenfold.training.split import is_held_out


def test_it_never_changes_since_rows_would_move_between_training_and_scoring() -> None:
    ids = [f"row-{n}" for n in range(20)]
    assert [n for n, id_ in enumerate(ids) if is_held_out(id_, 0.2)] == [3, 6, 7, 9, 15, 19]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_about_the_share_of_real_ids_is_held_out(share: float) -> None:
    ids = new_ids(20_000)
    assert sum(is_held_out(i, share) for i in ids) / len(ids) == pytest.approx(share, abs=0.015)


def test_a_larger_share_holds_out_all_rows_of_a_smaller_one() -> None:
    ids = new_ids(2_000)
    assert {i for i in ids if is_held_out(i, 0.1)} <= {i for i in ids if is_held_out(i, 0.3)}
    assert not any(is_held_out(i, 0.0) for i in ids)
    assert all(is_held_out(i, 1.0) for i in ids)

"""New ids of predictions, as a list."""

from __future__ import annotations

from tenfold.serving.ids import NewIds


def new_ids(count: int) -> list[str]:
    """So many, of this moment."""
    return NewIds(count).listed(0, count)

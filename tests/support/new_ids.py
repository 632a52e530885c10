"""New ids of predictions, as a list."""

from __future__ import annotations

from tenfold.serving.ids import joined_ids, split_ids


def new_ids(count: int) -> list[str]:
    """So many, of this moment."""
    return split_ids(joined_ids(count))

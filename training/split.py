"""Which rows are held out: decided by each row's id alone, so that every night and every process decides alike.

A row that was held out once is held out for ever. Tonight's challenger and the champion of any earlier night are
therefore scored on rows that neither of them has seen. A smaller share keeps that promise, since it holds out some of
the same rows; a larger one holds out rows that the champion was trained on.
"""

from __future__ import annotations

import hashlib

_BYTES = 8


def is_held_out(id: str, share: float) -> bool:  # noqa: A002 - it is one
    """Whether the row of this id belongs to the `share` (0 to 1) of rows that no night trains on."""
    digest = hashlib.blake2b(id.encode(), digest_size=_BYTES, person=b"tenfold-heldout").digest()
    return int.from_bytes(digest) < share * 2 ** (8 * _BYTES)

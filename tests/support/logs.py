"""What the inference log of a platform holds, opened and closed again."""

from __future__ import annotations

from contextlib import closing

from tenfold import Platform


def logged(platform: Platform, name: str) -> int:
    """How many predictions of the model `name` are on disk."""
    with closing(platform.inference_log()) as log:
        return log.count(name).predictions

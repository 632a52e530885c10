"""The bytes that requests hold together, over all connections and protocols."""

from __future__ import annotations


class ByteBudget:
    """One per process. For one thread.

    Args:
        limit: bytes that may be taken at a time.
    """

    __slots__ = ("limit", "taken")

    def __init__(self, limit: int) -> None:
        self.limit, self.taken = limit, 0

    def take(self, size: int) -> bool:
        """Take so many bytes. False: there is no room for them beside what is taken already, and none were taken."""
        if self.taken and self.taken + size > self.limit:
            return False
        self.taken += size
        return True

    def give(self, size: int) -> None:
        """Give back so many of the bytes that were taken."""
        self.taken -= size

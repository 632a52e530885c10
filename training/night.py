"""`Night`: what became of one night, as one frozen value.

The training script prints it, the registry keeps it, the platform and the page read it. It explains itself: whoever
reads it needs neither the data nor the models any more.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Outcome = Literal["promoted", "kept", "skipped", "failed", "rolled back"]

LONGEST_REASON = 2_000
"""Characters. A night has to fit into a tag of the registry, which PostgreSQL cuts off at 5,000."""


class Night(BaseModel):
    """One night: what it was trained on, how both models scored, and what was decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: date
    outcome: Outcome = Field(
        description="promoted: the challenger is the champion now; kept: the champion stays; skipped: nothing to learn "
        "from; failed: no decision, run it again; rolled back: promoted, but it did not serve."
    )
    reason: str = Field(description="Why, in a sentence with the numbers.")
    rows: int = Field(default=0, ge=0, description="Labelled rows of the window.")
    champion: str | None = Field(default=None, description="Version that was the champion before.")
    challenger: str | None = Field(default=None, description="Version that the night registered; None: none.")
    champion_metrics: dict[str, float] = Field(default={}, description="On the held-out rows; the first decides most.")
    challenger_metrics: dict[str, float] = Field(default={}, description="The same metrics of the challenger.")
    fingerprint: str = Field(default="", description="Digest of the data and the options; the same again is a no-op.")
    finished: datetime = Field(default_factory=lambda: datetime.now(UTC), description="When it was decided.")

    @field_validator("reason")
    @classmethod
    def _one_short_line(cls, value: str) -> str:
        line = " ".join("".join(c if c.isprintable() else " " for c in value).split())
        return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 4] + " ..."

    @property
    def is_done(self) -> bool:
        """Whether the same night on the same data would only repeat it."""
        return self.outcome != "failed"

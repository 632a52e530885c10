"""How a night trains: plain, frozen options that the script, the spec and the tests share."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator


class TrainingOptions(BaseModel):
    """What a night trains on, with what, and what it takes to be better."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timezone: str = Field(default="UTC", description="IANA name of the time zone whose midnight ends a day.")
    window_days: int = Field(
        default=28, ge=1, le=3660, description="Days of data, ending with the date itself; 1 = that day."
    )
    holdout: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="Share of the rows, by hash of their id, that no night trains on, for scoring.",
    )
    min_rows: int = Field(
        default=50, ge=2, description="Fewer labelled rows on the date itself, and the night is skipped."
    )
    min_improvement: float = Field(
        default=0.01, ge=0, lt=1, description="How much better, relatively, the first metric must be for a promotion."
    )
    tolerance: float = Field(
        default=0.01, ge=0, lt=1, description="How much worse, relatively, every other metric may be for a promotion."
    )
    train: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="A function of your own, package.module:function, instead of fitting a clone of the champion.",
    )

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as e:
            raise ValueError(f"'{value}' is not a time zone; write an IANA name such as America/New_York") from e
        return value

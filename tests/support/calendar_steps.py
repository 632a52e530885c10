"""Steps of pipelines that look at the calendar: functions of a module, as a model's own are to be."""

from __future__ import annotations

from typing import Any

import pandas as pd


def hours(X: pd.DataFrame) -> pd.DataFrame:
    """The hour of each time, in its column's own zone."""
    return pd.DataFrame({name: X[name].dt.hour for name in X.columns})


def day_numbers(X: Any) -> pd.DataFrame:
    """Days since 1970 of each time; no day at all is -1."""
    return pd.DataFrame({name: (X[name] - pd.Timestamp(0)).dt.days.fillna(-1) for name in X.columns})

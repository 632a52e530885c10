"""The model of the demo: will this flight arrive more than 15 minutes late?

Boosted trees on the route, the schedule and the weather. Small on purpose: tens of thousands of single predictions
share two cores with the retraining, and 60 faster-learning trees are as good here as 100 slow ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .flights import FEATURES, ROUTE, SCHEDULE, WEATHER, Table

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def unfitted() -> Pipeline:
    """The pipeline, which finds its columns by name and accepts missing weather and unknown airports."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("route", codes, ROUTE), ("numbers", "passthrough", [*SCHEDULE, *WEATHER])])
    trees = HistGradientBoostingClassifier(
        learning_rate=0.08, max_iter=60, max_leaf_nodes=15, l2_regularization=1.0, random_state=0
    )
    return Pipeline([("columns", columns), ("trees", trees)])


def fitted(table: Table) -> Pipeline:
    """The pipeline fitted on the flights of `table` that have a label."""
    known = table[table["late"].notna()]
    return unfitted().fit(known[FEATURES], known["late"].astype("int64"))


def late_probability(model: Any, table: Table) -> list[float]:
    """The probability of being late, one per flight of `table`."""
    return [float(p) for p in model.predict_proba(table[FEATURES])[:, 1]]

"""What servers are asked: a model, rows in a request, and connections that each wait for their answer. Plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """One kind of load.

    Attributes:
        name: as in results.
        model: as `fit.make` knows it.
        rows: in each request.
        connections: kept open, each with one request at a time.
    """

    name: str
    model: str
    rows: int
    connections: int


ONE_ROW = Workload("one row", "logistic", 1, 32)
ONE_CONNECTION = Workload("one connection", "logistic", 1, 1)
HUNDRED_ROWS = Workload("100 rows", "logistic", 100, 32)
FOREST = Workload("forest", "forest-100", 1, 32)
BOOSTING = Workload("boosting", "boosting", 1, 32)
ALL = (ONE_ROW, ONE_CONNECTION, HUNDRED_ROWS, FOREST, BOOSTING)
# Each row costs the server much, and the load little, which can then share two cores with two processes.
VECTORS = Workload("support vectors", "vectors", 10, 32)

# How cost grows. With more connections, more rows would wait than may (TENFOLD_MAX_WAITING_ROWS).
ROWS = tuple(Workload(f"{rows} row{'' if rows == 1 else 's'}", "logistic", rows, 8) for rows in (1, 10, 100, 1000))
TREES = tuple(Workload(f"{trees} trees", f"forest-{trees}", 1, 8) for trees in (10, 100, 300))

"""A model server to fuzz, with a model that has every kind of column, and limits that come soon.

`--start` uses it: its memory is known, and what it writes is looked at when it has ended.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import own

NAME = "fuzzed"
# A client that sends half a request is told so after the first; its connection is renewed after the last.
SETTINGS = {"RECEIVE_SECONDS": "3", "DEADLINE_SECONDS": "10", "CONNECTION_SECONDS": "20", "DRAIN_SECONDS": "1"}


@contextmanager
def started(folder: Path, *, rpc: bool) -> Generator[tuple[own.OwnServer, str]]:
    """A ready server in `folder`, and its address for gRPC, empty without it.

    Raises:
        RunFailed: it does not become ready.
    """
    model = folder / NAME
    _save_model(model)
    port = own.free_port()
    settings = {"NAME": NAME, "LOG_URL": f"sqlite:///{folder / 'log.db'}", **SETTINGS}
    if rpc:
        settings["GRPC_PORT"] = str(port)
    with own.running(folder, model, settings) as server:
        yield server, f"127.0.0.1:{port}" if rpc else ""


def _save_model(folder: Path) -> None:
    """A text, an integer, a number with gaps, a boolean; the label is a text."""
    import numpy as np
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    drawn = np.random.default_rng(7)
    delay = np.where(np.arange(300) % 5 == 3, np.nan, drawn.normal(10, 5, 300))
    carriers = ["AA", "DL", "ÜA"]
    X = pd.DataFrame(
        {
            "carrier": [carriers[n % 3] for n in range(300)],
            "distance": range(100, 400),
            "delay": delay,
            "weekend": [n % 7 > 4 for n in range(300)],
        }
    )
    columns = make_column_transformer(
        (OneHotEncoder(), ["carrier"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["distance", "delay"]),
        ("passthrough", ["weekend"]),
    )
    model: Any = make_pipeline(columns, LogisticRegression())
    model.fit(X, ["late" if distance > 250 else "in time" for distance in X["distance"]])
    own.save(model, X.head(5), folder)

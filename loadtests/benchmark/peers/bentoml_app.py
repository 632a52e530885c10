"""BentoML: told by MODEL, and by MOST how many rows may be in a batch, 1 for none."""

import os

import bentoml
import joblib
import numpy as np

MOST = int(os.environ["MOST"])
batching = {"batchable": True, "max_batch_size": MOST, "max_latency_ms": 1000} if MOST > 1 else {}


@bentoml.service(workers=1, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Model:
    """The model's rows in, its labels out."""

    def __init__(self) -> None:
        """Load the model in the worker."""
        self.model = joblib.load(os.environ["MODEL"])

    @bentoml.api(**batching)
    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Predict rows, [rows, columns]."""
        return self.model.predict(rows)

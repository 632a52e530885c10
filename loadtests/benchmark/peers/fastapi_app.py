"""What one writes without a model server: a handler in FastAPI that calls the model. Told by MODEL."""

import os

import joblib
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

model = joblib.load(os.environ["MODEL"])
app = FastAPI()


class Rows(BaseModel):
    """A request."""

    rows: list[list[float]]


class Predictions(BaseModel):
    """An answer."""

    predictions: list[int]


@app.post("/predict")
async def predict(request: Rows) -> Predictions:
    """Predict rows, on the event loop: a thread for each request makes it slower."""
    return Predictions(predictions=model.predict(np.array(request.rows)).tolist())

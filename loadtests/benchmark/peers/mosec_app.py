"""mosec: `python mosec_app.py MODEL MOST WAIT`, up to MOST requests a batch, for WAIT ms; see also MOSEC_*."""

import sys
from itertools import chain

import joblib
import numpy as np
import orjson
from mosec import Server, Worker

MODEL, MOST, WAIT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


class Model(Worker):
    """Requests together, of any number of rows each."""

    def __init__(self):
        """Load the model in the worker."""
        super().__init__()
        self.model = joblib.load(MODEL)

    def deserialize(self, data):
        """The rows of a request."""
        return orjson.loads(data)["rows"]

    def forward(self, data):
        """The labels of each request. One array of all rows takes less time than one for each request."""
        if MOST == 1:
            return self.model.predict(np.array(data)).tolist()
        labels = self.model.predict(np.array(list(chain.from_iterable(data)))).tolist()
        at = 0
        return [labels[at : (at := at + len(rows))] for rows in data]

    def serialize(self, data):
        """The answer."""
        return orjson.dumps({"predictions": data})


if __name__ == "__main__":
    server = Server()
    server.append_worker(Model, max_batch_size=MOST, max_wait_time=WAIT, route="/predict")
    server.run()

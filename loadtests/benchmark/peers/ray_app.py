"""Ray Serve: `python ray_app.py PORT MODEL MOST`, with up to MOST requests in a batch, or 1 for none."""

import signal
import sys
import threading

import joblib
import numpy as np
import ray
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=1, max_ongoing_requests=256, ray_actor_options={"num_cpus": 1})
class Model:
    """One request at a time."""

    def __init__(self, model):
        """Load the model in the replica."""
        self.model = joblib.load(model)

    async def __call__(self, request: Request):
        """Answer a request."""
        rows = np.array((await request.json())["rows"])
        return {"predictions": self.model.predict(rows).tolist()}


@serve.deployment(num_replicas=1, max_ongoing_requests=256, ray_actor_options={"num_cpus": 1})
class Batching:
    """Requests together, of any number of rows each."""

    def __init__(self, model, most):
        """Load the model in the replica."""
        self.model = joblib.load(model)
        self.predict.set_max_batch_size(most)

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.0)
    async def predict(self, inputs):
        """The labels of each request."""
        labels = self.model.predict(np.concatenate(inputs))
        return np.split(labels, np.cumsum([len(rows) for rows in inputs])[:-1])

    async def __call__(self, request: Request):
        """Answer a request."""
        rows = np.array((await request.json())["rows"])
        return {"predictions": (await self.predict(rows)).tolist()}


def main(port, model, most):
    """Serve until a signal."""
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, configure_logging=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(port)}, logging_config={"enable_access_log": False})
    serve.run(Model.bind(model) if most == "1" else Batching.bind(model, int(most)))
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])

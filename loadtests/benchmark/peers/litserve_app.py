"""LitServe: `python litserve_app.py PORT MODEL MOST`, with up to MOST requests in a batch, or 1 for none."""

import sys

import joblib
import litserve
import numpy as np


class Model(litserve.LitAPI):
    """One request at a time."""

    def setup(self, device):
        """Load the model in the worker."""
        self.model = joblib.load(sys.argv[2])

    def decode_request(self, request):
        """The rows, [rows, columns]."""
        return np.array(request["rows"])

    def predict(self, rows):
        """Their labels, [rows]."""
        return self.model.predict(rows)

    def encode_response(self, labels):
        """The answer."""
        return {"predictions": labels.tolist()}


class Batching(Model):
    """Requests together, of any number of rows each."""

    def batch(self, inputs):
        """All rows as one table, and how many each request has."""
        return np.concatenate(inputs), [len(rows) for rows in inputs]

    def predict(self, batch):
        """All labels, and how many each request has."""
        rows, lengths = batch
        return self.model.predict(rows), lengths

    def unbatch(self, output):
        """Each request's own labels."""
        labels, lengths = output
        return np.split(labels, np.cumsum(lengths)[:-1])


def main(port, _, most):
    """Serve until a signal."""
    api = Model() if most == "1" else Batching(max_batch_size=int(most), batch_timeout=0.001)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(host="127.0.0.1", port=int(port), num_api_servers=1, log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    main(*sys.argv[1:])

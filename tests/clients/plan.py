"""What every client asks, and what it must be answered: one list of requests for all programs, as a JSON file.

The model has 50 columns and 50 classes, so that 5 MB of request are within the usual limit of rows, and its
probabilities are 5 MB of answer. Labels and probabilities differ between the two versions: an answer tells whose it is,
and each number in it is compared. Forty rows come again and again, and so do the numbers that are expected.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

NAME = "grid"
COLUMNS = [f"c{n}" for n in range(50)]
JSON, CSV, OCTETS = "application/json", "text/csv", "application/octet-stream"
ROWS = np.random.default_rng(5).normal(size=(40, len(COLUMNS)))
LARGE = "5 MB"
LIMITS = {"max_rows": 20_000, "max_waiting_rows": 500_000}

INFER = f"/v2/models/{NAME}/infer"
READS = {
    "/": '"paths"',
    "/v2": "binary_tensor_data",
    "/v2/health/live": '"live":true',
    f"/v2/models/{NAME}": '"predict_proba"',
    f"/v2/models/{NAME}/config": '"max_batch_size"',
    "/v1/models": f'"{NAME}"',
    "/version": ".",
    "/metrics": "tenfold_requests_total",
    "/openapi.json": '"/predict"',
}
# These say whether a replica may be asked, so one that drains answers 503 although it still predicts.
READY = {
    "/v2/health/ready": '"live":true',
    f"/v2/models/{NAME}/ready": f'"{NAME}"',
    f"/v1/models/{NAME}": f'"{NAME}"',
    "/ping": "",
    "/health": "",
}


@dataclass(frozen=True)
class Request:
    """One request, and what its answer must be.

    Attributes:
        body: a file beside the plan; empty: none.
        draining: the other status, of a replica that is about to stop; 0: none.
        tries: how often it is sent at most until the status is as it should be.
        text: the body itself, where it names the id of the client's last prediction, as `{id}`.
        chunked: sent without saying how long the body is, by a client that can.
        expect: sent with `Expect: 100-continue`, by a client that can.
        large: asked in turn with the other large ones, one a round.
        contains: a part of the answer's body.
        at: where the numbers are in the answer's document; of `binary`, after it, as little-endian doubles.
        numbers: what they are by version, repeated until there are `count`.
        version_at: where the document names the version.
        id_at: where it has the id of the first row.
    """

    name: str
    method: str
    path: str
    status: int = 200
    draining: int = 0
    tries: int = 1
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: str = ""
    text: str = ""
    chunked: bool = False
    expect: bool = False
    large: bool = False
    contains: str = ""
    at: tuple[str | int, ...] | None = None
    binary: bool = False
    count: int = 0
    numbers: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    version_at: tuple[str | int, ...] | None = None
    id_at: tuple[str | int, ...] | None = None


def examples() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=COLUMNS)


def models() -> dict[str, Any]:
    """A fitted model for each version: the second is smoother, and numbers its classes from 1000."""
    random = np.random.default_rng(13)
    X = pd.DataFrame(random.normal(size=(3_000, len(COLUMNS))), columns=COLUMNS)
    y = (X.to_numpy() @ random.normal(size=(len(COLUMNS), 50))).argmax(axis=1)
    return {
        "1": LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1).fit(X, y),
        "2": LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.9).fit(X, y + 1000),
    }


class Plan:
    """Writes the requests and their bodies into a folder; `path` is the file that programs read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        fitted = models()
        self._labels = {version: model.predict(examples()) for version, model in fitted.items()}
        self._probabilities = {version: model.predict_proba(examples()) for version, model in fitted.items()}
        small = [*self._predictions("small", rows=3), self._binary("small", rows=3)]
        # 20 characters a number as text, 8 bytes as a double.
        large = [*self._predictions(LARGE, rows=5_200), self._binary(LARGE, rows=13_200)]
        packed = [self._packed(request) for request in (*small, *large)]
        otherwise = [*self._sent_otherwise(small[0]), *self._sent_otherwise(large[0])]
        self.requests = [*self._reads(), *small, self._feedback(), *large, *packed, *otherwise, *self._refused()]
        self.path = folder / "plan.json"
        self.path.write_text(json.dumps([asdict(request) for request in self.requests]))

    def _reads(self) -> list[Request]:
        return [
            Request(f"{method} {path}", method, path, draining=draining, contains=word if method == "GET" else "")
            for method in ("GET", "HEAD")
            for paths, draining in ((READS, 0), (READY, 503))
            for path, word in paths.items()
        ]

    def _predictions(self, size: str, *, rows: int) -> list[Request]:
        """One for each protocol that is text."""
        values = np.resize(ROWS, (rows, len(COLUMNS))).tolist()
        named = [dict(zip(COLUMNS, row, strict=True)) for row in values]
        tensor = {"name": "input", "shape": [rows, len(COLUMNS)], "datatype": "FP64", "data": values}
        split = {"dataframe_split": {"columns": COLUMNS, "data": values}}
        labels, probabilities = self._expected(rows, self._labels), self._expected(rows, self._probabilities)

        def post(name: str, path: str, body: Any, **answer: Any) -> Request:
            kind = JSON if not isinstance(body, bytes) else CSV
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            answer |= {"headers": {"Content-Type": kind}, "body": self._file(f"{name} {size}", content)}
            return Request(f"{name} {size}", "POST", path, large=size == LARGE, **answer)

        return [
            post(
                *("predict", "/predict", {"rows": named, "outputs": ["predict_proba"]}),
                at=("outputs", "predict_proba"),
                version_at=("model", "version"),
                id_at=("ids", 0),
                **probabilities,
            ),
            post(
                *("v2", INFER, {"inputs": [tensor], "outputs": [{"name": "predict_proba"}]}),
                at=("outputs", 0, "data"),
                version_at=("model_version",),
                **probabilities,
            ),
            post("v1", f"/v1/models/{NAME}:predict", {"instances": values}, at=("predictions",), **labels),
            post("mlflow", "/invocations", split, at=("predictions",), **labels),
            post(
                *("mlflow CSV", "/invocations", pd.DataFrame(values, columns=COLUMNS).to_csv(index=False).encode()),
                at=("predictions",),
                **labels,
            ),
        ]

    def _binary(self, size: str, *, rows: int) -> Request:
        data = np.resize(ROWS, (rows, len(COLUMNS))).astype("<f8").tobytes()
        tensor = {"name": "input", "shape": [rows, len(COLUMNS)], "datatype": "FP64"}
        document = {
            "inputs": [{**tensor, "parameters": {"binary_data_size": len(data)}}],
            "outputs": [{"name": "predict_proba", "parameters": {"binary_data": True}}],
        }
        head = json.dumps(document).encode()
        return Request(
            f"v2 binary {size}",
            "POST",
            INFER,
            headers={"Content-Type": OCTETS, "Inference-Header-Content-Length": str(len(head))},
            body=self._file(f"v2 binary {size}", head + data),
            large=size == LARGE,
            binary=True,
            version_at=("model_version",),
            **self._expected(rows, self._probabilities),
        )

    def _feedback(self) -> Request:
        text = '{"id": "{id}", "label": 7}'
        kind = {"Content-Type": JSON}
        # A label may overtake its prediction on the way into the log, and is then unknown at first.
        return Request("feedback", "POST", "/feedback", tries=20, headers=kind, text=text, contains='"accepted"')

    def _sent_otherwise(self, request: Request) -> list[Request]:
        return [
            replace(request, name=f"{request.name} chunked", chunked=True),
            replace(request, name=f"{request.name} after 100 Continue", expect=True),
        ]

    def _packed(self, request: Request) -> Request:
        content = gzip.compress((self.folder / request.body).read_bytes(), compresslevel=1)
        headers = {**request.headers, "Content-Encoding": "gzip"}
        name = f"{request.name} gzip"
        return replace(request, name=name, headers=headers, body=self._file(name, content))

    def _refused(self) -> list[Request]:
        """What has no prediction for an answer."""
        whole = gzip.compress(b'{"rows": [' + b" " * 200_000 + b"]}")

        def post(name: str, status: int, encoding: str, content: bytes, *, large: bool = False) -> Request:
            headers = {"Content-Type": JSON, **({"Content-Encoding": encoding} if encoding else {})}
            body = self._file(name, content)
            return Request(
                name, "POST", "/predict", status, headers=headers, body=body, contains='"error"', large=large
            )

        return [
            post("gzip bomb", 413, "gzip", gzip.compress(bytes(200 * 2**20))),
            post("broken gzip", 400, "gzip", whole[:12] + b"\xff" * 40),
            post("gzip cut off", 400, "gzip", whole[:-20]),
            post("gzip that is none", 400, "gzip", b'{"rows": []}'),
            post("unknown encoding", 415, "br", whole),
            post("broken JSON", 400, "", b'{"rows": ['),
            post("too large", 413, "", b'{"rows": [' + b" " * (17 * 2**20), large=True),
            Request("OPTIONS /predict", "OPTIONS", "/predict", 204),
            Request("unknown path", "POST", "/nowhere", 404, contains='"error"'),
            Request("wrong method", "GET", "/predict", 405, contains='"error"'),
        ]

    def _file(self, name: str, content: bytes) -> str:
        file = name.replace(" ", "-")
        (self.folder / file).write_bytes(content)
        return file

    @staticmethod
    def _expected(rows: int, numbers: dict[str, Any]) -> dict[str, Any]:
        some = {version: found[:rows] for version, found in numbers.items()}
        each = some["1"].size // len(some["1"])
        return {"count": rows * each, "numbers": {v: found.ravel().tolist() for v, found in some.items()}}

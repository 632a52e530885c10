"""What a server on uvicorn could reach at most: `python -m tenfold.loadtests.benchmark.limits KIND PORT MODEL`.

A raw ASGI app, the least that one can write, with none of what a server owes to those who ask it: it checks nothing,
and batches nothing. `constant` parses the JSON and answers always the same, `direct` calls the model, `onnx` has
onnxruntime do it. It runs with the same loop and parser as tenfold: uvloop and httptools.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from typing import Any

import orjson
import uvicorn

Predict = Callable[[list[list[float]]], list[int]]
Message = MutableMapping[str, Any]
CONSTANT = 1
"""What `constant` answers for each row."""
HEADERS = [(b"content-type", b"application/json")]


def app(predict: Predict) -> Callable[..., Awaitable[None]]:
    """An ASGI app that answers every request with what `predict` makes of its rows."""

    async def answer(
        _: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        message = await receive()
        body: bytes = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        content = orjson.dumps({"predictions": predict(orjson.loads(body)["rows"])})
        length = (b"content-length", b"%d" % len(content))
        await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, length]})
        await send({"type": "http.response.body", "body": content})

    return answer


def constant(_: str) -> Predict:
    """The same label for any row: the most that the server can carry."""
    return lambda rows: [CONSTANT] * len(rows)


def direct(model: str) -> Predict:
    """The model's own `predict`."""
    import joblib
    import numpy as np

    estimator = joblib.load(model)
    return lambda rows: estimator.predict(np.array(rows)).tolist()


def onnx(model: str) -> Predict:
    """Onnxruntime's session of the same model, in one thread."""
    import numpy as np

    onnxruntime: Any = import_module("onnxruntime")  # of an extra
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names, labels = [session.get_inputs()[0].name], [session.get_outputs()[0].name]

    def predict(rows: list[list[float]]) -> list[int]:
        return session.run(labels, {names[0]: np.array(rows, "float32")})[0].tolist()

    return predict


KINDS: dict[str, Callable[[str], Predict]] = {"constant": constant, "direct": direct, "onnx": onnx}


def main(kind: str, port: str, model: str) -> None:
    """Serve until a signal."""
    uvicorn.run(
        app(KINDS[kind](model)),
        port=int(port),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

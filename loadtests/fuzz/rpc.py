"""The same over gRPC: valid inferences with known predictions, broken messages, and calls that their client gives up.

Messages are sent as bytes, so that what no client library would write can be sent as well.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import grpc
import grpc.aio

from ...serving.protocols import binary
from ...serving.rpc.messages import MESSAGES, SERVICE
from .. import access
from . import broken, valid
from .cases import generator
from .exchange import Outcome
from .requests import Answer, Case, Check
from .target import Target, differs

_CONTENTS = {
    "BOOL": "bool_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
_FAILURES = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}
_SHED = {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}
_READING = ("ServerLive", "ServerReady", "ServerMetadata", "ModelReady", "ModelMetadata")


class RpcCases:
    """The cases of one seed against one target. The first piece of a case is the method, the second the message."""

    def __init__(self, target: Target, seed: int) -> None:
        self._target, self._seed = target, seed

    def make(self, number: int) -> Case:
        """Case `number`, the same every time."""
        rng = generator(self._seed, -1 - number)
        kind = rng.choice(["valid", "valid", "reading", "message", "content", "method", "leaving"])
        message, check = self._inference(rng)
        raw = message.SerializeToString()
        match kind:
            case "valid":
                return _case(number, "valid", "ModelInfer", raw, check)
            case "reading":
                method = rng.choice(_READING)
                asked: Any = MESSAGES[f"{method}Request"]()
                if method.startswith("Model"):
                    asked.name = self._target.model.name
                return _case(number, "valid", method, asked.SerializeToString(), _any)
            case "message":
                how = rng.choice([broken.cut, broken.garbled])
                return _case(number, "message: garbled or cut", rng.choice(["ModelInfer", *_READING]), how(rng, raw))
            case "content":
                _spoil(rng, message)
                return _case(number, "message: parts that disagree", "ModelInfer", message.SerializeToString())
            case "method":
                method = rng.choice(["ModelConfig", "RepositoryIndex", "", "x" * 5000, "ModelInfer/"])
                return _case(number, "unknown method", method, raw)
            case _:
                pieces = (b"ModelInfer", raw)
                return Case(number, "grpc", "client: leave", pieces, (), "leave", rng.choice([0.0, 0.001, 0.01]))

    def _inference(self, rng: random.Random) -> tuple[Any, Check]:
        rows, labels = self._target.pick(rng)
        model = self._target.model
        message = MESSAGES["ModelInferRequest"](model_name=model.name, id=str(rng.randrange(100)))
        message.outputs.add(name="predict")
        raw = rng.random() < 0.5
        for each in model.inputs:
            names = [c.name for c in model.columns] if model.one_tensor else [each.name]
            values = [row[name] for row in rows for name in names]
            if None in values and not each.datatype.startswith("FP"):
                continue  # a missing value is left out with its column
            tensor = message.inputs.add(name=each.name, datatype=each.datatype)
            tensor.shape.extend([len(rows), len(names)] if model.one_tensor else [len(rows)])
            if raw:
                message.raw_input_contents.append(valid.as_bytes(values, each.datatype))
            else:
                numbers = [float("nan") if value is None else value for value in values]
                texts = [str(value).encode() for value in values]
                contents = getattr(tensor.contents, _CONTENTS[each.datatype])
                contents.extend(texts if each.datatype == "BYTES" else numbers)

        def check(answer: Answer) -> str:
            said = MESSAGES["ModelInferResponse"].FromString(answer.body)
            output = said.outputs[0]
            if said.raw_output_contents:
                data = memoryview(said.raw_output_contents[0])
                found = binary.decode("predict", output.datatype, tuple(output.shape), data)
                return differs(found if isinstance(found, list) else found.tolist(), labels)
            found = list(getattr(output.contents, _CONTENTS[output.datatype]))
            return differs([v.decode() if isinstance(v, bytes) else v for v in found], labels)

        return message, check


class RpcConnection:
    """One channel."""

    def __init__(self, address: str, patience: float) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        self._patience = patience
        self._metadata = [(name.lower(), value) for name, value in access.headers().items()]

    async def carry_out(self, case: Case) -> Outcome:
        """Send it, and look at what comes back."""
        method, message = case.pieces
        ask: Any = self._channel.unary_unary(f"/{SERVICE}/{method.decode()}")
        call = ask(message, timeout=self._patience, metadata=self._metadata)
        if case.ending == "leave":
            await asyncio.sleep(case.pause)
            call.cancel()
            return Outcome(("left",))
        try:
            answer = Answer(200, {}, await call)
        except grpc.aio.AioRpcError as e:
            return _judged(case, e)
        wrong = next((wrong for check in case.checks if (wrong := check(answer))), "")
        return Outcome(("OK",), wrong, "wrong" if wrong else "")

    async def close(self) -> None:
        """Let go of the channel."""
        await self._channel.close()


def _judged(case: Case, error: grpc.aio.AioRpcError) -> Outcome:
    code, said = error.code(), error.details() or ""
    if code in _FAILURES:
        return Outcome((code.name,), f"answered {code.name}: {said}", "failure", said.encode())
    if "onnect" in said or said == "Deadline Exceeded":
        return Outcome((code.name,), said, "unanswered")
    if case.valid and code in _SHED:
        return Outcome((code.name,), said, "shed", said.encode())
    if case.valid:
        return Outcome((code.name,), f"a valid request was answered {code.name}: {said}", "wrong", said.encode())
    return Outcome((code.name,))


def _case(number: int, kind: str, method: str, message: bytes, check: Check | None = None) -> Case:
    return Case(number, "grpc", kind, (method.encode(), message), (check,) if check else ())


def _any(_answer: Answer) -> str:
    return ""


def _spoil(rng: random.Random, message: Any) -> None:
    tensor = rng.choice(list(message.inputs))
    match rng.randrange(7):
        case 0:
            tensor.shape[:] = rng.choice([[], [0], [-1], [2**40], [2**62, 4], [1, 2, 3], [10**18] * 30_000])
        case 1:
            tensor.datatype = rng.choice(["", "FP16", "INT64", "BYTES", "FP128", "BOOL"])
        case 2:
            tensor.name = rng.choice(["", "unknown", "\0", "distance" * 30_000])
        case 3:
            message.raw_input_contents.append(bytes(rng.randrange(256) for _ in range(rng.randrange(50))))
        case 4:
            message.inputs.add().CopyFrom(tensor)
        case 5:
            message.model_version = rng.choice(["0", "x" * 10_000, "\0"])
        case _:
            message.outputs.add(name=rng.choice(["", "predict", "unknown"]))

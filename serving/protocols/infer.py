"""One inference of the Open Inference Protocol v2: its request and its answer, in JSON and in bytes. Pure.

Parameters that the protocol or an extension gives a meaning here are those of the binary extension; all others are
tolerated, as it demands.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import numpy as np
import orjson

from ..core import Prediction
from ..echo import echo
from ..errors import InvalidInput
from ..responses import values
from ..schema import v2_inputs
from ..signature import Signature
from ..values import shown
from . import binary, tensors
from .tensors import Tensor

Json = dict[str, Any]

LONGEST_ID = 1_000
"""Characters of a request's own id, which its answer repeats."""


class InferRequest(NamedTuple):
    """The request, checked; `outputs` is None when it names none, which means all.

    `binary` is whether outputs are wanted as bytes, where `as_bytes` does not say it for one of them.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[str, ...] | None = None
    id: str | None = None
    binary: bool = False
    as_bytes: Mapping[str, bool] = MappingProxyType({})


def take(document: Json, data: memoryview | None = None) -> InferRequest:
    """Read a request; `data` are the bytes after its JSON document.

    Raises:
        InvalidInput: a part that is missing or malformed, or data that disagree with their shape or datatype.
    """
    inputs = _objects(document.get("inputs"), "inputs", '{"name", "shape", "datatype", "data"}')
    if not inputs:
        raise InvalidInput('The request has no "inputs". Send {"inputs": [{"name", "shape", "datatype", "data"}]}')
    identity = document.get("id")
    if identity is not None and not isinstance(identity, str):
        raise InvalidInput(f'The "id" of the request is {echo(identity)}, not a string. Send a string, or leave it out')
    check_id(identity or "")
    taken = _tensors(inputs, data)
    tensors.check_names(tensor.name for tensor in taken)
    outputs = _objects(document.get("outputs"), "outputs", '{"name"}')
    return InferRequest(
        taken,
        tuple(_name(output, "outputs") for output in outputs) or None,
        identity,
        _flag(document, "binary_data_output") or False,
        {output["name"]: flag for output in outputs if (flag := _flag(output, "binary_data")) is not None},
    )


def check_id(identity: str) -> None:
    """Refuse an id that is too long to be repeated.

    Raises:
        InvalidInput: it has more than `LONGEST_ID` characters.
    """
    if len(identity) > LONGEST_ID:
        raise InvalidInput(
            f'The "id" of the request has {len(identity)} characters, more than the {LONGEST_ID} allowed. '
            f"Send a shorter one, or leave it out"
        )


def raw(signature: Signature, data: memoryview) -> InferRequest:
    """A request that is nothing but the bytes of the model's only input; it is answered in bytes.

    Raises:
        InvalidInput: the model has several inputs, or strings, or the bytes are not a whole number of rows.
    """
    inputs = v2_inputs(signature)
    datatype, shape = inputs[0]["datatype"], inputs[0]["shape"]
    if len(inputs) > 1 or datatype == "BYTES":
        raise InvalidInput("Only a model of one input of numbers takes bytes alone. Send a JSON document before them")
    row = np.dtype(binary.DTYPES[datatype]).itemsize * (shape[1] if len(shape) > 1 else 1)
    if len(data) % row:
        raise InvalidInput(f"The body has {len(data)} bytes, but a row has {row}. Send whole rows of {datatype}")
    content = {"shape": [len(data) // row, *shape[1:]], "datatype": datatype}
    return InferRequest((tensors.from_bytes(inputs[0]["name"], content, data),), binary=True)


def answer(request: InferRequest, prediction: Prediction, datatypes: Mapping[str, str]) -> tuple[Json, list[bytes]]:
    """The answer, and the bytes that follow it: of the outputs that were wanted so, in their order.

    The predictions' ids, which feedback needs, are its parameter "ids", separated by commas. `datatypes` are those of
    the model's outputs, by name.
    """
    content: Json = {"model_name": prediction.model, "model_version": prediction.version}
    if request.id is not None:
        content["id"] = request.id
    content["parameters"] = {"ids": prediction.joined_ids.decode()}
    content["outputs"] = outputs = list[Json]()
    data: list[bytes] = []
    for name, output in prediction.outputs.items():
        described: Json = {"name": name, "shape": output.shape, "datatype": datatypes[name]}
        outputs.append(described)
        if request.as_bytes.get(name, request.binary):
            data.append(binary.encode(output, datatypes[name]))
            described["parameters"] = {"binary_data_size": len(data[-1])}
        else:
            described["data"] = values(output if output.ndim == 1 else output.ravel())
    return content, data


def written(identity: str | None, prediction: Prediction, datatypes: Mapping[str, str]) -> bytes:
    """The answer with all outputs in JSON: byte for byte what `answer` would be written as."""
    rows = len(prediction)
    outputs = [
        b"%b[%b]}" % (_output(name, datatypes[name], (rows, *array.shape[1:])), prediction.flat(name))
        for name, array in prediction.result.outputs.items()
    ]
    return b'%b%b"parameters":{"ids":"%b"},"outputs":[%b]}' % (
        _opening(prediction.model, prediction.version),
        b"" if identity is None else b'"id":%b,' % orjson.dumps(identity),
        prediction.joined_ids,
        b",".join(outputs),
    )


@lru_cache(4)
def _opening(model: str, version: str) -> bytes:
    return b'{"model_name":%b,"model_version":%b,' % (orjson.dumps(model), orjson.dumps(version))


@lru_cache(256)
def _output(name: str, datatype: str, shape: tuple[int, ...]) -> bytes:
    """An output of an answer, up to its data."""
    return b'%b,"data":' % orjson.dumps({"name": name, "shape": shape, "datatype": datatype})[:-1]


def _tensors(inputs: list[Json], data: memoryview | None) -> tuple[Tensor, ...]:
    """The inputs, those of a "binary_data_size" from so many bytes of `data`, one after the other."""
    taken: list[Tensor] = []
    at = 0
    for content in inputs:
        name, size = _name(content, "inputs"), _parameters(content).get("binary_data_size")
        if size is None:
            taken.append(tensors.tensor(name, content))
            continue
        if type(size) is not int or size < 0:
            raise InvalidInput(
                f"The \"binary_data_size\" of the input '{echo(name)}' is {shown(size, typed=False)}. "
                f"Send its number of bytes"
            )
        if data is None:
            raise InvalidInput(
                f"The input '{echo(name)}' has a \"binary_data_size\", but the request no header {binary.HEADER}. "
                f"Send the length of the JSON part in it"
            )
        taken.append(tensors.from_bytes(name, content, data[at : at + size]))
        at += size
    if data is not None and at != len(data):
        raise InvalidInput(f"{len(data)} bytes follow the JSON, but the inputs say {at}. Correct one of them")
    return tuple(taken)


def _objects(value: object, key: str, pattern: str) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list) or [item for item in cast("list[Any]", value) if not isinstance(item, dict)]:
        raise InvalidInput(f'"{key}" is not a list of objects. Send "{key}": [{pattern}]')
    return cast("list[Json]", value)


def _name(content: Json, where: str) -> str:
    name = content.get("name")
    if not isinstance(name, str):
        raise InvalidInput(f'One of the "{where}" has no "name" that is a string. Send {{"name": "...", ...}}')
    return name


def _parameters(content: Json) -> Json:
    parameters = content.get("parameters")
    return cast("Json", parameters) if isinstance(parameters, dict) else {}


def _flag(content: Json, name: str) -> bool | None:
    value = _parameters(content).get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidInput(f'The parameter "{name}" is {shown(value, typed=False)}. Send true or false')
    return value

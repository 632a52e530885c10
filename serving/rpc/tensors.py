"""Tensors in gRPC messages: a request read and an answer written, as typed contents or as raw bytes. Pure.

What a tensor may be is decided by `protocols.tensors` and `protocols.binary`, as in HTTP. An answer is raw where the
request was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..echo import echo
from ..errors import InvalidInput
from ..prediction import Prediction
from ..protocols import binary, tensors
from ..protocols.infer import InferRequest, check_id
from ..protocols.tensors import Tensor
from ..schema import OutputSpec
from .messages import MESSAGES

_CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""The field that holds the values of a datatype; those of 16 bits have none, and are raw always."""
_DTYPES = {
    "bool_contents": "?",
    "int_contents": "i4",
    "int64_contents": "i8",
    "uint_contents": "u4",
    "uint64_contents": "u8",
    "fp32_contents": "f4",
    "fp64_contents": "f8",
}


def take(message: Any) -> InferRequest:
    """Read a `ModelInferRequest`; `binary` says whether its contents are raw.

    Raises:
        InvalidInput: no inputs, one that comes twice, contents that disagree with their shape or datatype, or too long
            an id.
    """
    if not message.inputs:
        raise InvalidInput("The request has no inputs. Send a tensor for each column, or one of [rows, columns]")
    check_id(message.id)
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise InvalidInput(
            f"The request has {len(message.inputs)} inputs, but {len(raw)} raw contents. Send one for each input"
        )
    tensors.check_names(tensor.name for tensor in message.inputs)
    taken = tuple(_raw(t, raw[at]) if raw else _typed(t) for at, t in enumerate(message.inputs))
    return InferRequest(taken, tuple(o.name for o in message.outputs) or None, message.id or None, bool(raw))


def answer(request: InferRequest, prediction: Prediction, specs: Sequence[OutputSpec]) -> Any:
    """The `ModelInferResponse`. The predictions' ids are its parameter "ids", separated by commas."""
    datatypes = {spec.name: spec.datatype for spec in specs}
    message = MESSAGES["ModelInferResponse"](
        model_name=prediction.model, model_version=prediction.version, id=request.id or ""
    )
    message.parameters["ids"].string_param = prediction.joined_ids.decode()
    raw = request.binary or any(datatypes[name] not in _CONTENTS for name in prediction.outputs)
    for name, output in prediction.outputs.items():
        datatype = datatypes[name]
        tensor = message.outputs.add(name=name, datatype=datatype, shape=output.shape)
        if raw:
            message.raw_output_contents.append(binary.encode(output, datatype))
        else:
            values = output.ravel().tolist()
            encoded = [str(value).encode() for value in values] if datatype == "BYTES" else values
            getattr(tensor.contents, _CONTENTS[datatype]).extend(encoded)
    return message


def _raw(tensor: Any, data: bytes) -> Tensor:
    return tensors.from_bytes(tensor.name, _described(tensor), memoryview(data))


def _typed(tensor: Any) -> Tensor:
    field = _CONTENTS.get(tensor.datatype)
    if field is None:
        tensors.described(tensor.name, _described(tensor))
        raise InvalidInput(f"{tensor.datatype} of the input '{echo(tensor.name)}' has no typed contents. Send it raw")
    values = getattr(tensor.contents, field)
    if field != "bytes_contents":
        return tensors.from_array(tensor.name, _described(tensor), np.fromiter(values, _DTYPES[field], len(values)))
    try:
        data = [value.decode() for value in values]
    except UnicodeDecodeError as e:
        raise InvalidInput(f"The input '{echo(tensor.name)}' holds a string that is not in UTF-8. Send UTF-8") from e
    return tensors.tensor(tensor.name, {**_described(tensor), "data": data})


def _described(tensor: Any) -> dict[str, Any]:
    return {"shape": list(tensor.shape), "datatype": tensor.datatype}

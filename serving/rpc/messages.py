"""The messages of `inference.GRPCInferenceService`, as the Open Inference Protocol v2 has them.

They are made from the table below when this is imported, and not generated: generated code would need a compiler, and
only work with the protobuf releases that it was made for. What counts on the wire is the order of the fields, which
are numbered from 1, and their types; messages live in a pool of their own, beside those of a client in the process.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PACKAGE = "inference"
SERVICE = f"{PACKAGE}.GRPCInferenceService"

_PARAMETERS = "map InferParameter"
_MODEL = {"name": "string", "version": "string"}
_VARIABLE = {"name": "string", "datatype": "string", "shape": "repeated int64"}
_TENSOR = {**_VARIABLE, "parameters": _PARAMETERS, "contents": "InferTensorContents"}
_FIELDS: dict[str, dict[str, str]] = {
    "ServerLiveRequest": {},
    "ServerLiveResponse": {"live": "bool"},
    "ServerReadyRequest": {},
    "ServerReadyResponse": {"ready": "bool"},
    "ModelReadyRequest": _MODEL,
    "ModelReadyResponse": {"ready": "bool"},
    "ServerMetadataRequest": {},
    "ServerMetadataResponse": {"name": "string", "version": "string", "extensions": "repeated string"},
    "ModelMetadataRequest": _MODEL,
    "ModelMetadataResponse": {
        "name": "string",
        "versions": "repeated string",
        "platform": "string",
        "inputs": "repeated TensorMetadata",
        "outputs": "repeated TensorMetadata",
    },
    "TensorMetadata": _VARIABLE,
    "ModelInferRequest": {
        "model_name": "string",
        "model_version": "string",
        "id": "string",
        "parameters": _PARAMETERS,
        "inputs": "repeated InferInputTensor",
        "outputs": "repeated InferRequestedOutputTensor",
        "raw_input_contents": "repeated bytes",
    },
    "InferInputTensor": _TENSOR,
    "InferRequestedOutputTensor": {"name": "string", "parameters": _PARAMETERS},
    "ModelInferResponse": {
        "model_name": "string",
        "model_version": "string",
        "id": "string",
        "parameters": _PARAMETERS,
        "outputs": "repeated InferOutputTensor",
        "raw_output_contents": "repeated bytes",
    },
    "InferOutputTensor": _TENSOR,
    # One of them is set, which is the same on the wire as a oneof; nothing here has to know which.
    "InferParameter": {
        "bool_param": "bool",
        "int64_param": "int64",
        "string_param": "string",
        "double_param": "double",
        "uint64_param": "uint64",
    },
    "InferTensorContents": {
        "bool_contents": "repeated bool",
        "int_contents": "repeated int32",
        "int64_contents": "repeated int64",
        "uint_contents": "repeated uint32",
        "uint64_contents": "repeated uint64",
        "fp32_contents": "repeated float",
        "fp64_contents": "repeated double",
        "bytes_contents": "repeated bytes",
    },
}


def _described() -> FileDescriptorProto:
    file = FileDescriptorProto(name="tenfold/inference.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), start=1):
            if kind.startswith("map "):
                kind = f"repeated {name}.{_entry(message, field, kind.removeprefix('map '))}"
            _add(message, field, kind, number)
    return file


def _entry(message: DescriptorProto, field: str, kind: str) -> str:
    """The message of a key and a value that a map is made of."""
    entry = message.nested_type.add(name=f"{field.title()}Entry")
    entry.options.map_entry = True
    _add(entry, "key", "string", 1)
    _add(entry, "value", kind, 2)
    return entry.name


def _add(message: DescriptorProto, name: str, kind: str, number: int) -> None:
    bare = kind.removeprefix("repeated ")
    field = message.field.add(name=name, number=number)
    field.label = FieldDescriptorProto.LABEL_REPEATED if bare != kind else FieldDescriptorProto.LABEL_OPTIONAL
    if bare[0].isupper():
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{PACKAGE}.{bare}"
    else:
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{bare.upper()}")


_pool = DescriptorPool()
_pool.Add(_described())
MESSAGES: dict[str, Any] = {name: GetMessageClass(_pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in _FIELDS}
"""The classes of the messages, by name."""

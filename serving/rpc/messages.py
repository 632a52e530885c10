"""The messages that are spoken here: those of the Open Inference Protocol v2, of health checks and of reflection."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError

from ..errors import InvalidInput
from .counting import Malformed, check_fields, nested
from .descriptors import ProtoFile

INFERENCE = ProtoFile("inference.proto", "inference")
HEALTH = ProtoFile("health.proto", "grpc.health.v1")
REFLECTION = tuple(ProtoFile("reflection.proto", f"grpc.reflection.{version}") for version in ("v1", "v1alpha"))
FILES = (INFERENCE, HEALTH, *REFLECTION)
(SERVICE,) = INFERENCE.services
MESSAGES = INFERENCE.messages
"""The classes of the protocol's messages, by name."""
_INFER = "ModelInferRequest"
_INFER_FIELDS = nested(MESSAGES[_INFER].DESCRIPTOR)


def read_infer(message: bytes, most: int) -> Any:
    """A `ModelInferRequest` of no more than `most` fields, the only request whose fields may repeat.

    Raises:
        TooManyValues: it has more.
        InvalidInput: as `read`.
    """
    try:
        check_fields(message, _INFER_FIELDS, most)
    except Malformed as e:
        raise _unreadable(INFERENCE, _INFER, message) from e
    return read(INFERENCE, _INFER, message)


def read(file: ProtoFile, name: str, message: bytes) -> Any:
    """The message.

    Raises:
        InvalidInput: it is none of that kind.
    """
    try:
        return file.messages[name].FromString(message)
    except DecodeError as e:
        raise _unreadable(file, name, message) from e


def _unreadable(file: ProtoFile, name: str, message: bytes) -> InvalidInput:
    full = file.messages[name].DESCRIPTOR.full_name
    return InvalidInput(f"The {len(message)} bytes of the message cannot be read as {full}. Send one")

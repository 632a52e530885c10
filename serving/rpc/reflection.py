"""`grpc.reflection.v1.ServerReflection` and its elder `v1alpha`: which services, methods and messages there are."""

from __future__ import annotations

from typing import Any

from ..context import Context
from ..request import RequestHead
from .descriptors import ProtoFile
from .messages import FILES, read
from .stream import Stream
from .streaming import Slot, StreamingCall

_NOT_FOUND, _UNIMPLEMENTED = 5, 12


class ReflectionCall(StreamingCall):
    """One call.

    Args:
        file: of the version that is spoken.
        context: of the server.
        head: of the call.
        stream: that it came on.
        seconds: that the client waits for all of it, at most.
    """

    def __init__(self, file: ProtoFile, context: Context, head: RequestHead, stream: Stream, seconds: float) -> None:
        super().__init__(context, head, stream, seconds)
        self._file = file

    def handle(self, message: bytes, slot: Slot) -> None:
        """Respond to one request."""
        slot.fill(reflect(self._file, message))


def reflect(file: ProtoFile, message: bytes) -> bytes:
    """The response to one request of the stream.

    Args:
        file: of the version that is spoken.
        message: the request.

    Raises:
        InvalidInput: it is none.
    """
    request = read(file, "ServerReflectionRequest", message)
    response = file.messages["ServerReflectionResponse"](valid_host=request.host, original_request=request)
    match kind := request.WhichOneof("message_request"):
        case "list_services":
            for name in sorted(service for each in FILES for service in each.services):
                response.list_services_response.service.add(name=name)
        case "file_by_filename" | "file_containing_symbol":
            asked: str = getattr(request, kind)
            for each in FILES:
                if asked == each.name if kind == "file_by_filename" else asked in each.symbols:
                    response.file_descriptor_response.file_descriptor_proto.append(each.content)
                    return response.SerializeToString()
            _refuse(response, _NOT_FOUND, "There is nothing of this name here")
        case "all_extension_numbers_of_type" if request.all_extension_numbers_of_type in _messages():
            response.all_extension_numbers_response.base_type_name = request.all_extension_numbers_of_type
        case "all_extension_numbers_of_type" | "file_containing_extension":
            _refuse(response, _NOT_FOUND, "There are no extensions here")
        case _:
            _refuse(response, _UNIMPLEMENTED, "The question is of no kind that is known here")
    return response.SerializeToString()


def _messages() -> set[str]:
    return {each.DESCRIPTOR.full_name for file in FILES for each in file.messages.values()}


def _refuse(response: Any, code: int, sentence: str) -> None:
    response.error_response.error_code, response.error_response.error_message = code, sentence

"""The `.proto` files beside this module, as descriptors and message classes.

They are read when this is imported, and not compiled before: generated code would need a compiler, and only work with
the protobuf releases that it was made for. Of the language of `.proto` files it reads as much as these files need. The
messages live in a pool of their own, beside those of a client in the same process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    ServiceDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_COMMENT = re.compile(r"//[^\n]*")
_TOKEN = re.compile(r'"[^"]*"|[\w.]+|[^\s\w]')
_SCALARS = frozenset({"bool", "int32", "int64", "uint32", "uint64", "float", "double", "string", "bytes"})
_pool = DescriptorPool()


class ProtoFile:
    """One file.

    Attributes:
        name: by which reflection calls it.
        content: its descriptor, as bytes.
        services: their full names.
        symbols: full names of all that it declares.
        messages: the classes of its messages, by the last part of their names.
    """

    def __init__(self, source: str, package: str) -> None:
        """
        Args:
            source: name of the file here.
            package: that its messages are in; the one that the file says is replaced by it.
        """
        self.name = f"{package.replace('.', '/')}/{source}"
        text = (files(__name__.rpartition(".")[0]) / "protos" / source).read_text()
        described = _Parser(text).file(self.name, package)
        self.content = described.SerializeToString()
        self.services = [f"{package}.{service.name}" for service in described.service]
        declared = dict(_declared(described))
        methods = (f"{package}.{service.name}.{m.name}" for service in described.service for m in service.method)
        self.symbols = frozenset((*declared, *self.services, *methods))
        _pool.AddSerializedFile(self.content)
        self.messages: dict[str, Any] = {
            name.rpartition(".")[2]: GetMessageClass(_pool.FindMessageTypeByName(name))
            for name, kind in declared.items()
            if kind is DescriptorProto
        }


class _Parser:
    """Reads the tokens of one file, from its first to its last."""

    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(_COMMENT.sub("", text))[::-1]

    def file(self, name: str, package: str) -> FileDescriptorProto:
        file = FileDescriptorProto(name=name, package=package, syntax="proto3")
        while self._tokens:
            match self._next():
                case "message":
                    self._message(file.message_type.add())
                case "service":
                    self._service(file.service.add(), package)
                case _:
                    self._until(";")
        kinds = dict(_declared(file))
        for message in file.message_type:
            _resolve(message, f"{package}.{message.name}", kinds)
        return file

    def _next(self) -> str:
        return self._tokens.pop()

    def _until(self, end: str) -> list[str]:
        found: list[str] = []
        while (token := self._next()) != end:
            found.append(token)
        return found

    def _message(self, message: DescriptorProto) -> None:
        (message.name,) = self._until("{")
        while (token := self._next()) != "}":
            match token:
                case "message":
                    self._message(message.nested_type.add())
                case "enum":
                    self._enum(message.enum_type.add())
                case "oneof":
                    message.oneof_decl.add(name=self._until("{")[0])
                    while (kind := self._next()) != "}":
                        _field(message, [kind, *self._until(";")]).oneof_index = len(message.oneof_decl) - 1
                case _:
                    _field(message, [token, *self._until(";")])

    def _enum(self, enum: EnumDescriptorProto) -> None:
        (enum.name,) = self._until("{")
        while (token := self._next()) != "}":
            enum.value.add(name=token, number=int(self._until(";")[-1]))

    def _service(self, service: ServiceDescriptorProto, package: str) -> None:
        (service.name,) = self._until("{")
        while self._next() != "}":  # rpc NAME(stream REQUEST) returns (stream RESPONSE);
            name, _, *request = self._until(")")
            _, _, *response = self._until(")")
            self._until(";")
            method = service.method.add(name=name)
            method.input_type, method.output_type = f".{package}.{request[-1]}", f".{package}.{response[-1]}"
            method.client_streaming, method.server_streaming = len(request) > 1, len(response) > 1


def _field(message: DescriptorProto, tokens: list[str]) -> FieldDescriptorProto:
    """Repeated TYPE NAME = NUMBER, or map < KEY , VALUE > NAME = NUMBER."""
    *kind, name, _, number = tokens
    # As protoc does: grpcurl writes a field without it as it is written here.
    json_name = re.sub(r"_(\w)", lambda found: found[1].upper(), name)
    field = message.field.add(name=name, json_name=json_name, number=int(number))
    field.label = FieldDescriptorProto.LABEL_REPEATED if len(kind) > 1 else FieldDescriptorProto.LABEL_OPTIONAL
    if kind[0] == "map":
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        _field(entry, [kind[2], "key", "=", "1"])
        _field(entry, [kind[4], "value", "=", "2"])
        field.type_name = entry.name
    elif kind[-1] in _SCALARS:
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind[-1].upper()}")
    else:
        field.type_name = kind[-1]
    return field


def _declared(file: FileDescriptorProto) -> Iterator[tuple[str, type]]:
    """Full names of all messages and enumerations, each with what it is."""

    def within(message: DescriptorProto, scope: str) -> Iterator[tuple[str, type]]:
        name = f"{scope}.{message.name}"
        if not message.options.map_entry:
            yield name, DescriptorProto
        for enum in message.enum_type:
            yield f"{name}.{enum.name}", EnumDescriptorProto
        for nested in message.nested_type:
            yield from within(nested, name)

    for message in file.message_type:
        yield from within(message, file.package)


def _resolve(message: DescriptorProto, scope: str, kinds: dict[str, type]) -> None:
    """Make the names of types full ones: of the innermost scope that has one."""
    for field in message.field:
        if not field.type_name:
            continue
        around = scope
        if not field.type_name.endswith("Entry"):
            while f"{around}.{field.type_name}" not in kinds:
                around = around.rpartition(".")[0]
        name = f"{around}.{field.type_name}"
        is_enum = kinds.get(name) is EnumDescriptorProto
        field.type = FieldDescriptorProto.TYPE_ENUM if is_enum else FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{name}"
    for nested in message.nested_type:
        _resolve(nested, f"{scope}.{nested.name}", kinds)

"""Reflection, asked as grpcurl does: what it tells is enough to call a method that the client has never heard of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from integration.serving.channels import called
from tenfold.serving.rpc.messages import REFLECTION, SERVICE
from unit.serving.stage import Folders

VERSIONS = {file.services[0].split(".")[2]: file.messages for file in REFLECTION}


@pytest.fixture(scope="module")
def channel(folders: Folders) -> Iterator[grpc.Channel]:
    with called(folders.line, name="line") as (_, channel):
        yield channel


def ask(channel: grpc.Channel, version: str, *questions: dict[str, Any]) -> list[Any]:
    messages = VERSIONS[version]
    method = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
    sent = [messages["ServerReflectionRequest"](**each).SerializeToString() for each in questions]
    return [messages["ServerReflectionResponse"].FromString(each) for each in method(iter(sent), timeout=30)]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_services_are_listed(channel: grpc.Channel, version: str) -> None:
    (found,) = ask(channel, version, {"list_services": "*", "host": "me"})
    assert [service.name for service in found.list_services_response.service] == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        SERVICE,
    ]
    assert (found.valid_host, found.original_request.list_services) == ("me", "*")


@pytest.mark.parametrize("version", VERSIONS)
def test_what_it_tells_is_enough_to_call(channel: grpc.Channel, version: str) -> None:
    symbols = [SERVICE, f"{SERVICE}.ModelInfer", "inference.ModelInferRequest.InferInputTensor"]
    answers = ask(channel, version, *({"file_containing_symbol": symbol} for symbol in symbols))
    (content,) = {bytes(*answer.file_descriptor_response.file_descriptor_proto) for answer in answers}
    file = FileDescriptorProto.FromString(content)
    assert not file.dependency
    (by_name,) = ask(channel, version, {"file_by_filename": file.name})
    assert [*by_name.file_descriptor_response.file_descriptor_proto] == [content]

    pool = DescriptorPool()
    pool.AddSerializedFile(content)
    method = pool.FindServiceByName(SERVICE).FindMethodByName("ModelMetadata")
    request = GetMessageClass(method.input_type)(name="line")
    answer = channel.unary_unary(f"/{SERVICE}/{method.name}")(request.SerializeToString(), timeout=30)
    assert GetMessageClass(method.output_type).FromString(answer).inputs[0].datatype == "FP64"
    stream = pool.FindServiceByName(SERVICE).FindMethodByName("ModelStreamInfer")
    assert stream.client_streaming
    assert stream.server_streaming


def test_what_there_is_not(channel: grpc.Channel) -> None:
    unknown, extension, none, number = ask(
        channel,
        "v1",
        {"file_containing_symbol": "shop.Flowers"},
        {"file_containing_extension": {"containing_type": "inference.InferParameter", "extension_number": 7}},
        {},
        {"all_extension_numbers_of_type": "inference.InferParameter"},
    )
    codes = [answer.error_response.error_code for answer in (unknown, extension, none)]
    assert codes == [5, 5, 12]
    assert not number.HasField("error_response")
    assert number.all_extension_numbers_response.base_type_name == "inference.InferParameter"


def test_it_needs_a_key(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("first-key\n")
    with called(folders.line, api_keys_file=tmp_path / "keys") as (_, channel):
        with pytest.raises(grpc.RpcError) as e:
            ask(channel, "v1", {"list_services": "*"})
        assert e.value.code() is grpc.StatusCode.UNAUTHENTICATED

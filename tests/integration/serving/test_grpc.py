"""gRPC by Triton's own client, which sends raw contents, and by bare messages, with typed ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from integration.serving.threads import running
from support.places import wait_until
from tenfold import __version__
from tenfold.serving.errors import ModelUnloadable
from tenfold.serving.inference_log.store import InferenceLog
from tenfold.serving.rpc.messages import MESSAGES, SERVICE
from tenfold.serving.rpc.server import RpcServer
from tenfold.serving.server import ModelServer
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException
from unit.serving.stage import FLOWER, Folders, flower_model, flowers, trip_model, trips

TABLE = flowers()[0].iloc[::40]
PROBABILITIES = flower_model().predict_proba(TABLE)
LABELS = PROBABILITIES.argmax(axis=1).tolist()
TRIPS = trips()[0].head(8)


@pytest.fixture(scope="module")
def iris_server(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ModelServer, str]]:
    url = f"sqlite:///{tmp_path_factory.mktemp('log') / 'log.db'}"
    with running(folders.iris, grpc_port=0, log_url=url, max_rows=50, max_body_bytes=20_000) as (server, _):
        wait_until(lambda: server.grpc_port)
        yield server, f"127.0.0.1:{server.grpc_port}"


@pytest.fixture
def iris(iris_server: tuple[ModelServer, str]) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(iris_server[1]) as client:
        yield client


@pytest.fixture
def stub(iris_server: tuple[ModelServer, str]) -> Iterator[Any]:
    """Generated code, for what the client does not send."""
    with grpc.insecure_channel(iris_server[1]) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def tensor(name: str, values: Any, datatype: str) -> triton.InferInput:
    return triton.InferInput(name, list(values.shape), datatype).set_data_from_numpy(values)


def test_what_it_asks_about_a_server_and_its_model(iris: triton.InferenceServerClient) -> None:
    assert iris.is_server_live()
    assert iris.is_server_ready()
    assert iris.is_model_ready("iris")
    assert iris.is_model_ready("iris", "7")
    assert (iris.get_server_metadata().name, iris.get_server_metadata().version) == ("tenfold", __version__)
    metadata = iris.get_model_metadata("iris", "7", as_json=True)
    assert metadata["inputs"] == [{"name": name, "datatype": "FP64", "shape": ["-1"]} for name in FLOWER]
    assert metadata["outputs"][1] == {"name": "predict_proba", "datatype": "FP64", "shape": ["-1", "3"]}


def test_bytes_that_are_no_message_are_the_clients_fault(
    iris_server: tuple[ModelServer, str], caplog: pytest.LogCaptureFixture
) -> None:
    for method in ("ModelInfer", "ServerLive"):
        with grpc.insecure_channel(iris_server[1]) as channel, pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(f"/inference.GRPCInferenceService/{method}")(b"\x0a\xff\xff", timeout=10)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert caught.value.details() == (
            f"The 3 bytes of the message cannot be read as inference.{method}Request. Send one"
        )
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
def test_raw_contents(iris: triton.InferenceServerClient, datatype: str) -> None:
    rows = TABLE.to_numpy(f"f{int(datatype[2:]) // 8}")
    wanted = [triton.InferRequestedOutput(name) for name in ("predict_proba", "predict")]
    answer = iris.infer("iris", [tensor("x", rows, datatype)], outputs=wanted, request_id="a", model_version="7")
    np.testing.assert_allclose(
        answer.as_numpy("predict_proba"), PROBABILITIES, rtol=0.05 if datatype == "FP16" else 1e-5
    )
    assert answer.as_numpy("predict").tolist() == LABELS
    response = answer.get_response()
    assert (response.id, response.model_name, response.model_version, len(response.outputs)) == ("a", "iris", "7", 2)


def test_a_tensor_for_each_column_and_every_output(iris: triton.InferenceServerClient) -> None:
    answer = iris.infer("iris", [tensor(name, TABLE[name].to_numpy(), "FP64") for name in FLOWER])
    np.testing.assert_allclose(answer.as_numpy("predict_proba"), PROBABILITIES)
    assert answer.as_numpy("decision_function").shape == (4, 3)


def test_texts_integers_and_gaps(folders: Folders) -> None:
    with running(folders.trips, grpc_port=0) as (server, _):
        wait_until(lambda: server.grpc_port)
        with triton.InferenceServerClient(f"127.0.0.1:{server.grpc_port}") as client:
            inputs = [
                tensor("carrier", TRIPS["carrier"].to_numpy(object), "BYTES"),
                tensor("distance", TRIPS["distance"].to_numpy("int32"), "INT32"),
                tensor("delay", TRIPS["delay"].to_numpy(), "FP64"),
            ]
            answer = client.infer("trips", inputs).as_numpy("predict")
        assert [value.decode() for value in answer.tolist()] == trip_model().predict(TRIPS).tolist()


@pytest.mark.parametrize(
    ("datatype", "field", "row"),
    [
        ("FP64", "fp64_contents", [5.1, 3.5, 1.4, 0.2]),
        ("FP32", "fp32_contents", [5.1, 3.5, 1.4, 0.2]),
        *((f"INT{bits}", "int_contents", [5, 3, 1, 0]) for bits in (8, 16, 32)),
        *((f"UINT{bits}", "uint_contents", [5, 3, 1, 0]) for bits in (8, 16, 32)),
        ("INT64", "int64_contents", [5, 3, 1, 0]),
        ("UINT64", "uint64_contents", [5, 3, 1, 0]),
    ],
)
def test_typed_contents_are_answered_so(stub: Any, datatype: str, field: str, row: list[float]) -> None:
    request = service_pb2.ModelInferRequest(model_name="iris")
    request.parameters["unknown"].bool_param = True
    getattr(request.inputs.add(name="x", datatype=datatype, shape=[1, 4]).contents, field).extend(row)
    answer = stub.ModelInfer(request)
    assert not answer.raw_output_contents
    assert list(answer.outputs[0].contents.int64_contents) == [0]
    assert len(answer.outputs[1].contents.fp64_contents) == 3
    assert len(answer.parameters["ids"].string_param) == 36


def asked(change: str) -> Any:
    """A request that is broken in one way."""
    request = service_pb2.ModelInferRequest(model_name="iris")
    given = request.inputs.add(name="x", datatype="FP64", shape=[1, 4])
    given.contents.fp64_contents.extend([1, 2, 3, 4])
    match change:
        case "empty":
            request.ClearField("inputs")
        case "twice":
            request.inputs.append(given)
        case "few":
            request.raw_input_contents.extend([bytes(32), bytes(32)])
        case "short":
            request.raw_input_contents.append(bytes(31))
        case "half":
            given.datatype = "FP16"
        case "kind":
            given.datatype = "FP8"
        case "shape":
            given.shape[:] = [1, 5]
        case "narrow":
            given.datatype = "INT8"
            given.contents.int_contents.extend([1, 2, 3, 300])
        case "text":
            given.datatype = "BYTES"
            given.contents.bytes_contents.extend([b"\xff"] * 4)
        case "rows":
            given.shape[:] = [51, 4]
            given.contents.fp64_contents[:] = [1] * 204
        case "many":
            request.inputs.extend([service_pb2.ModelInferRequest.InferInputTensor()] * 5000)
        case "output":
            request.outputs.add(name="shap")
        case "version":
            request.model_version = "8"
        case _:
            request.raw_input_contents.append(bytes(30_000))
    return request


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ("empty", "INVALID_ARGUMENT", "The request has no inputs"),
        ("twice", "INVALID_ARGUMENT", "The input 'x' comes twice"),
        ("few", "INVALID_ARGUMENT", "The request has 1 inputs, but 2 raw contents"),
        ("short", "INVALID_ARGUMENT", "has 31 bytes, but FP64 of the shape [1, 4] needs 32"),
        ("half", "INVALID_ARGUMENT", "FP16 of the input 'x' has no typed contents. Send it raw"),
        ("kind", "INVALID_ARGUMENT", 'has the datatype "FP8". Send one of'),
        ("shape", "INVALID_ARGUMENT", "has 4 values, but its shape [1, 5] says 5"),
        ("narrow", "INVALID_ARGUMENT", "The input 'x' is said to be INT8 but holds 300"),
        ("text", "INVALID_ARGUMENT", "holds a string that is not in UTF-8"),
        ("rows", "RESOURCE_EXHAUSTED", "51 rows, more than the 50 allowed"),
        ("many", "RESOURCE_EXHAUSTED", "more than 1500 values"),
        ("output", "INVALID_ARGUMENT", "The model has no output 'shap'"),
        ("version", "NOT_FOUND", "this server has model 'iris' version '7'"),
        ("large", "RESOURCE_EXHAUSTED", ""),
    ],
)
def test_what_cannot_be_understood_is_said(stub: Any, change: str, code: str, words: str) -> None:
    with pytest.raises(grpc.RpcError) as e:
        stub.ModelInfer(asked(change))
    assert e.value.code().name == code
    assert words in e.value.details()


def test_a_fault_of_our_own_is_one_sentence(
    iris_server: tuple[ModelServer, str], stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenfold.serving.rpc.tensors.answer", lambda *_: 1 / 0)
    with pytest.raises(grpc.RpcError) as e:
        stub.ModelInfer(_good(), metadata=[("x-request-id", "mine")])
    assert e.value.code() == grpc.StatusCode.INTERNAL
    assert e.value.details().endswith("Its log has the reason under mine")


def _good() -> Any:
    request = asked("")
    request.ClearField("raw_input_contents")
    return request


def test_it_is_in_the_log_and_in_the_metrics(iris_server: tuple[ModelServer, str], stub: Any) -> None:
    server, _ = iris_server
    (identity,) = stub.ModelInfer(_good()).parameters["ids"].string_param.split(",")
    assert server.core.writer is not None
    assert server.core.writer.flush(10)
    with closing(InferenceLog(server.settings.log_url.get_secret_value())) as log:
        kept = {p.id: p for p in log.recent("iris", 1000)}
    assert kept[identity].row == dict(zip(FLOWER, [1, 2, 3, 4], strict=True))
    counted = b'tenfold_requests_total{code="200",protocol="grpc",version="7"}'
    wait_until(lambda: counted in server.metrics.render(), what="the request among the metrics")


def test_the_clients_own_deadline_is_kept(iris: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="DEADLINE_EXCEEDED"):
        iris.infer("iris", [tensor("x", TABLE.to_numpy(), "FP64")], client_timeout=1e-6)


def test_the_messages_are_those_of_the_protocol() -> None:
    """On the wire: the same numbers and types as in the code that the client was generated with."""
    assert service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name == SERVICE
    for name, made in MESSAGES.items():
        theirs = getattr(service_pb2, name, None) or next(
            nested
            for outer in (
                service_pb2.ModelInferRequest,
                service_pb2.ModelInferResponse,
                service_pb2.ModelMetadataResponse,
            )
            if (nested := getattr(outer, name, None))
        )
        wire = [[(f.number, f.name, f.type, f.is_repeated) for f in m.DESCRIPTOR.fields] for m in (made, theirs)]
        assert wire[0] == wire[1], name


def test_keys_are_asked_for_as_in_http(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("first-key\n")
    request = service_pb2.ModelMetadataRequest(name="line")
    with running(folders.line, grpc_port=0, api_keys_file=tmp_path / "keys") as (server, _):
        wait_until(lambda: server.grpc_port)
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            assert stub.ModelMetadata(request, metadata=[("authorization", "Bearer first-key")]).name == "line"
            assert stub.ServerReady(service_pb2.ServerReadyRequest()).ready
            for metadata in ([], [("authorization", "Bearer other")]):
                with pytest.raises(grpc.RpcError) as e:
                    stub.ModelMetadata(request, metadata=metadata)
                assert e.value.code() == grpc.StatusCode.UNAUTHENTICATED
                assert "Send a valid one" in e.value.details()


async def test_a_port_in_use_is_said(folders: Folders, iris_server: tuple[ModelServer, str]) -> None:
    server, address = iris_server
    port = int(address.rpartition(":")[2])
    with pytest.raises(ModelUnloadable, match=f"Nothing can listen on 127.0.0.1:{port} for gRPC. Stop the program"):
        RpcServer(server.context, port)


def test_an_id_that_is_too_long_to_be_repeated(iris: triton.InferenceServerClient) -> None:
    rows = [tensor("x", TABLE.to_numpy("f8"), "FP64")]
    assert iris.infer("iris", rows, request_id="x" * 1_000).get_response().id == "x" * 1_000
    with pytest.raises(InferenceServerException, match='The "id" of the request has 1001 characters'):
        iris.infer("iris", rows, request_id="x" * 1_001)

"""Clients of the gRPC port: by reflection, as Kubernetes probes it, by hand, and on a stream."""

from __future__ import annotations

import json
import queue
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
from integration.serving.processes import started
from support.places import free_port
from support.programs import go_program, program
from tritonclient.utils import InferenceServerException
from unit.serving.conftest import bare_environment, folders
from unit.serving.stage import Folders, flower_model, flowers

__all__ = ["bare_environment", "folders"]  # fixtures of the unit tests
pytestmark = pytest.mark.timeout(1200)  # the programs may have to be built

TABLE = flowers()[0].iloc[::40]
PROBABILITIES = flower_model().predict_proba(TABLE)
SERVICE = "inference.GRPCInferenceService"
METHODS = [
    "ModelInfer",
    "ModelMetadata",
    "ModelReady",
    "ModelStreamInfer",
    "ServerLive",
    "ServerMetadata",
    "ServerReady",
]
REQUEST = {
    "model_name": "iris",
    "inputs": [
        {
            "name": "x",
            "datatype": "FP64",
            "shape": list(TABLE.shape),
            "contents": {"fp64_contents": TABLE.to_numpy().ravel().tolist()},
        }
    ],
    "outputs": [{"name": "predict_proba"}],
}
GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4"
PROBE = "github.com/grpc-ecosystem/grpc-health-probe@v0.4.62"
# The probe's exit codes.
_UNREACHABLE, _CALL_FAILED = 2, 3


@pytest.fixture(scope="module")
def address(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the gRPC port of a server that is ready."""
    port = free_port()
    with started(tmp_path_factory.mktemp("server"), model=folders.iris, grpc_port=port) as server:
        server.until_ready()
        yield f"127.0.0.1:{port}"


def grpcurl(*words: str) -> subprocess.CompletedProcess[str]:
    command = [go_program(GRPCURL), "-plaintext", "-max-time", "30", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def said(*words: str) -> str:
    done = grpcurl(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_grpcurl_lists_the_services_and_their_methods(address: str) -> None:
    services = said(address, "list").split()
    assert {SERVICE, "grpc.health.v1.Health"} <= set(services)
    assert any(service.startswith("grpc.reflection.") for service in services)
    assert set(said(address, "list", SERVICE).split()) >= {f"{SERVICE}.{method}" for method in METHODS}


def test_grpcurl_describes_methods_and_messages(address: str) -> None:
    infer = said(address, "describe", f"{SERVICE}.ModelInfer")
    assert "rpc ModelInfer ( .inference.ModelInferRequest ) returns ( .inference.ModelInferResponse )" in infer
    stream = said(address, "describe", f"{SERVICE}.ModelStreamInfer")
    assert "( stream .inference.ModelInferRequest ) returns ( stream .inference.ModelStreamInferResponse )" in stream
    assert "repeated bytes raw_input_contents = 7" in said(address, "describe", "inference.ModelInferRequest")


def test_grpcurl_predicts(address: str) -> None:
    answer = json.loads(said("-d", json.dumps(REQUEST), address, f"{SERVICE}/ModelInfer"))
    assert (answer["modelName"], answer["modelVersion"]) == ("iris", "7")
    (output,) = answer["outputs"]
    np.testing.assert_allclose(output["contents"]["fp64Contents"], PROBABILITIES.ravel())
    assert json.loads(said(address, f"{SERVICE}/ServerReady")) == {"ready": True}


def test_grpcurl_reads_our_errors(address: str) -> None:
    done = grpcurl("-d", json.dumps({**REQUEST, "model_name": "rose"}), address, f"{SERVICE}/ModelInfer")
    assert done.returncode == 64 + 5  # and gRPC's number of NOT_FOUND
    assert "Code: NotFound" in done.stderr
    assert "There is no model 'rose' here" in done.stderr


def test_grpcurl_streams(address: str) -> None:
    two = f"{json.dumps({**REQUEST, 'id': 'a'})}\n{json.dumps({**REQUEST, 'id': 'b'})}"
    answers = said("-d", two, address, f"{SERVICE}/ModelStreamInfer")
    assert [word for word in ("a", "b") if f'"id": "{word}"' in answers] == ["a", "b"]


@pytest.mark.parametrize("service", ["", SERVICE])
def test_kubernetes_probe_sees_a_server_that_serves(address: str, service: str) -> None:
    done = probe(address, f"-service={service}")
    assert (done.returncode, done.stderr.strip()) == (0, "status: SERVING")


def test_kubernetes_probe_of_an_unknown_service_and_of_nobody(address: str) -> None:
    assert probe(address, "-service=other").returncode == _CALL_FAILED
    assert probe(f"127.0.0.1:{free_port()}").returncode == _UNREACHABLE


def probe(address: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [go_program(PROBE), f"-addr={address}", "-connect-timeout=30s", "-rpc-timeout=30s", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_curl_that_knows_of_http2(address: str, tmp_path: Path) -> None:
    """A gRPC call by hand: five bytes of frame before a message, the outcome in the trailers."""
    command = [
        program("curl"),
        "--silent",
        "--show-error",
        "--max-time",
        "30",
        "--noproxy",
        "*",
        "--http2-prior-knowledge",
    ]
    head, body = tmp_path / "head", tmp_path / "body"
    kind = ["--header", "Content-Type: application/grpc", "--header", "TE: trailers"]
    files = ["--dump-header", str(head), "--output", str(body), "--data-binary", "@-"]
    url = f"http://{address}/{SERVICE}/ServerReady"
    subprocess.run([*command, *kind, *files, url], input=bytes(5), check=True)
    assert head.read_text().startswith("HTTP/2 200")
    assert "grpc-status: 0" in head.read_text()
    assert body.read_bytes() == b"\0\0\0\0\2\x08\1"
    # What is no call of gRPC is refused in HTTP.
    done = subprocess.run(
        [*command, "--json", "{}", "--write-out", "%{http_code}", url], capture_output=True, check=True
    )
    assert done.stdout.endswith(b"415")


def test_triton_streams(address: str) -> None:
    """Many requests on one stream, and each answer belongs to its request; an error ends no stream."""
    answers: queue.Queue[tuple[Any, InferenceServerException | None]] = queue.Queue()
    rows = TABLE.to_numpy()
    with triton.InferenceServerClient(address) as client:
        client.start_stream(lambda result, error: answers.put((result, error)))
        for n in range(100):
            row = rows[n % len(rows)][None]
            given = triton.InferInput("x", [1, 4], "FP64").set_data_from_numpy(row)
            client.async_stream_infer("iris" if n != 50 else "rose", [given], request_id=str(n))
        got = [answers.get(timeout=60) for _ in range(100)]
        client.stop_stream()
    errors = [error for _, error in got if error]
    assert len(errors) == 1
    assert "There is no model 'rose' here" in str(errors[0])
    results = {int(result.get_response().id): result for result, error in got if not error}
    assert set(results) == set(range(100)) - {50}
    for n, result in results.items():
        np.testing.assert_allclose(result.as_numpy("predict_proba")[0], PROBABILITIES[n % len(rows)])

"""Asks a server by the clients of KServe's SDK, over HTTP and gRPC, and prints what they say as JSON: URL GRPC_ADDRESS.

A process of its own: the SDK's generated code for gRPC has the same names as that of Triton's client.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from types import ModuleType
from typing import Any

import numpy as np

# Without the package's `__init__`, which imports a model server and all that it requires.
found = importlib.util.find_spec("kserve")
assert found is not None
package = ModuleType("kserve")
package.__path__ = list(found.submodule_search_locations or [])
sys.modules["kserve"] = package
from kserve.inference_client import InferenceGRPCClient, InferenceRESTClient, RESTConfig  # noqa: E402
from kserve.protocol.infer_type import InferInput, InferRequest, RequestedOutput  # noqa: E402

MODEL = "iris"


def request(rows: list[list[float]], *, binary: bool) -> InferRequest:
    tensor = InferInput("x", [len(rows), len(rows[0])], "FP64")
    tensor.set_data_from_numpy(np.array(rows), binary_data=binary)
    outputs = [RequestedOutput("predict_proba", {"binary_data": binary}), RequestedOutput("predict")]
    return InferRequest(MODEL, [tensor], request_id="mine", request_outputs=outputs)


def shown(response: Any) -> dict[str, Any]:
    return {
        "id": response.id,
        "model": response.model_name,
        "outputs": {output.name: output.as_numpy().tolist() for output in response.outputs},
    }


async def over_http(url: str, rows: list[list[float]]) -> dict[str, Any]:
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        said: dict[str, Any] = {
            "live": await client.is_server_live(url),
            "ready": await client.is_server_ready(url),
            "model": [await client.is_model_ready(url, name) for name in (MODEL, "other")],
        }
        for binary in (False, True):
            said["binary" if binary else "json"] = shown(await client.infer(url, request(rows, binary=binary), MODEL))
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        said["v1"] = await client.infer(url, {"instances": rows}, MODEL)
        said["v1 model"] = await client.is_model_ready(url, MODEL)
    return said


async def over_grpc(address: str, rows: list[list[float]]) -> dict[str, Any]:
    async with InferenceGRPCClient(address) as client:
        return {
            "live": await client.is_server_live(),
            "ready": await client.is_server_ready(),
            "model": await client.is_model_ready(MODEL),
            "answer": shown(await client.infer(request(rows, binary=True))),
        }


async def main(url: str, address: str, rows: list[list[float]]) -> None:
    json.dump({"http": await over_http(url, rows), "grpc": await over_grpc(address, rows)}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))

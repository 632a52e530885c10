"""The Open Inference Protocol v2 over REST, as KServe, Triton and MLServer speak it; JSON tensors."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from ... import __version__
from ..schema import v2_inputs
from . import tensors
from .bodies import reply
from .edge import Edge


def router(edge: Edge) -> APIRouter:
    """The routes, bound to `edge`."""
    routes = APIRouter(tags=["Open Inference Protocol v2"])
    core = edge.core

    @routes.get("/v2")
    @routes.get("/v2/", include_in_schema=False)
    async def server() -> Response:
        """What this server is."""
        return reply({"name": "tenfold", "version": __version__, "extensions": []})

    @routes.get("/v2/models/{name}")
    @routes.get("/v2/models/{name}/versions/{version}")
    async def metadata(request: Request) -> Response:
        """The model's inputs and outputs."""
        _check_model(edge, request)
        model = core.model
        return reply(
            {
                "name": model.name,
                "versions": [model.version],
                "platform": "sklearn",
                "inputs": v2_inputs(model.signature),
                "outputs": [spec.v2() for spec in model.output_specs],
            }
        )

    @routes.get("/v2/models/{name}/ready")
    @routes.get("/v2/models/{name}/versions/{version}/ready")
    async def ready(request: Request) -> Response:
        """Whether the model may be sent requests."""
        _check_model(edge, request)
        return reply({"name": core.model.name, "ready": core.ready}, 200 if core.ready else 503)

    @routes.post("/v2/models/{name}/infer")
    @routes.post("/v2/models/{name}/versions/{version}/infer")
    async def infer(request: Request) -> Response:
        """Predict rows that come as tensors: one of [rows, columns], or one per column."""
        _check_model(edge, request)
        asked = tensors.take(await edge.object(request))
        rows = tensors.matrix(asked.inputs, core.model.signature)
        batch = core.columns(tensors.columns(asked.inputs)) if rows is None else core.matrix(rows)
        prediction = await edge.predict(request, batch, asked.outputs or core.model.outputs)
        return reply(tensors.answer(asked, prediction, core.model.output_specs))

    return routes


def _check_model(edge: Edge, request: Request) -> None:
    edge.core.check_model(request.path_params["name"], request.path_params.get("version"))

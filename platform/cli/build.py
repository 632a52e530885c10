"""`tenfold build`: the images of a cluster, with a project of your own or a model inside."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from .common import StateOption, output

if TYPE_CHECKING:
    from ...serving.locate import Located
    from ..images.build import Image, Target

ALL = "serving,training,user-interface"


def build(
    targets: Annotated[
        str, typer.Option("--target", help=f"Which images, of {ALL}.", show_default="all; with --model: serving")
    ] = "",
    project: Annotated[
        Path | None,
        typer.Option(
            help="Folder of your own code, with pyproject.toml, requirements.txt or modules: for serving and training."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Bake a model into the serving image: a folder, or models:/NAME/VERSION.")
    ] = None,
    tag: Annotated[str, typer.Option(help="Tag of the images.", show_default="1.0; with --model its version")] = "",
    prefix: Annotated[str, typer.Option(help="Registry that they are for, e.g. registry.example.com/team.")] = "",
    base_image: Annotated[
        str | None, typer.Option(help="Image with a Python to build on.", show_default="python:3.12-slim")
    ] = None,
    builder: Annotated[
        str | None, typer.Option(help="docker, podman or buildah.", show_default="the first that works")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be run.")] = False,
    registry_uri: Annotated[
        str, typer.Option(envvar="TENFOLD_REGISTRY_URI", help="Registry of --model.", show_default="that of --state")
    ] = "",
    state: StateOption = None,
) -> None:
    """Build the images that a cluster runs, and show how big they are."""
    from ...serving.artifact import read
    from ..images import build as images
    from ..images.context import check, fill

    wanted = _targets(targets or ("serving" if model else ALL))
    if model and wanted != ["serving"]:
        raise typer.BadParameter("A model is baked into the serving image: leave out --target, or say serving.")
    if builder not in (None, *images.BUILDERS):
        raise typer.BadParameter(f"'{builder}' builds no images here; choose {', '.join(images.BUILDERS)}.")
    if project:
        check(project)
    program = images.find_builder(builder)
    with ExitStack() as until_built:
        if model:
            found = until_built.enter_context(_located(model, registry_uri, state))
            read(found.folder)
            made = [images.baked(found, tag=tag, prefix=prefix, base=base_image)]
        else:
            found = None
            made = images.images(wanted, tag=tag or images.TAG, prefix=prefix, base=base_image)
        if dry_run:
            _tell(program, made, project, model)
            return
        context = until_built.enter_context(TemporaryDirectory(prefix="tenfold-build-"))
        fill(Path(context), project, found.folder if found else None)
        for image in made:
            images.run(images.command(program, image, context))
    _show(program, made)


def _targets(text: str) -> list[Target]:
    from ..images.build import IMAGES

    asked = {part.strip() for part in text.split(",")}
    if unknown := sorted(asked - IMAGES.keys()):
        raise typer.BadParameter(f"There is no image '{unknown[0]}'; choose from {ALL}.")
    return [target for target in IMAGES if target in asked]


def _located(model: str, registry_uri: str, state: Path | None) -> AbstractContextManager[Located]:
    from ...serving.locate import located
    from ...serving.settings import Settings
    from ..local.state import State

    if model.startswith("models:") and not registry_uri:
        registry_uri = (State(state) if state else State.default()).registry_uri
    return located(Settings(model=model, registry_uri=registry_uri))


def _tell(program: str, made: Sequence[Image], project: Path | None, model: str | None) -> None:
    from ..images.build import command

    parts = ["the source of tenfold"]
    parts += [f"the project {project}"] if project else []
    parts += [f"the model {model}"] if model else []
    typer.echo(f"# CONTEXT: a temporary folder with {', '.join(parts)}")
    for image in made:
        typer.echo(shlex.join(command(program, image, "CONTEXT")))


def _show(program: str, made: Sequence[Image]) -> None:
    from rich.table import Table

    from ..images.build import size

    table = Table("image", "MB")
    for image in made:
        table.add_row(image.name, f"{size(program, image.name) / 1e6:,.0f}")
    output().print(table)

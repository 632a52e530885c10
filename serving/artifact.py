"""A model folder as MLflow writes it, read without MLflow: what is in it, and how its model is saved.

`model.load` asks here first. Nothing of the folder is trusted: paths must stay inside it, and no model is loaded here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import yaml

from .errors import ModelUnloadable, first_line

Format = Literal["skops", "pickle", "cloudpickle"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """What an `MLmodel` file says, and the example beside it."""

    folder: Path
    digest: str
    """Of the MLmodel file, which is written anew with every save."""
    file: Path
    """The model itself."""
    format: Format
    inputs: str | None
    """MLflow's JSON of the signature's inputs; None for a model that was saved without one."""
    example: tuple[Mapping[str, Any] | Sequence[Any], ...]
    """Rows by column name or by position; empty for a model that was saved without an example."""


def read(folder: Path) -> Artifact:
    """Read the folder of a scikit-learn model.

    Raises:
        ModelUnloadable: no model folder, a model of another kind, or a file that is broken.
    """
    file = folder / "MLmodel"
    try:
        text = file.read_bytes()
        content = yaml.safe_load(text)
    except OSError as e:
        raise ModelUnloadable(
            f"There is no model at {folder}: its file MLmodel cannot be read ({e.strerror}). "
            f"Give a folder that mlflow.sklearn.save_model wrote, or a URI such as models:/name/7"
        ) from e
    except (yaml.YAMLError, ValueError, RecursionError) as e:  # a date that is none, for one, is a ValueError
        raise ModelUnloadable(f"The file {file} is no YAML ({first_line(e)}). Register the model again") from e
    flavors = _mapping(_mapping(content).get("flavors"))
    if "sklearn" not in flavors:
        names = ", ".join(sorted(map(str, flavors))) or "nothing known"
        raise ModelUnloadable(
            f"The model {folder} is saved as {names}, and only scikit-learn models can be served. "
            f"Save it with mlflow.sklearn.save_model"
        )
    flavor = _mapping(flavors["sklearn"])
    inputs = _mapping(_mapping(content).get("signature")).get("inputs")
    return Artifact(
        folder,
        hashlib.sha256(text).hexdigest()[:12],
        _inside(folder, str(flavor.get("pickled_model"))),
        _format(flavor, folder),
        inputs if isinstance(inputs, str) else None,
        _example(folder, _mapping(_mapping(content).get("saved_input_example_info"))),
    )


def _format(flavor: Mapping[str, Any], folder: Path) -> Format:
    name = flavor.get("serialization_format")
    if name not in ("skops", "pickle", "cloudpickle"):
        raise ModelUnloadable(f"The model {folder} is saved in the unknown format '{name}'. Save it as skops")
    return name


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ModelUnloadable(f"The model {folder} names a file outside of its folder, {name}. Register it again")
    return path


def _example(folder: Path, info: Mapping[str, Any]) -> tuple[Mapping[str, Any] | Sequence[Any], ...]:
    name = info.get("artifact_path")
    if not isinstance(name, str):
        return ()
    try:
        content: Any = json.loads(_inside(folder, name).read_bytes())
    except (OSError, ValueError):
        return ()  # a model without its example can be served as well
    rows: Any = content
    if isinstance(content, dict):
        table = cast("dict[str, Any]", content)
        columns, rows = table.get("columns"), table.get("data")
        if columns and isinstance(rows, list):
            try:
                rows = [dict(zip(columns, row, strict=False)) for row in cast("list[Any]", rows)]
            except TypeError:  # no list of names, or a row that is no list
                return ()
    if not isinstance(rows, list):
        return ()
    return tuple(cast("list[Any]", rows))


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}

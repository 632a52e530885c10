"""A model folder as MLflow writes it, read without MLflow: what is in it, and how its model is saved.

`model.load` asks here first. Nothing of the folder is trusted: paths must stay inside it, and no model is loaded here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

import yaml

from . import params
from .errors import ModelUnloadable, first_line
from .times import parse_time

Flavor = Literal["sklearn", "xgboost", "lightgbm", "python_function"]
Format = Literal["skops", "pickle", "cloudpickle", "native", "code"]
"""native: of XGBoost or LightGBM; code: whatever MLflow's python_function loads."""

_FLAVORS: tuple[Flavor, ...] = ("sklearn", "xgboost", "lightgbm", "python_function")
"""The first that a model has is taken: they are ever less strict about what they load."""
_FILES: dict[Flavor, str] = {"sklearn": "pickled_model", "xgboost": "data", "lightgbm": "data"}
_BOOSTERS: dict[Flavor, str] = {"xgboost": "xgboost.core.Booster", "lightgbm": "lightgbm.basic.Booster"}
"""What a model is that says nothing of its class."""


NEWEST_ROW = "tenfold.newest_row"
"""Key of the model's metadata: the time of the newest row that it was trained on, in ISO 8601."""
SIGNATURE = "tenfold.signature"
"""Key of the model's metadata: what table it takes."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """What an `MLmodel` file says, and the example beside it."""

    folder: Path
    digest: str
    """Of the MLmodel file, which is written anew with every save."""
    flavor: Flavor
    model_class: str
    """That the model is said to be of; empty where nothing is said. Not trusted."""
    flavors: str
    """All that the file names, for messages."""
    file: Path
    """The model itself."""
    format: Format
    inputs: str | None
    """MLflow's JSON of the signature's inputs; None for a model that was saved without one."""
    params: tuple[params.Param, ...]
    """That the signature names, for requests of MLflow's protocol."""
    scoring_method: str
    """Of the model, whose answers MLflow's own server gives."""
    table: str | None
    """The signature that tenfold wrote, see `signature.write`; None for a model that was registered otherwise."""
    example: tuple[Mapping[str, Any] | Sequence[Any], ...]
    """Rows by column name or by position; empty for a model that was saved without an example."""
    created: datetime | None
    """When the model was saved."""
    newest_row: datetime | None
    """Of the rows that it was trained on; None where whoever saved it did not say."""


def read(folder: Path) -> Artifact:
    """Read a model's folder.

    Raises:
        ModelUnloadable: no model folder, a model of a kind that cannot be served, or a file that is broken.
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
        raise ModelUnloadable(f"The file {file} is not YAML ({first_line(e)}). Register the model again") from e
    flavors = _mapping(_mapping(content).get("flavors"))
    names = ", ".join(sorted(map(str, flavors))) or "nothing known"
    found: Flavor | None = next((known for known in _FLAVORS if flavors.get(known) is not None), None)
    if found is None:
        raise ModelUnloadable(
            f"The model {folder} is saved as {names}, and only scikit-learn, XGBoost and LightGBM models can be served"
            f". Save it with save_model of mlflow.sklearn, mlflow.xgboost or mlflow.lightgbm"
        )
    flavor = _mapping(flavors[found])
    signature, metadata = (_mapping(_mapping(content).get(key)) for key in ("signature", "metadata"))
    inputs = signature.get("inputs")
    return Artifact(
        folder,
        hashlib.sha256(text).hexdigest()[:12],
        found,
        str(flavor.get("model_class") or _BOOSTERS.get(found, "")),
        names,
        # A python_function need not name a file; it is not read here either.
        _inside(folder, str(flavor.get(_FILES.get(found, ""), ""))),
        _format(found, flavor, folder),
        inputs if isinstance(inputs, str) else None,
        params.parse(signature.get("params")),
        # A python_function does itself what it was saved to do.
        "predict"
        if found == "python_function"
        else str(_mapping(flavors.get("python_function")).get("predict_fn", "predict")),
        metadata[SIGNATURE] if isinstance(metadata.get(SIGNATURE), str) else None,
        _example(folder, _mapping(_mapping(content).get("saved_input_example_info"))),
        _time(_mapping(content).get("utc_time_created")),
        _time(metadata.get(NEWEST_ROW)),
    )


def _format(found: Flavor, flavor: Mapping[str, Any], folder: Path) -> Format:
    if found == "python_function":
        return "code"
    if found == "xgboost" or (found == "lightgbm" and flavor.get("model_class", _BOOSTERS[found]) == _BOOSTERS[found]):
        return "native"
    name = flavor.get("serialization_format")
    if name not in ("skops", "pickle", "cloudpickle"):
        raise ModelUnloadable(f"The model {folder} is saved in the unknown format '{name}'. Save it as skops")
    return name


def _time(text: object) -> datetime | None:
    """An instant; in UTC where it names no zone, as MLflow writes it."""
    time = parse_time(str(text))
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)


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

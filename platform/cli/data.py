"""Commands that bring models and data in: register, import, predict, feedback."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .common import NameArgument, StateOption, platform_of, service_of

if TYPE_CHECKING:
    from pandas import DataFrame


NOT_TAKEN = {"unknown", "invalid"}


def register(
    name: Annotated[str, typer.Argument(help="Name of the model, and of its service.", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="A folder that mlflow.sklearn.save_model wrote.", show_default=False)],
    accelerate: Annotated[
        Literal["onnx"] | None,
        typer.Option(help="onnx: keep a compiled form too; see server.accelerate.", show_default="as its service asks"),
    ] = None,
    state: StateOption = None,
) -> None:
    """Keep a model as the next version of NAME; the first version becomes the champion."""
    from ...serving.model import load
    from ...serving.settings import Settings

    settings: dict[str, Any] = {"model": str(folder)}  # what else there is comes from the environment
    model = load(folder, name=name, version="", settings=Settings(**settings))
    version = platform_of(state).register(model.estimator, name, example=_frame(model.example), accelerate=accelerate)
    typer.echo(f"Registered {version.uri}. Serve it with: tenfold deploy {name}")


def import_rows(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(help="CSV, JSON lines or Parquet file, a row a line.", show_default=False)],
    label: Annotated[str, typer.Option(help="Column that holds what turned out to be true.", show_default=False)],
    time: Annotated[
        str, typer.Option(help="Column that holds when, ISO 8601 with a zone; else it is UTC.", show_default=False)
    ],
    state: StateOption = None,
) -> None:
    """Put past rows with their labels into the inference log, to train on. Importing them again changes nothing."""
    import pandas as pd

    rows = _read(file)
    for column in (label, time):
        if column not in rows:
            raise typer.BadParameter(f"{file} has no column '{column}'; it has {', '.join(map(str, rows.columns))}.")
    try:
        times = pd.to_datetime(rows[time], utc=True).dt.to_pydatetime().tolist()
    except (ValueError, TypeError) as e:
        raise typer.BadParameter(f"{file}, column '{time}': {e}. Write times as 2013-06-21T08:15:00-04:00.") from e
    ids = service_of(state, name).import_rows(rows.drop(columns=[label, time]), rows[label].tolist(), times)
    typer.echo(f"Imported {len(ids)} rows.")


def predict(
    name: NameArgument,
    rows: Annotated[
        str, typer.Argument(help="JSON list of rows, @FILE (JSON, CSV, Parquet), or - for JSON on stdin.")
    ] = "-",
    state: StateOption = None,
) -> None:
    """Predict rows, and print predictions and ids as JSON."""
    import sys

    import orjson

    if rows.startswith("@"):
        given: Any = _read(Path(rows[1:]))
    else:
        text = sys.stdin.read() if rows == "-" else rows
        try:
            given = orjson.loads(text)
        except orjson.JSONDecodeError as e:
            raise typer.BadParameter(
                f"ROWS is not valid JSON: {e}. Write for example '[{{\"distance\": 1400}}]'."
            ) from e
    answer = service_of(state, name).predict(given)
    body = {"predictions": answer.predictions, "ids": answer.ids, "model": answer.model}
    typer.echo(orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY))


def feedback(
    name: NameArgument,
    id: Annotated[str, typer.Argument(help="Id of a prediction.", show_default=False)],  # noqa: A002
    label: Annotated[
        str, typer.Argument(help="What turned out to be true, as JSON: 1, true, 3.5, or a word.", show_default=False)
    ],
    state: StateOption = None,
) -> None:
    """Say what turned out to be true of a prediction. Exit code 1 when it was not taken, such as of an unknown id."""
    import orjson

    try:
        value = orjson.loads(label)
    except orjson.JSONDecodeError:
        value = label
    receipt = service_of(state, name).feedback([id], [value])
    typer.echo(str(receipt))
    if receipt.counts.keys() & NOT_TAKEN:
        raise typer.Exit(1)


def _frame(example: Any) -> DataFrame:
    import pandas as pd

    return pd.DataFrame(list(example))


def _read(file: Path) -> DataFrame:
    import pandas as pd

    readers: dict[str, Callable[..., Any]] = {
        ".csv": pd.read_csv,
        ".jsonl": partial(pd.read_json, lines=True),
        ".json": pd.read_json,
        ".parquet": pd.read_parquet,
    }
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise typer.BadParameter(f"{file} is none of {', '.join(readers)}.")
    try:
        return reader(file)
    except (OSError, ValueError) as e:
        raise typer.BadParameter(f"{file} cannot be read: {e}") from e

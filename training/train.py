"""The training script: `python -m tenfold.training.train --model NAME --date D`, one night as one process.

`platform/retraining.py` starts it here, a CronJob in the training image. It reads the registry's and the log's address
from the environment, and whether the challenger gets a compiled form. It prints the `Night` as JSON, alone, on stdout;
whatever else is said goes to stderr. Exit code 0: promoted, kept or skipped; 1: failed; 2: it was called wrongly, and
prints no night.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from typing import IO, TYPE_CHECKING, Any

from pydantic import ValidationError

from ..serving.inference_log.errors import LogError
from ..serving.lean import import_lean
from .errors import TrainingError
from .night import Night
from .options import TrainingOptions

if TYPE_CHECKING:
    from .registry import Registry

log = logging.getLogger("tenfold.training")

FAILED = 1
REGISTRY_URI, LOG_URL = "TENFOLD_REGISTRY_URI", "TENFOLD_LOG_URL"
ACCELERATE = "TENFOLD_ACCELERATE"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the night that the arguments and the environment describe, and print it."""
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    name, day = given.pop("model"), given.pop("date")
    try:
        options = TrainingOptions.model_validate({k: v for k, v in given.items() if v is not None})
    except ValidationError as e:
        first = e.errors(include_url=False, include_context=False)[0]
        flag = str(first["loc"][0]).replace("_", "-") if first["loc"] else "option"
        parser.error(f"--{flag}: {first['msg'].removeprefix('Value error, ')} (got {first['input']!r})")
    for variable in (REGISTRY_URI, LOG_URL):
        if not os.environ.get(variable):
            parser.error(f"Set {variable}, e.g. {variable}=sqlite:////absolute/path/file.db")
    if os.environ.get(ACCELERATE, "") not in ("", "onnx"):
        parser.error(f"{ACCELERATE} is '{os.environ[ACCELERATE]}'; it may be onnx, or left out")
    if options.train is None:  # A function of the user's may expect its libraries as they are.
        import_lean()
    with _alone_on_stdout() as stdout:
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
        logging.getLogger("alembic").setLevel(logging.WARNING)
        night = _attempt(name, day, options)
        stdout.write(night.model_dump_json() + "\n")
    return FAILED if night.outcome == "failed" else 0


def _attempt(name: str, day: date, options: TrainingOptions) -> Night:
    """The night; one that cannot come to a decision is `failed`, and recorded if the registry can be reached."""
    from .registry import Registry

    registry = Registry(os.environ[REGISTRY_URI])
    try:
        return _run(name, day, options, registry)
    except (TrainingError, LogError) as e:
        reason = str(e)
    except Exception as e:
        log.exception("the night of %s failed", day)
        reason = f"{type(e).__name__}: {e}. This is a bug in tenfold; the traceback is in the output of the night"
    night = Night(date=day, outcome="failed", reason=reason)
    log.error("failed: %s", night.reason)
    with suppress(TrainingError):
        if not any(n.date == day and n.is_done for n in registry.nights(name)):
            registry.record_night(name, night)
    return night


def _run(name: str, day: date, options: TrainingOptions, registry: Registry) -> Night:
    from ..serving.inference_log.store import InferenceLog
    from .retrain import retrain

    rows_from = InferenceLog(os.environ[LOG_URL])
    try:
        accelerate = os.environ.get(ACCELERATE) or None
        return retrain(name, day, options, registry=registry, rows_from=rows_from, accelerate=accelerate)
    finally:
        rows_from.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tenfold.training.train",
        description=f"Run one night. {REGISTRY_URI} and {LOG_URL} say where the models and the rows are; "
        f"{ACCELERATE}=onnx lets it compile the challenger.",
        allow_abbrev=False,
    )
    parser.add_argument("--model", required=True, metavar="NAME", help="Name of the registered model.")
    parser.add_argument("--date", required=True, type=_date, metavar="YYYY-MM-DD", help="The last day of the window.")
    for option, field in TrainingOptions.model_fields.items():
        default = "" if field.default is None else f" Default: {field.default}."
        parser.add_argument(
            f"--{option.replace('_', '-')}", dest=option, help=f"{field.description}{default}".replace("%", "%%")
        )
    return parser


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(f"'{text}' is not a day; write for example 2013-06-21") from e


@contextmanager
def _alone_on_stdout() -> Generator[IO[Any]]:
    """The true stdout; what anything else prints, a user's function or a compiled library too, goes to stderr."""
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "w") as stdout:
        os.dup2(2, 1)
        try:
            yield stdout
        finally:
            sys.stdout.flush()
            stdout.flush()
            os.dup2(stdout.fileno(), 1)


if __name__ == "__main__":
    sys.exit(main())

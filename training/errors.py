"""What can go wrong in a night, or in the registry at any time.

    TrainingError
    ├── RegistryError            from `registry` and what lies under it
    │   ├── RegistryUnreachable       it does not answer, cannot be opened, or refuses us
    │   ├── UnknownModel              no model of that name
    │   └── UnknownVersion            the model has no such version, or no champion
    ├── ModelNotStorable         serving would refuse to load what would be stored
    │   ├── NotCompilable             it has no compiled form that gives the same answers
    │   ├── ColumnNotServable         a column of its table has values that no request has
    │   └── ServedOtherwise           it would answer otherwise than in Python
    └── NightFailed              the night ends `failed`
        ├── NotRetrainable            the champion learns from no labels, or from several at once
        ├── TrainFunctionUnusable     the function of `--train` cannot be imported or called
        ├── FitFailed                 fitting raised, or gave something that is no fitted model
        └── ScoringFailed             a model broke on the held-out rows

A night that has nothing to learn from is no error: it ends `skipped`, see `data.Unfit`.
"""

from __future__ import annotations

from ..serving.echo import echo


class TrainingError(Exception):
    """Root of the package; every message says what happened, with which value, and what to do next."""


class RegistryError(TrainingError):
    """The registry cannot do what it was asked for."""


class RegistryUnreachable(RegistryError):
    """It does not answer, cannot be opened, or refuses us. `place` never holds a password."""

    def __init__(self, place: str, why: str, remedy: str) -> None:
        super().__init__(f"The model registry at {place} cannot be reached: {why}. {remedy}")


class UnknownModel(RegistryError):
    """No model of that name is registered."""

    def __init__(self, name: str, place: str) -> None:
        super().__init__(
            f"No model is named '{name}' in the registry at {place}. "
            f"Register it with: platform.register(model, name='{name}', example=X.head())"
        )


class UnknownVersion(RegistryError):
    """The model has no such version, or none that is its champion."""

    def __init__(self, name: str, version: str, known: tuple[str, ...]) -> None:
        what = "champion" if version == "champion" else f"version {version}"
        there = f"there are {', '.join(known)}" if known else "it has none at all"
        super().__init__(f"The model '{name}' has no {what}; {there}. Deploy one: tenfold deploy {name} --version N")


class ModelNotStorable(TrainingError):
    """The model cannot be stored in a way that serving would load, or its example does not fit it."""


class NotCompilable(ModelNotStorable):
    """The model has no compiled form, or one that answers otherwise than the model; `why` says it."""

    def __init__(self, name: str, why: str) -> None:
        self.why = why
        super().__init__(
            f"The model '{name}' cannot be accelerated: {why}. Register it without accelerate; if its service asks for "
            f"it, take that off first: tenfold deploy {name} --set server.accelerate=null"
        )


class ColumnNotServable(ModelNotStorable):
    """A column of the example has values that no request has."""

    def __init__(self, column: str, why: str, remedy: str) -> None:
        super().__init__(f"The column '{echo(column)}' of the example cannot be served: {why}. {remedy}")


class ServedOtherwise(ModelNotStorable):
    """The model would answer its own example otherwise than it does in Python."""

    def __init__(self, name: str, output: str, row: int, here: object, served: object) -> None:
        super().__init__(
            f"The model '{name}' would not be served as it was fitted: {output} of row {row} of its example (counted "
            f"from 0) is {echo(here)} here, and {echo(served)} as a server has it. Something in it depends on more "
            f"than the values and types of the row: its index, other rows, the machine. Take that out, and fit it again"
        )


class NightFailed(TrainingError):
    """The night cannot come to a decision; it ends `failed`."""


class NotRetrainable(NightFailed):
    """The champion is no model that learns one label a row."""


class TrainFunctionUnusable(NightFailed):
    """The function that `--train` names cannot be imported, or is none."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"The train function {path} cannot be used: {why}. Name one that can be imported as package.module:function"
        )


class FitFailed(NightFailed):
    """Fitting raised, or gave something that is no fitted model."""


class ScoringFailed(NightFailed):
    """A model broke on the held-out rows."""

"""Which labels fit a model: decided once when it is loaded, used by feedback and stated in the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .errors import InvalidInput
from .inference_log.records import Label
from .model import Model
from .values import shown

Kind = Literal["boolean", "integer", "number", "string", "any"]

_WORDS: dict[Kind, str] = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a string",
    "any": "a string, a number, true or false",
}


@dataclass(frozen=True, slots=True)
class LabelType:
    """The JSON type of a model's labels; `classes` are those that a classifier knows, empty for any other model."""

    kind: Kind
    classes: tuple[Label, ...] = ()

    def check(self, label: object) -> Label:
        """The label as it is kept: a class that the model does not know yet is welcome, another type is not.

        Raises:
            InvalidInput: naming the label and what is expected.
        """
        if isinstance(label, bool):
            fits = self.kind in ("boolean", "any")
        elif isinstance(label, int):
            fits = self.kind in ("integer", "number", "any")
        elif isinstance(label, float):
            fits = self.kind in ("number", "any") or (self.kind == "integer" and label.is_integer())
        else:
            fits = isinstance(label, str) and self.kind in ("string", "any")
        if not fits or not isinstance(label, bool | int | float | str):
            example = shown(self.classes[0], typed=False) if self.classes else '"a"' if self.kind == "string" else "1"
            given = "an array" if isinstance(label, list) else "an object" if isinstance(label, dict) else shown(label)
            raise InvalidInput(
                f"The label is {given}, but this model's labels are {_WORDS[self.kind]}. Send e.g. {example}"
            )
        return int(label) if self.kind == "integer" else label

    def schema(self) -> dict[str, Any]:
        """JSON schema of a label."""
        if self.kind == "any":
            return {"type": ["string", "number", "boolean"]}
        return {"type": self.kind, **({"examples": list(self.classes)} if self.classes else {})}


def label_type(model: Model) -> LabelType:
    """What the labels of a loaded model look like: a classifier's classes, else numbers if it predicts numbers."""
    if model.classes is not None:
        classes = tuple(model.classes.tolist())
        kinds: dict[str, Kind] = {"b": "boolean", "i": "integer", "u": "integer", "f": "number", "U": "string"}
        kind = kinds.get(model.classes.dtype.kind, "any")
        if kind == "any" and all(isinstance(c, str) for c in classes):
            kind = "string"
        return LabelType(kind, classes)
    answers = model.output_specs[0].datatype if model.output_specs else "BYTES"
    return LabelType("any" if answers in ("BYTES", "BOOL") else "number")

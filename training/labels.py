"""Labels as they come out of the log, in the type that the champion learned: JSON knows fewer types than numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor

from ..serving.inference_log.records import Label
from ..serving.model import Model
from .errors import NotRetrainable

Kind = Literal["number", "integer", "boolean", "text"]

_WORDS: dict[Kind, str] = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "text": "a text",
}


class WrongLabel(ValueError):
    """The label is of another type than the model learns."""


@dataclass(frozen=True, slots=True)
class LabelType:
    """What the labels of a model are: the classes of a classifier, or the numbers of a regressor."""

    kind: Kind
    is_class: bool

    def convert(self, label: Label) -> Any:
        """The label in the model's type; 1, 1.0 and true are the same class.

        Raises:
            WrongLabel: it is of another type.
        """
        match self.kind:
            case "text":
                if isinstance(label, str):
                    return label
            case "boolean":
                if not isinstance(label, str) and label in (0, 1):
                    return bool(label)
            case "integer":
                if not isinstance(label, str) and int(label) == label:
                    return int(label)
            case "number":
                # A regressor's true or false is a mistake; as classes 0.0 and 1.0 they may be meant.
                if not isinstance(label, str) and (self.is_class or not isinstance(label, bool)):
                    return float(label)
        raise WrongLabel(f"its label {label!r} is not {_WORDS[self.kind]}, as the model learns")

    def array(self, labels: list[Any]) -> NDArray[Any]:
        """The converted labels as scikit-learn takes them."""
        return np.array(labels)


def label_type(model: Model) -> LabelType:
    """What the model learns.

    Raises:
        NotRetrainable: it learns from no label, or from several a row.
    """
    if model.classes is None:
        if not is_regressor(model.estimator):
            raise NotRetrainable(
                f"The champion of '{model.name}' is a {type(model.estimator).__name__}, which does not learn one label "
                f"a row. Register a classifier or a regressor"
            )
        return LabelType("number", is_class=False)
    example = model.classes.tolist()[0]
    match example:
        case bool():
            kind: Kind = "boolean"
        case int():
            kind = "integer"
        case float():
            kind = "number"
        case str():
            kind = "text"
        case _:
            raise NotRetrainable(
                f"The champion of '{model.name}' has classes such as {example!r}, which no label can be. "
                f"Register a model whose classes are texts, numbers or booleans"
            )
    return LabelType(kind, is_class=True)

"""The indices inside a model of XGBoost or LightGBM stay inside its arrays, as `bounds` wants it.

XGBoost's are read from the JSON that it writes of a loaded model. LightGBM crashes on wrong ones even when it writes
them, so its text is checked before it reads it, in a folder (`boosters`) and inside a skops file (`skops_reader`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Unsound(ValueError):
    """A text that LightGBM must not read."""

    def __init__(self) -> None:
        super().__init__("its indices point outside of it: the text is damaged or was made to crash the server")


def is_of_xgboost(item: object) -> bool:
    """Whether it is XGBoost's Booster."""
    return (type(item).__module__, type(item).__name__) == ("xgboost.core", "Booster")


def is_sound_xgboost(booster: Any) -> bool:
    """Whether all its trees end and look at columns that there are; what is unknown raises, as `bounds` expects."""
    return _is_sound_xgboost(json.loads(bytes(booster.save_raw("json")))["learner"])


def sound_lightgbm(text: object) -> str:
    """The text as LightGBM may read it.

    Raises:
        Unsound: a tree does not end, or looks at a column that is not there.
    """
    try:
        assert isinstance(text, str)
        # By the sizes it would find trees elsewhere than by their names, which is how they are found here.
        named = re.sub(r"^tree_sizes=.*\n", "", text, flags=re.MULTILINE)
        sound = _is_sound_lightgbm(named)
    except (AssertionError, IndexError, KeyError, OverflowError, TypeError, ValueError) as e:
        raise Unsound from e
    if not sound:
        raise Unsound
    return named


def booster_of_lightgbm(kind: Any, state: Any) -> Any:
    """LightGBM's Booster of this type, of the state that a skops file holds.

    Raises:
        Unsound: it is not the state of a Booster, or its text is not sound.
    """
    if not isinstance(state, dict) or "_handle" not in state:
        raise Unsound
    made = kind.__new__(kind)
    made.__setstate__({**state, "_handle": sound_lightgbm(state["_handle"])})
    return made


def _is_sound_xgboost(learner: Mapping[str, Any]) -> bool:
    sizes = learner["learner_model_param"]
    columns = int(sizes["num_feature"])
    groups = max(1, int(sizes["num_class"])) * max(1, int(sizes["num_target"]))
    booster = learner["gradient_booster"]
    if booster["name"] == "gblinear":
        return len(booster["model"]["weights"]) == (columns + 1) * groups
    model = (booster["gbtree"] if booster["name"] == "dart" else booster)["model"]
    trees = model["trees"]
    return (
        len(model["tree_info"]) == len(trees)
        and all(0 <= group < groups for group in model["tree_info"])
        and all(_is_sound_xgboost_tree(tree, columns) for tree in trees)
    )


def _is_sound_xgboost_tree(tree: Mapping[str, Any], columns: int) -> bool:
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    inner = left != -1
    # Splits by category, and leaves of several numbers, have indices of their own: such a model is not served.
    plain = not any(tree["split_type"]) and int(tree["tree_param"]["size_leaf_vector"]) <= 1
    return (
        plain
        and len(left) == len(right) == int(tree["tree_param"]["num_nodes"])
        and _descend(left[inner], right[inner], np.nonzero(inner)[0], len(left))
        and _within(np.array(tree["split_indices"])[inner], 0, columns)
    )


def _is_sound_lightgbm(text: str) -> bool:
    # Read as LightGBM reads it: what it would take for a line or a tree must not be hidden from here.
    if re.search(r"[^\S \n]|\0", text):
        return False
    head, *trees = re.split(r"^Tree=.*$", text, flags=re.MULTILINE)
    if not trees:
        return False
    trees[-1] = trees[-1].partition("\n\nend of trees")[0]
    sizes = _fields(head)
    classes = re.search(r"num_class:(\d+)", sizes["objective"]) if "objective" in sizes else None
    if classes and int(classes[1]) != int(sizes["num_tree_per_iteration"]):
        return False
    columns = int(sizes["max_feature_idx"]) + 1
    return all(_is_sound_lightgbm_tree(_fields(tree), columns) for tree in trees)


def _is_sound_lightgbm_tree(tree: Mapping[str, str], columns: int) -> bool:
    leaves = int(tree["num_leaves"])
    if tree.get("is_linear", "0") != "0":  # it looks at columns in its leaves: not served
        return False
    if leaves == 1:
        return True
    left, right, split, decision = (
        np.array(tree[name].split(), dtype=np.int64)
        for name in ("left_child", "right_child", "split_feature", "decision_type")
    )
    inner = leaves - 1
    children = np.concatenate([left, right])
    return (
        len(left) == len(right) == len(split) == len(decision) == inner
        and len(tree["leaf_value"].split()) == leaves
        and _within(children, -leaves, inner)
        # A leaf n is -n - 1; every inner node comes after its parent, so that each path ends.
        and bool(((children < 0) | (children > np.tile(np.arange(inner), 2))).all())
        and _within(split, 0, columns)
        and _are_sound_categories(tree, np.array(tree["threshold"].split(), dtype=float)[decision & 1 == 1])
    )


def _are_sound_categories(tree: Mapping[str, str], chosen: Array) -> bool:
    if not len(chosen):
        return True
    ends = [int(end) for end in tree["cat_boundaries"].split()]
    return (
        _within(chosen.astype(np.int64), 0, int(tree["num_cat"]))
        and len(ends) == int(tree["num_cat"]) + 1
        and ends == sorted(ends)
        and ends[0] == 0
        and ends[-1] <= len(tree["cat_threshold"].split())
    )


def _fields(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in text.split("\n"):
        name, is_field, value = line.partition("=")
        if is_field and fields.setdefault(name.strip(), value) != value:
            raise ValueError(f"{name} stands there twice")
    return fields


def _descend(left: Array, right: Array, at: Array, size: int) -> bool:
    return all(_within(children, 0, size) and bool((children > at).all()) for children in (left, right))


def _within(indices: Array, least: int, end: int) -> bool:
    return not len(indices) or bool(indices.min() >= least and indices.max() < end)

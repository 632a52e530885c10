"""Builds a model of a skops file, by our own rules: `trust` says which names, this file what is done with them.

skops's own reader calls what a file names with what the file holds, shares nothing's size and checks no content. Here
nothing that a file names is called, but for the few below that are made of numbers alone:
- an estimator or the like is made empty, and gets its attributes;
- a compiled type is made of checked arrays, by `_MADE` or `_tree`, `_loss` and the random generators;
- functions and types are found, and not called.
What the operator trusts by name (`TENFOLD_TRUSTED_TYPES`) is made as skops makes it.
"""

from __future__ import annotations

import functools
import importlib
import json
import math
import operator
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, cast

import numpy as np

from .booster_bounds import booster_of_lightgbm
from .skops_archive import Archive, Damaged

Node = Mapping[str, Any]

_DEEPEST = 120
"""Levels of parts within parts; a search over a stack of pipelines has some 30."""
_LARGEST_POSITION = {"MT19937": 624, "Philox": 4}
"""Where a generator reads next: it looks into its array there, unchecked."""
_KEYS: dict[str, Callable[[str], Any]] = {
    "builtins.bool": lambda text: text == "true",
    "builtins.str": str,
    "builtins.int": int,
    "builtins.float": float,
}


def name_of(node: Node) -> tuple[str, str]:
    """How a part is to be made, and the full name of its type or function."""
    loader, name = str(node.get("__loader__")), f"{node.get('__module__')}.{node.get('__class__')}"
    if loader == "MethodNode":
        name = f"{name}.{cast('Node', node['content'])['func']}"
    return loader, name


def names(schema: object) -> Iterator[tuple[str, str]]:
    """Of all parts of a schema, as `name_of` has them."""
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            part = cast("dict[str, Any]", part)
            if "__loader__" in part:
                yield name_of(part)
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(cast("list[Any]", part))


class Reader:
    """Builds what one file holds; each part once, so that what was shared is shared again."""

    def __init__(self, archive: Archive, is_allowed: Callable[[str, str], bool]) -> None:
        """Args:
        archive: the file.
        is_allowed: whether a part of this loader may have this name, see `name_of`.
        """
        self._archive, self._is_allowed = archive, is_allowed
        self._made: dict[int, Any] = {}
        self._depth = 0

    def build(self, node: Node) -> Any:
        """The part that a node of the schema describes.

        Raises:
            Damaged: it is of no kind that is known here, or its name is not allowed.
            Exception: whatever a type raises that is given another's attributes.
        """
        at = node.get("__id__")
        if isinstance(at, int) and at in self._made:
            return self._made[at]
        loader, name = name_of(node)
        make = self._LOADERS.get(loader)
        if make is None or not self._is_allowed(loader, name):
            raise Damaged(f"it holds a {name[:80]} as a {loader[:40]}, which is not served")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Damaged(f"its parts lie more than {_DEEPEST} levels deep within each other")
        made = make(self, node)
        self._depth -= 1
        if isinstance(at, int):
            self._made[at] = made
        return made

    def _json(self, node: Node) -> Any:
        return json.loads(node["content"])

    def _named(self, node: Node) -> Any:
        return _found(node)

    def _content(self, node: Node) -> Any:
        return self.build(node["content"])

    def _items(self, node: Node) -> list[Any]:
        return [self.build(item) for item in node["content"]]

    def _set(self, node: Node) -> set[Any]:
        return set(self._items(node))

    def _mapping(self, node: Node) -> Any:
        kinds = [name_of(kind)[1] for kind in node["key_types"]["content"]]
        read = [_KEYS.get(kind) or _scalar(kind) for kind in kinds]
        items = zip(read, node["content"].items(), strict=True)
        made = _found(node)()
        for key, (text, value) in items:
            made[key(text)] = self.build(value)
        return made

    def _defaultdict(self, node: Node) -> Any:
        content = node["content"]
        return defaultdict(self.build(content["default_factory"]), self.build(content["main"]))

    def _tuple(self, node: Node) -> Any:
        items, kind = tuple(self._items(node)), _found(node)
        return items if kind is tuple else kind(*items)

    def _array(self, node: Node) -> Any:
        if node["type"] == "numpy":
            array = self._archive.array(node["file"])
            return array if name_of(node)[1] == "numpy.ndarray" else array[()]
        shape = tuple(json.loads(part["content"]) for part in node["shape"]["content"])
        cells = [*self._cells(node["content"], shape)]
        if len(shape) == 1:
            shape = (len(cells),)
        # Before it is made: a file of some bytes may name any size.
        if len(shape) > 64 or any(type(n) is not int or n < 0 for n in shape) or math.prod(shape) != len(cells):
            raise Damaged("an array of objects is not of the size that it says")
        array: Any = np.empty(shape, dtype=object)
        for index, cell in zip(np.ndindex(array.shape), cells, strict=True):
            array[index] = cell
        return array

    def _cells(self, content: list[Any], shape: tuple[int, ...]) -> Iterator[Any]:
        if len(shape) > 1:
            for row in content:
                yield from self._cells(row["content"], shape[1:])
        else:
            yield from (self.build(cell) for cell in content)

    def _masked(self, node: Node) -> Any:
        return np.ma.MaskedArray(self.build(node["content"]["data"]), self.build(node["content"]["mask"]))

    def _dtype(self, node: Node) -> Any:
        return self._content(node).dtype

    def _sparse(self, node: Node) -> Any:
        return self._archive.sparse_matrix(node["file"])

    def _bytes(self, node: Node) -> bytes:
        return self._archive.read(node["file"])

    def _bytearray(self, node: Node) -> bytearray:
        return bytearray(self._archive.read(node["file"]))

    def _slice(self, node: Node) -> slice:
        content = node["content"]
        return slice(content["start"], content["stop"], content["step"])

    def _random_state(self, node: Node) -> Any:
        made = np.random.RandomState()
        made.set_state(_sound_state(self._content(node)))
        return made

    def _generator(self, node: Node) -> Any:
        state = _sound_state(self.build(node["content"]["bit_generator"]))
        kind = getattr(np.random, str(state["bit_generator"]))
        if not (isinstance(kind, type) and issubclass(kind, np.random.BitGenerator)):
            raise Damaged("it holds a random generator of no known kind")
        made: Any = kind(0)
        made.state = state
        return np.random.Generator(made)

    def _loss(self, node: Node) -> Any:
        arguments = self.build(node["__reduce__"]["args"])
        if not all(isinstance(argument, int | float) for argument in arguments):
            raise Damaged("it holds a loss that is made of more than numbers")
        return _found(node)(*arguments)

    def _reduced(self, node: Node) -> Any:
        made = _found(node)(*self.build(node["__reduce__"]["args"]))
        made.__setstate__(self._content(node))
        return made

    def _tree(self, node: Node) -> Any:
        (features, classes, outputs), state = self.build(node["__reduce__"]["args"]), self._content(node)
        sizes = (features, outputs, *classes.tolist())
        nodes, values = state["nodes"], state["values"]
        if not (
            all(type(size) is int and 1 <= size < 2**31 for size in sizes)
            and classes.shape == (outputs,)
            and nodes.shape == (state["node_count"],)
            and values.shape == (len(nodes), outputs, int(classes.max()))
            and len(nodes) >= 1
            and nodes.flags.c_contiguous
        ):
            raise Damaged("it holds a tree whose arrays are not of the sizes that it says")
        made = _found(node)(features, classes, outputs)
        made.__setstate__(state)
        return made

    def _partial(self, node: Node) -> Any:
        func, arguments, keywords = (self.build(node["content"][part]) for part in ("func", "args", "kwds"))
        return functools.partial(func, *arguments, **keywords)

    def _object(self, node: Node) -> Any:
        kind: Any = _found(node)
        state = self._content(node) if node.get("content") is not None else None
        if make := _MADE.get(name_of(node)[1]):
            return make(kind, state)
        made = kind.__new__(kind)
        if state is None:
            return made
        _refuse_methods(kind, state)
        if hasattr(made, "__setstate__"):
            made.__setstate__(state)
        else:
            vars(made).update(state)
        return made

    def _constructed(self, node: Node) -> Any:
        return _found(node)(*self._content(node))

    def _method(self, node: Node) -> Any:
        return getattr(self.build(node["content"]["obj"]), node["content"]["func"])

    def _operator(self, node: Node) -> Any:
        return getattr(operator, node["__class__"])(*self.build(node["attrs"]))

    _LOADERS: ClassVar[dict[str, Callable[[Reader, Node], Any]]] = {
        "JsonNode": _json,
        "DictNode": _mapping,
        "DefaultDictNode": _defaultdict,
        "ListNode": _items,
        "SetNode": _set,
        "TupleNode": _tuple,
        "SliceNode": _slice,
        "BytesNode": _bytes,
        "BytearrayNode": _bytearray,
        "NdArrayNode": _array,
        "MaskedArrayNode": _masked,
        "DTypeNode": _dtype,
        "SparseMatrixNode": _sparse,
        "RandomStateNode": _random_state,
        "RandomGeneratorNode": _generator,
        "FunctionNode": _named,
        "TypeNode": _named,
        "PartialNode": _partial,
        "ObjectNode": _object,
        "LossNode": _loss,
        "TreeNode": _tree,
        # Only of what the operator trusts by name.
        "QuantileForestNode": _reduced,
        "ConstructorFromReduceNode": _constructed,
        "MethodNode": _method,
        "OperatorFuncNode": _operator,
    }


def _found(node: Node) -> Any:
    return getattr(importlib.import_module(node["__module__"]), node["__class__"])


def _scalar(name: str) -> Callable[[str], Any]:
    kind = getattr(np, name.removeprefix("numpy."), None)
    if not (name.startswith("numpy.") and isinstance(kind, type) and issubclass(kind, np.generic)):
        raise Damaged(f"it holds keys of the type {name[:80]}")
    return kind


def _sound_state(state: Any) -> Any:
    kind, inner = state["bit_generator"], state["state"]
    at = inner["pos"] if kind == "MT19937" else state.get("buffer_pos", 0)
    if not 0 <= at <= _LARGEST_POSITION.get(kind, 0):
        raise Damaged("it holds a random generator that would read outside of its state")
    return state


def _refuse_methods(kind: type, state: Any) -> None:
    """An attribute in the place of a method would be called for it."""
    for name in state:
        found = getattr(kind, name, None)
        if callable(found) or isinstance(found, property):
            raise Damaged(f"its {kind.__name__} has an attribute in the place of {str(name)[:80]}")


def _metric(kind: Any, _: object) -> Any:
    """Those of no parameters."""
    return kind()


def _kd_tree(kind: Any, state: Any) -> Any:
    if not all(isinstance(array, np.ndarray) for array in state[:4]) or state[11] is None:
        raise Damaged("it holds a search tree without arrays")
    made = kind.__new__(kind)
    made.__setstate__(state)
    return made


def _spline(kind: Any, state: Any) -> Any:
    """By its constructor, which checks what evaluating it does not."""
    parts = {name.removeprefix("_"): value for name, value in state.items()}
    if parts["axis"] != 0:
        raise Damaged("it holds a spline along another axis than the first")
    return kind(parts["t"], parts["c"], parts["k"], extrapolate=parts["extrapolate"])


_MADE: dict[str, Callable[[Any, Any], Any]] = {
    "lightgbm.basic.Booster": booster_of_lightgbm,
    "scipy.interpolate._bsplines.BSpline": _spline,
    "sklearn.metrics._dist_metrics.ChebyshevDistance64": _metric,
    "sklearn.metrics._dist_metrics.EuclideanDistance64": _metric,
    "sklearn.metrics._dist_metrics.ManhattanDistance64": _metric,
    "sklearn.neighbors._kd_tree.KDTree": _kd_tree,
}

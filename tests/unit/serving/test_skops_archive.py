"""What a skops file can make the server hold is bounded by the file's own size."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Bunch
from tenfold.serving import trust
from tenfold.serving.errors import ModelUnloadable
from tenfold.serving.skops_archive import FREE_BYTES
from unit.serving.stage import flowers

X, y = flowers()

MODEL = skops.io.dumps(LogisticRegression(max_iter=1000).fit(X, y))


def rewritten(change: Callable[[dict[str, bytes]], None], *, method: int = zipfile.ZIP_STORED) -> bytes:
    with zipfile.ZipFile(io.BytesIO(MODEL)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return made.getvalue()


def coef(members: dict[str, bytes]) -> str:
    return next(name for name in members if name.endswith(".npy"))


def npy(header: dict[str, Any], values: bytes = b"") -> bytes:
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(made, header)
    return made.getvalue() + values


def refused(data: bytes) -> str:
    """Why; having taken no more memory than the file may unpack to."""
    tracemalloc.start()
    try:
        with pytest.raises(ModelUnloadable) as caught:
            trust.load_skops(data, source="m")
        assert tracemalloc.get_traced_memory()[1] < FREE_BYTES + 60 * len(data)
    finally:
        tracemalloc.stop()
    return str(caught.value)


def test_a_small_file_does_not_unpack_to_a_large_one() -> None:
    bomb = npy({"descr": "<f8", "fortran_order": False, "shape": (25 * 2**20,)}, bytes(200 * 2**20))
    data = rewritten(lambda members: members.update({coef(members): bomb}), method=zipfile.ZIP_DEFLATED)
    assert len(data) < 10**6
    assert "unpacks to more than 64 MiB and 50 times its own size. Save it without compression" in refused(data)


def test_neither_does_one_that_says_that_it_is_small() -> None:
    bomb = bytes(200 * 2**20)
    data = rewritten(lambda members: members.update({coef(members): bomb}), method=zipfile.ZIP_DEFLATED)
    lying = data.replace(struct.pack("<I", len(bomb)), struct.pack("<I", 100))
    assert "is broken" in refused(lying) or "is not an array" in refused(lying)


def test_a_member_counts_each_time_that_it_is_used() -> None:
    array = np.zeros(2**20)
    whole = skops.io.dumps(Bunch(a=array))
    with zipfile.ZipFile(io.BytesIO(whole)) as file:
        schema, members = json.loads(file.read("schema.json")), {n: file.read(n) for n in file.namelist()}
    one = schema["content"]["a"]
    del one["__id__"]
    names = [f"a{number}" for number in range(2000)]
    schema["content"] = dict.fromkeys(names, one)
    schema["key_types"]["content"] *= len(names)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, content in {**members, "schema.json": json.dumps(schema).encode()}.items():
            file.writestr(name, content)
    with pytest.raises(ModelUnloadable, match="unpacks to more"):
        trust.load_skops(made.getvalue(), source="m")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (npy({"descr": "<f8", "fortran_order": False, "shape": (10**15,)}), "is not of the size that it says"),
        (npy({"descr": "|V0", "fortran_order": False, "shape": (10**15,)}), "is not of the size that it says"),
        (npy({"descr": "<f8", "fortran_order": False, "shape": (-1,)}, bytes(8)), "is not"),
        (npy({"descr": "|O", "fortran_order": False, "shape": (1,)}, bytes(8)), "is not of the size"),
        (npy({"descr": "|b1", "fortran_order": False, "shape": (4,)}, b"\1\0\2\0"), "truth values are neither"),
        (b"PK\3\4", "is not an array"),
        (b"", "is not an array"),
    ],
    ids=["more than there is", "of nothing", "less than nothing", "objects", "booleans", "a zip", "empty"],
)
def test_an_array_is_of_the_size_that_it_says(content: bytes, why: str) -> None:
    assert why in refused(rewritten(lambda members: members.update({coef(members): content})))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_what_cannot_be_unpacked_in_parts_is_refused(method: int) -> None:
    assert "packed in a way that skops never uses" in refused(rewritten(lambda _: None, method=method))


def nested(levels: int) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        inner = '{"__class__":"list","__module__":"builtins","__loader__":"ListNode","content":['
        text = inner * levels + "]}" * levels
        members["schema.json"] = (text[:-1] + ',"protocol":2}').encode()

    return change


@pytest.mark.parametrize("levels", [130, 100_000])
def test_parts_lie_only_so_deep_within_each_other(levels: int) -> None:
    why = refused(rewritten(nested(levels)))
    assert "levels deep" in why or "is not valid JSON: maximum recursion depth" in why


@pytest.mark.parametrize("protocol", ["0", "3", "true", "null", '"2"', "-1"])
def test_another_protocol_is_refused(protocol: str) -> None:
    def change(members: dict[str, bytes]) -> None:
        members["schema.json"] = members["schema.json"].replace(b'"protocol": 2', f'"protocol": {protocol}'.encode())

    assert "its schema is of protocol" in refused(rewritten(change))


def test_a_compressed_file_is_read() -> None:
    model = LogisticRegression(max_iter=1000).fit(X, y)
    data = skops.io.dumps(model, compression=zipfile.ZIP_DEFLATED)
    assert np.array_equal(trust.load_skops(data, source="m").predict(X), model.predict(X))


def test_an_attribute_takes_the_place_of_no_method() -> None:
    model = LogisticRegression(max_iter=1000).fit(X, y)
    model.predict = np.abs
    with pytest.raises(ModelUnloadable, match="LogisticRegression has an attribute in the place of predict"):
        trust.load_skops(skops.io.dumps(model), source="m")


def test_a_function_in_a_file_is_found_and_not_called() -> None:
    """As the type of a key, the class of a list or the maker of an object, skops would call it."""

    def change(members: dict[str, bytes]) -> None:
        schema = json.loads(members["schema.json"])
        schema["content"]["key_types"]["content"][0] = {
            "__class__": "asarray",
            "__module__": "numpy",
            "__loader__": "FunctionNode",
        }
        members["schema.json"] = json.dumps(schema).encode()

    assert "it holds keys of the type numpy.asarray" in refused(rewritten(change))


def test_an_array_of_objects_is_made_only_of_the_cells_that_are_there() -> None:
    def number(value: int) -> dict[str, Any]:
        return {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": str(value)}

    for shape in ([40_000, 40_000], [-1, 0], [1] * 70):
        schema = {
            "__class__": "ndarray",
            "__module__": "numpy",
            "__loader__": "NdArrayNode",
            "type": "json",
            "shape": {
                "__class__": "tuple",
                "__module__": "builtins",
                "__loader__": "TupleNode",
                "content": [number(size) for size in shape],
            },
            "content": [],
            "protocol": 2,
        }
        content = json.dumps(schema).encode()
        assert "of the size that it says" in refused(rewritten(partial(dict.update, **{"schema.json": content})))


def test_a_schema_has_no_more_values_than_skops_would_write() -> None:
    content = b'{"protocol":2,"x":[' + b"[]," * 1_000_000 + b"0]}"
    assert "more values" in refused(
        rewritten(partial(dict.update, **{"schema.json": content}), method=zipfile.ZIP_DEFLATED)
    )

"""The members of a skops file, unpacked within bounds: its schema, numpy arrays and sparse matrices.

`skops_reader` builds a model of them. Nothing is made here but JSON values and arrays of numbers and texts, and all
that a file can make the server hold is bounded before it is made: by the file's own size, so that a small file cannot
fill the memory.
"""

from __future__ import annotations

import io
import json
import math
import zlib
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]

FREE_BYTES = 64 * 2**20
"""That a file of any size may unpack to."""
RATIO = 50
"""Unpacked bytes beyond that for each byte of the file; DEFLATE can reach 1,032, models stay below 30."""

# Values in a schema: JSON makes 24 bytes of each byte that is one. skops writes 20 bytes for a value and more.
_FREE_VALUES, _BYTES_PER_VALUE = 100_000, 12
_PROTOCOLS = range(1, 3)
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class Damaged(ValueError):
    """A file, or a part of it, from which nothing can be made; the message says why."""


class Archive:
    """A skops file, or the npz file of a sparse matrix inside one."""

    def __init__(self, data: bytes, budget: list[int] | None = None) -> None:
        """Open it.

        Args:
            data: The file's content.
            budget: One number, of the bytes that may still be unpacked; shared by the files inside one another.

        Raises:
            Damaged: no zip file.
        """
        self._budget = [FREE_BYTES + RATIO * len(data)] if budget is None else budget
        try:
            self._zip = ZipFile(io.BytesIO(data))
        except (BadZipFile, NotImplementedError, ValueError, OverflowError) as e:
            raise Damaged(f"it is not a zip file: {e}") from e

    def read(self, name: object) -> bytes:
        """The content of a member.

        Raises:
            Damaged: there is none of this name, it is broken, or it unpacks to more than the budget.
        """
        try:
            member = self._zip.getinfo(str(name))
        except KeyError as e:
            raise Damaged(f"it has no member {str(name)[:80]!r}") from e
        if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED) or member.flag_bits & 1:
            raise Damaged(f"its member {member.filename[:80]!r} is packed in a way that skops never uses")
        self._budget[0] -= member.file_size
        if self._budget[0] < 0:
            raise Damaged(
                f"it unpacks to more than {FREE_BYTES >> 20} MiB and {RATIO} times its own size. "
                f"Save it without compression"
            )
        try:
            with self._zip.open(member) as file:
                content = file.read(member.file_size)  # no more than this is unpacked, whatever the stream holds
        except (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as e:
            raise Damaged(f"its member {member.filename[:80]!r} is broken: {e}") from e
        if len(content) != member.file_size:
            raise Damaged(f"its member {member.filename[:80]!r} is shorter than it says")
        return content

    def schema(self) -> dict[str, Any]:
        """What the file says of the model's parts.

        Raises:
            Damaged: it is not the schema of a file that skops wrote.
        """
        try:
            text = self.read("schema.json")
            if sum(map(text.count, (b",", b"[", b"{"))) > _FREE_VALUES + len(text) // _BYTES_PER_VALUE:
                raise Damaged("its schema has more values than skops would write in so many bytes")
            schema: Any = json.loads(text)
        except (ValueError, RecursionError) as e:
            raise Damaged(str(e) if isinstance(e, Damaged) else f"its schema is not valid JSON: {e}") from e
        protocol = schema.get("protocol") if isinstance(schema, dict) else None
        if type(protocol) is not int or protocol not in _PROTOCOLS:
            raise Damaged(f"its schema is of protocol {str(protocol)[:20]}; skops writes {_PROTOCOLS.stop - 1}")
        return schema

    def array(self, name: object) -> Array:
        """A numpy array of anything but objects.

        Raises:
            Damaged: it is not an array, or not of the size that it says.
        """
        content = io.BytesIO(self.read(name))
        try:
            shape, by_columns, dtype = _HEADERS[np.lib.format.read_magic(content)](content)
        except (KeyError, ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as e:
            raise Damaged(f"its member {str(name)[:80]!r} is not an array of numpy's: {e}") from e
        values = bytearray(content.getbuffer()[content.tell() :])
        count = math.prod(shape) if len(shape) <= 64 else -1
        if dtype.hasobject or count < 0 or count * dtype.itemsize != len(values) or (count and not dtype.itemsize):
            raise Damaged(f"its array {str(name)[:80]!r} is not of the size that it says")
        _check_booleans(dtype, values)
        try:
            return np.ndarray(shape, dtype, buffer=values, order="F" if by_columns else "C")
        except (ValueError, TypeError, MemoryError) as e:
            raise Damaged(f"its array {str(name)[:80]!r} cannot be made: {e}") from e

    def sparse_matrix(self, name: object) -> Any:
        """A sparse matrix in rows or columns, all of whose indices are inside of it.

        Raises:
            Damaged: it is of another kind, or an index is outside.
        """
        file = Archive(self.read(name), self._budget)
        of_arrays = "_is_array.npy" in file._zip.namelist() and bool(file.array("_is_array.npy")[()])
        layout = bytes(file.array("format.npy").astype("S")[()]).decode("ascii", "replace")
        kind = f"{layout}_{'array' if of_arrays else 'matrix'}"
        if kind not in ("csr_matrix", "csc_matrix", "csr_array", "csc_array"):
            raise Damaged(f"its sparse matrix {str(name)[:80]!r} is a {kind[:20]}. Convert it to CSR")
        parts = (file.array("data.npy"), file.array("indices.npy"), file.array("indptr.npy"))
        try:
            made: Any = getattr(sparse, kind)(parts, shape=tuple(int(size) for size in file.array("shape.npy")))
            made.check_format(full_check=True)
        except (ValueError, TypeError, IndexError, OverflowError, MemoryError) as e:
            raise Damaged(f"its sparse matrix {str(name)[:80]!r} has indices that point outside of it: {e}") from e
        return made


def _check_booleans(dtype: np.dtype[Any], values: bytearray) -> None:
    """Numpy counts and copies by them, and takes for granted that each is 0 or 1."""
    if dtype.kind == "b" and values and max(values) > 1:
        raise Damaged("its truth values are neither true nor false")
    if dtype.names and any(dtype[name].base.kind == "b" for name in dtype.names):
        raise Damaged("it holds a table of truth values, which no model does")

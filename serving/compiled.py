"""A model's compiled form: `model.onnx` beside the model, made when it was registered, run by onnxruntime.

`model.load` opens it where the setting `accelerate` says so, and `Model.answer` tries it first. Promises: it is only
used after it gave the original's answers for the example and the rows of `compiled_rows`; answers have the types and
shapes of the original's; what it cannot take, or would round to another whole number, the original answers, so that
errors are the original's as well. `training/compiled.py` makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import NotCompiled, PredictionFailed, first_line
from .validation import Batch

Array = NDArray[Any]
Answers = dict[str, Array]

FILE = "model.onnx"
OUTPUTS: tuple[str, ...] = ("predict", "predict_proba")
"""What it may answer, in the order of the graph's outputs; anything else is the original's."""
TOLERANCE = 1e-4
"""Of the largest answer: it computes with 32 bits, and scikit-learn with 64."""
EXACT = np.float32(2**24)
"""Below it, 32 bits hold every whole number: an id, a time in seconds or 2**24 + 1 would become another."""
_TYPES: dict[str, Any] = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(string)": np.object_}


class Compiled:
    """A session of onnxruntime. Knows what answers look like once `check` has compared them.

    Attributes:
        outputs: names of the outputs that it answers; empty before `check`.
    """

    def __init__(self, folder: Path, *, threads: int) -> None:
        """Open the compiled form of the model in `folder`.

        Raises:
            NotCompiled: there is none, or it cannot be run.
        """
        file = (folder / FILE).resolve()
        if not file.is_file():
            raise NotCompiled(f"it was registered without {FILE}. Register it again with accelerate='onnx'")
        if not file.is_relative_to(folder.resolve()):
            raise NotCompiled(f"{FILE} leads outside of the model's folder. Register it again")
        try:
            import onnxruntime
        except ImportError as e:
            raise NotCompiled("onnxruntime is not installed. Install tenfold[onnxruntime]") from e
        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # A thread that spins for work takes the core from the replica beside it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            # By its path: onnxruntime then refuses tensors that lie outside of the folder.
            self._session: Any = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
            self._inputs = [(given.name, _TYPES[given.type]) for given in self._session.get_inputs()]
        except Exception as e:  # its errors have no root of their own
            raise NotCompiled(f"{FILE} cannot be run ({type(e).__name__}: {first_line(e)}). Register it again") from e
        self._names = dict(zip(OUTPUTS, (made.name for made in self._session.get_outputs()), strict=False))
        self._forms: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {}

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs that it answers."""
        return tuple(self._forms)

    def answer(self, batch: Batch, outputs: Sequence[str]) -> Answers:
        """Answers to those of `outputs` that it has; none for rows that only the original can judge."""
        wanted = [name for name in outputs if name in self._forms]
        if not wanted:
            return {}
        try:
            found = self._session.run([self._names[name] for name in wanted], self._feeds(batch))
        except Exception:  # a missing text, a text for a number: the original says what is wrong with it
            return {}
        answers: Answers = {}
        for name, array in zip(wanted, found, strict=True):
            dtype, shape = self._forms[name]
            answers[name] = array.astype(dtype, copy=False).reshape(batch.rows, *shape)
        return answers

    def check(self, batch: Batch, expected: Answers, classes: Array | None) -> None:
        """Compare with what the original answered to these rows; from then on answer in its types and shapes.

        Raises:
            NotCompiled: it differs.
        """
        self._forms = {
            name: (_dtype(expected[name], classes), expected[name].shape[1:])
            for name in self._names
            if name in expected
        }
        answers = self.answer(batch, tuple(self._forms))
        if not answers:
            raise NotCompiled("its compiled form cannot take the rows that the model itself can")
        _compare_all(expected, answers, classes)

    def compare(
        self, batches: Iterable[Batch], original: Callable[[Batch, Sequence[str]], Answers], classes: Array | None
    ) -> None:
        """Compare with the original on more rows, after `check`.

        Raises:
            NotCompiled: it differs, or answers what the original refuses.
        """
        for batch in batches:
            answers = self.answer(batch, self.outputs)
            if not answers:
                continue
            try:
                expected = original(batch, self.outputs)
            except PredictionFailed as e:
                raise NotCompiled(
                    f"its compiled form answers what the model refuses ({first_line(e.__cause__ or e)})"
                ) from e
            _compare_all(expected, answers, classes)

    def _feeds(self, batch: Batch) -> dict[str, Array]:
        if len(self._inputs) == 1 and batch.matrix is not None:
            name, dtype = self._inputs[0]
            with np.errstate(over="ignore"):
                return {name: _exact(batch.matrix.astype(dtype))}
        columns = batch.columns.values()
        if len(self._inputs) != 1:
            return {
                name: _filled((column,), batch.rows, dtype)
                for (name, dtype), column in zip(self._inputs, columns, strict=True)
            }
        name, dtype = self._inputs[0]
        return {name: _filled(tuple(columns), batch.rows, dtype)}


def _filled(columns: Sequence[Array], rows: int, dtype: Any) -> Array:
    """The columns as a matrix.

    Raises:
        OverflowError: a number is too large for 32 bits to hold it exactly.
    """
    matrix = np.empty((rows, len(columns)), dtype)
    with np.errstate(over="ignore"):
        for number, column in enumerate(columns):
            matrix[:, number] = column
    return _exact(matrix)


def _exact(matrix: Array) -> Array:
    if matrix.dtype == np.float32 and (np.abs(matrix) >= EXACT).any():
        raise OverflowError("a number is too large for 32 bits to hold it exactly")
    return matrix


def _dtype(expected: Array, classes: Array | None) -> np.dtype[Any]:
    # A few rows may have none of the longest labels.
    texts = expected.dtype.kind == "U" and classes is not None
    return classes.dtype if texts and classes is not None else expected.dtype


def _ties(expected: Answers, classes: Array | None) -> NDArray[np.bool_] | None:
    """Rows where the original finds two classes equally likely, so that its label is a matter of rounding."""
    probabilities = expected.get(OUTPUTS[1])
    if probabilities is None or classes is None or probabilities.ndim != 2 or probabilities.shape[1] < 2:
        return None
    ordered = np.sort(probabilities, axis=1)
    return ordered[:, -1] - ordered[:, -2] <= TOLERANCE


def _compare_all(expected: Answers, answers: Answers, classes: Array | None) -> None:
    unsure = _ties(expected, classes)
    for name, answer in answers.items():
        _compare(name, expected[name], answer, unsure if name == OUTPUTS[0] else None)


def _compare(name: str, expected: Array, answer: Array, unsure: NDArray[np.bool_] | None) -> None:
    if expected.dtype.kind == "f":
        worst = float(np.max(np.abs(answer - expected))) if expected.size else 0.0
        largest = float(np.max(np.abs(expected))) if expected.size else 0.0
        if not worst <= TOLERANCE * largest:
            raise NotCompiled(
                f"its compiled form differs: {name} by up to {worst:.2g}, where the largest answer is {largest:.2g}"
            )
        return
    differs = answer != expected
    if unsure is not None:
        differs &= ~unsure
    if differs.any():
        row = int(np.argmax(differs.reshape(len(differs), -1).any(axis=1)))
        raise NotCompiled(
            f"its compiled form differs: {name} in {int(differs.sum())} of {len(expected)} rows, such as "
            f"{answer[row].tolist() if answer[row].ndim else answer[row].item()!r}"
        )

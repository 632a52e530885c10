"""The model: what it takes, what it answers, and the one place where it is called.

`Core` runs it; training loads its champion here too. `load` reads a folder through the allow-list of `trust`,
`Model.warm_up` answers the example once and finds out by it what the outputs look like.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from . import artifact, boosters, compiled_rows, estimators, table, trust, validation
from .compiled import Answers, Compiled
from .direct import Direct
from .errors import (
    InvalidInput,
    ModelUnloadable,
    NeedsCode,
    NeedsPickle,
    NotCompiled,
    PredictionFailed,
    TooManyRows,
    ValueRefused,
    first_line,
)
from .params import Param
from .schema import OutputSpec, example_row, output_spec
from .settings import Settings
from .signature import Signature, parse, read, without_types
from .validation import Batch

Array = NDArray[Any]

logger = logging.getLogger(__name__)

METHODS = ("predict", "predict_proba", "decision_function")
"""The methods of a model that may be called; its outputs are named after them."""


class Model:
    """A fitted estimator with its signature. Not safe to be called from two threads at once.

    Attributes:
        name, version: as they stand in answers.
        estimator: the fitted scikit-learn estimator, or what has the methods of one.
        flavor: of MLflow, in which it was saved.
        signature: the columns that it takes.
        example: a few checked rows as JSON values, at least one.
        outputs: names of its outputs; "predict" is the first.
        output_specs: what the outputs look like; empty before `warm_up`.
        datatypes: of the outputs by name, as v2 calls them; empty before `warm_up`.
        classes: the labels that a classifier knows, sorted; None for any other model.
        compiled: answers what it can in place of the estimator; None: nothing does.
        direct: answers in place of the estimator what is plain numbers, the very same; None: nothing does.
        scoring_method: the output that MLflow's protocol answers.
        params: of MLflow's protocol, that the signature names.
        created, newest_row: when it was saved, and the time of the newest row that it was trained on, where known.
        not_compiled: why `compiled` is None, where the settings ask for a compiled form.
    """

    def __init__(
        self,
        estimator: Any,
        signature: Signature,
        name: str,
        version: str,
        example: Sequence[object],
        *,
        flavor: str = "sklearn",
        scoring_method: str = METHODS[0],
    ) -> None:
        self.name, self.version, self.flavor = name, version, flavor
        self.estimator, self.signature = estimator, signature
        # A model that was saved to be scored by another method has it as an output more.
        methods = dict.fromkeys((*METHODS, scoring_method))
        self.outputs = tuple(method for method in methods if hasattr(estimator, method))
        self.scoring_method = scoring_method
        self.params: tuple[Param, ...] = ()
        self.output_specs: tuple[OutputSpec, ...] = ()
        self.datatypes: dict[str, str] = {}
        self.classes = estimators.classes(estimator)
        self._given, self._example = _example_batch(signature, example)
        self.example = self._example.records()
        self.compiled: Compiled | None = None
        self.direct: Direct | None = None
        self.not_compiled = ""
        self.created: datetime | None = None
        self.newest_row: datetime | None = None
        self._arrays = False

    @property
    def platform(self) -> str:
        """What answers, in the words of the Open Inference Protocol's metadata."""
        return "onnxruntime_onnx" if self.compiled else self.flavor

    @property
    def example_batch(self) -> Batch:
        """The rows of `example`, as they came out of the validator."""
        return self._example

    def table(self, batch: Batch) -> Any:
        """See `table.table`."""
        return table.table(self.signature, batch)

    def inputs(self, batch: Batch) -> Any:
        """The rows as the estimator takes them: a matrix where column names do not matter to it, else its table."""
        if self._arrays or not self.signature.named:
            if batch.matrix is not None:
                return batch.matrix
            return np.column_stack(tuple(batch.columns.values()))
        return self.table(batch)

    def answer(self, batch: Batch, outputs: Sequence[str] = ("predict",)) -> Answers:
        """Compute some of the `outputs`, each with one entry per row.

        Raises:
            PredictionFailed: the estimator broke, or answered another number of rows; `ValueRefused` is one.
        """
        answers: Answers = {}
        for form in (self.compiled, self.direct):
            if form is not None:
                answers |= form.answer(batch, [method for method in outputs if method not in answers])
        rest = [method for method in outputs if method not in answers]
        return {**answers, **self.original(batch, rest)} if rest else answers

    def original(self, batch: Batch, outputs: Sequence[str]) -> Answers:
        """As `answer`, of the estimator itself."""
        estimator, inputs = self.estimator, self.inputs(batch)
        answers: Answers = {}
        for method in outputs:
            try:
                if not answers:
                    estimator, inputs = estimators.before_last(estimator, inputs)
                answer = getattr(estimator, method)(inputs)
            except Exception as e:
                raise (ValueRefused if self._answers_example(method) else PredictionFailed)(method, e) from e
            try:
                answers[method] = _entries(answer, batch.rows)
            except ValueError as e:
                raise PredictionFailed(method, e) from e
        return answers

    def _answers_example(self, method: str) -> bool:
        """Whether the model is well, and the rows are to blame: errors about values have no type of their own."""
        try:
            getattr(self.estimator, method)(self.inputs(self._example))
        except Exception:
            return False
        return True

    def warm_up(self) -> None:
        """Answer the example, so that the first request does not pay for what happens once.

        Raises:
            ModelUnloadable: the model cannot predict its own example.
        """
        if self._same_as_a_matrix():
            estimators.WithoutNames(self.estimator)
            self._arrays = True
        try:
            answers = self.answer(self._example)
        except PredictionFailed as e:
            whose = "its own example" if self._given else "a made-up row, and it has no example of its own"
            raise ModelUnloadable(
                f"The model {self.name} version {self.version} cannot predict {whose}: {first_line(e)}. "
                f"Register it again with rows as it takes them: platform.register(model, name=..., example=X.head())"
            ) from e
        for method in self.outputs[1:]:
            try:
                answers |= self.answer(self._example, (method,))
            except PredictionFailed as e:  # e.g. probabilities of several outputs are not one array
                logger.warning("%s of %s is not served: %s", method, self.name, first_line(e.__cause__ or e))
        self.output_specs = tuple(output_spec(name, a) for name, a in answers.items() if a.dtype.kind in "biufOUSM")
        self.outputs = tuple(spec.name for spec in self.output_specs)
        if self.scoring_method not in self.outputs:
            raise ModelUnloadable(
                f"The model {self.name} version {self.version} was saved with "
                f"pyfunc_predict_fn='{self.scoring_method}', which does not answer rows alone. "
                f"Save it with one of {', '.join(self.outputs)}"
            )
        self.datatypes = {spec.name: spec.datatype for spec in self.output_specs}
        if not self._arrays:
            self._try_arrays(answers)
        self._try_direct()
        if self.compiled:
            self._check_compiled(self.compiled, answers)

    def accelerate(self, folder: Path, *, threads: int) -> None:
        """Let the compiled form in `folder` answer, if there is one; `warm_up` compares it with the estimator."""
        try:
            self.compiled = Compiled(folder, threads=threads)
        except NotCompiled as e:
            self._without_compiled(e)

    def _check_compiled(self, compiled: Compiled, expected: Answers) -> None:
        try:
            compiled.check(self._example, expected, self.classes)
            compiled.compare(compiled_rows.batches(self.signature, self.example), self.original, self.classes)
        except NotCompiled as e:
            self._without_compiled(e)

    def _without_compiled(self, why: NotCompiled) -> None:
        self.compiled, self.not_compiled = None, str(why)
        logger.warning("%s version %s answers without its compiled form: %s", self.name, self.version, why)

    def _same_as_a_matrix(self) -> bool:
        """Whether scikit-learn would make of the DataFrame the very matrix that we can make without pandas."""
        if not estimators.is_of_sklearn(self.estimator):
            return False
        types = {array.dtype for array in self._example.columns.values()}
        names = getattr(self.estimator, estimators.NAMES, None)
        return self._may_take_arrays() and len(types) == 1 and names is not None and [*names] == [*self.signature.names]

    def _may_take_arrays(self) -> bool:
        columns = self.signature.columns
        kinds = {array.dtype.kind for array in self._example.columns.values()}
        plain = all(column.dtype in (None, column.array_dtype.name) for column in columns)
        table = self.signature.container == "table"
        return table and plain and kinds <= set("iuf") and estimators.takes_arrays(self.estimator)

    def _try_arrays(self, expected: Answers) -> None:
        """Building a DataFrame costs more than the prediction of a row: do without where the answers are the same."""
        if not self._may_take_arrays():
            return
        names = estimators.WithoutNames(self.estimator)
        self._arrays = True
        try:
            answers = self.answer(self._example, self.outputs)
        except PredictionFailed:
            answers = {}
        if not all(name in answers and np.array_equal(answers[name], expected[name]) for name in self.outputs):
            names.undo()
            self._arrays = False

    def _try_direct(self) -> None:
        """Checks that ours made needless take most of a quick model's time: do without where nothing changes."""
        if not self._arrays and self.signature.named:
            return
        try:
            direct = Direct.of(self.estimator)
            if direct and direct.equals(self.original, self._example, self.outputs):
                self.direct = direct
        except Exception:  # an estimator that is not as those of its name usually are
            logger.info("%s has no direct form", self.name, exc_info=True)


def load(folder: Path, *, name: str, version: str, settings: Settings) -> Model:
    """Load the model in `folder`, which `mlflow.sklearn`, `mlflow.xgboost` or `mlflow.lightgbm` wrote.

    Args:
        folder: with an MLmodel file in it.
        name: of the model; empty: the folder's.
        version: of the model; empty: a digest of its MLmodel file.
        settings: `allow_pickle` and `trusted_types` decide what may be loaded, `accelerate` what answers.

    Raises:
        ModelUnloadable: no model that can be served; `UntrustedTypes`, `NeedsPickle` and `NeedsCode` are such.
    """
    saved = artifact.read(folder)
    estimator = _estimator(saved, settings)
    if not hasattr(estimator, "predict"):
        raise ModelUnloadable(
            f"The model {folder} is a {type(estimator).__name__}, which has no predict. "
            f"Register a model that predicts, such as a pipeline that ends with one"
        )
    estimators.use_one_thread(estimator)
    width = getattr(estimator, "n_features_in_", None)
    columns = getattr(estimator, estimators.NAMES, None)
    if saved.table:
        signature = read(saved.table)
    else:
        signature = parse(saved.inputs, width=width) if saved.inputs else without_types(columns, width=width)
    name, version = name or folder.resolve().name, version or saved.digest
    if not saved.inputs:
        logger.warning(
            "%s has no signature that can be read: the types of its columns are not known, and not checked. "
            "Save it with a signature, or register it with tenfold",
            name,
        )
    model = Model(
        estimator, signature, name, version, saved.example, flavor=saved.flavor, scoring_method=saved.scoring_method
    )
    model.created, model.newest_row, model.params = saved.created, saved.newest_row, saved.params
    if settings.accelerate:
        model.accelerate(folder, threads=max(1, int(settings.cpu)))
    return model


def _entries(answer: Any, rows: int) -> Array:
    """What the estimator answered, as an array of one entry per row.

    Raises:
        ValueError: it is none.
    """
    # A model of several outputs answers with a list of one array per output, which could be as many as there are rows.
    if isinstance(answer, list) and any(isinstance(part, np.ndarray) for part in cast("list[Any]", answer)):
        raise ValueError(f"it answers {len(cast('list[Any]', answer))} arrays instead of one")
    entries: Array = np.asarray(answer)
    if entries.ndim == 0:
        raise ValueError(f"it answers a {type(answer).__name__}, not an array")
    if len(entries) != rows:
        raise ValueError(f"{rows} rows were asked, {len(entries)} answered")
    return entries


def _estimator(saved: artifact.Artifact, settings: Settings) -> Any:
    if saved.format == "native":
        return boosters.load(saved)
    if saved.format != "skops":
        if not settings.allow_pickle:
            source = str(saved.folder)
            raise NeedsCode(source, saved.flavors) if saved.format == "code" else NeedsPickle(source, saved.format)
        return _with_code(saved)
    if saved.flavor != "sklearn":
        boosters.require(saved)
    try:
        data = saved.file.read_bytes()
    except OSError as e:
        raise ModelUnloadable(
            f"The model file {saved.file} cannot be read ({e.strerror}). Register the model again"
        ) from e
    return trust.load_skops(data, source=str(saved.folder), extra=settings.trusted_types)


def _with_code(saved: artifact.Artifact) -> Any:
    """Load a model that can run any code, as the operator allowed."""
    loader = saved.flavor if saved.flavor in ("sklearn", "lightgbm") else "pyfunc"
    try:
        return importlib.import_module(f"mlflow.{loader}").load_model(str(saved.folder))
    except Exception as e:
        raise ModelUnloadable(
            f"The model {saved.folder} cannot be restored ({type(e).__name__}: {first_line(e)}). "
            f"Install what its requirements.txt names, or register it again as skops"
        ) from e


def _example_batch(signature: Signature, example: Sequence[object]) -> tuple[bool, Batch]:
    """The example that came with the model, else a made-up row; and which of them it is."""
    try:
        return True, validation.from_rows(signature, list(example), max_rows=len(example) or 1)
    except (InvalidInput, TooManyRows):
        return False, validation.from_rows(signature, [example_row(signature)], max_rows=1)

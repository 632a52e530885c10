"""The transport-free core: what a protocol asks for, without knowing about HTTP.

    rows -> `rows`, `columns`, `matrix`  (the one validator) -> Batch
    Batch -> `ask`       (the model, by way of the batcher) -> Prediction, and a copy for the inference log
    labels -> `feedback` (`Feedback`, the inference log)    -> FeedbackResult

It also knows how far the server is: loading, ready, failed or draining.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Literal

from . import validation
from .batching import Batcher, Callback, Job
from .echo import echo
from .errors import InvalidInput, ModelUnloadable, NoInferenceLog, NotReady, UnknownModel
from .feedback import Feedback
from .inference_log.store import InferenceLog
from .inference_log.writer import LogWriter
from .labels import LabelType, label_type
from .locate import located
from .model import Model, load
from .prediction import BatchResult, Prediction, nbytes, stored
from .settings import Settings
from .times import parse_event_time
from .validation import Batch, Values

State = Literal["loading", "ready", "failed", "draining"]

# How long a call of the model may keep the event loop. While a thread asks it, a second core can read what comes.
# On one core nothing is sooner for it, and under overload half of the core goes into the turns that both take.
_INLINE_SECONDS, _INLINE_SECONDS_ON_ONE_CORE = 0.003, 0.02

# Names of outputs, parameters and the like, beside the values of rows.
_OTHER_VALUES = 1000

logger = logging.getLogger(__name__)


class Core:
    """One per process. Constructing it loads nothing; `load` blocks, all else belongs on the event loop."""

    def __init__(self, settings: Settings, asked: Callable[[int, float, str], None]) -> None:
        """
        Args:
            settings: of the process.
            asked: told the rows, the seconds and the model's version of every call of the model.
        """
        self.settings = settings
        self.state: State = "loading"
        self.reason = "the model is being loaded"
        self.watchers: set[Callable[[], None]] = set()
        self._told: State = self.state
        self._asked = asked
        self.version = ""  # of the model, once it is there
        self._model: Model | None = None
        self._batcher: Batcher | None = None
        self._labels = LabelType("any")
        self._feedback: Feedback | None = None
        url = settings.log_url.get_secret_value()
        self._log = InferenceLog(url) if url else None
        self.writer = self._writer_of(self._log) if self._log else None

    @property
    def ready(self) -> bool:
        """Whether predictions may be sent here."""
        return self.state == "ready"

    def tell_watchers(self) -> None:
        """Call the `watchers` if the state is another one than when they were called last."""
        if self.state != self._told:
            self._told = self.state
            for watcher in tuple(self.watchers):
                watcher()

    @property
    def loaded(self) -> bool:
        """Whether the model is there; it still is while the server drains."""
        return self._model is not None

    @property
    def model(self) -> Model:
        """The model.

        Raises:
            NotReady: it is being loaded, or cannot be.
        """
        if self._model is None:
            raise NotReady(f"No model can be asked yet: {self.reason}")
        return self._model

    @cached_property
    def max_values(self) -> int:
        """Values in a request, at most: those of `max_rows` rows, each in a list of its own, and what is said of them.

        Raises:
            NotReady: as `model`.
        """
        return self.settings.max_rows * 2 * (len(self.model.signature.columns) + 1) + _OTHER_VALUES

    @property
    def full(self) -> bool:
        """Whether no request would find room to wait for the model, whatever it holds."""
        return self._batcher is not None and self._batcher.full

    @property
    def label_type(self) -> LabelType:
        """What labels of the model look like."""
        return self._labels

    @property
    def feedback(self) -> Feedback:
        """Where labels go.

        Raises:
            NoInferenceLog: there is nowhere to keep them.
            NotReady: what labels of the model look like is only known once it is loaded.
        """
        if self._log is None:
            raise NoInferenceLog
        if self._feedback is None:
            raise NotReady(f"No label can be taken yet: {self.reason}")
        return self._feedback

    def load(self) -> None:
        """Load the model, let it answer its example, and be ready.

        Raises:
            ModelUnloadable: it cannot be served; `state` is then failed and `reason` says why.
        """
        started = time.perf_counter()
        try:
            with located(self.settings) as found:
                name, version = self.settings.name or found.name, self.settings.version or found.version
                model = load(found.folder, name=name, version=version, settings=self.settings)
            model.warm_up()
        except ModelUnloadable as e:
            self.state, self.reason = "failed", str(e)
            raise
        self._labels = label_type(model)
        self._batcher = Batcher(
            lambda batch, outputs: BatchResult(model.name, model.version, batch, model.answer(batch, outputs)),
            max_batch_rows=self.settings.max_batch_rows,
            max_waiting_rows=self.settings.max_waiting_rows,
            inline_seconds=_INLINE_SECONDS if self.settings.cpu > 1 else _INLINE_SECONDS_ON_ONE_CORE,
            asked=lambda rows, seconds: self._asked(rows, seconds, model.version),
            answered=self._keep,
        )
        if self._log and self.writer:
            self.writer.start()
            self._feedback = Feedback(
                self._log, self.writer, model.name, self._labels, max_waiting=self.settings.max_waiting_labels
            )
        self._model, self.version = model, model.version
        if self.state == "loading":
            self.state, self.reason = "ready", ""
        logger.info("%s version %s is ready after %.2f s", model.name, model.version, time.perf_counter() - started)

    def drain(self) -> None:
        """From now on not ready; what comes all the same is answered."""
        self.state, self.reason = "draining", "the server is about to stop"

    def close(self, timeout: float) -> None:
        """Write out the log, for `timeout` seconds at most. Blocks."""
        if self._batcher:
            self._batcher.close()
        if self._feedback:
            self._feedback.close()
        if self.writer and self.loaded:
            self.writer.close(timeout)
        if self._log:
            self._log.close()

    def check_model(self, name: str, version: str | None) -> None:
        """Whether it is the model that is served here.

        Raises:
            UnknownModel: it is another one, or another version.
        """
        model = self.model
        if name != model.name or version not in (None, model.version):
            raise UnknownModel(name, version, model.name, model.version)

    def event_time(self, text: str | None) -> datetime | None:
        """When the request counts as made: None for now, unless it says otherwise and the server accepts that.

        Raises:
            InvalidInput: it says otherwise and may not, or as `parse_event_time` does.
        """
        if text is None:
            return None
        if not self.settings.accept_event_time:
            raise InvalidInput(
                "Tenfold-Event-Time is not accepted here. Leave it out, or start the server with "
                "TENFOLD_ACCEPT_EVENT_TIME=true to replay past traffic"
            )
        return parse_event_time(text)

    def flat(self, values: Values) -> Batch:
        """Check values in row-major order. Raises as `validation.from_flat` does."""
        return validation.from_flat(self.model.signature, values, self.settings.max_rows)

    def packed(self, values: bytes) -> Batch:
        """Check the number of rows of finite doubles. Raises as `validation.from_packed` does."""
        return validation.from_packed(self.model.signature, values, self.settings.max_rows)

    def rows(self, document: object) -> Batch:
        """Check a JSON list of rows. Raises as `validation.from_rows` does."""
        return validation.from_rows(self.model.signature, document, self.settings.max_rows)

    def columns(self, columns: Mapping[str, Values]) -> Batch:
        """Check values by column name. Raises as `validation.from_columns` does."""
        return validation.from_columns(self.model.signature, columns, self.settings.max_rows)

    def matrix(self, rows: object, columns: Sequence[str] | None = None) -> Batch:
        """Check rows of values by position. Raises as `validation.from_matrix` does."""
        return validation.from_matrix(self.model.signature, rows, self.settings.max_rows, columns)

    def ask(
        self, batch: Batch, outputs: tuple[str, ...], when: datetime | None, deadline: float, callback: Callback
    ) -> Job:
        """Ask the model, and hand a copy of what it answers to the inference log.

        Args:
            batch: checked rows.
            outputs: names of the outputs asked for; a name may come twice.
            when: the time that the log keeps; None: now.
            deadline: of `time.monotonic()`.
            callback: gets the prediction, or the error: `PredictionFailed` (the model broke) or `DeadlineExceeded`.

        Returns:
            What `drop` takes when nobody waits for the prediction any more.

        Raises:
            InvalidInput: the model has no such output.
            Overloaded: too many rows wait already.
        """
        model, batcher = self.model, self._batcher
        assert batcher is not None
        for output in outputs:
            if output not in model.outputs:
                raise InvalidInput(f"The model has no output '{echo(output)}'. Ask for {' or '.join(model.outputs)}")

        distinct = outputs if len(outputs) == 1 else tuple(dict.fromkeys(outputs))
        return batcher.ask(batch, distinct, deadline, callback, when)

    def drop(self, job: Job) -> None:
        """Nobody waits for this prediction any more."""
        if self._batcher:
            self._batcher.drop(job)

    def _writer_of(self, log: InferenceLog) -> LogWriter[Prediction]:
        return LogWriter(
            log, stored, nbytes, max_rows=self.settings.log_queue_rows, max_bytes=self.settings.log_queue_bytes
        )

    def _keep(self, predictions: list[Prediction]) -> None:
        """Hand over to the log what requests were answered by one call of the model."""
        if self.writer and predictions:
            self.writer.put(predictions)

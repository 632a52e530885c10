"""The transport-free core: what a protocol asks for, without knowing about HTTP.

    rows -> `rows`, `columns`, `matrix`  (the one validator) -> Batch
    Batch -> `ask`       (the model, by way of the batcher) -> Prediction, and a copy for the inference log
    labels -> `feedback` (the inference log)                -> FeedbackResult

It also knows how far the server is: loading, ready, failed or draining.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from . import validation
from .batching import Batcher, Callback, Job, settle
from .errors import InvalidInput, ModelUnloadable, NoInferenceLog, NotReady, UnknownModel
from .ids import made_at
from .inference_log.errors import InvalidLabel, LogUnreachable
from .inference_log.records import LabelRecord, LabelStatus
from .inference_log.store import InferenceLog
from .inference_log.writer import LogWriter
from .labels import LabelType, label_type
from .locate import located
from .model import Model, load
from .prediction import Call, Prediction, stored
from .settings import Settings
from .validation import Batch, Values

State = Literal["loading", "ready", "failed", "draining"]

# A label may overtake its prediction, which waits to be written here or in another replica: an id that is not in the
# log is looked up again for so long, if it is as young as that.
_OVERTAKEN_WITHIN = timedelta(seconds=10)
# How long a call of the model may keep the event loop. While a thread asks it, a second core can read what comes.
# On one core nothing is sooner for it, and under overload half of the core goes into the turns that both take.
_INLINE_SECONDS, _INLINE_SECONDS_ON_ONE_CORE = 0.003, 0.02
_LOOK_AGAIN_SECONDS, _LOOK_AGAIN_EVERY = 3.0, 0.1

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FeedbackResult:
    """What became of one label; `message` says why it was not taken."""

    id: str
    status: LabelStatus | Literal["invalid"]
    message: str = ""


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
        self._asked = asked
        self._model: Model | None = None
        self._batcher: Batcher | None = None
        self._labels = LabelType("any")
        url = settings.log_url.get_secret_value()
        self._log = InferenceLog(url) if url else None
        self.writer = LogWriter(self._log, stored, max_rows=settings.log_queue_rows) if self._log else None

    @property
    def ready(self) -> bool:
        """Whether predictions may be sent here."""
        return self.state == "ready"

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

    @property
    def full(self) -> bool:
        """Whether no request would find room to wait for the model, whatever it holds."""
        return self._batcher is not None and self._batcher.full

    @property
    def label_type(self) -> LabelType:
        """What labels of the model look like."""
        return self._labels

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
            lambda batch, outputs: Call(model.name, model.version, batch, model.answer(batch, outputs)),
            max_batch_rows=self.settings.max_batch_rows,
            max_waiting_rows=self.settings.max_waiting_rows,
            inline_seconds=_INLINE_SECONDS if self.settings.cpu > 1 else _INLINE_SECONDS_ON_ONE_CORE,
            asked=lambda rows, seconds: self._asked(rows, seconds, model.version),
            answered=self._keep,
        )
        if self.writer:
            self.writer.start()
        self._model = model
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
            InvalidInput: it says otherwise and may not, or not in ISO 8601 with a zone.
        """
        if text is None:
            return None
        if not self.settings.accept_event_time:
            raise InvalidInput(
                "Tenfold-Event-Time is not accepted here. Leave it out, or start the server with "
                "TENFOLD_ACCEPT_EVENT_TIME=true to replay past traffic"
            )
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            when = None
        if when is None or when.tzinfo is None:
            raise InvalidInput(f"Tenfold-Event-Time is '{text}'. Send ISO 8601 with a zone: 2013-06-21T08:00:00-04:00")
        return when

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
                raise InvalidInput(f"The model has no output '{output}'. Ask for {' or '.join(model.outputs)}")

        distinct = outputs if len(outputs) == 1 else tuple(dict.fromkeys(outputs))
        return batcher.ask(batch, distinct, deadline, callback, when)

    def drop(self, job: Job) -> None:
        """Nobody waits for this prediction any more."""
        if self._batcher:
            self._batcher.drop(job)

    async def predict(
        self, batch: Batch, outputs: tuple[str, ...], when: datetime | None, deadline: float
    ) -> Prediction:
        """Ask, and wait for the prediction. Raises as `ask` does, and the errors that the callback gets there."""
        answered: asyncio.Future[Prediction] = asyncio.get_running_loop().create_future()
        job = self.ask(batch, outputs, when, deadline, partial(settle, answered))
        try:
            return await answered
        finally:
            self.drop(job)

    async def feedback(self, items: Sequence[tuple[str, Any]], when: datetime) -> list[FeedbackResult]:
        """Keep what turned out to be true: one result per (id, label), in order.

        Raises:
            NoInferenceLog: there is nowhere to keep it.
            NotReady: the log cannot be reached; nothing was kept.
        """
        if self._log is None or self.writer is None:
            raise NoInferenceLog
        model = self.model  # its labels are only known once it is loaded
        results: list[FeedbackResult | None] = []
        labels: list[LabelRecord] = []
        for identity, given in items:
            try:
                labels.append(LabelRecord(identity, self._labels.check(given), when))
                results.append(None)
            except (InvalidInput, InvalidLabel) as e:
                results.append(FeedbackResult(identity, "invalid", str(e)))
        written = iter(await self._write_labels(self._log, self.writer, labels))
        return [result or _result(*next(written), model.name) for result in results]

    def _keep(self, call: Call) -> None:
        """Hand over to the log what requests were answered by one call of the model."""
        if self.writer and call.predictions:
            self.writer.put(call.predictions)

    async def _write_labels(
        self, log: InferenceLog, writer: LogWriter[Prediction], records: list[LabelRecord]
    ) -> list[tuple[str, LabelStatus]]:
        if not records:
            return []
        try:
            await asyncio.to_thread(writer.flush, _LOOK_AGAIN_SECONDS)
            statuses = await asyncio.to_thread(log.write_labels, records)
            deadline = time.monotonic() + _LOOK_AGAIN_SECONDS
            while (again := _overtaking(records, statuses)) and time.monotonic() < deadline:
                await asyncio.sleep(_LOOK_AGAIN_EVERY)
                found = await asyncio.to_thread(log.write_labels, [records[i] for i in again])
                for i, status in zip(again, found, strict=True):
                    statuses[i] = status
        except LogUnreachable as e:
            raise NotReady(f"No label was kept: {e}") from e
        return [(record.prediction_id, status) for record, status in zip(records, statuses, strict=True)]


def _overtaking(records: list[LabelRecord], statuses: list[LabelStatus]) -> list[int]:
    """The positions of labels whose prediction may only not be written yet."""
    oldest = datetime.now(UTC) - _OVERTAKEN_WITHIN
    return [
        i
        for i, status in enumerate(statuses)
        if status == "unknown" and (made := made_at(records[i].prediction_id)) is not None and made > oldest
    ]


def _result(identity: str, status: LabelStatus, model: str) -> FeedbackResult:
    if status != "unknown":
        return FeedbackResult(identity, status)
    return FeedbackResult(
        identity,
        status,
        f"No prediction has the id '{identity[:60]}'. Send an id that a prediction of {model} was answered with",
    )

"""`Service`: one deployed model as an object. Every method is a line or two over target, registry, log and client."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from ..serving.client import Client, Refused
from .display import Shown
from .errors import PlatformError
from .explanation import Explanation, explain
from .progress import shown_progress
from .retraining import Retrained, due, retrain
from .rollout import Progress, roll_out
from .target import LogLine, Status

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..serving.client import Answer, Receipt
    from ..training.night import Night
    from .api import Platform

T = TypeVar("T")
UNAUTHORIZED = 401


class Service(Shown):
    """A deployed model. Get one from `Platform.deploy` or `Platform.service`."""

    def __init__(self, platform: Platform, name: str) -> None:
        self.name = name
        self._platform = platform
        self._target = platform.target
        self._client: Client | None = None

    def __repr__(self) -> str:
        try:
            status = self.status()
        except PlatformError:
            return f"Service({self.name}: not deployed)"
        return f"Service({self.name}: {status.verdict}, version {status.spec.version}, {status.url})"

    def __rich__(self) -> RenderableType:
        return self.status().__rich__()

    @property
    def url(self) -> str:
        """Where programs reach the model."""
        return self.status().url

    @property
    def page_url(self) -> str:
        """Where people reach the page."""
        return self.status().page_url

    @property
    def client(self) -> Client:
        """The HTTP client that `predict` and `feedback` use."""
        if self._client is None:
            key = self._platform.api_key(self.name)
            self._client = Client(self._platform.address(self.name), name=self.name, api_key=key)
            # Nobody closes a service; its connections end with it, and at the latest with the program.
            weakref.finalize(self, self._client.close)
        return self._client

    def predict(self, rows: Any, *, outputs: Sequence[str] | None = None) -> Answer:
        """Predict; see `tenfold.Client.predict`."""
        return self._asked(lambda client: client.predict(rows, outputs=outputs))

    def feedback(self, ids: Sequence[str] | Mapping[str, Any], labels: Any = None) -> Receipt:
        """Send what turned out to be true; see `tenfold.Client.feedback`."""
        return self._asked(lambda client: client.feedback(ids, labels))

    def status(self) -> Status:
        """Desired and actual state, and why they differ."""
        return self._target.status(self.name)

    def explain(self) -> Explanation:
        """Why it is not what it should be: the causes of all replicas that are not ready, with their last words."""
        return explain(self._target, self.name)

    def change(self, *, progress: Progress | None = None, **fields: Any) -> Status:
        """Change fields of the spec, e.g. `change(resources={"cpu": 2})`, and return when it is so."""
        before = self.status().spec
        spec = before.changed(**fields)
        if (before.host, before.port) != (spec.host, spec.port):
            self._forget_client()
        with shown_progress(progress) as report:
            return roll_out(self._target, spec, progress=report)

    def _asked(self, call: Callable[[Client], T]) -> T:
        """What the model answers; a key that is valid no more is looked up again."""
        try:
            return call(self.client)
        except Refused as e:
            if e.status != UNAUTHORIZED:
                raise
            self._forget_client()
            return call(self.client)

    def _forget_client(self) -> None:
        if self._client:
            self._client.close()
            self._client = None

    def scale(self, replicas: int, *, progress: Progress | None = None) -> Status:
        """Run that many replicas."""
        return self.change(replicas=replicas, progress=progress)

    def rollback(self, *, progress: Progress | None = None) -> Status:
        """Serve the version before the newest change of version again, and make it the champion.

        Raises:
            PlatformError: there was no version before.
        """
        previous = self.status().previous
        if previous is None:
            raise PlatformError(
                f"{self.name} has served one version only. Deploy another with: tenfold deploy {self.name} --version N"
            )
        status = self.change(model=previous.model, progress=progress)
        self._platform.registry.promote(self.name, previous.version)
        return status

    def logs(self, *, follow: bool = False, previous: bool = False) -> Iterator[LogLine]:
        """What the replicas wrote; with `follow`, on and on; with `previous`, those that ended."""
        return self._target.logs(self.name, follow=follow, previous=previous)

    def delete(self) -> tuple[str, ...]:
        """Stop and forget the service. Returns what is kept."""
        return self._target.delete(self.name)

    def schedule_retraining(self, at: str | time, timezone: str = "UTC", **options: Any) -> Status:
        """Retrain every night.

        Args:
            at: time of the wall clock, e.g. "02:00".
            timezone: IANA name; its midnight ends a day.
            options: other fields of `tenfold.platform.spec.Retraining`, e.g. `window_days=28`.
        """
        return self.change(retraining={"at": at, "timezone": timezone, **options})

    def pause(self) -> Status:
        """Keep the schedule, but start no night until `resume`."""
        return self.change(retraining={"paused": True})

    def resume(self) -> Status:
        """Start nights again; those missed meanwhile are caught up."""
        return self.change(retraining={"paused": False})

    def retrain(self, date: date) -> Retrained:
        """Run the night of `date` now: train on the window that ends with it, roll out if better."""
        return retrain(self._platform, self.name, date)

    def backfill(self, first: date, last: date) -> list[Retrained]:
        """Run the nights from `first` to `last`, oldest first; those already done on the same data do nothing.

        Raises:
            PlatformError: `first` is after `last`.
        """
        if first > last:
            raise PlatformError(f"The first day, {first}, is after the last, {last}. Give the earlier one first")
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        if self._platform.nights:
            return self._platform.nights.run(self._platform, self.name, days)
        return [self.retrain(day) for day in days]

    def retrain_due(self, now: datetime | None = None) -> list[Retrained]:
        """Run the nights that are due, oldest first: what the alarm clock calls."""
        if self._platform.nights:
            return self._platform.nights.run(self._platform, self.name, due(self._platform, self.name, now))
        return [self.retrain(day) for day in due(self._platform, self.name, now)]

    def nights(self) -> list[Night]:
        """What became of every night, oldest first."""
        return sorted(self._platform.registry.nights(self.name), key=lambda night: night.date)

    def import_rows(self, rows: Any, labels: Sequence[Any], times: Sequence[datetime]) -> list[str]:
        """Put past rows with their labels into the inference log, to train on. Importing them again changes nothing.

        Args:
            rows: DataFrame or list of dicts, n rows.
            labels: n labels.
            times: n times, with a zone, at which each row would have been predicted.

        Returns:
            The ids of the n rows.
        """
        return self._platform.import_rows(self.name, rows, labels, times)

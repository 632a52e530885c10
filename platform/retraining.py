"""One night on the platform: train in a process of its own, roll out what is better, go back if it does not serve.

Called by `Service.retrain`, which a person, the alarm clock or a CronJob calls. What is trained and decided belongs to
`tenfold.training`; here the decision becomes a served version, or is taken back.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Protocol

from pydantic import Field, ValidationError

from ..training.due import due_dates
from ..training.night import Night
from ..training.options import TrainingOptions
from .display import Shown
from .errors import PlatformError, RolledBack, RolloutStopped
from .local.target import LocalTarget
from .rollout import Progress, roll_out
from .spec import Frozen, ServerOptions, ServiceSpec

if TYPE_CHECKING:
    from rich.console import RenderableType

    from .api import Platform


class Retrained(Shown, Frozen):
    """What became of one night: what training decided, and which version is served after it."""

    night: Night
    served: str = Field(description="The version that is served now.")

    @property
    def date(self) -> date:
        """The day that was trained on."""
        return self.night.date

    @property
    def outcome(self) -> str:
        """promoted, kept, skipped, failed, or rolled back."""
        return self.night.outcome

    @property
    def reason(self) -> str:
        """Why, in a sentence with the numbers."""
        return self.night.reason

    def __rich__(self) -> RenderableType:
        from .display import nights_view

        return nights_view([self.night])


class Nights(Protocol):
    """Runs nights elsewhere than in this process."""

    def run(self, platform: Platform, name: str, days: Sequence[date]) -> list[Retrained]:
        """Run the nights of these days, in a row and in this order, and tell what became of them."""
        ...


def retrain(platform: Platform, name: str, date: date, *, progress: Progress | None = None) -> Retrained:
    """Run the night of `date`, or finish it if it was trained but never rolled out.

    Raises:
        UnknownService: there is no such service.
        PlatformError: the training process ended without a decision.
        RolloutStopped: the service was stopped meanwhile; what was decided is rolled out when the night is due again.
    """
    if platform.nights:
        return platform.nights.run(platform, name, [date])[0]
    with _one_at_a_time(platform, name):
        begun = platform.target.status(name)
        night = _train(platform, name, date, begun.spec)
        # Asked again: training took its time, and a person may have scaled, stopped or deleted the service meanwhile.
        now = platform.target.status(name)
        if now.verdict == "stopped" and begun.verdict != "stopped":
            raise RolloutStopped(f"{name} was stopped while the night of {date} was trained: it was {night.outcome}")
        before = now.spec
        if not _to_be_served(platform, before, night):
            return Retrained(night=night, served=before.version)
        after = before.changed(model=f"models:/{name}/{night.challenger}")
        try:
            roll_out(platform.target, after, watch_seconds=before.retraining.watch_seconds, progress=progress)
        except RolledBack as e:
            platform.registry.promote(name, before.version)
            night = night.model_copy(update={"outcome": "rolled back", "reason": str(e)})
            platform.registry.record_night(name, night)
            return Retrained(night=night, served=before.version)
        return Retrained(night=night, served=after.version)


def due(platform: Platform, name: str, now: datetime | None = None) -> list[date]:
    """The dates whose nights are due, oldest first: those missed, and one that was trained but never rolled out.

    Raises:
        UnknownService: there is no such service.
    """
    spec = platform.target.status(name).spec
    retraining = spec.retraining
    if not retraining.at or retraining.paused:
        return []
    nights = platform.registry.nights(name)
    done = {night.date for night in nights if night.outcome != "failed" and not _to_be_served(platform, spec, night)}
    return due_dates(
        now or datetime.now(UTC),
        at=retraining.at,
        timezone=retraining.timezone,
        done=done,
        first=platform.registry.first_date(name, retraining.timezone),
        catch_up_days=retraining.catch_up_days,
    )


def _to_be_served(platform: Platform, spec: ServiceSpec, night: Night) -> bool:
    """Whether the night's version is the champion but not what is served: its rollout is still to come."""
    if night.outcome != "promoted" or night.challenger is None or night.challenger == spec.version:
        return False
    return platform.registry.champion(spec.name).version == night.challenger


def told_to_train(server: ServerOptions) -> dict[str, str]:
    """The environment in which a night may load what the service's replicas may, and makes what they answer by."""
    # Where the spec says nothing, the environment of the night may.
    changed, needed = server.environment(changed_only=True), ("TENFOLD_TRUSTED_TYPES", "TENFOLD_ALLOW_PICKLE")
    return {
        "TENFOLD_ACCELERATE": server.accelerate or "",
        **{name: changed[name] for name in needed if name in changed},
    }


def _train(platform: Platform, name: str, date: date, spec: ServiceSpec) -> Night:
    """Run the training script, the same that the training image runs, and read its decision."""
    flags = [
        part
        for field in TrainingOptions.model_fields
        if (value := getattr(spec.retraining, field)) is not None
        for part in (f"--{field.replace('_', '-')}", str(value))
    ]
    command = [sys.executable, "-m", "tenfold.training.train", "--model", name, "--date", str(date), *flags]
    places = {"TENFOLD_REGISTRY_URI": platform.registry.uri, "TENFOLD_LOG_URL": platform.log_url}
    environment = {**os.environ, **told_to_train(spec.server), **places}
    script = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        return Night.model_validate_json(script.stdout)
    except ValidationError as e:
        said = next((line for line in reversed(script.stderr.splitlines()) if line.strip()), "it said nothing")
        raise PlatformError(
            f"The night of {date} of {name} ended without a decision (exit code {script.returncode}): {said}"
        ) from e


@contextmanager
def _one_at_a_time(platform: Platform, name: str) -> Generator[None]:
    """Two nights of one service, started by a person and by the clock, follow one another."""
    if not isinstance(platform.target, LocalTarget):
        yield
        return
    with platform.target.state.existing(name).retraining_lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""Puts the parts of a Kubernetes platform together; `Platform.kubernetes` calls it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from ...training.night import Night
from ..retraining import Retrained
from . import nights
from .api import Api
from .errors import NightUnfinished
from .reach import ClusterRegistry, Reach
from .target import KubernetesTarget

if TYPE_CHECKING:
    from ..api import Platform


def parts(namespace: str | None = None, context: str | None = None) -> dict[str, Any]:
    """The arguments of `Platform` for that namespace. Nothing is read or opened yet."""
    api = Api(namespace, context)
    target = KubernetesTarget(api)
    reach = Reach(target)
    return {
        "target": target,
        "registry": ClusterRegistry(reach),
        "log_url": reach.log_url,
        "address": reach.model,
        "api_key": reach.api_key,
        # In the cluster, in the training image, a night is a process as everywhere.
        "nights": None if api.in_cluster else ClusterNights(api),
    }


class ClusterNights:
    """Runs nights as Jobs; implements `tenfold.platform.retraining.Nights`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def run(self, platform: Platform, name: str, days: Sequence[date]) -> list[Retrained]:
        """Run the nights of these days, oldest first, and tell what became of them.

        Raises:
            NightUnfinished: one ended without a decision; those before it are done.
        """
        before = {night.date: night for night in platform.registry.nights(name)}
        well = True
        for first, last in ranges(days):
            one = ["retrain", name, "--date", f"{first}"]
            well &= nights.run(self._api, name, one if first == last else ["backfill", name, f"{first}", f"{last}"])
        done = {night.date: night for night in platform.registry.nights(name)}
        served = platform.target.status(name).spec.version
        return [Retrained(night=_told(done.get(day), before.get(day), day, well), served=served) for day in days]


def ranges(days: Sequence[date]) -> list[tuple[date, date]]:
    """The days as ranges without a gap: a Job for each."""
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and day - found[-1][1] == timedelta(days=1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def _told(night: Night | None, before: Night | None, day: date, well: bool) -> Night:
    """The night as the registry tells it, unless what it tells is from an earlier one."""
    if night is None or (not well and night == before and night.outcome not in {"failed", "rolled back"}):
        raise NightUnfinished(f"The night of {day} ended without a record in the registry. See: kubectl get jobs")
    return night

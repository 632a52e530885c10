"""The night as one straight line: read, check, fit, score, decide, register, move the alias, record.

`train` (the script) calls it with an open registry and log. Promises: the record comes last, so a night that died
half-way is finished by the next run, not repeated; the same date on the same data is not run again; nothing is rolled
out here.
"""

from __future__ import annotations

import logging
import tempfile
from datetime import date
from pathlib import Path

from ..serving.errors import ServingError
from ..serving.inference_log.store import InferenceLog
from ..serving.model import Model, load
from . import data, fit, mlmodel
from .compiled import ACCELERATE_TAG, compile_beside
from .errors import NightFailed, NotCompilable
from .evaluate import compare
from .gate import decide
from .labels import label_type
from .night import Night
from .options import TrainingOptions
from .registry import ModelVersion, Registry
from .tags import FINGERPRINT, night_of, tags_of

log = logging.getLogger(__name__)


def retrain(
    name: str,
    day: date,
    options: TrainingOptions,
    *,
    registry: Registry,
    rows_from: InferenceLog,
    accelerate: str | None = None,
) -> Night:
    """Run the night of `day`, or return what became of it if it was run on the same data.

    With `accelerate` "onnx" the challenger gets a compiled form, compared with it on all rows of the window. Where it
    cannot have one, the night says why and goes on: being quick is no reason to go on serving the worse model.

    Raises:
        TrainingError: no decision; run it again once the cause is gone.
        tenfold.serving.inference_log.errors.LogError: the inference log cannot be read.
    """
    champion = registry.champion(name)
    rows = data.read(rows_from, name, day, options)
    fingerprint = data.fingerprint(rows, options)
    earlier = _run_before(registry, name, day, fingerprint)
    if earlier is not None:
        log.info("the night of %s was run on the same data before: %s", day, earlier.outcome)
        return earlier
    unfinished = _half_finished(registry, champion, day, fingerprint)
    if unfinished is not None:
        log.info("finishing the night of %s, which registered version %s", day, unfinished.challenger)
        return _finish(registry, name, unfinished)
    log.info("training on %s labelled rows of %s days up to %s", len(rows), options.window_days, day)
    night = Night(
        date=day, outcome="skipped", reason="", rows=len(rows), champion=champion.version, fingerprint=fingerprint
    )
    with tempfile.TemporaryDirectory(prefix="tenfold-night-") as folder:
        try:
            night = _challenge(night, name, options, rows, registry, Path(folder), accelerate)
        except data.Unfit as e:
            night = night.model_copy(update={"reason": str(e)})
    return _finish(registry, name, night)


def _challenge(
    night: Night,
    name: str,
    options: TrainingOptions,
    rows: list[data.LabelledRow],
    registry: Registry,
    folder: Path,
    accelerate: str | None,
) -> Night:
    """Fit a challenger, compare it with the champion, and register it with everything that explains the decision.

    Raises:
        data.Unfit: there is nothing to learn from.
        TrainingError: no decision.
    """
    assert night.champion is not None
    registry.fetch(name, night.champion, folder / "champion")
    settings = mlmodel.settings_of(folder / "champion")
    try:
        champion = load(folder / "champion", name=name, version=night.champion, settings=settings)
    except ServingError as e:
        raise NightFailed(f"The champion, version {night.champion}, cannot be loaded: {e}") from e
    prepared = data.prepare(rows, night.date, options, champion.signature, label_type(champion))
    log.info("fitting on %s rows, scoring on %s", prepared.train.batch.rows, prepared.held_out.batch.rows)
    train = fit.train_function(options.train)
    fitted = fit.fit(train, champion.inputs(prepared.train.batch), prepared.train.labels, champion.estimator)
    challenger = mlmodel.save_like(
        fitted, folder / "challenger", name=name, champion=folder / "champion", newest_row=rows[-1].time
    )
    before, after = compare(champion, challenger, prepared.held_out)
    decision = decide(before, after, min_improvement=options.min_improvement, tolerance=options.tolerance)
    slow = _compile(challenger, folder / "challenger", prepared) if accelerate else ""
    left_out = f"; {prepared.left_out} rows that do not agree with the model were left out" if prepared.left_out else ""
    night = Night(
        date=night.date,
        outcome="promoted" if decision.promote else "kept",
        reason=f"{decision.reason}, on {prepared.held_out.batch.rows} held-out rows{left_out}{slow}",
        rows=night.rows,
        champion=night.champion,
        champion_metrics=before,
        challenger_metrics=after,
        fingerprint=night.fingerprint,
    )
    tags = tags_of(
        night,
        options,
        trained=prepared.train.batch.rows,
        held_out=prepared.held_out.batch.rows,
        left_out=prepared.left_out,
    )
    if accelerate and not slow:
        tags[ACCELERATE_TAG] = accelerate
    version = registry.register_folder(folder / "challenger", name, tags=tags, metrics=after)
    return night.model_copy(update={"challenger": version.version})


def _compile(challenger: Model, folder: Path, prepared: data.Prepared) -> str:
    """Give the challenger its compiled form; else the part of the night's reason that says why it has none."""
    try:
        compile_beside(challenger, folder, [prepared.train.batch, prepared.held_out.batch])
    except NotCompilable as e:
        log.warning("%s", e)
        return f"; it is not accelerated: {e.why}"
    return ""


def _finish(registry: Registry, name: str, night: Night) -> Night:
    """Move the alias if the challenger won, and record the night."""
    if night.outcome == "promoted" and night.challenger is not None:
        registry.promote(name, night.challenger)
    registry.record_night(name, night)
    log.info("%s: %s", night.outcome, night.reason)
    return night


def _run_before(registry: Registry, name: str, day: date, fingerprint: str) -> Night | None:
    same = (n for n in registry.nights(name) if n.date == day and n.fingerprint == fingerprint and n.is_done)
    return next(same, None)


def _half_finished(registry: Registry, champion: ModelVersion, day: date, fingerprint: str) -> Night | None:
    """The night whose version was registered before it died; None also if the champion has changed since then."""
    for version in reversed(registry.with_tag(champion.name, FINGERPRINT, fingerprint)):
        night = night_of(version.version, version.tags)
        if night and night.date == day and champion.version in (night.champion, night.challenger):
            return night
    return None

"""The core by itself: its states, and models of a registry by version and by alias."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tenfold.serving.core import Core
from tenfold.serving.errors import InvalidInput, ModelUnloadable, NotReady, UnknownModel
from tenfold.serving.locate import located
from tenfold.training.registry import Registry
from unit.serving.stage import Folders, flower_model, flowers, settings


def core_of(model: Path | str, **given: Any) -> Core:
    return Core(settings(model=str(model), **given), asked=lambda *_: None)


def test_from_loading_over_ready_to_draining(folders: Folders) -> None:
    core = core_of(folders.line)
    assert (core.state, core.ready, core.loaded) == ("loading", False, False)
    with pytest.raises(NotReady, match="No model can be asked yet: the model is being loaded"):
        _ = core.model
    core.load()
    assert (core.state, core.ready, core.loaded) == ("ready", True, True)
    core.drain()
    assert (core.state, core.ready, core.loaded) == ("draining", False, True)
    core.close(1)


def test_a_stop_while_the_model_is_loaded_is_not_forgotten(folders: Folders) -> None:
    core = core_of(folders.line)
    core.drain()
    core.load()
    assert core.state == "draining"
    core.close(1)


def test_a_model_that_cannot_be_loaded(tmp_path: Path) -> None:
    core = core_of(tmp_path)
    with pytest.raises(ModelUnloadable):
        core.load()
    assert core.state == "failed"
    assert "There is no model at" in core.reason
    core.close(1)


@pytest.mark.parametrize(("cpu", "seconds"), [(0.5, 0.02), (1, 0.02), (2, 0.003)])
def test_one_core_waits_longer_for_a_model_before_it_takes_a_thread(
    cpu: float, seconds: float, folders: Folders
) -> None:
    core = core_of(folders.line, cpu=cpu)
    core.load()
    batcher: Any = core._batcher
    assert batcher.inline_seconds == seconds
    core.close(1)


def test_batches_can_be_switched_off(folders: Folders) -> None:
    core = core_of(folders.line, max_batch_rows=1)
    core.load()
    batcher: Any = core._batcher
    assert batcher._max_batch_rows == 1
    core.close(1)


def test_another_model_is_not_here(folders: Folders) -> None:
    core = core_of(folders.line, version="7")
    core.load()
    core.check_model("line", None)
    core.check_model("line", "7")
    for name, version in (("other", None), ("line", "8")):
        with pytest.raises(UnknownModel):
            core.check_model(name, version)
    core.close(1)


def test_event_time(folders: Folders) -> None:
    replaying = core_of(folders.line, accept_event_time=True)
    assert replaying.event_time("2013-06-21T08:00:00-04:00") == datetime(2013, 6, 21, 12, tzinfo=UTC)
    assert replaying.event_time("2013-06-21T08:00:00Z") == datetime(2013, 6, 21, 8, tzinfo=UTC)
    assert replaying.event_time(None) is None  # now
    with pytest.raises(InvalidInput, match="ISO 8601 with a zone"):
        replaying.event_time("2013-06-21T08:00:00")
    with pytest.raises(InvalidInput, match="not accepted here"):
        core_of(folders.line).event_time("2013-06-21T08:00:00Z")


def test_a_registered_model_by_version_and_by_alias(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'registry.db'}"
    registry = Registry(uri, artifacts=tmp_path / "artifacts")
    version = registry.register(flower_model(), "iris", example=flowers()[0].head(3), tags={}).version
    registry.promote("iris", version)
    for model in (f"models:/iris/{version}", "models:/iris@champion"):
        core = core_of(model, registry_uri=uri)
        core.load()
        assert (core.model.name, core.model.version) == ("iris", version)
        core.close(1)
    with located(settings(model=f"models:/iris/{version}", registry_uri=uri)) as found:
        assert (found.folder / "MLmodel").exists()
    assert not found.folder.exists()
    with pytest.raises(ModelUnloadable, match=r"models:/iris/99 cannot be fetched from the registry .* Check the name"):
        core_of("models:/iris/99", registry_uri=uri).load()

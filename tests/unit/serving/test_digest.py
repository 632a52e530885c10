"""What was registered is what is served: files that were changed since are refused before they are read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError
from tenfold.serving.core import Core
from tenfold.serving.digest import DIGEST_TAG, digest
from tenfold.serving.errors import ModelChanged
from tenfold.serving.locate import located
from tenfold.training.registry import Registry
from unit.serving.stage import Folders, settings


@pytest.fixture
def model(folders: Folders, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folders.iris, tmp_path / "model"))


def test_a_copy_has_the_same_digest_and_every_change_another(model: Path, tmp_path: Path) -> None:
    first = digest(model)
    assert digest(shutil.copytree(model, tmp_path / "elsewhere")) == first
    (model / "registered_model_meta").write_text("MLflow's own note of where the folder came from")
    assert digest(model) == first
    seen = {first}
    changes = {"MLmodel": b"other", "new.txt": b"", "deeper/new.txt": b""}
    for name, content in changes.items():
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_bytes(content)
        seen.add(digest(model))
    (model / "new.txt").rename(model / "newer.txt")
    seen.add(digest(model))
    assert len(seen) == 5


def test_a_folder_with_the_wanted_digest_is_served_and_another_refused(model: Path) -> None:
    wanted = digest(model)
    Core(settings(model=str(model), model_digest=wanted), asked=lambda *_: None).load()
    with (model / "MLmodel").open("a") as file:
        file.write("# changed\n")
    core = Core(settings(model=str(model), model_digest=wanted), asked=lambda *_: None)
    with pytest.raises(ModelChanged, match=f"digest {digest(model)}, not {wanted}.*register the model again"):
        core.load()
    assert core.state == "failed"


def test_a_registered_version_is_checked_without_being_told_a_digest(model: Path, tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path}/registry.db")
    wanted = digest(model)
    version = registry.register_folder(model, "iris", tags={"why": "a test"})
    assert version.tags == {"why": "a test", DIGEST_TAG: wanted}
    told = settings(model=version.uri, registry_uri=registry.uri)
    with located(told) as found:
        assert (found.name, found.version, found.digest, digest(found.folder)) == ("iris", "1", wanted, wanted)
    (stored,) = tmp_path.glob("artifacts/**/MLmodel")
    stored.write_text(stored.read_text() + "# changed\n")
    with pytest.raises(ModelChanged, match="models:/iris/1"), located(told):
        pass
    with located(told.model_copy(update={"model_digest": digest(stored.parent)})):
        pass  # who names a digest has the last word


def test_what_is_no_digest_is_refused() -> None:
    with pytest.raises(ValidationError, match="model_digest"):
        settings(model="x", model_digest="sha256:short")

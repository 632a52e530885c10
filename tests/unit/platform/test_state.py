"""The state folder: desired states by number, locks that die with their holder, files that are whole or not there."""

import subprocess
import sys
from pathlib import Path

import pytest
from tenfold.platform.errors import StateUnusable, UnknownService
from tenfold.platform.local.state import State, lock_holder, try_lock, write_atomically
from tenfold.platform.spec import ServiceSpec

SPEC = ServiceSpec.of(name="m", model="models:/m/1")


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


def test_constructing_touches_nothing(state: State) -> None:
    assert state.names == ()
    assert not state.folder.exists()


def test_the_newest_revision_is_in_force_and_the_version_before_is_known(state: State) -> None:
    folder = state.service("m")
    with state.writing():
        folder.write(SPEC)
        folder.write(SPEC.changed(model="models:/m/2"))
        folder.write(SPEC.changed(model="models:/m/2", replicas=3))
    previous = folder.previous()
    assert (folder.current().number, folder.current().spec.version, folder.current().spec.replicas) == (3, "2", 3)
    assert previous is not None
    assert previous.number == 1


def test_one_version_only_has_nothing_before(state: State) -> None:
    with state.writing():
        state.service("m").write(SPEC)
        state.service("m").write(SPEC.changed(replicas=3))
    assert state.service("m").previous() is None


def test_a_deleted_service_is_unknown(state: State) -> None:
    with state.writing():
        state.service("m").write(SPEC)
    state.service("m").mark_deleted()
    assert state.names == ()
    with pytest.raises(UnknownService, match="No service is named 'm'"):
        state.existing("m")


def test_a_folder_that_cannot_be_made_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateUnusable, match=r"file/state cannot be written .*TENFOLD_STATE"):
        State(tmp_path / "file" / "state").create()


def test_a_lock_is_held_by_one_and_tells_who(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = try_lock(path, "me")
    assert held is not None
    assert try_lock(path, "you") is None
    assert lock_holder(path) == "me"
    held.close()
    assert lock_holder(path) is None


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import os, sys; from pathlib import Path; from tenfold.platform.local.state import try_lock;"
        "lock = try_lock(Path(sys.argv[1]), 'child'); assert lock; print('held', flush=True); os.kill(os.getpid(), 9)"
    )
    child = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert child.stdout == "held\n"
    assert child.returncode == -9
    assert lock_holder(path) is None


def test_a_write_that_is_interrupted_leaves_the_former_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    write_atomically(path, "former")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "former"

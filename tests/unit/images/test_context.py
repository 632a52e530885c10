"""The folder that is built holds all that the Dockerfile asks for, and nothing that was meant to stay here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tenfold.platform.images.context import FILES, PACKAGES, SOURCE, constraints, fill, wishes
from tenfold.platform.images.errors import NoProject

PINS = "numpy==2.4.6\nscikit-learn==1.9.1\nPyYAML==6.0.3\n"


def names(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    for name in ("features.py", "data/mean.json", ".env", ".git/config", "venv/bin/x", "__pycache__/x.pyc", "dist/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


def test_tenfold_itself(tmp_path: Path) -> None:
    fill(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, *PACKAGES}
    assert (tmp_path / "platform/images/install.py").exists()
    assert not [name for name in names(tmp_path) if "__pycache__" in name or Path(name).name.startswith(".")]


def test_the_dockerfile_copies_only_what_is_there(tmp_path: Path) -> None:
    fill(tmp_path)
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (tmp_path / "Dockerfile").read_text(), re.MULTILINE)
    assert copied
    for line in copied:
        assert all((tmp_path / name).exists() for name in line.split()), line


def test_the_ignore_file_lets_the_same_through() -> None:
    lines = (SOURCE / ".dockerignore").read_text().splitlines()
    let_through = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "*" in lines
    assert let_through == {*FILES, *PACKAGES}


def test_a_project_without_what_is_hidden_or_made(tmp_path: Path, project: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    fill(context, project)
    assert names(context / "project") == {"features.py", "data/mean.json"}
    assert (context / "constraints.txt").read_text() == (SOURCE / "constraints.txt").read_text()


def test_a_model(tmp_path: Path) -> None:
    model, context = tmp_path / "m", tmp_path / "context"
    model.mkdir()
    context.mkdir()
    (model / "MLmodel").write_text("flavors: {}")
    fill(context, None, model)
    assert (context / "model/MLmodel").read_text() == "flavors: {}"


def test_what_the_project_wants_in_a_version_of_its_own_is_not_pinned(tmp_path: Path, project: Path) -> None:
    (project / "requirements.txt").write_text("scikit_learn[extra] == 1.7.2 # why\nnumpy\n# pandas==1\n-r other.txt\n")
    assert wishes(project) == {"scikit-learn"}
    (project / "pyproject.toml").write_text('[project]\nname = "mine"\ndependencies = ["pyyaml>=6,<7"]\n')
    assert wishes(project) == {"scikit-learn", "pyyaml"}
    assert constraints(PINS, wishes(project)) == "numpy==2.4.6\n"
    assert constraints(PINS, frozenset()) == PINS
    context = tmp_path / "context"
    context.mkdir()
    fill(context, project)
    left = (context / "constraints.txt").read_text()
    assert "scikit-learn==" not in left
    assert "numpy==" in left


def test_a_folder_without_anything_to_install_is_refused(tmp_path: Path, project: Path) -> None:
    (tmp_path / "empty").mkdir()
    (project / "pyproject.toml").write_text("[")
    for folder, words in (
        (tmp_path / "nowhere", "There is no folder"),
        (tmp_path / "empty", "needs a pyproject.toml, a requirements.txt, or modules"),
        (project, "is not valid TOML"),
    ):
        context = tmp_path / f"context-{folder.name}"
        context.mkdir()
        with pytest.raises(NoProject, match=words):
            fill(context, folder)

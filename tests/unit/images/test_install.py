"""A project of modules can be imported in the environment of an image; how pip is called for a package."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

import pytest
from tenfold.platform.images import install


def test_modules_as_they_lie_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment, project = tmp_path / "environment", tmp_path / "project"
    venv.create(environment, with_pip=False, symlinks=True)
    (project / "steps").mkdir(parents=True)
    (project / "steps" / "__init__.py").write_text("CLIP = 3\n")
    (project / "features.py").write_text("from steps import CLIP\n")
    monkeypatch.setattr(install, "ENVIRONMENT", environment)
    install.install_project(project)
    code = "import features; print(features.CLIP, features.__file__, features.__cached__)"
    command = [environment / "bin/python", "-I", "-c", code]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert said[:2] == ["3", str(environment / "project/features.py")]
    assert Path(said[2]).exists()


def test_requirements_come_first_and_a_package_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda words, **_: ran.append(words))
    (tmp_path / "requirements.txt").write_text("x==1\n")
    (tmp_path / "pyproject.toml").write_text("")
    install.install_project(tmp_path)
    assert [words[-2:] for words in ran] == [
        ["--requirement", str(tmp_path / "requirements.txt")],
        ["/context/constraints.txt", str(tmp_path)],
    ]

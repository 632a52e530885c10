"""The folder that is built: tenfold's own source, a project of the user, a model.

`build` fills one and hands it to the builder; `install.py` reads it inside. tenfold's source is there on every machine:
the root of its package is the root of its repository, and the few files that a build needs are installed with it.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import NoProject

SOURCE = Path(__file__).resolve().parents[2]
"""Where tenfold itself lies: a checkout, or `site-packages/tenfold`."""
FILES = ("Dockerfile", "LICENSE", "README.md", "__init__.py", "constraints.txt", "py.typed", "pyproject.toml")
PACKAGES = ("k8s", "loadtests", "platform", "serving", "training")
# What is hidden, such as .env and .git, and what was made from the rest, stays here.
LEFT_OUT = (".*", "__pycache__", "*.egg-info", "build", "dist", "node_modules", "venv")
INSTALLABLE = ("pyproject.toml", "requirements.txt", "setup.py", "*.py", "*/__init__.py")

_REQUIREMENT = re.compile(r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*])?\s*(?P<version>[<>=!~@(]?)")


def fill(context: Path, project: Path | None = None, model: Path | None = None, *, source: Path = SOURCE) -> None:
    """Put everything that is built into the empty folder `context`.

    Args:
        context: the folder.
        project: of the user; its requirements, its package or its modules are installed into the images.
        model: the folder of a model, to be served by the image without a registry.
        source: where tenfold lies.

    Raises:
        NoProject: `project` holds nothing that could be installed.
    """
    for name in FILES:
        shutil.copy2(source / name, context / name)  # with its time: a builder's cache may look at it
    for name in PACKAGES:
        shutil.copytree(source / name, context / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    if project is not None:
        check(project)
        shutil.copytree(project, context / "project", ignore=shutil.ignore_patterns(*LEFT_OUT))
        pins = (context / "constraints.txt").read_text(encoding="utf-8")
        if wished := wishes(project):
            (context / "constraints.txt").write_text(constraints(pins, wished), encoding="utf-8")
    if model is not None:
        shutil.copytree(model, context / "model")


def check(project: Path) -> None:
    """Make sure that there is something to install.

    Raises:
        NoProject: there is not.
    """
    if not project.is_dir():
        raise NoProject(f"There is no folder {project}. Give the folder of your own project to --project")
    if not any(next(project.glob(pattern), None) for pattern in INSTALLABLE):
        raise NoProject(
            f"The folder {project} holds nothing that could be installed. It needs a pyproject.toml, a "
            f"requirements.txt, or modules (*.py)"
        )


def wishes(project: Path) -> frozenset[str]:
    """The packages of which the project itself wants certain versions, by their normalised names."""
    found = (_REQUIREMENT.match(line) for line in _requirements(project))
    return frozenset(_normal(wish["name"]) for wish in found if wish and wish["version"])


def constraints(pins: str, wished: frozenset[str]) -> str:
    """Leave those of packages that the project wants in a version of its own out of the pins of tenfold."""
    kept = (line for line in pins.splitlines(keepends=True) if _normal(line.partition("==")[0]) not in wished)
    return "".join(kept)


def _requirements(project: Path) -> Iterator[str]:
    file = project / "requirements.txt"
    if file.exists():
        yield from file.read_text(encoding="utf-8").splitlines()
    file = project / "pyproject.toml"
    if file.exists():
        try:
            content: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as e:
            raise NoProject(f"The file {file} is not valid TOML ({e}). Correct it") from e
        yield from content.get("project", {}).get("dependencies", ())


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()

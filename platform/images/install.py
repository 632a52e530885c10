"""Installs tenfold, and a project of the user, into the environment of an image; the Dockerfile runs this file alone.

    python3 /context/platform/images/install.py [--project]

What there is to install is seen from the folder /context, which `context.py` filled. It needs the standard library
only.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

CONTEXT, ENVIRONMENT, MODEL = Path("/context"), Path("/opt/tenfold"), Path("/model")
PIP = "/pip/bin/pip"
INSTALL = (
    PIP,
    "--python",
    f"{ENVIRONMENT}/bin/python",
    "install",
    "--quiet",
    "--constraint",
    f"{CONTEXT}/constraints.txt",
)


def install_tenfold() -> None:
    """The package alone: its requirements are there. Setuptools makes the wheel, and is not installed with it."""
    wheels = Path("/wheels")
    subprocess.run(
        [PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(CONTEXT)],
        check=True,
    )
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*INSTALL, "--no-deps", str(wheel)], check=True)


def install_project(project: Path) -> None:
    """Its requirements, then itself: as a package if it says how, else its modules as they lie there."""
    requirements = project / "requirements.txt"
    if requirements.exists():
        subprocess.run([*INSTALL, "--requirement", str(requirements)], cwd=project, check=True)
    if any((project / name).exists() for name in ("pyproject.toml", "setup.py")):
        subprocess.run([*INSTALL, str(project)], check=True)
        return
    home = ENVIRONMENT / "project"
    shutil.copytree(project, home)
    (packages,) = ENVIRONMENT.glob("lib/python*/site-packages")
    (packages / "project.pth").write_text(f"{home}\n")
    subprocess.run([f"{ENVIRONMENT}/bin/python", "-m", "compileall", "-q", str(home)], check=True)


def main() -> None:
    """Install what is in the context."""
    install_tenfold()
    project, model = CONTEXT / "project", CONTEXT / "model"
    if "--project" in sys.argv[1:] and project.is_dir():
        install_project(project)
    if model.is_dir():
        shutil.copytree(model, MODEL)
    MODEL.mkdir(exist_ok=True)


if __name__ == "__main__":
    main()

"""The wheel, and what an installation of it is like: `platform` stays the standard library's, nothing is left out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import tenfold
from tenfold.platform.images.context import FILES

ROOT = Path(__file__).parents[3]
PARTS = ("serving", "training", "platform", "loadtests", "k8s")
FACE = "from tenfold import AsyncClient, Client, Platform, Service, ServiceSpec, __version__"
TRAP = "import platform; assert platform.system() and 'tenfold' not in platform.__file__, platform.__file__"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the checkout, and nothing of an earlier build gets in."""
    source, out = tmp_path_factory.mktemp("source") / "tenfold", tmp_path_factory.mktemp("dist")
    left_out = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info", "demo-output", "tests")
    shutil.copytree(ROOT, source, ignore=left_out)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and with the dependencies of this one but not its tenfold."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    # A path in a .pth file is searched, but .pth files there are not read: those of an editable install are one.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def said(python: Path | str, code: str, cwd: Path) -> str:
    bare = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run([python, "-c", code], cwd=cwd, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_from_the_root_of_the_repository_platform_is_the_standard_librarys() -> None:
    said(sys.executable, f"{TRAP}; {FACE}; {TRAP}", ROOT)


def test_from_a_wheel_platform_is_the_standard_librarys(installed: Path, tmp_path: Path) -> None:
    where = said(installed / "bin/python", f"{TRAP}; {FACE}; {TRAP}; import tenfold; print(tenfold.__file__)", tmp_path)
    assert Path(where).is_relative_to(installed)


def test_the_installed_command_runs(installed: Path, tmp_path: Path) -> None:
    command = [installed / "bin/tenfold", "status", "--state", tmp_path / "state"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "No service is deployed" in done.stdout


def test_what_is_read_as_a_file_is_there(installed: Path, tmp_path: Path) -> None:
    code = (
        "import tenfold; from pathlib import Path; from tenfold.loadtests.plan import LOCUSTFILE;"
        "root = Path(tenfold.__file__).parent; page = root / 'platform/page';"
        "print(LOCUSTFILE.is_file(), (root / 'py.typed').is_file(), len(list((page / 'templates').iterdir())) > 0,"
        "len(list((page / 'static').iterdir())) > 0)"
    )
    assert said(installed / "bin/python", code, tmp_path) == "True True True True"


def test_the_wheel_holds_all_of_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    held = {n.removeprefix("tenfold/") for n in names if not n.split("/")[0].endswith(".dist-info")}
    ours = {
        str(file.relative_to(ROOT))
        for part in PARTS
        for file in (ROOT / part).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and not any(p.startswith(".") for p in file.parts[-2:])
    }
    assert held == ours | set(FILES)


def test_an_installed_tenfold_can_build_its_images(installed: Path, wheel: Path, tmp_path: Path) -> None:
    code = f"from pathlib import Path; from tenfold.platform.images.context import fill; fill(Path({str(tmp_path)!r}))"
    said(installed / "bin/python", code, tmp_path)
    # As the Dockerfile does it: the folder that is built is source enough for the same wheel again.
    out = tmp_path / "again"
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(tmp_path)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (again,) = out.glob("*.whl")
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_the_list_of_packages_is_complete() -> None:
    folders = {file.parent for part in PARTS for file in (ROOT / part).rglob("*.py")}
    expected = {"tenfold", *(".".join(("tenfold", *folder.relative_to(ROOT).parts)) for folder in folders)}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == expected


def test_platform_has_no_init_which_would_shadow_the_standard_library() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_the_version_stands_in_one_place(wheel: Path) -> None:
    assert wheel.name.startswith(f"tenfold-{tenfold.__version__}-")
    assert "version" not in PROJECT["project"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "tenfold.__version__"}
    holders = [f for part in PARTS for f in (ROOT / part).rglob("*.py") if tenfold.__version__ in f.read_text()]
    assert holders == []

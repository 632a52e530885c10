"""Runs alone inside a container, with nothing but what the image has, and prints as JSON what it sees."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ENVIRONMENT = "/opt/tenfold"
TMP = tempfile.gettempdir()
# Locust first: it replaces parts of the standard library, and does not bear others to have used them before.
MODULES = (
    "locust", "flask", "gevent", "kubernetes", "mlflow", "mlflow.server", "pip", "pytest", "setuptools", "sklearn",
    "tenfold.platform.cli.app", "tenfold.platform.kubernetes.platform", "tenfold.platform.page.app",
    "tenfold.serving.server", "tenfold.training.registry", "tenfold.training.train", "typer",
)  # fmt: skip


def can_import(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def can_write(folder: str) -> bool:
    try:
        Path(folder, "written").write_text("x")
    except OSError:
        return False
    return True


def stale(source: Path) -> bool:
    """Whether Python would compile the file anew at every start, for it cannot keep what it made."""
    try:
        header = Path(importlib.util.cache_from_source(str(source))).read_bytes()[:16]
    except OSError:
        return True
    known = source.stat()
    expected = (int(known.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little") + known.st_size.to_bytes(4, "little")
    return header[4:8] == bytes(4) and header[8:] != expected


def files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Those of the image below the folder, as far as its user may look."""
    try:
        found = list(folder.iterdir())
    except PermissionError:
        return
    for path in found:
        known = path.lstat()
        if stat.S_ISREG(known.st_mode):
            yield path, known
        elif stat.S_ISDIR(known.st_mode) and not path.is_mount():
            yield from files(path)


def look() -> dict[str, object]:
    sizes = {}
    caches = []
    for path, known in files(Path("/")):
        sizes[known.st_ino] = known.st_size
        if path.match("**/.cache/pip/*") or path.match("/var/cache/apt/archives/*.deb"):
            caches.append(str(path))
    packages = next(Path(ENVIRONMENT).glob("lib/python*/site-packages"))
    sources = [file for name in ("tenfold", "sklearn", "mlflow") for file in (packages / name).rglob("*.py")]
    tenfold = Path(ENVIRONMENT, "bin/tenfold")
    helped = subprocess.run([tenfold, "--help"], capture_output=True, text=True, check=False)
    return {
        "bytes": sum(sizes.values()),
        "caches": caches,
        "compilers": [name for name in ("cc", "c++", "clang", "g++", "gcc", "ld", "make") if shutil.which(name)],
        "help": helped.returncode == 0 and "deploy" in helped.stdout,
        "modules": [name for name in MODULES if can_import(name)],
        "python": sys.executable,
        "stale": [str(file) for file in sources if stale(file)],
        "uid": os.getuid(),
        "writable": [folder for folder in ("/", ENVIRONMENT, TMP) if can_write(folder)],
    }


if __name__ == "__main__":
    print(json.dumps(look()))

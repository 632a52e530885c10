"""Programs that tests start and that Python's package index does not have."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

INSTALL = {
    "curl": "On Debian: apt-get install curl",
    "go": "Install Go 1.26 or newer from go.dev/dl",
    "java": "On Debian: apt-get install default-jdk-headless (17 or newer, with its compiler)",
    "node": "On Debian: apt-get install nodejs (20 or newer)",
}
_BUILT = Path("~/.cache/tenfold-tests").expanduser()


def program(name: str) -> str:
    """Path of an installed program.

    Raises:
        FileNotFoundError: it is not installed; says how to.
    """
    found = shutil.which(name) or (shutil.which(name, path="/usr/local/go/bin") if name == "go" else None)
    if found is None:
        raise FileNotFoundError(f"These tests need the program {name}, and it is not installed. {INSTALL[name]}")
    return found


def go_program(module: str) -> str:
    """Path of a program in Go, `MODULE@VERSION`, which is built once for all runs on the machine."""
    path, _, version = module.partition("@")
    built = _BUILT / version / path.rpartition("/")[2]
    if not built.exists():
        subprocess.run([program("go"), "install", module], env={**os.environ, "GOBIN": str(built.parent)}, check=True)
    return str(built)

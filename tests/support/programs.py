"""Programs that tests start and that Python's package index does not have."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

INSTALL = {
    "curl": "On Debian: apt-get install curl",
    "go": "Install Go 1.26 or newer from go.dev/dl",
    "grpc-health-probe": "make test-clients builds it",
    "grpcurl": "make test-clients builds it",
    "java": "On Debian: apt-get install default-jdk-headless (17 or newer, with its compiler)",
    "node": "On Debian: apt-get install nodejs (20 or newer)",
}


def program(name: str) -> str:
    """Path of an installed program; what `make` builds lies beside Python.

    Raises:
        FileNotFoundError: it is not installed; says how to.
    """
    beside = Path(sys.executable).parent
    found = shutil.which(name, path=os.pathsep.join([str(beside), os.environ.get("PATH", os.defpath)]))
    if found is None:
        raise FileNotFoundError(f"These tests need the program {name}, and it is not installed. {INSTALL[name]}")
    return found

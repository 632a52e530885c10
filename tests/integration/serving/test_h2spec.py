"""HTTP/2 by the book: h2spec, which nobody here wrote, asks the port of gRPC all that RFC 7540 and RFC 7541 demand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from integration.serving.threads import running
from support.places import wait_until
from unit.serving.stage import Folders

MODULE = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"
PLACE = Path("~/.cache/tenfold-tests").expanduser()
CASES = 145


@pytest.fixture(scope="module")
def h2spec() -> Path:
    """The program, built once for all runs on the machine."""
    program = PLACE / MODULE.rpartition("@")[2] / "h2spec"
    if not program.exists():
        go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
        assert go, "h2spec is built by Go. Install it: apt-get install golang-go"
        subprocess.run([go, "install", MODULE], env={**os.environ, "GOBIN": str(program.parent)}, check=True)
    return program


@pytest.mark.timeout(600)
def test_all_cases_of_h2spec_pass(folders: Folders, h2spec: Path) -> None:
    with running(folders.line, grpc_port=0, name="line") as (server, _):
        wait_until(lambda: server.grpc_port)
        command = [h2spec, "--host", "127.0.0.1", "--port", str(server.grpc_port), "--timeout", "5"]
        done = subprocess.run(command, capture_output=True, text=True)
    counted = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", done.stdout)
    assert counted, done.stdout + done.stderr
    assert [int(number) for number in counted.groups()] == [CASES, CASES, 0, 0], done.stdout

"""HTTP/2 by the book: h2spec, which nobody here wrote, asks the port of gRPC all that RFC 7540 and RFC 7541 demand."""

from __future__ import annotations

import re
import subprocess

import pytest
from integration.serving.threads import running
from support.places import wait_until
from support.programs import go_program
from unit.serving.stage import Folders

MODULE = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"
CASES = 145


@pytest.mark.timeout(1200)  # it may have to be built
def test_all_cases_of_h2spec_pass(folders: Folders) -> None:
    h2spec = go_program(MODULE)
    with running(folders.line, grpc_port=0, name="line") as (server, _):
        wait_until(lambda: server.grpc_port)
        command = [h2spec, "--host", "127.0.0.1", "--port", str(server.grpc_port), "--timeout", "5"]
        done = subprocess.run(command, capture_output=True, text=True)
    counted = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", done.stdout)
    assert counted, done.stdout + done.stderr
    assert [int(number) for number in counted.groups()] == [CASES, CASES, 0, 0], done.stdout

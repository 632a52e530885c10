"""Clients that nobody here wrote ask everything that the server answers, while versions are replaced under them.

Each program is told an address and a plan, asks round after round until its stdin ends, and prints what came of it. It
does what its library does by default: what that retries by itself is retried, what it reports as an error has failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from clients.plan import NAME, Plan
from support.places import wait_until
from support.programs import program
from tenfold import Platform

PROGRAMS = Path(__file__).parent / "programs"
PYTHON = ("aiohttp", "curl", "httpx", "requests", "urllib")
COMMANDS = {
    "go": ("go", "run", "client.go"),
    "java": ("java", "Client.java"),
    "node": ("node", "client.mjs"),
    **{name: (sys.executable, f"{name}_client.py") for name in PYTHON},
}
ROUNDS_AFTER = 5  # each change of the version


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("client", COMMANDS)
def test_no_request_is_lost_while_versions_are_replaced(client: str, platform: Platform, plan: Plan) -> None:
    if client == "curl":
        program("curl")
    name, *words = COMMANDS[client]
    large = [request for request in plan.requests if request.large]
    command = [program(name), *words, platform.address(NAME), plan.path]
    with subprocess.Popen(command, cwd=PROGRAMS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = Said(process)
            said.rounds(len(large))  # so each large request was sent
            for version in ("2", "1"):
                platform.deploy(NAME, version=version, progress=lambda _: None)
                said.rounds(ROUNDS_AFTER)
            summary = said.summary()
        finally:
            process.kill()  # one that hangs
    print(f"{client}: {json.dumps(summary)}")  # pytest shows it where something failed
    assert summary["failed"] == 0, summary["failures"]
    assert set(summary["versions"]) == {"1", "2"}
    assert set(summary["names"]) == {request.name for request in plan.requests}
    rounds = len(large) + 2 * ROUNDS_AFTER
    assert summary["requests"] >= rounds * (len(plan.requests) - len(large) + 1)


class Said:
    """What a program prints: a line for each round, and its summary at the end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        self.lines.extend(self.process.stdout)

    def rounds(self, more: int) -> None:
        """Wait until so many more rounds are done."""
        for wanted in range(len(self.lines) + 1, len(self.lines) + more + 1):
            wait_until(lambda: len(self.lines) >= wanted or not self.reader.is_alive(), what="a round")  # noqa: B023
            assert self.reader.is_alive(), f"the program ended with exit code {self.process.wait()}"

    def summary(self) -> dict[str, Any]:
        """Let the program end."""
        assert self.process.stdin
        self.process.stdin.close()
        self.reader.join()
        return json.loads(self.lines[-1])

"""Load, and what it measured: `wrk`, or `h2load` where it has to be HTTP/2, each in a process on a core of its own.

Every connection sends its next request when the last one is answered. Latencies are exact: wrk counts microseconds, and
h2load writes down each request. Parsing is pure; what a request that was not answered well means, the caller decides.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from .errors import LoadFailed, ProgramMissing
from .protocols import Protocol, Request

SCRIPT = Path(__file__).with_name("load.lua")
PACKAGES = {"wrk": "wrk", "h2load": "nghttp2-client"}
_END_SECONDS = 30.0


@dataclass(frozen=True)
class Measured:
    """What one load found.

    Attributes:
        requests: answered.
        seconds: that they took together.
        p50_ms, p99_ms: within which so many percent of them were answered.
        refused: answered, but not with 200.
        unanswered: connections that failed, and requests that took longer than the program waits.
        cpu_us: microseconds of CPU that all processes of the server spent for a request; 0 where it was not counted.
            On a machine that others use it says more than the rate.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int = 0
    unanswered: int = 0
    cpu_us: float = 0.0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def check_program(tool: str) -> None:
    """
    Raises:
        ProgramMissing: the program of this tool is not installed.
    """
    program = _program(tool)
    if shutil.which(program) is None:
        raise ProgramMissing(f"{program} is not installed. On Debian: apt-get install {PACKAGES[program]}")


def load(
    protocol: Protocol,
    url: str,
    request: Request,
    answer: bytes,
    *,
    connections: int,
    seconds: int,
    prefix: Sequence[str],
    folder: Path,
) -> Measured:
    """Repeat a request for some seconds.

    Args:
        url: base URL of the server.
        answer: the body that is right; gRPC says by its length alone that a call went well.
        prefix: command that pins what follows it to a core.
        folder: for files that are needed meanwhile.

    Raises:
        LoadFailed: the program ended badly.
    """
    body, log = folder / "body", folder / "requests.tsv"
    body.write_bytes(request.body)
    headers = [f"{name}: {value}" for name, value in request.headers.items()]
    address = url + request.path
    if protocol.tool == "wrk":
        command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
        command += ["--timeout", "10s", "--script", str(SCRIPT), address, "--", str(body), *headers]
        return read_wrk(_run([*prefix, *command], seconds))
    command = ["h2load", "--threads", "1", "--clients", str(connections), "--max-concurrent-streams", "1"]
    command += ["--duration", str(seconds), "--log-file", str(log), "--data", str(body)]
    command += [part for header in headers for part in ("--header", header)]
    log.unlink(missing_ok=True)  # h2load appends
    said = _run([*prefix, *command, *(["--h1"] if protocol.tool == "h1" else []), address], seconds)
    return read_h2load(said, log.read_text().splitlines(), seconds, least_bytes=len(answer))


def read_wrk(said: str) -> Measured:
    """What wrk said, whose last line is that of `load.lua`.

    Raises:
        LoadFailed: it has no such line, or nothing was answered.
    """
    last = (said.strip().splitlines() or [""])[-1]
    try:
        found = orjson.loads(last)
        measured = Measured(
            found["requests"],
            found["microseconds"] / 1e6,
            found["p50"] / 1e3,
            found["p99"] / 1e3,
            found["refused"],
            found["unanswered"],
        )
    except (orjson.JSONDecodeError, TypeError, KeyError) as e:
        raise LoadFailed(f"wrk ended with '{last}' instead of its numbers. Run it by hand to see why") from e
    if not measured.requests:
        raise LoadFailed(f"wrk had no answer to any request ({measured.unanswered} failed). See the server's log")
    return measured


def read_h2load(said: str, lines: Iterable[str], seconds: float, *, least_bytes: int) -> Measured:
    """What h2load said, and its log: a line for each request, with start in us, status and duration in us.

    A call of gRPC that fails has the status 200 as well, but no message: then less came back than `least_bytes` each.

    Raises:
        LoadFailed: nothing was answered.
    """
    took: list[int] = []
    refused = 0
    for line in lines:
        _, status, microseconds = line.split("\t")
        took.append(int(microseconds))
        refused += status != "200"
    if not took:
        raise LoadFailed(f"h2load had no answer to any request. It said: {said.strip()[-300:]}")
    summary = _fields(said, "requests:")
    unanswered = sum(summary.get(word, 0) for word in ("errored", "timeout"))
    missing = len(took) - _data_bytes(said) // least_bytes
    p50, p99 = np.percentile(np.array(took), (50, 99), method="inverted_cdf") / 1e3
    return Measured(len(took), seconds, float(p50), float(p99), refused + max(0, missing), unanswered)


def _fields(said: str, label: str) -> dict[str, int]:
    """The counts of a line such as "requests: 10 total, 9 done"."""
    for line in said.splitlines():
        if line.startswith(label):
            parts = (part.split() for part in line.removeprefix(label).split(","))
            return {words[1]: int(words[0]) for words in parts}
    return {}


def _data_bytes(said: str) -> int:
    """Of the line "traffic: 1.2MB (1234567) total, ..., 0.9MB (987654) data"."""
    for line in said.splitlines():
        if line.startswith("traffic:") and line.endswith(" data"):
            return int(line.rpartition("(")[2].partition(")")[0])
    return 0


def _program(tool: str) -> str:
    return "wrk" if tool == "wrk" else "h2load"


def _run(command: Sequence[str], seconds: int) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds + _END_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired as e:
        raise LoadFailed(f"{command[0]} did not end within {seconds + _END_SECONDS:g} s. See the server's log") from e
    except subprocess.CalledProcessError as e:
        raise LoadFailed(f"{' '.join(command)} ended with exit code {e.returncode}: {e.stderr.strip()[-300:]}") from e
    return done.stdout

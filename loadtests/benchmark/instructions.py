"""How many instructions a request takes: `python -m tenfold.loadtests.benchmark.instructions --only tenfold,mosec`.

Counts with valgrind's callgrind, while the benchmark's load runs, those of all processes of a server outside of the
kernel. What else runs on the machine does not change the number, so that it tells a gain of a few percent from noise.
It does not say what an instruction costs: a cache that misses, and system calls, are not in it.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from . import cores
from .__main__ import asked, chosen
from .answers import Questions
from .environments import CACHE, Environments
from .errors import BenchmarkError, LoadFailed, ProgramMissing
from .launches import Place
from .models import Models
from .processes import running
from .protocols import Protocol
from .rounds import Ask, ready
from .servers import ALL, Server
from .table import markdown
from .workloads import Workload

VALGRIND, CONTROL = "valgrind", "callgrind_control"
_COUNTED = re.compile(r"^summary: (\d+)", re.MULTILINE)


def counted(server: Server, workload: Workload, protocol: Protocol, seconds: int, folder: Path) -> float:
    """Instructions of a request.

    Args:
        seconds: of load, in which a server answers a fiftieth of what it can.

    Raises:
        BenchmarkError: it could not be counted.
    """
    environments = Environments(CACHE, _say)
    models = Models(folder / "models", [workload.model])
    models.save()
    models.dump(environments.python(server.environment), server.environment)
    place = Place(environments.python(server.environment), server.environment, models, workload.model, folder)
    questions, share = Questions(models.rows, models.expected[workload.model]), cores.share()
    counting = [VALGRIND, "--tool=callgrind", "--instr-atstart=no", "--trace-children=yes", "--quiet"]
    prefix = [*share.server, *counting, f"--callgrind-out-file={folder}/counted.%p"]
    with running(server.launch(place), prefix=prefix, folder=folder, log=folder / "server.log") as processes:
        ready(processes, server, place, questions)
        ask = Ask(processes, questions, place, workload, protocol, share.load)
        ask.load(seconds)
        _control("--instr=on")
        measured = ask.load(seconds)
        _control("--dump")  # what was counted is gone once it counts no more
        return sum(map(_of_file, folder.glob("counted.*.*"))) / measured.requests


def _control(command: str) -> None:
    done = subprocess.run([CONTROL, command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadFailed(f"{CONTROL} {command} ended with exit code {done.returncode}: {done.stderr.strip()[-300:]}")


def _of_file(file: Path) -> int:
    found = _COUNTED.search(file.read_text(errors="replace"))
    return int(found[1]) if found else 0


def main(arguments: Sequence[str]) -> int:
    """Count and print. Returns 1 when it could not be done."""
    options = _parser().parse_args(arguments)
    lines: list[list[str]] = []
    try:
        if shutil.which(VALGRIND) is None:
            raise ProgramMissing(f"{VALGRIND} is not installed. On Debian: apt-get install valgrind")
        for server in asked(chosen(options.only, ALL), options.workload):
            ((workload, protocols),) = server.asks.items()
            protocol = next((each for each in protocols if each.name == options.protocol), protocols[0])
            with TemporaryDirectory(prefix="tenfold-benchmark-") as folder:
                count = counted(server, workload, protocol, options.seconds, Path(folder))
            lines.append([server.name, workload.name, protocol.name, f"{count:,.0f}"])
            _say(" ".join(lines[-1]))
    except BenchmarkError as e:
        sys.stderr.write(f"Error: {e}\n")
        return 1
    sys.stdout.write(markdown(["server", "workload", "protocol", "instructions"], lines, numbers=3) + "\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tenfold.loadtests.benchmark.instructions", description=__doc__)
    add = parser.add_argument
    add("--only", default="tenfold", help="servers, separated by commas (default %(default)s)")
    add("--workload", default="one-row", help="one name (default %(default)s)")
    add("--protocol", default="", help="name; default: the first one that the benchmark asks a server by")
    add("--seconds", type=int, default=10, help="of each load (default %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

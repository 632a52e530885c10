"""Where a request's time goes: `python -m tenfold.loadtests.benchmark.profile one-row`.

Loads tenfold as the benchmark does, and samples it: with `perf`, which sees the kernel and every library, and with
py-spy, which sees the stacks in Python. The tables share out the CPU of a request, as the system counts it when nobody
looks: by library and by function of them, by file of the innermost function in Python and by that function.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from . import cores
from .__main__ import asked, chosen
from .answers import Questions
from .environments import CACHE, Environments
from .errors import BenchmarkError, LoadFailed
from .launches import Place
from .load import Measured
from .models import Models
from .processes import running
from .protocols import Protocol
from .rounds import WARM_UP_SECONDS, Ask, ready
from .servers import PLAIN_TENFOLD, TENFOLD_LOG, TENFOLD_ONNX, Server
from .table import markdown
from .workloads import Workload

SERVERS = {server.name: server for server in (PLAIN_TENFOLD, TENFOLD_LOG, TENFOLD_ONNX)}
RATE, LINES = 250, 25
PERF = "perf"
# A frame is "function (file:line)".
_FRAME = re.compile(r"(?P<function>.*) \((?P<file>[^()]*?)(?::\d+)?\)")
# A thread that waits is not seen as idle by py-spy when it looks at native functions too.
_WAITS = re.compile(r"epoll_p?wait \(|\(_queuemodule\.c|\(_?threadmodule\.c|take_gil")
_WAITING = {("_worker", "concurrent/futures/thread.py"), ("wait", "threading.py")}
_ROOT = Path(__file__).parents[2]
_PACKAGE = re.compile(r"^.*/(?:site-packages|python3\.\d+)/")
_SHARE = re.compile(r"^ *(\d+\.\d+)% +(\S.*?) *$")

Shares = Mapping[str, float]
"""Of the CPU, by name; together 1 or less."""


def read_stacks(lines: Iterable[str]) -> tuple[Shares, Shares]:
    """By file and by function, from py-spy's format "raw": frames from the outermost on, and how often they were."""
    files, functions = Counter[str](), Counter[str]()
    for line in lines:
        stack, _, count = line.strip().rpartition(" ")
        frames = stack.split(";")
        if any(_WAITS.search(frame) for frame in frames[-4:]):
            continue
        in_python = (found for each in reversed(frames) if (found := _FRAME.fullmatch(each)) and _python(found["file"]))
        if (innermost := next(in_python, None)) is not None:
            file = _PACKAGE.sub("", innermost["file"].replace(str(_ROOT), "tenfold"))
            if (innermost["function"], file) in _WAITING:
                continue
            files[file] += int(count)
            functions[f"{innermost['function']} ({file})"] += int(count)
    return _shares(files), _shares(functions)


def read_report(said: str) -> Shares:
    """By library or symbol, from `perf report`: lines of a percentage and a name."""
    found = (_SHARE.match(line) for line in said.splitlines())
    return {each[2]: float(each[1]) / 100 for each in found if each}


def table(of: str, shares: Shares, cpu_us: float) -> str:
    """Those that took most of the `cpu_us` microseconds of a request."""
    most = sorted(shares.items(), key=lambda each: -each[1])[:LINES]
    return markdown([of, "share", "us a request"], [[n, f"{s:.1%}", f"{cpu_us * s:.1f}"] for n, s in most], numbers=1)


def _python(file: str) -> bool:
    return file.endswith((".py", ".pyx"))


def _shares(counts: Counter[str]) -> Shares:
    total = counts.total()
    return {name: count / total for name, count in counts.items()}


@dataclass(frozen=True)
class Profile:
    """One server at one workload: what a request took, and where."""

    measured: Measured
    tables: Mapping[str, Shares]

    def __str__(self) -> str:
        cpu = self.measured.cpu_us
        return "\n\n".join(table(of, shares, cpu) for of, shares in self.tables.items() if shares) + "\n"


def profile(server: Server, workload: Workload, protocol: Protocol, seconds: int, folder: Path) -> Profile:
    """Load the server three times: alone, with perf where it is installed, and with py-spy.

    Raises:
        BenchmarkError: it could not be measured.
    """
    environments = Environments(CACHE, _say)
    spy = environments.python("py-spy").with_name("py-spy")
    models = Models(folder / "models", [workload.model])
    models.save()
    place = Place(environments.python(""), "", models, workload.model, folder)
    questions, share = Questions(models.rows, models.expected[workload.model]), cores.share()
    stacks, samples = folder / "stacks", folder / "samples"
    with running(server.launch(place), prefix=share.server, folder=folder, log=folder / "server.log") as processes:
        ready(processes, server, place, questions)
        ask = Ask(processes, questions, place, workload, protocol, share.load)

        def watched(command: Sequence[str | Path]) -> None:
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as watching:
                ask.load(seconds)
                _, said = watching.communicate()
            if watching.returncode:
                raise LoadFailed(f"{command[0]} ended with exit code {watching.returncode}: {said.strip()[-300:]}")

        ask.load(WARM_UP_SECONDS)
        measured = ask.load(seconds)
        pid, reports = str(processes.pid), dict[str, Shares]()
        if shutil.which(PERF):
            record = [PERF, "record", "--event", "cpu-clock", "--freq", "997", "--pid", pid, "--output", samples]
            watched([*record, "--", "sleep", str(seconds)])
            for of, column in (("library", "dso"), ("function in C", "symbol")):
                report = [PERF, "report", "--input", samples, "--sort", column, "--stdio", "--quiet"]
                said = subprocess.run(report, capture_output=True, text=True, check=False).stdout
                reports[of] = read_report(said)
        how = ["--native", "--full-filenames", "--format", "raw", "--rate", str(RATE), "--duration", str(seconds)]
        watched([*share.load, spy, "record", "--pid", pid, *how, "--output", stacks])
    with stacks.open() as lines:
        files, functions = read_stacks(lines)
    return Profile(measured, {**reports, "file": files, "function": functions})


def main(arguments: Sequence[str]) -> int:
    """Measure and print. Returns 1 when it could not be measured."""
    options = _parser().parse_args(arguments)
    (server,) = chosen(options.server, list(SERVERS.values()))
    try:
        (server,) = asked([server], options.workload)
        ((workload, protocols),) = server.asks.items()
        protocol = next((each for each in protocols if each.name == options.protocol), protocols[0])
        with TemporaryDirectory(prefix="tenfold-benchmark-") as folder:
            found = profile(server, workload, protocol, options.seconds, Path(folder))
    except BenchmarkError as e:
        sys.stderr.write(f"Error: {e}\n")
        return 1
    took = f"{found.measured.cpu_us:.1f} us of CPU a request, {found.measured.rate:,.0f} requests/s"
    sys.stdout.write(f"{server.name}, {workload.name}, {protocol.name}: {took}\n\n{found}")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tenfold.loadtests.benchmark.profile", description=__doc__)
    add = parser.add_argument
    add("workload", nargs="?", default="one-row", help="name (default %(default)s)")
    add("--server", choices=SERVERS, default=PLAIN_TENFOLD.name, help="default %(default)s")
    add("--protocol", default="", help="name; default: the first one that the benchmark asks it by")
    add("--seconds", type=int, default=10, help="of each of the three loads (default %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The rounds: each goes once through all servers, so that what changes on the machine changes for all of them alike.

Every server is started anew for each model in each round, and one runs at a time. What goes wrong with one server is
written down as a failure, and the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from . import cores
from .answers import Questions
from .environments import Environments
from .errors import BenchmarkError
from .launches import Place
from .limits import CONSTANT
from .load import Measured, load
from .models import Models
from .processes import Processes, running
from .protocols import Protocol
from .result import Cell, Failure, Result, Start
from .servers import Server
from .workloads import Workload

READY_SECONDS = 120.0
WARM_UP_SECONDS = 1


@dataclass(frozen=True)
class Rounds:
    """What every round needs.

    Attributes:
        seconds: of each load.
        folder: for the files of servers.
        out: for their logs.
        progress: told a line for each load.
    """

    models: Models
    environments: Environments
    seconds: int
    folder: Path
    out: Path
    progress: Callable[[str], None]

    def run(self, servers: Sequence[Server], rounds: int, result: Result) -> None:
        """Measure, and add to the result."""
        for number in range(1, rounds + 1):
            for model in models_of(servers):
                for server in servers:
                    if any(workload.model == model for workload in server.asks):
                        self._measure(number, server, model, result)

    def _measure(self, number: int, server: Server, model: str, result: Result) -> None:
        folder = self.folder / f"{number}-{server.name}-{model}"
        folder.mkdir(parents=True)
        place = Place(self.environments.python(server.environment), server.environment, self.models, model, folder)
        questions = self._questions(server, model)
        share = cores.share(server.processes)
        try:
            with running(
                server.launch(place), prefix=share.server, folder=folder, log=self.out / f"{server.name}.log"
            ) as processes:
                seconds = ready(processes, server, place, questions)
                for at, (workload, protocol) in enumerate(_loads(server, model)):
                    ask = Ask(processes, questions, place, workload, protocol, share.load)
                    if not at:
                        ask.load(WARM_UP_SECONDS)
                    measured = ask.load(self.seconds)
                    cell = Cell(number, server.name, workload.name, protocol.name, measured)
                    result.cells.append(cell)
                    self.progress(_line(cell))
                    processes.check()
                log = _log_counts(place)
                result.starts.append(Start(number, server.name, model, seconds, processes.memory(), log))
        except BenchmarkError as e:
            result.failures.append(Failure(number, server.name, model, str(e)))
            self.progress(f"{number}  {server.name}, {model}: {e}")

    def _questions(self, server: Server, model: str) -> Questions:
        rows = self.models.rows
        return Questions(rows, [CONSTANT] * len(rows) if server.constant else self.models.expected[model])


def models_of(servers: Iterable[Server]) -> list[str]:
    """Names of the models that they are asked for, each once."""
    return list(dict.fromkeys(workload.model for server in servers for workload in server.asks))


def _loads(server: Server, model: str) -> list[tuple[Workload, Protocol]]:
    return [(workload, each) for workload, asks in server.asks.items() if workload.model == model for each in asks]


def ready(processes: Processes, server: Server, place: Place, questions: Questions) -> float:
    """Seconds from the start to the first right answer."""
    protocol = next(protocol for _, protocol in _loads(server, place.model))

    def answers() -> bool:
        return all(map(_answers, processes.launch.ready)) and questions.answered(protocol, place.url(protocol))

    return processes.until(answers, within=READY_SECONDS, what="right answer")


@dataclass(frozen=True)
class Ask:
    """One workload by one protocol, asked of a server that runs."""

    processes: Processes
    questions: Questions
    place: Place
    workload: Workload
    protocol: Protocol
    prefix: Sequence[str]

    def load(self, seconds: int) -> Measured:
        """Look at the answers, load, and look again."""
        url, rows = self.place.url(self.protocol), self.workload.rows
        answer = self.questions.check(self.protocol, url, rows)
        before = self.processes.cpu_seconds()
        measured = load(
            self.protocol,
            url,
            self.questions.request(self.protocol, rows),
            answer,
            connections=self.workload.connections,
            seconds=seconds,
            prefix=self.prefix,
            folder=self.place.folder,
        )
        spent = self.processes.cpu_seconds() - before
        self.questions.check(self.protocol, url, rows)
        return replace(measured, cpu_us=spent / measured.requests * 1e6)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=10).is_success
    except httpx.HTTPError:
        return False


def _log_counts(place: Place) -> dict[str, int]:
    """Rows of the inference log, as the server counts them; nothing where there is no such server or log."""
    try:
        text = httpx.get(f"http://127.0.0.1:{place.port}/metrics", timeout=10).text
    except httpx.HTTPError:
        return {}
    found = re.findall(r"^tenfold_log_rows_(accepted|written|dropped)_total (\S+)", text, re.MULTILINE)
    return {name: int(float(value)) for name, value in found}


def _line(cell: Cell) -> str:
    m = cell.measured
    wrong = "" if cell.valid else f"  INVALID: {m.refused} refused, {m.unanswered} unanswered"
    numbers = f"{m.rate:9,.0f}/s  p50 {m.p50_ms:8.3f} ms  p99 {m.p99_ms:8.3f} ms  CPU {m.cpu_us:7.1f} us"
    return f"{cell.round}  {cell.server:17} {cell.workload:15} {cell.protocol:18} {numbers}{wrong}"

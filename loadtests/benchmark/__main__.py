"""`python -m tenfold.loadtests.benchmark`: environments, models, rounds, tables. Progress goes to stderr."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from . import cores, growth, servers
from .environments import CACHE, Environments
from .errors import BenchmarkError, EnvironmentUnusable, InvalidChoice
from .load import check_program
from .models import Models
from .result import TWO_HAVE_CORES, Failure, Replicas, Result
from .rounds import Rounds, models_of
from .servers import Server
from .table import comparison
from .table import growth as grown

OUT = Path("benchmark-output")


def main(arguments: Sequence[str]) -> int:
    """Measure what the options say. Returns the exit code: 1 when something could not be measured."""
    options = _options(arguments)
    known = growth.ALL if options.growth else servers.ALL
    try:
        result = run(
            asked(chosen(options.only, known), options.workload),
            rounds=options.rounds,
            seconds=options.seconds,
            cache=options.cache,
            out=options.out,
        )
        if not (options.growth or options.only or options.workload):
            result.replicas += [_replicas(number) for number in range(1, options.rounds + 1)]
    except BenchmarkError as e:
        sys.stderr.write(f"Error: {e}\n")
        return 1
    result.write(options.out / "result.json")
    table = (grown if options.growth else comparison)(result, known)
    (options.out / "table.md").write_text(table, encoding="utf-8")
    sys.stdout.write(table)
    _say(f"{options.out / 'result.json'} has every round, {options.out / 'table.md'} the table")
    return 1 if result.failures or result.invalid() else 0


def run(wanted: Sequence[Server], *, rounds: int, seconds: int, cache: Path, out: Path) -> Result:
    """Measure these servers.

    Args:
        seconds: of each load.
        cache: folder of the virtual environments.
        out: folder for the logs of the servers.

    Raises:
        BenchmarkError: nothing can be measured; what concerns one server alone is in the result.
    """
    for tool in {protocol.tool for server in wanted for asks in server.asks.values() for protocol in asks}:
        check_program(tool)
    result = Result(machine=machine(rounds, seconds))
    result.skipped = {server.name: reason for server in wanted if (reason := server.missing())}
    ready = [server for server in wanted if server.name not in result.skipped]
    environments = Environments(cache, _say)
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="tenfold-benchmark-") as folder:
        models = Models(Path(folder) / "models", models_of(ready))
        models.save()
        unusable = _prepare(environments, models, ready, result)
        ready = [server for server in ready if server.environment not in unusable]
        Rounds(models, environments, seconds, Path(folder), out, _say).run(ready, rounds, result)
    return result


def chosen(only: str, known: Sequence[Server]) -> list[Server]:
    """The servers that are named, by their own names or their environments', separated by commas; all for "".

    Raises:
        InvalidChoice: there is no such server.
    """
    names = [name.strip() for name in only.split(",") if name.strip()]
    for name in names:
        if not any(name in (server.name, server.environment) for server in known):
            raise InvalidChoice(
                f"There is no server '{name}'. Choose from {', '.join(server.name for server in known)}, "
                f"separated by commas"
            )
    return [server for server in known if not names or server.name in names or server.environment in names]


def asked(wanted: Sequence[Server], workloads: str) -> list[Server]:
    """The servers that are asked for these workloads, and for no other; all for "".

    Args:
        workloads: their names, separated by commas, with "-" where they have a space.

    Raises:
        InvalidChoice: none of them is asked for such a workload.
    """
    names = [name.strip().replace("-", " ") for name in workloads.split(",") if name.strip()]
    known = list(dict.fromkeys(workload.name for server in wanted for workload in server.asks))
    for name in names:
        if name not in known:
            raise InvalidChoice(f"There is no workload '{name}' here. Choose from {', '.join(known)}")
    kept = [
        replace(server, asks={workload: by for workload, by in server.asks.items() if workload.name in names})
        for server in wanted
    ]
    return [server for server in kept if server.asks] if names else list(wanted)


def machine(rounds: int, seconds: int) -> dict[str, object]:
    """What stands above the tables."""
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "the server has a core to itself": "yes" if cores.share().pinned else "no",
        TWO_HAVE_CORES: "yes" if cores.share(2).pinned else "no",
        "Python": "{}.{}.{}".format(*sys.version_info),
        "rounds": rounds,
        "seconds of each load": seconds,
    }


def _prepare(environments: Environments, models: Models, wanted: Sequence[Server], result: Result) -> set[str]:
    """Make environments, models and versions. Returns the environments that are not usable."""
    unusable: set[str] = set()
    for environment in dict.fromkeys(server.environment for server in wanted):
        users = [server for server in wanted if server.environment == environment]
        try:
            models.dump(environments.python(environment), environment)
            for server in users:
                if server.packages:
                    result.versions[server.group] = environments.versions(environment, server.packages)
        except EnvironmentUnusable as e:
            unusable.add(environment)
            result.failures += [Failure(0, server.name, "", str(e)) for server in users]
    return unusable


def _replicas(number: int) -> Replicas:
    from .local_replicas import measure  # of the package that deploys, which nothing else here needs

    found = measure(number)
    _say(f"{number}  ten local replicas: {found.memory:.1f} MB each")
    return found


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), os.uname().machine)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _stop(number: int, _: object) -> None:
    """End as after an exception, so that the server that runs is stopped."""
    sys.exit(128 + number)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tenfold.loadtests.benchmark", description=__doc__)
    parser.add_argument("--only", default="", help="servers or peers, separated by commas; all without it")
    parser.add_argument("--workload", default="", help="names, separated by commas (one-row); all without it")
    parser.add_argument("--growth", action="store_true", help="how tenfold's cost grows, instead of the comparison")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--seconds", type=int, default=3, help="of each load, default 3")
    parser.add_argument("--out", type=Path, default=OUT, help=f"folder for result and table, default {OUT}")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"folder of virtual environments, default {CACHE}")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main(sys.argv[1:]))

"""What `serving/lean.py` buys: CPU seconds until a server is ready, and its memory, with it and without.

    python -m tenfold.loadtests.benchmark.start

Two ways of starting one: a single process, as in a container, and ten forks of a process that has imported everything,
as the local target makes them. Memory is PSS, so what forks share is counted once. Linux only.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..own import save

ROUNDS = 5
_CHILD = """
import json, os, sys, time
from pathlib import Path
folder, is_lean, forks = Path(sys.argv[1]), sys.argv[2] == "lean", int(sys.argv[3])
if is_lean:
    from tenfold.serving.lean import import_lean
    import_lean()
import tenfold.serving.server
from tenfold.serving.model import load
from tenfold.serving.settings import Settings

def ready():
    model = load(folder, name="m", version="1", settings=Settings(model=str(folder)))
    model.warm_up()
    return model

def pss(pid):
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024

if not forks:
    ready()
    print(json.dumps({"cpu": time.process_time(), "pss": pss(os.getpid())}))
    sys.exit()
children = []
for _ in range(forks):
    told, tell = os.pipe()
    stop, stopped = os.pipe()
    if not os.fork():
        started = time.process_time()
        ready()
        os.write(tell, str(time.process_time() - started).encode())
        os.close(stopped)
        os.read(stop, 1)
        os._exit(0)
    os.close(tell)
    children.append((told, stopped))
cpu = [float(os.read(told, 99)) for told, _ in children]
pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
memory = [pss(pid) for pid in pids]
print(json.dumps({"cpu": sum(cpu) / forks, "pss": (sum(memory) + pss(os.getpid())) / forks}))
"""


def measured(folder: Path, *, lean: bool, forks: int) -> dict[str, float]:
    """CPU seconds and MiB of PSS of one server; of forks the mean, with their part of the process before them."""
    command = [sys.executable, "-c", _CHILD, str(folder), "lean" if lean else "whole", str(forks)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, env=environment)
    return json.loads(done.stdout)


def main() -> None:
    """Measure in turns, and print the medians."""
    rows: list[tuple[str, str, float, float]] = []
    with tempfile.TemporaryDirectory() as place:
        from sklearn.datasets import load_iris
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        folder = Path(place) / "m"
        iris: Any = load_iris(as_frame=True)
        X, y = iris.data, iris.target
        save(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), X.head(3), folder)
        for title, forks in (("one process", 0), ("ten forks", 10)):
            found: dict[bool, list[Any]] = {True: [], False: []}
            for _ in range(ROUNDS):
                for lean in (True, False):
                    found[lean].append(measured(folder, lean=lean, forks=forks))
            for lean in (False, True):
                cpu, pss = (statistics.median(one[what] for one in found[lean]) for what in ("cpu", "pss"))
                rows.append((title, "with lean" if lean else "without", cpu, pss))
    print("| start | | CPU seconds | MiB of PSS |\n| --- | --- | --- | --- |")  # noqa: T201
    for title, how, cpu, pss in rows:
        print(f"| {title} | {how} | {cpu:.2f} | {pss:.0f} |")  # noqa: T201


if __name__ == "__main__":
    main()

"""`tenfold loadtest` as a person runs it: real Locust processes, a real server with its log, exit codes and files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from support.commands import Start, finish, starting
from support.places import GUARD, answers, free_port, wait_until
from tenfold.loadtests import transcript
from tenfold.loadtests.measured import read_measured
from tenfold.loadtests.plan import LOCUSTFILE, LoadTest
from tenfold.serving.inference_log.store import InferenceLog

NAME = "iris"
COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
SHORT = ("--users", "4", "--run-time", "10s")  # a busy machine may take seconds to the first answer


@dataclass
class Server:
    """A running server and what it logs."""

    url: str
    log: InferenceLog
    process: subprocess.Popen[bytes] = field(repr=False)

    def stop(self) -> None:
        """Let it finish and write its log out."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(GUARD) == 0


def iris() -> tuple[pd.DataFrame, pd.Series]:
    X, y = load_iris(return_X_y=True)
    return pd.DataFrame(X, columns=COLUMNS), pd.Series(y)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as MLflow writes it."""
    import mlflow.sklearn
    from mlflow.models import infer_signature

    folder = tmp_path_factory.mktemp("model") / NAME
    X, y = iris()
    fitted = LogisticRegression(max_iter=500).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, about other formats and integer columns
        mlflow.sklearn.save_model(
            fitted,
            folder,
            serialization_format="skops",
            signature=infer_signature(X, fitted.predict(X)),
            input_example=X.head(3),
            pip_requirements=["scikit-learn"],
        )
    return folder


@contextmanager
def serving(model: Path, folder: Path) -> Iterator[Server]:
    port, log_url = free_port(), f"sqlite:///{folder / 'log.db'}"
    variables = {
        "TENFOLD_MODEL": str(model),
        "TENFOLD_NAME": NAME,
        "TENFOLD_PORT": str(port),
        "TENFOLD_LOG_URL": log_url,
    }
    words = folder / "server.log"
    with words.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", "tenfold.serving"], env=variables, stderr=file)
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        assert process.poll() is None, words.read_text()
        return answers(f"{url}/v2/health/ready")

    log = InferenceLog(log_url)
    try:
        wait_until(ready, what="the server's readiness")
        yield Server(url, log, process)
    finally:
        log.close()
        process.kill()
        process.wait(GUARD)


@pytest.fixture
def server(model: Path, tmp_path: Path) -> Iterator[Server]:
    with serving(model, tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared_server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """For tests that leave it as it was."""
    with serving(model, tmp_path_factory.mktemp("shared")) as running:
        yield running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the command in a folder of its own; stopped with the test."""
    with starting(tmp_path, "loadtest") as start:
        yield start


def result(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "loadtest.json").read_text())


def test_a_run_within_its_limits(server: Server, start: Start, tmp_path: Path) -> None:
    protocols = ("--protocol", "predict", "--protocol", "v2", "--protocol", "invocations")
    limits = ("--p95", "300s", "--p99", "300s", "--errors", "0", "--rps-min", "0.01")
    code, said = finish(start(server.url, *SHORT, "--batch", "3", *protocols, *limits))
    assert code == 0, said
    found = result(tmp_path)
    assert found["within_limits"]
    assert [(limit["limit"], limit["holds"]) for limit in found["limits"]] == [
        (name, True) for name in ("p95", "p99", "errors", "rps-min")
    ]
    assert {each["name"] for each in found["endpoints"]} == {"/predict", "/v2/infer", "/invocations"}
    assert all(each["requests"] and not each["failures"] for each in found["endpoints"])
    assert f"JSON: {Path('loadtest.json')}" in said
    assert "<html" in (tmp_path / "loadtest.html").read_text()
    server.stop()
    # The example is predicted once by the command and once by Locust.
    assert server.log.count(NAME).predictions == 3 * found["predictions"]["requests"] + 2


def test_limits_that_cannot_be_kept_are_named(shared_server: Server, start: Start, tmp_path: Path) -> None:
    limits = ("--p95", "0.001ms", "--p99", "300s", "--rps-min", "1000000")
    paths = ("--html", "reports/r.html", "--json", "reports/r.json")
    code, said = finish(start(shared_server.url, *SHORT, "--shape", "ramp", *limits, *paths))
    assert code == 3, said
    broken = [line.partition(" broke: ")[0] for line in said.splitlines() if line.startswith("limit ")]
    assert broken == ["limit p95", "limit rps-min"]
    assert json.loads((tmp_path / "reports/r.json").read_text())["within_limits"] is False
    assert (tmp_path / "reports/r.html").is_file()


def test_labels_of_a_file_come_back_as_feedback(server: Server, start: Start, tmp_path: Path) -> None:
    X, y = iris()
    X.assign(species=y).to_csv(tmp_path / "real.csv", index=False)
    rows = ("--rows-file", "real.csv", "--label-column", "species", "--feedback-delay", "300ms")
    code, said = finish(start(server.url, *SHORT, *rows, "--processes", "2"))
    assert code == 0, said
    assert {each["name"] for each in result(tmp_path)["endpoints"]} == {"/predict", "/feedback"}
    server.stop()
    logged = server.log.count(NAME)
    assert 0.3 * logged.predictions < logged.labels < logged.predictions
    truth = {tuple(row): label for row, label in zip(X.to_numpy().tolist(), y.tolist(), strict=True)}
    now = datetime.now(UTC)
    found = server.log.labelled_rows(NAME, now - timedelta(minutes=5), now)
    assert len(found) == logged.labels
    assert all(truth[tuple(each.row.values())] == each.label for each in found)


def test_a_service_that_dies_under_load_breaks_its_limit(server: Server, start: Start, tmp_path: Path) -> None:
    process = start(server.url, "--users", "4", "--run-time", "15s", "--errors", "1%")
    wait_until(lambda: server.log.count(NAME).predictions > 20, what="load")
    server.process.kill()
    code, said = finish(process)
    assert code == 3, said
    assert "limit errors broke: the failed requests were" in said
    found = result(tmp_path)
    assert found["error_share"] > 0.01
    assert sum(failure["count"] for failure in found["failures"]) == found["predictions"]["failures"]
    assert any("no answer: " in failure["message"] for failure in found["failures"])


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_no_process(
    shared_server: Server, start: Start, tmp_path: Path, how: signal.Signals
) -> None:
    process = start(shared_server.url, "--users", "4", "--run-time", "10m", "--processes", "2")
    locust: list[psutil.Process] = []

    def all_run() -> bool:
        locust[:] = psutil.Process(process.pid).children(recursive=True)
        return len(locust) == 3 and any(each.num_threads() and each.net_connections("tcp") for each in locust)

    wait_until(all_run, what="Locust's master and its workers")
    process.send_signal(how)
    code, said = finish(process)
    assert code == 130, said
    # The kernel takes a moment for what was killed.
    wait_until(lambda: not any(map(_runs, locust)), what="the end of all processes")
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Nothing answers at "),
        (("--users", "0"), "--users 0 sends nothing; give at least 1"),
        (("--rows-file", "nowhere.csv"), "--rows-file 'nowhere.csv' is not a file"),
    ],
)
def test_a_run_that_cannot_be_done_is_an_error_with_a_sentence(
    start: Start, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, said = finish(start(f"http://127.0.0.1:{free_port()}", *arguments))
    assert code == 1
    assert said.startswith("Error: ")
    assert words in said
    assert list(tmp_path.iterdir()) == []


def in_pod(number: int, plan: LoadTest, port: int, folder: Path) -> subprocess.Popen[str]:
    """What runs in one pod of a load test on a cluster."""
    words = [json.dumps(plan.document()), "127.0.0.1", str(port)]
    return subprocess.Popen(
        [sys.executable, "-m", "tenfold.loadtests.pod", *words],
        cwd=folder,
        env={"JOB_COMPLETION_INDEX": str(number), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_master_and_workers_as_they_run_in_pods(server: Server, tmp_path: Path) -> None:
    X, y = iris()
    rows = tmp_path / "real.csv"
    X.assign(species=y).to_csv(rows, index=False)
    labels = {"rows_file": rows, "label_column": "species", "feedback_delay": 0.3}
    plan = LoadTest(server.url, users=4, run_time=2, protocols={"predict": 1, "v2": 1}, processes=2, **labels)
    port = free_port()
    pods = [in_pod(number, plan, port, tmp_path) for number in range(3)]
    try:
        said, _ = pods[0].communicate(timeout=GUARD)
        assert [pod.wait(GUARD) for pod in pods] == [0, 0, 0], said
    finally:
        for pod in pods:
            pod.kill()
            pod.communicate()
    log = transcript.read(said.splitlines())
    assert log.begun
    assert log.files is not None, said
    (tmp_path / "measured.json").write_bytes(log.files[0])
    found = read_measured(tmp_path / "measured.json")
    assert {each.name for each in found.endpoints} == {"/predict", "/v2/infer", "/feedback"}
    assert b"<html" in log.files[1]
    server.stop()
    # Beside what was measured, an example is predicted by the master and by each worker.
    assert server.log.count(NAME).predictions == found.predictions.requests + 3


def test_a_pod_that_cannot_run_the_plan_says_why(tmp_path: Path) -> None:
    pod = in_pod(0, LoadTest(f"http://127.0.0.1:{free_port()}", processes=1), free_port(), tmp_path)
    said, _ = pod.communicate(timeout=GUARD)
    assert pod.returncode == 1
    assert "Nothing answers at http://127.0.0.1:" in transcript.read(said.splitlines()).error


def test_a_worker_that_cannot_prepare_its_requests_ends_at_once_and_says_why(
    shared_server: Server, tmp_path: Path
) -> None:
    rows = tmp_path / "real.csv"
    iris()[0].to_csv(rows, index=False)
    plan, port = LoadTest(shared_server.url, run_time=600, rows_file=rows, processes=1), free_port()
    with in_pod(0, plan, port, tmp_path) as master:
        try:
            # By then the master has read the file.
            wait_until(lambda: psutil.Process(master.pid).children(), what="Locust")
            rows.unlink()
            with in_pod(1, plan, port, tmp_path) as worker:
                _, said = worker.communicate(timeout=GUARD)
        finally:
            master.terminate()
    assert worker.returncode == 1
    assert f"'{rows}' cannot be read" in said.splitlines()[-1]


def test_the_locustfile_runs_without_tenfold_loadtest(shared_server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--host", shared_server.url, "--headless"]
    done = subprocess.run(
        [*command, "--users", "3", "--run-time", "4s", "--spawn-rate", "3", "--json-file", "stats"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=GUARD,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = {entry["name"] for entry in json.loads((tmp_path / "stats.json").read_text())}
    assert names == {"/predict", "/v2/infer", "/invocations"}

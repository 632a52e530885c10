"""`LoadTest`: what should be run, as a checked value; and the Locust command that runs it. Pure.

The CLI and Python callers build the plan, `runner.py` executes the command.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from .errors import InvalidPlan
from .limits import Limits
from .shapes import SHAPES

PROTOCOLS = {"predict": "PredictUser", "v2": "V2User", "invocations": "InvocationsUser"}
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
# How long Locust's master waits for workers on other machines.
WORKERS_ELSEWHERE_SECONDS = 150


@dataclass(frozen=True)
class LoadTest:
    """One load test of one service.

    Attributes:
        url: address of the service, e.g. http://127.0.0.1:8080.
        users: concurrent users at the peak; each sends its next request when the last one is answered.
        run_time: seconds; always bounded.
        spawn_rate: users started a second; None starts all within a second.
        protocols: protocol -> weight; users are divided among `predict`, `v2` and `invocations` by weight.
        rows_file: file of real rows (CSV, JSON lines, Parquet); None draws rows from the model's signature.
        label_column: column of that file with the true label; it is sent back as feedback to /predict's ids.
        batch: rows in one request.
        feedback_share: share of the predictions that get feedback, 0 to 1.
        feedback_delay: seconds between a prediction and its feedback.
        think_time: seconds a user waits between answer and next request.
        timeout: seconds after which a request without an answer counts as failed.
        shape: `constant`, `ramp` or `steps`.
        processes: Locust worker processes; 0 runs everything in one.
        seed: makes the drawn rows the same in every run.
        limits: what the run must keep.

    Raises:
        InvalidPlan: naming the first option that has no usable value.
    """

    url: str
    users: int = 10
    run_time: float = 30.0
    spawn_rate: float | None = None
    protocols: dict[str, int] = field(default_factory=lambda: {"predict": 1})
    rows_file: Path | None = None
    label_column: str | None = None
    batch: int = 1
    feedback_share: float = 1.0
    feedback_delay: float = 1.0
    think_time: float = 0.0
    timeout: float = 10.0
    shape: str = "constant"
    processes: int = 0
    seed: int = 0
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        known = ", ".join(PROTOCOLS)
        rules = (
            (
                parts.scheme in ("http", "https") and bool(parts.hostname),
                f"'{self.url}' is not the address of a service; write it like http://127.0.0.1:8080",
            ),
            (self.users >= 1, f"--users {self.users} sends nothing; give at least 1"),
            (self.run_time >= 1, f"--run-time {self.run_time:g}s is too short to measure anything; give at least 1s"),
            (
                self.spawn_rate is None or self.spawn_rate > 0,
                f"--spawn-rate {self.spawn_rate} starts no user; give more than 0",
            ),
            (bool(self.protocols), f"no protocol is left to speak; give --protocol with one of {known}"),
            (
                set(self.protocols) <= set(PROTOCOLS),
                f"--protocol {', '.join(sorted(set(self.protocols) - set(PROTOCOLS)))} is unknown; known are {known}",
            ),
            (
                all(weight >= 1 for weight in self.protocols.values()),
                f"--protocol needs whole weights from 1 on, got {self.protocols}; write e.g. predict=3",
            ),
            (
                self.users >= len(self.protocols),
                f"--users {self.users} are fewer than the {len(self.protocols)} protocols; give at least one for each",
            ),
            (self.batch >= 1, f"--batch {self.batch} sends no row; give at least 1"),
            (
                0 <= self.feedback_share <= 1,
                f"--feedback-share {self.feedback_share:g} is not a share; give a number from 0 to 1",
            ),
            (self.feedback_delay >= 0, f"--feedback-delay {self.feedback_delay:g} is negative; give 0 or more"),
            (self.think_time >= 0, f"--think-time {self.think_time:g} is negative; give 0 or more"),
            (self.timeout > 0, f"--timeout {self.timeout:g} leaves no time to answer; give more than 0"),
            (self.shape in SHAPES, f"--shape '{self.shape}' is unknown; known are {', '.join(SHAPES)}"),
            (self.processes >= 0, f"--processes {self.processes} is negative; give 0 for one process"),
            (
                self.processes <= self.users,
                f"--processes {self.processes} are more than --users {self.users}; give at most one process per user",
            ),
            (
                self.label_column is None or self.rows_file is not None,
                f"--label-column '{self.label_column}' is a column of no file; give the file with --rows-file",
            ),
            (
                self.rows_file is None or self.rows_file.is_file(),
                f"--rows-file '{self.rows_file}' is not a file; check the path",
            ),
        )
        for holds, sentence in rules:
            if not holds:
                raise InvalidPlan(sentence)

    @property
    def stop_seconds(self) -> float:
        """How long a user may take to end after the run: for a prediction in flight and the feedback after it."""
        return 2 * self.timeout + 1

    def document(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The plan that has that `document`.

        Raises:
            InvalidPlan: an option has no usable value where this runs, such as a file that is not there.
        """
        fields = dict(document)
        fields["limits"] = Limits(**fields["limits"])
        if fields["rows_file"] is not None:
            fields["rows_file"] = Path(fields["rows_file"])
        return cls(**fields)


def locust_command(
    plan: LoadTest, *, measured: Path, html: Path, master_port: int, workers_elsewhere: bool = False
) -> list[str]:
    """The argument list that runs `plan` without a web UI; every path in it is absolute.

    `-P` keeps the working directory off the module path. Exit code 0 means that the run could be done: whether too
    many requests failed is judged by our limits. With `workers_elsewhere` it is the master alone, which waits at
    `master_port` for as many workers as the plan has processes.
    """
    command = [sys.executable, "-P", "-m", "locust", "-f", str(LOCUSTFILE.resolve())]
    for protocol, weight in plan.protocols.items():
        command += ["--config-users", json.dumps({"user_class_name": PROTOCOLS[protocol], "weight": weight})]
    command += ["--headless", "--only-summary", "--host", plan.url.rstrip("/"), "--users", str(plan.users)]
    command += ["--spawn-rate", f"{plan.spawn_rate or plan.users:g}", "--run-time", f"{math.ceil(plan.run_time)}s"]
    command += ["--stop-timeout", f"{plan.stop_seconds:g}", "--exit-code-on-error", "0"]
    command += ["--html", str(html.resolve()), "--measured-file", str(measured.resolve())]
    command += ["--batch", str(plan.batch), "--seed", str(plan.seed), "--think-time", f"{plan.think_time:g}"]
    command += ["--timeout", f"{plan.timeout:g}", "--shape", plan.shape]
    if plan.rows_file is not None:
        # Not resolved: where a link leads may differ between the machines of master and workers.
        command.append(f"--rows-file={plan.rows_file.absolute()}")
    if plan.label_column is not None:
        command.append(f"--label-column={plan.label_column}")
        command += ["--feedback-share", f"{plan.feedback_share:g}", "--feedback-delay", f"{plan.feedback_delay:g}"]
    if workers_elsewhere:
        command += ["--master", "--expect-workers", str(plan.processes), "--master-bind-port", str(master_port)]
        command += ["--expect-workers-max-wait", str(WORKERS_ELSEWHERE_SECONDS)]
    elif plan.processes:
        command += ["--processes", str(plan.processes), "--expect-workers-max-wait", "30"]
        command += ["--master-bind-host", "127.0.0.1", "--master-bind-port", str(master_port)]
        command += ["--master-port", str(master_port)]
    return [*command, *(PROTOCOLS[protocol] for protocol in plan.protocols)]


def worker_command(host: str, port: int) -> list[str]:
    """The argument list of a worker of the master at that address, which sends it all options with the first users."""
    command = [sys.executable, "-P", "-m", "locust", "-f", str(LOCUSTFILE.resolve()), "--worker", "--headless"]
    return [*command, "--master-host", host, "--master-port", str(port), "--exit-code-on-error", "0"]

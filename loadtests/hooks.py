"""What happens around the users of a Locust process: its options, the preparation of the requests, the way out.

Imported by `users.py` in a Locust process only. The service's schema is read once per process when a test starts, and
all requests are prepared then, so that while measuring only bytes are sent.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import gevent
import orjson
from locust import LoadTestShape, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import STATE_STOPPING, MasterRunner, WorkerRunner

from .bodies import Call, pool
from .errors import LoadTestError
from .measured import measured_document
from .options import LOCUST_OPTIONS
from .plan import PROTOCOLS
from .rows import MOST_ROWS, Sample, draw, read_rows
from .service import ServedModel, describe
from .shapes import users_at

DRAWN_ROWS = 1000


class Prepared:
    """What all users of this process share, made anew when a test starts; `refusal` says why it could not be."""

    model: ServedModel
    pools: Mapping[str, list[Call]]
    refusal: str = "no test was started"


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    for each in LOCUST_OPTIONS:
        parser.add_argument(
            each.flag,
            type=each.kind,
            default=each.default,
            choices=each.choices,
            env_var=each.variable,
            help=each.help,
            include_in_web_ui=not each.internal,
        )


@events.init.add_listener
def choose_shape(environment: Environment, **_: Any) -> None:
    if options_of(environment).shape != "constant" and not isinstance(environment.runner, WorkerRunner):
        environment.shape_class = Shape(environment)


@events.test_start.add_listener
def prepare(environment: Environment, **_: Any) -> None:
    if isinstance(environment.runner, MasterRunner):
        return  # its workers send the requests
    options = options_of(environment)
    try:
        model = describe(environment.host or "")
        samples = _samples(model, options)
        Prepared.pools = {each: pool(each, model, samples, options.batch, options.seed) for each in PROTOCOLS}
    except LoadTestError as e:
        Prepared.refusal = str(e)
        environment.process_exit_code = 1
        # After all that Locust prints when it quits: last lines are what is quoted.
        environment.events.quit.add_listener(tell_refusal)
    else:
        Prepared.model, Prepared.refusal = model, ""


def tell_refusal(**_: Any) -> None:
    sys.stderr.write(f"{Prepared.refusal}\n")


@events.test_start.add_listener
def tell_beginning(environment: Environment, **_: Any) -> None:
    """Let `runner.py` see that the requests are prepared, and the workers there."""
    path = options_of(environment).measured_file
    if path and not isinstance(environment.runner, WorkerRunner):
        Path(path).touch()


@events.test_stopping.add_listener
def hear_workers_out(environment: Environment, **_: Any) -> None:
    """Wait for what the workers have still in flight: Locust's master would wait for half a second."""
    runner = environment.runner
    if not isinstance(runner, MasterRunner) or not options_of(environment).headless:
        return
    runner.update_state(STATE_STOPPING)  # while it is running, a worker's users would be started on the others again
    runner.send_message("quit")
    deadline = monotonic() + environment.stop_timeout + 1
    while runner.clients.all and monotonic() < deadline:
        gevent.sleep(0.05)


@events.quitting.add_listener
def write_measured(environment: Environment, **_: Any) -> None:
    """Leave what was measured for `runner.py`."""
    path = options_of(environment).measured_file
    runner = environment.runner
    if path and runner is not None and not isinstance(runner, WorkerRunner):
        busy = runner.cpu_warning_emitted or runner.worker_cpu_warning_emitted
        document = measured_document(environment.stats, generator_busy=busy)
        Path(path).write_bytes(orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS))


def options_of(environment: Environment) -> Any:
    """Locust's own options and those of `options.py`."""
    return environment.parsed_options


def _samples(model: ServedModel, options: Any) -> list[Sample]:
    if options.rows_file:
        return read_rows(Path(options.rows_file), model.columns, options.label_column or None)
    return draw(model.columns, min(MOST_ROWS, DRAWN_ROWS * options.batch), options.seed)


class Shape(LoadTestShape):
    """Follows --shape."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self.runner, self.options = environment.runner, options_of(environment)

    def tick(self) -> tuple[int, float] | None:
        """Users wanted now, and how fast to start them; None ends the test."""
        wanted = self.options
        users = users_at(wanted.shape, self.get_run_time(), wanted.num_users or 1, wanted.run_time or math.inf)
        return None if users is None else (users, wanted.spawn_rate or users)

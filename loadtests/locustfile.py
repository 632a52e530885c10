"""Locust users for the three protocols of a tenfold service. Loaded by Locust only, never imported.

    locust -f .../tenfold/loadtests/locustfile.py --host http://127.0.0.1:8080 [PredictUser V2User InvocationsUser]

`tenfold loadtest` runs it headless; whoever knows Locust runs it with the web UI, more workers or a locustfile of
their own next to it. Options of its own are in `options.py`. The service's schema is read once per process, when a
test starts, and the requests are prepared then. Locust loads this file by its path, outside of its package: hence the
absolute imports.
"""

from __future__ import annotations

import logging
import random
from collections import deque
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
from locust import FastHttpUser, LoadTestShape, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner

from tenfold.loadtests.bodies import Call, answered, pool
from tenfold.loadtests.errors import LoadTestError
from tenfold.loadtests.measured import FEEDBACK
from tenfold.loadtests.options import LOCUST_OPTIONS
from tenfold.loadtests.rows import MOST_ROWS, Sample, draw, read_rows
from tenfold.loadtests.service import ServedModel, describe
from tenfold.loadtests.shapes import users_at

logger = logging.getLogger(__name__)

JSON = {"Content-Type": "application/json"}
DRAWN_ROWS = 1000
MOST_PENDING = 1000
MOST_FEEDBACK = 100
LONGEST_MESSAGE = 200
PAUSE_AFTER_FAILURE = 0.1
GOOD_FEEDBACK = {"accepted", "repeated", "replaced"}


class Prepared:
    """What all users of this process share: the served model and the rows to send, read when the test starts."""

    model: ServedModel
    samples: list[Sample]


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
    if environment.parsed_options.shape != "constant" and environment.runner is not None:
        environment.shape_class = Shape()
        environment.shape_class.runner = environment.runner


@events.test_start.add_listener
def prepare(environment: Environment, **_: Any) -> None:
    if isinstance(environment.runner, MasterRunner):
        return  # its workers send the requests
    options = environment.parsed_options
    try:
        Prepared.model = describe(environment.host or "")
        columns = Prepared.model.columns
        if options.rows_file:
            Prepared.samples = read_rows(Path(options.rows_file), columns, options.label_column or None)
        else:
            Prepared.samples = draw(columns, min(MOST_ROWS, DRAWN_ROWS * options.batch), options.seed)
    except LoadTestError as e:
        logger.error("%s", e)
        environment.process_exit_code = 1
        environment.runner.quit()


@events.quit.add_listener
def write_measured(exit_code: int, **_: Any) -> None:
    """Leave what was measured for `tenfold loadtest`. Locust's own --json-file knows no error messages."""
    environment = Prepared.environment

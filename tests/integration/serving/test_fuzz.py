"""Schemathesis reads the OpenAPI document and sends what it allows and what it forbids: the server never fails, and
never answers what is not documented.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks
from schemathesis.generation import GenerationMode
from unit.serving.stage import Folders, app_over

NAMES = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
checks.load_all_checks()
CHECKS = [checks.not_a_server_error, *checks.CHECKS.get_by_names(NAMES)]
EXAMPLES = 4  # of each operation; a thousand find no more, and take minutes


pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a model may overflow on numbers as large as these


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_failure_and_no_answer_that_is_not_documented(
    folders: Folders, tmp_path: Path, mode: GenerationMode
) -> None:
    with app_over(folders.departures, log_url=f"sqlite:///{tmp_path / 'log.db'}") as (app, _):
        schema = schemathesis.openapi.from_asgi("/openapi.json", app)
        operations = [found.ok() for found in schema.get_all_operations()]
        documented = {(r.method, r.path) for r in app.state.routes if r.operation}
        assert {(o.method.upper(), o.path) for o in operations} == documented
        codes: set[int] = set()
        for operation in operations:
            asks = operation.body or operation.path_parameters
            if "{version}" in operation.path or (mode is GenerationMode.NEGATIVE and not asks):
                continue

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            def ask(case: Any) -> None:
                answer = case.call()
                codes.add(answer.status_code)
                case.validate_response(answer, checks=CHECKS)

            ask()
    assert codes >= ({200} if mode is GenerationMode.POSITIVE else {400, 404})

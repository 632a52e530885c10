"""What a load test found, as one value: the numbers, the limits held against them, and where the files are. Pure.

`runner.py` makes it, the CLI shows it, `document` is what is written as JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .limits import Check
from .measured import Measured
from .plan import LoadTest

GENERATOR_BUSY = (
    "Locust used up a processor core, so the latencies contain its own waiting, and the service may be faster; "
    "give it more with --processes, or run it on another machine"
)


@dataclass(frozen=True)
class Report:
    """The outcome of one run.

    Attributes:
        html: Locust's own report, with charts over time.
        json: this report for programs.
    """

    plan: LoadTest
    measured: Measured
    checks: tuple[Check, ...]
    html: Path
    json: Path

    @property
    def broken(self) -> tuple[Check, ...]:
        """The limits that did not hold."""
        return tuple(check for check in self.checks if not check.holds)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the numbers may say less about the service than they seem to."""
        if not self.measured.generator_busy:
            return ()
        return (GENERATOR_BUSY,)

    def document(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "within_limits": not self.broken,
            "limits": [asdict(check) for check in self.checks],
            "predictions": self.measured.predictions.summary(),
            "endpoints": [each.summary() for each in self.measured.endpoints],
            "error_share": self.measured.error_share,
            "failures": [asdict(failure) for failure in self.measured.failures],
            "warnings": list(self.warnings),
            "plan": self.plan.document(),
        }

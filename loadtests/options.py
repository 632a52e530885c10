"""The options that tenfold's users add to Locust's own, in one table: Locust's command line and web UI, the environment
and the documentation read it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .shapes import SHAPES


@dataclass(frozen=True)
class LocustOption:
    """One command line option of the locustfile.

    Attributes:
        kind: how the text is read; the default has that type.
        internal: set by `tenfold loadtest` alone, and hidden in Locust's web UI.
    """

    flag: str
    kind: type
    default: Any
    help: str
    choices: tuple[str, ...] | None = None
    internal: bool = False

    @property
    def attribute(self) -> str:
        """Where Locust keeps the value in its parsed options."""
        return self.flag.removeprefix("--").replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable that sets it as well."""
        return f"TENFOLD_LOADTEST_{self.attribute.upper()}"


LOCUST_OPTIONS = (
    LocustOption(
        "--rows-file",
        str,
        "",
        "File of real rows (.csv, .jsonl, .parquet); without it rows are drawn from the signature.",
    ),
    LocustOption("--label-column", str, "", "Column of the file that holds the true label, sent back as feedback."),
    LocustOption("--batch", int, 1, "Rows in one prediction request."),
    LocustOption("--feedback-share", float, 1.0, "Share of the predictions whose label is sent back, 0 to 1."),
    LocustOption("--feedback-delay", float, 1.0, "Seconds between a prediction and its feedback."),
    LocustOption("--think-time", float, 0.0, "Seconds a user waits between an answer and the next request."),
    LocustOption("--timeout", float, 10.0, "Seconds after which a request without an answer counts as failed."),
    LocustOption("--shape", str, "constant", "How the number of users changes over the run.", choices=SHAPES),
    LocustOption("--seed", int, 0, "Seed of the drawn rows and of their order."),
    LocustOption(
        "--measured-file",
        str,
        "",
        "File that is made when the run begins, and that has what was measured at its end.",
        internal=True,
    ),
)

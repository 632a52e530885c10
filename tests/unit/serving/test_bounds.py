"""Arrays that compiled code would follow outside of themselves: the model is refused, and the process lives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.crafted import CRAFTED, crafted
from tenfold.serving import trust
from tenfold.serving.errors import ModelUnloadable

SUPPORT = Path(__file__).parents[2] / "support"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_model_is_refused(name: str) -> None:
    with pytest.raises(ModelUnloadable, match=r"The model m .* Register the model again|or register it again"):
        trust.load_skops(crafted(name), source="m")


@pytest.mark.timeout(600)
def test_no_changed_file_of_a_usual_model_kills_the_process() -> None:
    """Several for each; more with other seeds: python tests/support/mutants.py 150 SEED."""
    told = subprocess.run(
        [sys.executable, str(SUPPORT / "mutants.py"), "5", "tenfold"], stdout=subprocess.PIPE, check=True, text=True
    ).stdout
    ended = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert len(ended) > 55
    assert [report for report in ended if report["ended"]] == []
    assert sum(report["loaded"] for report in ended) > 40  # not all are refused: those that are not, predict

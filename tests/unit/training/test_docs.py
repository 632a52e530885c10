"""docs/retraining.md says what the code does."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from tenfold.training.data import LEAST_HELD_OUT, MOST_LEFT_OUT
from tenfold.training.evaluate import ORDER
from tenfold.training.night import Night, Outcome
from tenfold.training.options import TrainingOptions
from tenfold.training.tags import tags_of
from tenfold.training.train import _parser

DOC = (Path(__file__).parents[3] / "docs" / "retraining.md").read_text()


@pytest.mark.parametrize("name", TrainingOptions.model_fields)
def test_every_option_stands_in_the_table_with_its_default_and_is_a_flag(name: str) -> None:
    field = TrainingOptions.model_fields[name]
    default = "" if field.default is None else f"`{field.default}`"
    assert f"| `{name}` | {default} | {field.description} |" in DOC
    assert f"--{name.replace('_', '-')} " in _parser().format_help()


def test_every_outcome_metric_and_tag_is_explained() -> None:
    for outcome in get_args(Outcome):
        assert f"| `{outcome}` |" in DOC
    for metric in ORDER:
        assert f"`{metric}`" in DOC
    night = Night(date=date(2013, 6, 21), outcome="kept", reason="")
    for tag in tags_of(night, TrainingOptions(), trained=1, held_out=1, left_out=0):
        assert f"`{tag}`" in DOC
    assert f"at least {LEAST_HELD_OUT} held-out rows" in DOC
    assert f"more than {MOST_LEFT_OUT * 100:.0f} % of them" in DOC

"""The page's options, each in its documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs" / "page.md"


def test_every_option_is_documented_and_no_other() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tenfold.platform.page", "--help"], capture_output=True, text=True, check=True
    ).stdout
    options = set(re.findall(r"--[a-z]+", told)) - {"--help"}
    assert options == set(re.findall(r"^\| `(--[a-z]+)` \|", DOCS.read_text("utf-8"), re.MULTILINE))

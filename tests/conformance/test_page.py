"""docs/http-conformance.md says what the corpus says."""

from __future__ import annotations

from pathlib import Path

from conformance import page

PAGE = Path(__file__).parents[2] / "docs" / "http-conformance.md"


def test_the_page_is_made_from_the_corpus() -> None:
    assert PAGE.read_text() == page.text(), "Run make docs"

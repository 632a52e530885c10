"""Sentences for people are plain English: "is not a list", never "is no list"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("serving", "training", "platform", "loadtests")
# "There is no model here" is plain. The second form is "… is 7 (integer), no list"; VALUE stands for what is filled in.
VALUE = "\N{HORIZONTAL ELLIPSIS}"
WRONG = re.compile(
    rf"(?<!there )\b(is|are|was|were) no (?!longer|more\b|such)|{VALUE}, no (?!longer|more\b|such)", re.I
)


def literals(source: str) -> Iterator[tuple[int, str]]:
    """The line and the text of each string that is not a docstring, f-strings with VALUE for their values."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    # A string that is a statement by itself documents what stands above it.
    skipped = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            skipped.update(map(id, node.values))
    for node in nodes:
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(v.value) if isinstance(v, ast.Constant) else VALUE for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_sentence_says_is_no(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    assert [
        f"{file.relative_to(ROOT)}:{line}: {text}"
        for file in files
        for line, text in literals(file.read_text(encoding="utf-8"))
        if WRONG.search(text)
    ] == []


@pytest.mark.parametrize(
    "source",
    [
        "x = 'This is no list'",
        "raise ValueError(f'{x} is no list')",
        "raise ValueError(f'{x!r} are ' 'no rows')",
        "raise ValueError(f'Row 1 is {x}, no list')",
    ],
)
def test_it_is_found(source: str) -> None:
    assert [text for _, text in literals(source) if WRONG.search(text)]


@pytest.mark.parametrize(
    "source",
    [
        "'''This is no list.'''",
        "def f():\n    '''This is no list.'''",
        "x = 'There is no model here'",
        "x = 'It is no longer here'",
        "x = f'{x} is not a list'",
    ],
)
def test_what_is_plain_passes(source: str) -> None:
    assert not [text for _, text in literals(source) if WRONG.search(text)]

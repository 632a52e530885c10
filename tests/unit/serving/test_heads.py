"""Heads that came before are known again by their bytes, and only with a whole body."""

from __future__ import annotations

import pytest
from tenfold.serving.heads import KnownHead, KnownHeads
from tenfold.serving.request import RequestHead
from tenfold.serving.routes import UNKNOWN

HEAD = b"POST /predict HTTP/1.1\r\nhost: here\r\ncontent-length: 4\r\n\r\n"
KNOWN = KnownHead(UNKNOWN, "/predict", RequestHead({b"host": b"here", b"content-length": b"4"}, {}), 4)
LINES = 3


def test_a_head_is_known_again_with_another_body_of_its_length() -> None:
    heads = KnownHeads()
    assert heads.find(HEAD + b"body") is None
    heads.add(HEAD + b"body", KNOWN, LINES)
    assert heads.find(HEAD + b"next") is KNOWN


@pytest.mark.parametrize(
    "data",
    [
        HEAD,
        HEAD + b"bod",
        HEAD + b"body" + HEAD + b"body",
        HEAD + b"body\r\n",
        b"\r\n" + HEAD + b"body",
        HEAD.replace(b"here", b"Here") + b"body",
        HEAD[:-2],
        b"",
        b"\r\n\r\n" + b"body",
    ],
)
def test_what_is_not_that_head_and_its_body_is_parsed(data: bytes) -> None:
    heads = KnownHeads()
    heads.add(HEAD + b"body", KNOWN, LINES)
    assert heads.find(data) is None


@pytest.mark.parametrize("data", [HEAD + b"bo", HEAD + b"body" + HEAD, b"\r\n\r\n" + HEAD + b"body"])
def test_a_head_that_came_with_anything_else_than_its_body_is_not_kept(data: bytes) -> None:
    heads = KnownHeads()
    heads.add(data, KNOWN, LINES)
    assert heads.find(HEAD + b"body") is None


def test_clients_cannot_make_it_keep_more_and_more() -> None:
    heads = KnownHeads()
    made = [HEAD.replace(b"here", b"here%d" % n) + b"body" for n in range(600)]
    for data in made:
        heads.add(data, KNOWN, LINES)
    assert heads.find(made[-1]) is not None
    assert sum(heads.find(data) is not None for data in made) <= 256
    long = HEAD.replace(b"here", b"h" * 2000) + b"body"
    heads.add(long, KNOWN, LINES)
    assert heads.find(long) is None


def test_a_head_with_another_end_for_the_parser_is_not_kept() -> None:
    """A leading empty line is no head: what the parser read after it came from another place than the first bytes."""
    heads = KnownHeads()
    first = b"\r\n\r\n" + HEAD
    heads.add(first, KNOWN._replace(length=len(HEAD)), LINES)
    assert heads.find(first) is None
    folded = HEAD.replace(b"host: here", b"host: here\r\n there") + b"body"
    heads.add(folded, KNOWN, LINES)
    assert heads.find(folded) is None

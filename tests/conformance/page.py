"""Writes docs/http-conformance.md from the corpus; `make docs` runs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from conformance.corpus import CHAPTERS, STREAMS
from conformance.corpus.stream import Stream

INTRODUCTION = """\
# HTTP/1.1, byte by byte

{count} raw streams of bytes are sent to the model server in the tests (`tests/conformance`), and the same to plain
uvicorn with h11. This page is made from that corpus; a test compares them. One of them, a pipeline of eight requests of
every kind, is also cut at every byte, and has to be answered the same each time.

An answer is written as its codes in their order and the end of the connection: `100 200=3 open`. `=3` is what was
predicted: no other request may have reached the model, which is counted. The end is `open` where the next request is
answered, `closed`, or `waiting` where the server wants more bytes. *RFC* is where it is said what to answer, and what
is said there; 9110 is HTTP's semantics, 9112 HTTP/1.1, 9113 HTTP/2, 3986 URIs. A reason stands wherever tenfold's answer
is not among those, or uvicorn's is another: {differences} times."""


def lines() -> Iterator[str]:
    """The page."""
    differences = sum(stream.differs for stream in STREAMS)
    yield INTRODUCTION.format(count=len(STREAMS), differences=differences)
    for chapter, streams in CHAPTERS.items():
        yield f"\n## {chapter}\n"
        yield "| stream | RFC | tenfold | uvicorn with h11 | why |"
        yield "| --- | --- | --- | --- | --- |"
        yield from map(_row, streams)


def _row(stream: Stream) -> str:
    wanted = " or ".join(map(_short, stream.wants.split(" | ")))
    peers = "the same" if stream.peer == (stream.answer,) else " or ".join(map(_short, stream.peer))
    cells = (stream.name, f"{stream.rfc}: {wanted}", _short(stream.answer), peers, stream.why)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _short(answer: str) -> str:
    return answer if len(answer) < 80 else f"{answer[:30]} ... {answer.rpartition(' ')[2]}"


def text() -> str:
    """The whole page."""
    return "\n".join(lines()) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())

"""All streams, by what they are about."""

from __future__ import annotations

from . import codings, fields, lengths, pipelines, targets, upgrades
from .stream import Stream

CHAPTERS: dict[str, tuple[Stream, ...]] = {
    "Lengths": lengths.STREAMS,
    "Chunks and other codings": codings.STREAMS,
    "Lines and fields": fields.STREAMS,
    "Methods, versions, targets, hosts": targets.STREAMS,
    "Upgrade and Expect": upgrades.STREAMS,
    "Pipelines": pipelines.STREAMS,
}
STREAMS = tuple(stream for chapter in CHAPTERS.values() for stream in chapter)

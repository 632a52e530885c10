"""What the master's pod says arrives as it was said, or not at all."""

import random

from tenfold.loadtests import transcript

MEASURED = b'{"endpoints": []}'
# Noise, so that it stays long when it is packed.
HTML = "".join(chr(c) for c in random.Random(0).choices(range(0x4E00, 0x9FFF), k=50_000)).encode()


def test_a_result_arrives_in_lines_that_no_log_cuts() -> None:
    lines = [transcript.beginning(), "Traceback of somebody else", *transcript.result(MEASURED, HTML)]
    assert len(lines) > 5
    assert max(map(len, lines)) <= 8192
    assert transcript.read(lines) == transcript.Transcript(True, "", (MEASURED, HTML), "Traceback of somebody else")


def test_a_log_that_is_cut_off_is_no_result() -> None:
    lines = list(transcript.result(MEASURED, HTML))
    assert transcript.read(lines[:-1]).files is None
    assert transcript.read(lines[1:]).files is None
    assert transcript.read([]).files is None


def test_a_failure_is_told_in_its_own_words() -> None:
    said = transcript.read([transcript.failure('Nothing answers at "x"'), "[1]", ""])
    assert said == transcript.Transcript(False, 'Nothing answers at "x"', None, "[1]")

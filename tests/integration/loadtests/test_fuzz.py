"""Some seconds of the fuzzer against a real server: every bar holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
from support.places import GUARD

PROTOCOLS = {"predict", "v2", "v2 binary", "v1", "mlflow", "feedback", "reading", "http", "grpc"}


def test_a_server_is_fuzzed_and_holds(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tenfold.loadtests.fuzz",
        "--start",
        "--minutes",
        "0.1",
        "--rate",
        "150",
        "--each",
        "1",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=GUARD)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every bar holds" in done.stdout
    result = orjson.loads((tmp_path / "fuzz.json").read_bytes())
    assert result["codes"].keys() == PROTOCOLS
    assert result["failed"] == {}
    assert {"raw", "valid", "gzip: a bomb", "monster: a long shape"} <= result["costs"].keys()
    assert not (tmp_path / "fuzz-failures.jsonl").exists()


def test_who_does_not_answer_is_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tenfold.loadtests.fuzz", "http://127.0.0.1:9"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=GUARD)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Nothing answers at http://127.0.0.1:9")

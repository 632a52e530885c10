"""What nothing that runs needs is taken out, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tenfold.platform.images import trim


def test_as_the_dockerfile_runs_it(tmp_path: Path) -> None:
    packages = tmp_path / "lib/python3.12/site-packages"
    kept = ["numpy/core.py", "mine/tests/test_mine.py", "kubernetes/client/api.py", "pandas/testing.py"]
    gone = ["numpy/tests/test.py", "numpy/a/tests/b/tests/test.py", "pyarrow/include/x.h", "kubernetes/aio/x.py"]
    for name in kept + gone:
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text("")
    for _ in range(2):
        subprocess.run([sys.executable, "-I", trim.__file__, tmp_path], check=True)
    assert {str(file.relative_to(packages)) for file in packages.rglob("*") if file.is_file()} == set(kept)

"""The code of README.md, run as it stands there, top to bottom, on a real platform in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support.logs import logged
from support.places import free_port
from tenfold import Platform

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(python|sh)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    ours = {k: v for k, v in os.environ.items() if not k.startswith("TENFOLD_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{ours['PATH']}"
    yield {**ours, "PATH": path, "TENFOLD_STATE": str(tmp_path / "state"), "PYTHONWARNINGS": ""}
    Platform.local(tmp_path / "state").down()


def run(language: str, code: str, ports: Mapping[str, str], environment: Mapping[str, str], folder: Path) -> str:
    for written, free in ports.items():
        code = re.sub(rf"\b{written}\b", free, code)
    command = [sys.executable, "-c", code] if language == "python" else ["bash", "-euo", "pipefail", "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_code_of_the_readme_works(environment: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    # Only the ports differ, those that the code names and the default ones of the page and the registry.
    ports = {"port=8080": f"port={port}, page_port={free_port()}, registry_port={free_port()}", "8080": str(port)}
    assert [language for language, _ in BLOCKS] == ["python", "sh", "sh", "sh"]
    python, commands, curl, down = (run(*block, ports, environment, tmp_path) for block in BLOCKS)
    assert "10/10 replicas" in python
    assert "4/4 replicas" in commands
    predicted = json.loads(commands[commands.index("{") : commands.index("}\n") + 1])
    assert predicted["predictions"] == [0]
    answer = json.loads(curl)
    assert answer["predictions"] == [0]
    assert len(answer["ids"]) == 1
    assert "Stopped" in down
    assert logged(Platform.local(environment["TENFOLD_STATE"]), "iris") == 7


def test_the_links_of_the_readme_lead_somewhere() -> None:
    root = Path(__file__).parents[3]
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (root / link).is_file()] == []

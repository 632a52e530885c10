"""What perf and py-spy say, as shares of the CPU of a request."""

import pytest
from tenfold.loadtests.benchmark.profile import read_report, read_stacks, table

STACKS = """\
<module> (/venv/lib/python3.11/site-packages/uvicorn/server.py:10);_answer (/venv/lib/python3.11/site-packages/a/b.py:7);__write (libc.so.6) 3
<module> (/venv/lib/python3.11/site-packages/uvicorn/server.py:10);epoll_pwait (libc.so.6) 90
_bootstrap (/usr/lib/python3.11/threading.py:1);_worker (/usr/lib/python3.11/concurrent/futures/thread.py:81);0x7f (libc.so.6) 90
_answer (/venv/lib/python3.11/site-packages/a/b.py:9);loads (orjson.so) 1
"""  # noqa: E501
REPORT = """\
    73.03%  libpython3.11.so.1.0
    11.92%  [kernel.kallsyms]

"""


def test_samples_count_for_the_innermost_function_in_python_and_not_while_it_waits() -> None:
    files, functions = read_stacks([*STACKS.splitlines(), "run (/venv/lib/python3.11/site-packages/uvicorn/x.py:1) 4"])
    assert files == {"a/b.py": 0.5, "uvicorn/x.py": 0.5}
    assert functions == {"_answer (a/b.py)": 0.5, "run (uvicorn/x.py)": 0.5}


def test_a_report_of_perf_has_a_share_for_each_library() -> None:
    assert read_report(REPORT) == pytest.approx({"libpython3.11.so.1.0": 0.7303, "[kernel.kallsyms]": 0.1192})


def test_shares_are_of_the_cpu_of_a_request() -> None:
    assert table("library", {"b": 0.25, "a": 0.5}, 40).splitlines()[2:] == [
        "| a | 50.0% | 20.0 |",
        "| b | 25.0% | 10.0 |",
    ]

"""What wrk and h2load say, as they said it, and what is made of it."""

import pytest
from tenfold.loadtests.benchmark.errors import LoadFailed
from tenfold.loadtests.benchmark.load import Measured, read_h2load, read_wrk

WRK = """\
Running 1s test @ http://127.0.0.1:41495/v2/models/model/infer
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     9.34ms    5.66ms  39.96ms   87.53%
    Req/Sec     3.58k     1.11k    5.40k    60.00%
  3576 requests in 1.01s, 1.13MB read
Requests/sec:   3553.80
Transfer/sec:      1.13MB
{"requests":3576,"microseconds":1006246,"p50":7177,"p99":29894,"refused":0,"unanswered":0}
"""
H2LOAD = """\
Application protocol: h2c
Main benchmark duration is over for thread #0. Stopping all clients.

finished in 1.00s, 4.00 req/s, 2.61MB/s
requests: 4 total, 5 started, 4 done, 4 succeeded, 0 failed, 1 errored, 0 timeout
status codes: 4 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 2.61MB (18560) total, 4.08KB (352) headers (space savings 91.30%), 2.57MB (18208) data
"""
LOG = [f"1795656842659030\t200\t{microseconds}" for microseconds in (3000, 1000, 4000, 2000)]


def test_wrk_is_read_from_the_line_of_its_script() -> None:
    found = read_wrk(WRK)
    assert found == Measured(3576, 1.006246, 7.177, 29.894)
    assert found.rate == pytest.approx(3553.8, abs=0.1)


def test_wrk_says_what_was_refused_and_not_answered() -> None:
    found = read_wrk(WRK.replace('"refused":0,"unanswered":0', '"refused":2,"unanswered":3'))
    assert (found.refused, found.unanswered) == (2, 3)


def test_wrk_without_its_line_or_without_an_answer_has_failed() -> None:
    with pytest.raises(LoadFailed, match="wrk ended with 'unable to connect'"):
        read_wrk("unable to connect\n")
    with pytest.raises(LoadFailed, match=r"no answer to any request \(32 failed\)"):
        read_wrk('{"requests":0,"microseconds":1000000,"p50":0,"p99":0,"refused":0,"unanswered":32}\n')


def test_h2load_is_read_from_its_log() -> None:
    found = read_h2load(H2LOAD, LOG, 2, least_bytes=4547)
    assert found == Measured(4, 2, 2, 4, refused=0, unanswered=1)
    assert found.rate == 2


def test_calls_of_grpc_that_bring_no_message_are_refused() -> None:
    assert read_h2load(H2LOAD.replace("(18208) data", "(9104) data"), LOG, 2, least_bytes=4547).refused == 2


def test_other_statuses_than_200_are_refused() -> None:
    refused = [line.replace("\t200\t", "\t503\t") for line in LOG[:1]]
    assert read_h2load(H2LOAD, refused + LOG[1:], 2, least_bytes=4547).refused == 1


def test_h2load_without_an_answer_has_failed() -> None:
    with pytest.raises(LoadFailed, match="no answer to any request"):
        read_h2load("", [], 1, least_bytes=1)

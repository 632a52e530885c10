"""Python's own urllib, which makes a connection for each request, and its http.client, which keeps one."""

from __future__ import annotations

import http.client
import sys
import urllib.error
import urllib.request
from typing import Any

from answers import Answer, Ask, run

ADDRESS = sys.argv[1]


def with_urllib() -> Ask:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(request: dict[str, Any], body: bytes) -> Answer:
        data: Any = iter([body]) if request["chunked"] else body or None
        asked = urllib.request.Request(  # noqa: S310
            ADDRESS + request["path"], data=data, headers=request["headers"], method=request["method"]
        )
        try:
            with opener.open(asked, timeout=300) as answer:
                return read(answer)
        except urllib.error.HTTPError as e:
            with e:
                return read(e)

    return ask


def with_http_client() -> Ask:
    connection = http.client.HTTPConnection(ADDRESS.partition("//")[2], timeout=300)

    def ask(request: dict[str, Any], body: bytes) -> Answer:
        data: Any = iter([body]) if request["chunked"] else body or None
        try:
            connection.request(request["method"], request["path"], data, request["headers"])
            return read(connection.getresponse())
        except BaseException:
            connection.close()
            raise

    return ask


def read(answer: Any) -> Answer:
    return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()


if __name__ == "__main__":
    run(with_urllib, with_http_client, with_http_client)

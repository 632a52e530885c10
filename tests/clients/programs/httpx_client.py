"""httpx, with a client that keeps its connections and without one."""

from __future__ import annotations

import sys
from typing import Any

import httpx
from answers import Answer, Ask, run

ADDRESS = sys.argv[1]
OPTIONS: dict[str, Any] = {"timeout": 300, "trust_env": False, "verify": False}


def with_client() -> Ask:
    client = httpx.Client(**OPTIONS)
    return lambda request, body: answer_of(client, request, body)


def without() -> Ask:
    def ask(request: dict[str, Any], body: bytes) -> Answer:
        with httpx.Client(**OPTIONS) as client:
            return answer_of(client, request, body)

    return ask


def answer_of(client: httpx.Client, request: dict[str, Any], body: bytes) -> Answer:
    content: Any = iter([body]) if request["chunked"] else body or None
    answer = client.request(request["method"], ADDRESS + request["path"], content=content, headers=request["headers"])
    return answer.status_code, dict(answer.headers), answer.content


if __name__ == "__main__":
    run(with_client, with_client, without)

"""requests, with a session that keeps its connections and without one."""

from __future__ import annotations

import sys
from typing import Any

import requests
from answers import Answer, Ask, run

ADDRESS = sys.argv[1]


def with_session() -> Ask:
    session = requests.Session()
    session.trust_env = False
    return lambda request, body: answer_of(session, request, body)


def without() -> Ask:
    def ask(request: dict[str, Any], body: bytes) -> Answer:
        with requests.Session() as session:
            session.trust_env = False
            return answer_of(session, request, body)

    return ask


def answer_of(session: requests.Session, request: dict[str, Any], body: bytes) -> Answer:
    data: Any = iter([body]) if request["chunked"] else body or None
    answer = session.request(
        request["method"], ADDRESS + request["path"], data=data, headers=request["headers"], timeout=300
    )
    return answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content


if __name__ == "__main__":
    run(with_session, with_session, without)

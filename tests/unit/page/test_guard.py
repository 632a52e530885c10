"""What a POST must be like before it is passed on."""

from __future__ import annotations

import pytest
from support.pages import FixedSource

from .conftest import Ask

PATH = "/data/services/flight-delay/predict"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://page"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://page"},
        # Behind a proxy the host may be another; the browser itself says that it is our page.
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://ml.example"},
    ],
)
async def test_our_page_and_programs_are_welcome(ask: Ask, headers: dict[str, str]) -> None:
    async with ask() as page:
        assert (await page.post(PATH, content=b'{"rows": [{}]}', headers=JSON | headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://page:8080"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://other.page"},
    ],
)
async def test_another_sites_page_is_refused(ask: Ask, source: FixedSource, headers: dict[str, str]) -> None:
    async with ask() as page:
        answer = await page.post(PATH, content=b"{}", headers=JSON | headers)
    assert answer.status_code == 403
    assert "Open the page itself and retry" in answer.json()["error"]
    assert source.calls == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_only_json_is_passed_on(ask: Ask, source: FixedSource, content_type: str) -> None:
    async with ask() as page:
        answer = await page.post(PATH, content=b"{}", headers={"Content-Type": content_type})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]
    assert source.calls == []


async def test_a_large_body_is_refused(ask: Ask, source: FixedSource) -> None:
    async with ask() as page:
        answer = await page.post(PATH, content=b" " * (256 * 1024 + 1), headers=JSON)
    assert answer.status_code == 413
    assert "262144 bytes" in answer.json()["error"]
    assert source.calls == []

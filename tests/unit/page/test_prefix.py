"""Under any prefix, stripped or not, every link and every fetch leads to something, and nothing leads elsewhere."""

from __future__ import annotations

import re
from importlib.resources import files
from urllib.parse import urljoin

import httpx
import pytest

from .conftest import Ask

HTML = {"Accept": "text/html"}
PAGES = ("/", "/services/flight-delay/")

# (what the app is told, what the proxy leaves of /ml/app/x, where the browser is)
WAYS = {
    "no prefix": ("", "", ""),
    "stripped": ("", "", "/ml/app"),
    "stripped, and told": ("/ml/app", "", "/ml/app"),
    "not stripped": ("/ml/app", "/ml/app", "/ml/app"),
}


@pytest.mark.parametrize("way", WAYS)
async def test_every_link_and_fetch_resolves(ask: Ask, way: str) -> None:
    prefix, arriving, outside = WAYS[way]

    async def get(client: httpx.AsyncClient, address: str) -> httpx.Response:
        assert address.startswith(outside + "/"), address
        return await client.get(arriving + address.removeprefix(outside), headers=HTML)

    async with ask(prefix) as client:
        for page in PAGES:
            address = outside + page
            text = (await get(client, address)).text
            links = re.findall(r'(?:href|src|data-plotly)="([^"#]+)"', text)
            assert len(links) > 5
            root = re.findall(r'data-root="([^"]+)"', text)[0]
            data = [root + "data/overview", root + "data/services/flight-delay/form"]
            for link in [*links, *data]:
                answer = await get(client, urljoin(address, link))
                assert answer.status_code == 200, (way, address, link)
            for script in (link for link in links if link.endswith(".js") and "plotly" not in link):
                source = (await get(client, urljoin(address, script))).text
                for imported in re.findall(r'from "([^"]+)"', source):
                    path = urljoin(urljoin(address, script), imported)
                    assert (await get(client, path)).status_code == 200, path


@pytest.mark.parametrize("way", WAYS)
async def test_errors_lead_back_to_the_overview(ask: Ask, way: str) -> None:
    prefix, arriving, outside = WAYS[way]
    async with ask(prefix) as client:
        for path in ("/nothing", "/no/such/page", "/services/nobody/"):
            text = (await client.get(arriving + path, headers=HTML)).text
            back = re.findall(r'<a href="([^"]+)">Back', text)[0]
            assert urljoin(outside + path, back) == outside + "/"


async def test_the_prefix_without_a_slash_leads_to_the_one_with_it(ask: Ask) -> None:
    async with ask("/ml/app") as client:
        answer = await client.get("/ml/app", headers=HTML)
        assert answer.status_code == 307
        assert urljoin("/ml/app", answer.headers["location"]) == "/ml/app/"
        inner = await client.get("/ml/app/services/flight-delay", headers=HTML)
        assert urljoin("/ml/app/services/flight-delay", inner.headers["location"]) == "/ml/app/services/flight-delay/"


def test_no_file_of_the_page_names_an_address_outside_it() -> None:
    folder = files("tenfold.platform.page")
    for part in ("templates", "static"):
        for file in folder.joinpath(part).iterdir():
            text = file.read_text("utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
            assert not re.findall(r"https?://|\"//|'//", text), file.name
            assert not (file.name.endswith(".css") and "url(" in text), file.name
            assert not re.findall(r'(?:href|src|action)="/', text), file.name
            assert not re.findall(r"innerHTML|insertAdjacentHTML|outerHTML|document\.write|\beval\(", text), file.name
            assert file.name.endswith(".html") or "style=" not in text

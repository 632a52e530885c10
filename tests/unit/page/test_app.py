"""The routes: HTML, JSON, errors in the shape that was asked for, and what is passed on to a model server."""

from __future__ import annotations

import gzip

import orjson
import pytest
from support.pages import FixedSource, Reply, status
from tenfold.platform.errors import PlatformError
from tenfold.training.errors import TrainingError

from .conftest import Ask

HTML = {"Accept": "text/html,application/xhtml+xml"}


async def test_pages_are_html_with_a_strict_policy(ask: Ask) -> None:
    async with ask() as page:
        for path in ("/", "/services/flight-delay/", "/nothing"):
            answer = await page.get(path, headers=HTML)
            policy = answer.headers["content-security-policy"]
            assert answer.headers["content-type"].startswith("text/html")
            assert "default-src 'none'" in policy
            assert "unsafe-eval" not in policy
            assert "'unsafe-inline'" not in policy.replace("style-src-attr 'unsafe-inline'", "")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"


async def test_the_overview_is_one_document(ask: Ask) -> None:
    async with ask() as page:
        answer = await page.get("/data/overview")
    (service,) = answer.json()["services"]
    assert (service["name"], service["version"], service["ready"]) == ("flight-delay", "7", 3)
    assert [n["outcome"] for n in service["nights"]] == ["kept", "promoted"]


async def test_there_may_be_no_service_at_all(ask: Ask, source: FixedSource) -> None:
    source.statuses.clear()
    async with ask() as page:
        assert (await page.get("/data/overview")).json()["services"] == []
        assert (await page.get("/", headers=HTML)).status_code == 200


async def test_a_service_that_cannot_be_read_does_not_hide_the_others(ask: Ask, source: FixedSource) -> None:
    source.statuses |= {"broken": PlatformError("Its state cannot be read"), "worse": RuntimeError("a secret")}
    async with ask() as page:
        answer = await page.get("/data/overview")
    broken, healthy, worse = answer.json()["services"]
    assert broken == {"name": "broken", "trouble": "Its state cannot be read"}
    assert healthy["verdict"] == "ready"
    assert worse == {"name": "worse", "trouble": "Its status cannot be read; the page server's log says why"}


async def test_nights_that_cannot_be_read_are_a_sentence(ask: Ask, source: FixedSource) -> None:
    source.all_nights["flight-delay"] = TrainingError("The registry cannot be reached")
    async with ask() as page:
        (service,) = (await page.get("/data/overview")).json()["services"]
    assert (service["nights"], service["nights_trouble"]) == ([], "The registry cannot be reached")


async def test_a_platform_that_cannot_be_read_is_503(ask: Ask, source: FixedSource) -> None:
    source.broken = PlatformError("The state folder cannot be read")
    async with ask() as page:
        for path in ("/data/overview", "/health/ready"):
            answer = await page.get(path)
            assert (answer.status_code, answer.json()) == (503, {"error": "The state folder cannot be read"})
        assert (await page.get("/health/live")).json() == {"live": True}


async def test_errors_are_html_for_people_and_json_for_programs(ask: Ask) -> None:
    async with ask() as page:
        seen = await page.get("/no/such/page", headers=HTML)
        said = await page.get("/no/such/page")
        unknown = await page.get("/services/nobody/", headers=HTML)
        method = await page.put("/data/overview")
    assert seen.status_code == 404
    assert "There is nothing at /no/such/page" in seen.text
    assert 'href="../../"' in seen.text
    assert (said.status_code, said.json()) == (404, {"error": "There is nothing at /no/such/page"})
    assert unknown.status_code == 404
    assert "No service is named &#39;nobody&#39;" in unknown.text
    assert (method.status_code, method.json()) == (405, {"error": "Method Not Allowed"})


async def test_a_bug_is_a_sentence_without_a_traceback(ask: Ask, source: FixedSource) -> None:
    source.answer = RuntimeError("a secret")
    async with ask() as page:
        answer = await page.get("/data/services/flight-delay/form")
    assert answer.status_code == 500
    assert answer.json() == {"error": "The page's server broke over this request; its log says why"}
    assert "content-security-policy" in answer.headers


async def test_what_others_wrote_never_becomes_html(ask: Ask) -> None:
    async with ask() as page:
        answer = await page.get("/services/<script>alert(1)</script>/", headers=HTML)
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


async def test_the_form_comes_from_the_model_servers_signature(ask: Ask) -> None:
    async with ask() as page:
        form = (await page.get("/data/services/flight-delay/form")).json()
    assert [f["name"] for f in form["fields"]] == ["distance", "carrier", "wind", "late", "scheduled"]
    assert form["label"]["choices"] == ["late", "punctual"]
    assert form["outputs"] == ["predict", "predict_proba"]


async def test_a_prediction_and_its_label_are_passed_on(ask: Ask, source: FixedSource) -> None:
    async with ask() as page:
        predicted = await page.post("/data/services/flight-delay/predict", json={"rows": [{"distance": 1}]})
        labelled = await page.post("/data/services/flight-delay/feedback", json={"id": "0192-abc", "label": "late"})
    assert predicted.json()["body"]["ids"] == ["0192-abc"]
    assert labelled.json()["body"]["results"][0]["status"] == "accepted"
    assert source.calls == [
        ("flight-delay", "POST", "/predict", b'{"rows":[{"distance":1}]}'),
        ("flight-delay", "POST", "/feedback", b'{"id":"0192-abc","label":"late"}'),
    ]


async def test_a_refusal_names_its_column(ask: Ask) -> None:
    async with ask() as page:
        answer = await page.post("/data/services/flight-delay/predict", json={"rows": [{"distance": -1}]})
        label = await page.post("/data/services/flight-delay/feedback", json={"id": "x", "label": "late"})
    assert answer.status_code == 200
    refused = answer.json()
    assert (refused["status"], refused["column"]) == (400, "distance")
    assert refused["error"] == "Row 0: 'distance' is -1. Send a number from 0"
    assert (label.json()["status"], label.json()["error"]) == (404, "No prediction has the id 'x'")


async def test_an_answer_without_json_is_502(ask: Ask, source: FixedSource) -> None:
    source.answer = lambda *_: Reply(200, b"<html>")
    async with ask() as page:
        answer = await page.post("/data/services/flight-delay/predict", json={})
    assert answer.status_code == 502
    assert "answered 200 without JSON to /predict" in answer.json()["error"]


async def test_an_unknown_service_is_never_asked(ask: Ask, source: FixedSource) -> None:
    async with ask() as page:
        answer = await page.post("/data/services/nobody/predict", json={})
    assert answer.status_code == 404
    assert source.calls == []


@pytest.mark.parametrize("name", ["base.css", "overview.css", "try.css", "overview.js", "try.js", "logo.svg"])
async def test_files_are_kept_by_the_browser_until_an_update(ask: Ask, name: str) -> None:
    async with ask() as page:
        text = (await page.get("/", headers=HTML)).text
        build = text.split("static/")[1].split("/")[0]
        fresh = await page.get(f"/static/{build}/{name}")
        old = await page.get(f"/static/older/{name}")
    assert fresh.status_code == 200
    assert "immutable" in fresh.headers["cache-control"]
    assert old.headers["cache-control"] == "no-cache"


async def test_plotly_is_sent_compressed_and_only_named_files_exist(ask: Ask) -> None:
    async with ask() as page:
        async with page.stream("GET", "/static/x/plotly.min.js", headers={"Accept-Encoding": "gzip"}) as answer:
            raw = b"".join([chunk async for chunk in answer.aiter_raw()])
        missing = await page.get("/static/x/..%2Fapp.py")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(raw) < 2_000_000 < len(gzip.decompress(raw))
    assert missing.status_code == 404


async def test_a_page_without_slash_leads_to_the_one_with_it(ask: Ask) -> None:
    async with ask() as page:
        answer = await page.get("/services/flight-delay")
        odd = await page.get("/services/%5C%5Cevil.example")
    assert answer.headers["location"] == "./flight-delay/"
    assert odd.headers["location"] == "./%5C%5Cevil.example/"


async def test_the_overview_survives_names_that_come_and_go(ask: Ask, source: FixedSource) -> None:
    source.statuses["churn"] = status("churn")
    async with ask() as page:
        names = [s["name"] for s in (await page.get("/data/overview")).json()["services"]]
    assert names == ["churn", "flight-delay"]
    assert orjson.dumps(names)

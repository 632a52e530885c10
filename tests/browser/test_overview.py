"""The overview as people see it, over fixed data."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from support.pages import FixedSource, night, replica, serving, status
from support.places import free_port
from tenfold.platform.errors import PlatformError
from tenfold.platform.page import create_app
from tenfold.platform.target import Traffic

from .conftest import Visit

LOST = "error: Failed to load resource"


def test_a_service_on_one_card(visit: Visit, address: str) -> None:
    page = visit(address)
    card = page.get_by_role("article", name="flight-delay")
    expect(card.get_by_text("3 of 3 replicas are ready.")).to_be_visible()
    expect(card.get_by_text("version 7", exact=True)).to_be_visible()
    expect(card.get_by_text("before: 6")).to_be_visible()
    expect(card.locator(".dot[data-state=ready]")).to_have_count(3)
    expect(card.get_by_role("row", name="7 (served) 250 0")).to_be_visible()
    expect(card.get_by_role("row", name="6 1,000 2")).to_be_visible()
    last = card.get_by_role("region", name="Last night")
    expect(last.locator(".decision")).to_contain_text("promoted")
    expect(last.locator(".decision")).to_contain_text("12,345 rows")
    expect(last.locator(".why")).to_contain_text("8.4 % better")
    expect(last.get_by_role("row", name="log loss 0.606 0.555")).to_be_visible()
    expect(last.locator(".next")).to_contain_text("nightly at 02:00 America/New_York")
    expect(card.get_by_role("link", name="Try flight-delay")).to_have_attribute("href", "services/flight-delay/")
    expect(card.get_by_role("link", name="flight-delay in the registry")).to_have_attribute(
        "href", "http://127.0.0.1:8082/#/models/flight-delay"
    )
    expect(page.locator("#summary")).to_contain_text("1 service · 3 of 3 replicas ready")
    expect(page.locator("#link")).to_have_text("live")


def test_the_drawings_come_after_the_numbers(visit: Visit, address: str) -> None:
    page = visit(address)
    nights = page.get_by_role("img", name=re.compile("log loss over 3 nights. Last: champion 0.606, challenger 0.555"))
    expect(nights.locator("svg.main-svg").first).to_be_visible()
    page.get_by_label("Metric of the drawing").select_option("roc_auc")
    expect(page.get_by_role("img", name=re.compile("roc auc over 3 nights"))).to_be_visible()
    requests = page.get_by_role("img", name=re.compile("Requests per second over the last ten minutes"))
    expect(requests.locator("svg.main-svg").first).to_be_visible()


def test_without_the_plot_library_everything_else_is_there(visit: Visit, address: str, expected: list[str]) -> None:
    expected.append(LOST)
    page = visit("about:blank")
    page.route("**/plotly.min.js", lambda route: route.abort())
    page.goto(address)
    expect(page.get_by_text("the plot library did not arrive").first).to_be_visible()
    expect(page.locator(".why")).to_contain_text("8.4 % better")


def test_what_changes_is_shown_without_a_new_card(visit: Visit, address: str, source: FixedSource) -> None:
    page = visit(address)
    page.locator(".dot").nth(1).focus()
    expect(page.locator(".tip")).to_contain_text("Replica 2: ready")
    card = page.get_by_role("article", name="flight-delay").element_handle()
    spec = status().spec.changed(replicas=5)
    source.statuses["flight-delay"] = status(
        spec=spec,
        verdict="progressing",
        reason="2 of 5 replicas are ready.",
        replicas=(replica(1), replica(2, "unready", reason="It answers 503."), replica(4, "starting"), replica(5)),
        traffic=(Traffic(version="7", requests=1_000_000, errors=0),),
    )
    expect(page.locator(".reason")).to_have_text("2 of 5 replicas are ready.")
    expect(page.locator(".dot")).to_have_count(5)
    expect(page.locator(".dot[data-state=missing]")).to_have_count(1)
    expect(page.get_by_role("row", name="7 (served) 1,000,000 0")).to_be_visible()
    # What was focused is focused still, and its tip tells the news.
    expect(page.locator(".dot").nth(1)).to_be_focused()
    expect(page.locator(".tip")).to_contain_text("It answers 503.")
    assert page.evaluate("(card) => card.isConnected", card)


def test_replicas_are_reached_by_pointer_and_keyboard(visit: Visit, address: str) -> None:
    page = visit(address)
    dots = page.locator(".dot")
    dots.nth(0).hover()
    expect(page.locator(".tip")).to_contain_text("Replica 1: ready")
    page.locator("h1").hover()
    expect(page.locator(".tip")).to_be_hidden()
    page.get_by_role("link", name="Try flight-delay").focus()
    page.keyboard.press("Tab")
    expect(dots.nth(0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    expect(dots.nth(2)).to_be_focused()
    expect(page.locator(".tip")).to_contain_text("Replica 3: ready")
    page.keyboard.press("Escape")
    expect(page.locator(".tip")).to_be_hidden()


def test_every_state_has_its_words(visit: Visit, address: str, source: FixedSource) -> None:
    source.statuses = {
        "broken": PlatformError("Its state cannot be read."),
        "failing": status(
            "failing",
            verdict="failed",
            reason="Version 7 does not become ready: it needs pickle.",
            replicas=(replica(1, "crashed", reason="exit code 3"), replica(2, "draining", "6")),
            previous=None,
            registry_url="",
            restarts=4,
            traffic=(),
            next_run=None,
            spec=status("failing").spec.changed(retraining={"at": None}),
        ),
    }
    source.all_nights = {"failing": [night(3, "rolled back", champion_metrics={}, challenger_metrics={})]}
    page = visit(address)
    failing = page.get_by_role("article", name="failing")
    expect(failing.locator(".head .badge")).to_have_attribute("data-tone", "bad")
    expect(failing.get_by_text("4 replicas ended and were replaced")).to_be_visible()
    expect(failing.get_by_role("button", name="Replica 1: crashed. Version 7")).to_have_accessible_name(
        re.compile("exit code 3")
    )
    expect(failing.get_by_text("1 crashed, 1 draining")).to_be_visible()
    expect(failing.get_by_text("No request has been answered yet.")).to_be_visible()
    expect(failing.get_by_text("Retraining is not scheduled.")).to_be_visible()
    expect(failing.locator(".decision .badge")).to_have_attribute("data-tone", "bad")
    expect(failing.get_by_role("link", name="failing in the registry")).to_have_count(0)
    expect(page.get_by_role("article", name="broken").get_by_text("Its state cannot be read.")).to_be_visible()
    expect(page.locator("#summary")).to_contain_text("1 cannot be read")


def test_without_services_it_says_how_to_begin(visit: Visit, address: str, source: FixedSource) -> None:
    spare = dict(source.statuses)
    source.statuses.clear()
    page = visit(address)
    expect(page.get_by_role("heading", name="No model is served yet")).to_be_visible()
    expect(page.get_by_text("tenfold demo")).to_be_visible()
    source.statuses |= spare
    expect(page.get_by_role("article", name="flight-delay")).to_be_visible()
    expect(page.get_by_role("heading", name="No model is served yet")).to_have_count(0)


def test_a_lost_connection_is_told_and_heals(visit: Visit, source: FixedSource, expected: list[str]) -> None:
    expected.append(LOST)
    port = free_port()
    with serving(create_app(source), port) as address:
        page = visit(address)
        expect(page.locator("#link")).to_have_text("live")
    expect(page.get_by_role("alert")).to_contain_text("The page's server does not answer")
    expect(page.locator("#link")).to_have_text("no connection")
    expect(page.get_by_role("article", name="flight-delay")).to_be_visible()
    with serving(create_app(source), port):
        expect(page.locator("#link")).to_have_text("live")
        expect(page.get_by_role("alert")).to_be_hidden()


def test_a_platform_in_trouble_is_told_in_its_own_words(
    visit: Visit, address: str, source: FixedSource, expected: list[str]
) -> None:
    expected.append(LOST)
    page = visit(address)
    expect(page.locator("#link")).to_have_text("live")
    source.broken = PlatformError("The state folder cannot be read")
    expect(page.get_by_role("alert")).to_contain_text("The state folder cannot be read")


@pytest.fixture
def crowded(source: FixedSource) -> None:
    """A second service, with a long name and a hundred replicas; there before the page's server reads the names."""
    source.statuses["a-service-with-quite-a-long-name-x-12345"] = status(
        "a-service-with-quite-a-long-name-x-12345", reason="x" * 200, replicas=tuple(replica(n) for n in range(1, 101))
    )


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_sticks_out_and_text_can_be_read(visit: Visit, address: str, width: int) -> None:
    # Without motion: a colour that is still on its way to the other scheme would be measured.
    page = visit(address, viewport={"width": width, "height": 800}, reduced_motion="reduce")
    expect(page.locator(".dot")).to_have_count(103)
    for path in ("/", "/services/flight-delay/"):
        page.goto(address + path)
        expect(page.locator("#link")).to_have_text("live")
        backgrounds: set[str] = set()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, scheme)
            assert page.evaluate(CONTRAST) == [], (path, scheme)
            backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert len(backgrounds) == 2, path


# Texts whose contrast with what lies behind them is below 4.5, as WCAG AA wants it of small text.
CONTRAST = """() => {
  const parse = (c) => (c.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const e of document.querySelectorAll("body *:not(svg *)")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.matches("script, :disabled")) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push(`${e.tagName}.${e.className} ${e.textContent.slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return bad;
}"""


def test_every_control_has_a_name(visit: Visit, address: str) -> None:
    for path in ("/", "/services/flight-delay/"):
        page = visit(address + path)
        expect(page.locator("#link")).to_have_text("live")
        for control in page.locator("button:visible, a:visible, input:visible, select:visible").all():
            expect(control).to_have_accessible_name(re.compile(r"\S"))


@pytest.mark.parametrize("stripping", [True, False])
def test_under_a_prefix(visit: Visit, source: FixedSource, stripping: bool) -> None:
    app = create_app(source, "" if stripping else "/ml/app")
    with serving(behind_proxy(app, "/ml/app", stripping=stripping)) as address:
        page = visit(address + "/ml/app/")
        page.get_by_role("link", name="Try flight-delay").click()
        expect(page).to_have_url(address + "/ml/app/services/flight-delay/")
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#answer-id")).to_have_text("0192-abc")
        page.get_by_role("link", name="tenfold").click()
        expect(page).to_have_url(address + "/ml/app/")
        expect(page.get_by_role("article", name="flight-delay")).to_be_visible()
        page.close()  # before its server, which it goes on asking


def behind_proxy(app: ASGIApp, prefix: str, *, stripping: bool) -> ASGIApp:
    """What a proxy does that leads `prefix` to the page and knows no other path."""

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if not scope["path"].startswith(prefix + "/"):
                await Response(status_code=404)(scope, receive, send)
                return
            if stripping:
                scope = {**scope, "path": scope["path"].removeprefix(prefix)}
        await app(scope, receive, send)

    return proxy

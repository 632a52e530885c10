"""Try it as people use it, over a model server with fixed answers."""

from __future__ import annotations

import ast
import shlex
from typing import Any

import orjson
from playwright.sync_api import Page, expect
from support.pages import ROW, FixedSource, Reply, model_server, openapi, status

from .conftest import Visit


def opened(visit: Visit, address: str, **options: Any) -> Page:
    page = visit(f"{address}/services/flight-delay/", **options)
    expect(page.get_by_role("button", name="Predict")).to_be_enabled()
    return page


def sent(source: FixedSource, path: str) -> Any:
    """The newest body that was passed on to the model server."""
    return orjson.loads([body for _, _, to, body in source.calls if to == path and body is not None][-1])


def test_every_column_has_its_input_with_the_example(visit: Visit, address: str) -> None:
    page = opened(visit, address)
    kinds = {"distance": "number", "carrier": "text", "wind": "number", "scheduled": "datetime-local"}
    for label, kind in kinds.items():
        expect(page.get_by_label(label)).to_have_attribute("type", kind)
    expect(page.get_by_label("distance")).to_have_value("1400")
    expect(page.get_by_label("wind")).to_have_value("")
    expect(page.get_by_label("scheduled")).to_have_value("2013-01-01T05:15")
    expect(page.get_by_role("combobox", name="late")).to_have_value("true")
    options = page.locator("datalist option")
    assert options.evaluate_all("all => all.map((o) => o.value)") == ["UA", "B6", "O'Hare"]


def test_the_example_is_predicted_as_it_stands(visit: Visit, address: str, source: FixedSource) -> None:
    page = opened(visit, address)
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".prediction")).to_have_text("late")
    expect(page.locator("#answer-id")).to_have_text("0192-abc")
    expect(page.locator(".bar-row[data-chosen=true]")).to_contain_text("81.2 %")
    expect(page.get_by_text("by version 7, in")).to_be_visible()
    assert sent(source, "/predict") == {"rows": [ROW], "outputs": ["predict", "predict_proba"]}


def test_what_is_typed_is_what_is_sent(visit: Visit, address: str, source: FixedSource) -> None:
    page = opened(visit, address)
    page.get_by_label("distance").fill("9007199254740993")
    page.get_by_label("carrier").fill("")
    page.get_by_label("wind").fill("-1.50e-3")
    page.get_by_role("combobox", name="late").select_option("false")
    page.get_by_label("scheduled").fill("2013-02-03T04:05:06")
    page.get_by_label("scheduled").press("Enter")
    expect(page.locator("#answer-id")).to_be_visible()
    row = {"distance": 9007199254740993, "carrier": "", "wind": -0.0015, "late": False}
    assert sent(source, "/predict")["rows"] == [row | {"scheduled": "2013-02-03T04:05:06"}]
    page.get_by_role("button", name="Back to the example").click()
    expect(page.get_by_label("carrier")).to_have_value("UA")
    expect(page.get_by_label("wind")).to_have_value("")


def test_a_refusal_stands_beside_the_column_that_it_names(visit: Visit, address: str) -> None:
    page = opened(visit, address)
    distance = page.get_by_label("distance")
    distance.fill("-5")
    page.get_by_role("button", name="Predict").click()
    expect(distance).to_have_attribute("aria-invalid", "true")
    expect(distance).to_have_accessible_description("Row 0: 'distance' is -5. Send a number from 0")
    expect(distance).to_be_focused()
    distance.fill("5")
    expect(distance).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".prediction")).to_have_text("late")


def test_what_cannot_be_sent_is_said_at_once(visit: Visit, address: str, source: FixedSource) -> None:
    page = opened(visit, address)
    page.get_by_label("distance").fill("")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_label("distance")).to_have_accessible_description("A value is needed here.")
    page.get_by_label("distance").fill("1.5")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_label("distance")).to_have_accessible_description("This is not a whole number.")
    assert all(path != "/predict" for _, _, path, _ in source.calls)


def test_a_refusal_of_no_column_stands_above_all(visit: Visit, address: str, source: FixedSource) -> None:
    def overloaded(method: str, path: str, body: bytes | None) -> Reply:
        if path == "/predict":
            return Reply(503, orjson.dumps({"error": "The model is overloaded; retry in a second"}))
        return model_server(method, path, body)

    source.answer = overloaded
    page = opened(visit, address)
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("alert")).to_have_text("The model is overloaded; retry in a second")


def test_the_true_value_goes_back(visit: Visit, address: str, source: FixedSource) -> None:
    page = opened(visit, address)
    page.get_by_role("button", name="Predict").click()
    page.get_by_role("button", name="Send it back").click()
    label = page.get_by_label("What turned out to be true")
    expect(label).to_have_accessible_description("Type what turned out to be true.")
    label.select_option("punctual")
    page.get_by_role("button", name="Send it back").click()
    expect(page.locator(".labelled")).to_have_text("Kept. The next night of retraining learns from it.")
    assert sent(source, "/feedback") == {"id": "0192-abc", "label": "punctual"}


def test_a_refused_label_stands_beside_it(visit: Visit, address: str, source: FixedSource) -> None:
    def forgetful(method: str, path: str, body: bytes | None) -> Reply:
        if path == "/feedback":
            return Reply(404, orjson.dumps({"error": "No prediction has the id '0192-abc'", "results": []}))
        return model_server(method, path, body)

    source.answer = forgetful
    page = opened(visit, address)
    page.get_by_role("button", name="Predict").click()
    label = page.get_by_label("What turned out to be true")
    label.select_option("late")
    page.get_by_role("button", name="Send it back").click()
    expect(label).to_have_accessible_description("No prediction has the id '0192-abc'")


def test_the_code_is_the_same_call_whatever_is_typed(visit: Visit, address: str, source: FixedSource) -> None:
    page = opened(visit, address, permissions=["clipboard-read", "clipboard-write"])
    odd = 'O\'Hare "x" \\n $HOME `id` ü \U0001f600'
    page.get_by_label("carrier").fill(odd)
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#answer-id")).to_be_visible()
    asked = sent(source, "/predict")
    assert asked["rows"][0]["carrier"] == odd

    page.get_by_role("button", name="Copy the curl code").click()
    words = shlex.split(page.evaluate("navigator.clipboard.readText()").replace("\\\n", " "))
    assert words[:3] == ["curl", "-sS", "http://127.0.0.1:8080/predict"]
    assert orjson.loads(words[words.index("-d") + 1]) == asked

    page.get_by_role("button", name="Copy the Python code").click()
    tree = ast.parse(page.evaluate("navigator.clipboard.readText()"))
    row = next(n for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "row")
    assert ast.literal_eval(row.value) == asked["rows"][0]
    assert "client.predict([row], outputs=['predict', 'predict_proba'])" in ast.unparse(tree)


def test_the_code_has_a_place_for_the_key_where_one_is_needed(visit: Visit, address: str, source: FixedSource) -> None:
    document = openapi()
    document["paths"]["/predict"]["post"]["security"] = [{"key": []}]
    answer = source.answer

    def closed(method: str, path: str, body: bytes | None) -> Reply:
        return Reply(200, orjson.dumps(document)) if path == "/openapi.json" else answer(method, path, body)

    source.answer = closed
    page = opened(visit, address)
    words = shlex.split(page.get_by_role("region", name="curl").inner_text().replace("\\\n", " "))
    assert "Authorization: Bearer $TENFOLD_API_KEY" in words
    ast.parse(code := page.get_by_role("region", name="Python").inner_text())
    assert 'Client("http://127.0.0.1:8080", api_key=os.environ["TENFOLD_API_KEY"])' in code
    assert code.startswith("import os\n")


def test_a_column_of_any_type_and_a_numeric_label(visit: Visit, address: str, source: FixedSource) -> None:
    document = openapi(properties={"x": {"type": ["string", "number", "boolean"]}}, label={"type": "number"})

    def other(method: str, path: str, body: bytes | None) -> Reply:
        if path == "/openapi.json":
            return Reply(200, orjson.dumps(document))
        return model_server(method, path, body)

    source.answer = other
    page = opened(visit, address)
    for typed, value in {"12": 12, "true": True, "UA": "UA", '"12"': "12"}.items():
        page.get_by_label("x").fill(typed)
        with page.expect_response("**/predict"):
            page.get_by_role("button", name="Predict").click()
        assert sent(source, "/predict")["rows"] == [{"x": value}]
    page.get_by_label("What turned out to be true").fill("3.25")
    with page.expect_response("**/feedback"):
        page.get_by_role("button", name="Send it back").click()
    assert sent(source, "/feedback")["label"] == 3.25


def test_a_new_version_with_another_column_keeps_what_was_typed(
    visit: Visit, address: str, source: FixedSource
) -> None:
    page = opened(visit, address)
    page.get_by_label("distance").fill("77")
    columns = {"distance": {"type": "integer"}, "hour": {"type": "integer"}}

    def newer(method: str, path: str, body: bytes | None) -> Reply:
        if path == "/openapi.json":
            return Reply(200, orjson.dumps(openapi(properties=columns)))
        return model_server(method, path, body)

    source.answer = newer
    spec = status().spec.changed(model="models:/flight-delay/8")
    source.statuses["flight-delay"] = status(spec=spec)
    expect(page.get_by_label("hour")).to_be_visible()
    expect(page.get_by_label("distance")).to_have_value("77")
    expect(page.get_by_label("carrier")).to_have_count(0)


def test_a_deleted_service_is_told(visit: Visit, address: str, source: FixedSource) -> None:
    page = opened(visit, address)
    source.statuses.clear()
    expect(page.locator("#state")).to_contain_text("This service has been deleted.")

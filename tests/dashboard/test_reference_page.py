"""The reference of REST in a real browser: everything of the document, nothing from elsewhere."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.root


@pytest.fixture
def reference(open_page):
    with open_page() as page:
        page.goto("/docs")
        page.locator(".call").first.wait_for()
        yield page


def test_every_call_of_the_document_is_there_with_all_its_answers(reference, site):
    told = site.rest.get("/openapi.json")
    calls = [(path, verb) for path, verbs in told["paths"].items() for verb in verbs]
    expect(reference.locator(".call")).to_have_count(len(calls))
    call = reference.locator("#put-v1-slices-name")
    call.locator("summary").first.click()
    answers = told["paths"]["/v1/slices/{name}"]["put"]["responses"]
    expect(call.locator(".answer .status")).to_have_text(sorted(answers))
    expect(call.locator("pre").first).to_contain_text(
        "curl -X PUT http://127.0.0.1:8080/v1/slices/"
    )
    expect(call.locator("pre").first).to_contain_text('"uplink_mbps":20')
    expect(call.locator("dt", has_text=re.compile("^sst required$")).first).to_be_visible()


def test_a_link_to_a_call_opens_it(reference):
    reference.goto("/docs#post-v1-trace")
    reference.reload()
    call = reference.locator("#post-v1-trace")
    expect(call).to_have_attribute("open", "")
    expect(call).to_contain_text("Nothing is sent")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_it_fits_a_phone(open_page, scheme):
    with open_page(scheme=scheme, size=(390, 844)) as page:
        page.goto("/docs")
        page.locator("#post-v1-trace summary").first.click()
        found = Axe().run(page).response["violations"]
        assert [each for each in found if each["impact"] in {"serious", "critical"}] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390

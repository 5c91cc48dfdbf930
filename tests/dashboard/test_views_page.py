"""Every view of the page with a live UPF behind it: what one sees who follows a UE, whether all can
use it, and what it costs.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.root

VIEWS = ("slices", "sessions", "path", "drops", "peers", "ports")
SERIOUS = {"serious", "critical"}
MOST_OF_A_CORE = 0.03
LOOKED_AT_S = 7.0


@pytest.fixture(scope="module")
def limited(site, ue):
    """The UE's slice offered three times its downlink capacity, beside one without a limit."""
    site.rest.put("/v1/slices/factory", {"sst": 2})
    site.rest.put("/v1/slices/video", {"sst": 1, "sd": "000001", "downlink_mbps": 2})
    with ue.traffic(downlink_mbps=6, uplink_mbps=1, seconds=200):
        yield


@pytest.fixture(scope="module")
def other(site):
    """A UE of no slice, and silent."""
    return site.attach(3)


def number(text):
    return int(re.sub(r"\D", "", text))


def test_sessions_are_narrowed_down_and_lead_to_one(open_page, limited, ue, other):
    with open_page() as page:
        page.get_by_role("link", name=re.compile("^Sessions")).click()
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(2)
        page.get_by_label("UE address").fill(str(ue.ue.ipv4))
        page.keyboard.press("Enter")
        expect(rows).to_have_count(1)
        expect(page.locator(".lede")).to_have_text(f"1 session of UE address {ue.ue.ipv4}.")
        expect(rows).to_contain_text("Mbit/s")
        page.get_by_role("link", name=str(ue.ue.ipv4)).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(str(ue.ue.ipv4))


def test_a_filter_survives_in_the_address_and_says_when_nothing_matches(open_page, other):
    with open_page("#/sessions?slice=nobody") as page:
        expect(page.get_by_label("Slice")).to_have_value("nobody")
        expect(page.locator(".lede")).to_have_text("0 sessions of Slice nobody.")
        expect(page.locator("tbody tr")).to_have_count(0)


def test_a_session_is_followed_with_rules_entries_and_growing_counters(open_page, limited, ue):
    with open_page(f"#/sessions/{ue.up_seid}") as page:
        for caption in ("Packet detection rules", "Forwarding action rules", "QoS"):
            expect(page.get_by_role("heading", name=re.compile(caption))).to_be_visible()
        expect(page.get_by_text("Ingress.detection.sessions_by_ue_ipv4")).to_be_visible()
        counter = page.locator("[data-pdr='1']")
        expect(counter).to_have_text(re.compile(r"^[1-9].* packets"))
        first = number(counter.text_content().partition("packets")[0])
        page.wait_for_timeout(2500)
        assert number(counter.text_content().partition("packets")[0]) > first
        expect(page.locator(".session-now")).to_have_text(re.compile("Now .*bit/s up and .*bit/s"))


def test_a_session_that_ends_is_said_to_be_gone(open_page, site):
    leaving = site.attach(4)
    with open_page(f"#/sessions/{leaving.up_seid}", complaints_expected=True) as page:
        expect(page.get_by_role("heading", level=1)).to_have_text(str(leaving.ue.ipv4))
        site.smf.delete(leaving.established)
        expect(page.locator(".lede")).to_have_text("This session is gone.")


def test_the_packet_path_is_drawn_of_what_the_upf_tells(open_page, limited, site):
    told = site.rest.get("/v1/pipeline")
    with open_page("#/path") as page:
        stages = page.locator(".stages > li")
        expect(stages).to_have_count(len(told))
        expect(stages.locator("h2")).to_have_text([each["title"] for each in told])
        tables = [table["name"] for each in told for table in each["tables"]]
        expect(page.locator(".stage-tables > li")).to_have_count(len(tables))
        # What the slice's capacity holds back leaves the picture below.
        expect(page.locator(".river .legs path")).not_to_have_count(0)
        dropping = page.locator(".stage-drops .happening")
        expect(dropping.filter(has_text="slice capacity")).to_be_visible()


def test_the_path_of_one_ue_marks_the_tables_its_packets_hit(open_page, limited, ue):
    with open_page("#/path") as page:
        page.get_by_label("Follow the UE").fill(str(ue.ue.ipv4))
        page.get_by_role("button", name="Follow").click()
        marked = page.locator(".stage-tables > li.hit .table-name")
        expect(marked).to_have_text(["sessions_by_fteid", "sessions_by_ue_ipv4"])
        hits = page.locator(".hits li").filter(has_text=f"ue_ipv4 {ue.ue.ipv4}")
        expect(hits).to_contain_text("forward_tunnel")
        expect(hits).to_contain_text(re.compile(r"[1-9].* packets"))


def test_a_packet_is_traced_from_the_path_to_its_session(open_page, limited, ue):
    with open_page(f"#/path?session={ue.up_seid}") as page:
        trace = page.get_by_role("region", name="Trace a packet")
        address = trace.get_by_label("UE address")
        expect(address).to_have_value(str(ue.ue.ipv4))
        trace.get_by_label("Direction").select_option("downlink")
        trace.get_by_role("button", name="Trace").click()
        told = trace.get_by_role("status")
        expect(told).to_contain_text("Leaves by n3 in the tunnel to 10.100.3.2")
        steps = trace.locator(".trace-steps li")
        expect(steps.first).to_contain_text("came in by n6, on the core side")
        expect(steps.filter(has_text="slice video, downlink: 2 Mbit/s")).to_be_visible()
        traced = page.locator(".stage-tables > li", has_text="traced packet: hit")
        expect(traced.filter(has_text="sessions_by_ue_ipv4")).to_be_visible()
        told.get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(str(ue.ue.ipv4))


def test_a_packet_of_nobody_is_told_with_what_to_do(open_page, limited):
    with open_page("#/path", complaints_expected=True) as page:
        trace = page.get_by_role("region", name="Trace a packet")
        trace.get_by_label("UE address").fill("10.45.9.9")
        trace.get_by_role("button", name="Trace").click()
        expect(trace.get_by_role("alert")).to_contain_text("no session with the UE address")
        trace.get_by_label("Direction").select_option("downlink")
        trace.get_by_role("button", name="Trace").click()
        expect(trace.locator(".error")).to_have_text("")
        expect(trace.get_by_role("status")).to_contain_text("Left to this host's own network stack")
        expect(trace.get_by_role("status")).to_contain_text("upf sessions --ue 10.45.9.9")


def test_drops_are_told_by_reason_with_what_it_means(open_page, limited):
    with open_page("#/drops") as page:
        row = page.get_by_role("row", name=re.compile("slice capacity"))
        expect(row).to_contain_text("the slice is over its capacity")
        expect(row.locator(".happening")).to_have_text(re.compile(r"^[1-9].*/s$"))
        expect(page.locator(".never")).to_contain_text("malformed GTPU")


def test_peers_and_ports_stand_as_they_are(open_page, limited, other):
    with open_page("#/peers") as page:
        row = page.get_by_role("row", name=re.compile("10.100.4.1"))
        expect(row).to_contain_text("reachable")
        expect(row).to_contain_text("2 sessions")
        page.goto("/#/ports")
        port = page.get_by_role("article", name="n6")
        expect(port).to_contain_text("Core, towards the data network")
        expect(port.locator(".figure.up .now")).to_have_text(re.compile("Mbit/s"))


def test_a_peer_that_does_not_answer_is_told_where_it_was_asked_for(open_page):
    with open_page("#/peers", complaints_expected=True) as page:
        page.get_by_label(re.compile("Set up an association")).fill("no address")
        page.get_by_role("button", name="Set up").click()
        expect(page.get_by_role("alert")).to_contain_text("IPv4 or IPv6 address")


def test_a_token_is_asked_for_once_and_sent_with_every_call(open_page, limited):
    def guard(route):
        if route.request.headers.get("authorization") == "Bearer right":
            route.continue_()
        else:
            problem = '{"title": "Unauthorized", "status": 401, "detail": "give a bearer token"}'
            route.fulfill(status=401, content_type="application/problem+json", body=problem)

    with open_page("#/drops", complaints_expected=True) as page:
        page.route("**/v1/**", guard)
        page.reload()
        expect(page.get_by_role("dialog")).to_contain_text("give a bearer token")
        page.get_by_label("Bearer token").fill("right")
        page.keyboard.press("Enter")
        expect(page.locator("#connection")).to_have_text("Serving")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.reload()
        expect(page.locator("#connection")).to_have_text("Serving")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page, limited, ue, scheme):
    axe = Axe()
    with open_page(scheme=scheme) as page:
        for view in (*VIEWS, f"sessions/{ue.up_seid}", f"path?session={ue.up_seid}"):
            page.goto(f"/#/{view}")
            page.wait_for_timeout(300)
            found = axe.run(page).response["violations"]
            assert [each for each in found if each["impact"] in SERIOUS] == [], view
        page.goto("/#/slices")
        page.get_by_role("button", name="New slice").click()
        found = axe.run(page).response["violations"]
        assert [each for each in found if each["impact"] in SERIOUS] == [], "dialog"


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_no_view_is_wider_than_its_window(open_page, limited, ue, width):
    with open_page(size=(width, 844)) as page:
        for view in (*VIEWS, f"sessions/{ue.up_seid}", f"path?session={ue.up_seid}"):
            page.goto(f"/#/{view}")
            page.wait_for_timeout(200)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, view


def _browser_processes() -> list[int]:
    """All of Chromium: what draws, what composes, what fetches."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    ours = {os.getpid()}
    while found := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= found
    return [pid for pid in ours if b"chromium" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _seconds_used(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def test_watching_costs_at_most_three_percent_of_a_core(
    open_page, limited, record_testsuite_property
):
    with open_page() as page:
        page.get_by_role("article", name="video").wait_for()
        page.wait_for_timeout(2000)
        pids = _browser_processes()
        assert pids
        before, began = _seconds_used(pids), time.monotonic()
        page.wait_for_timeout(1000 * LOOKED_AT_S)
        used = (_seconds_used(pids) - before) / (time.monotonic() - began)
    record_testsuite_property("cores", used)
    assert used <= MOST_OF_A_CORE


def test_a_page_nobody_looks_at_asks_for_nothing(open_page, limited):
    with open_page("#/sessions") as page:
        page.locator("#connection[data-state=live]").wait_for()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.evaluate(
            """() => {
                const hidden = {value: "hidden", writable: true};
                Object.defineProperty(document, "visibilityState", hidden);
                document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )
        page.wait_for_timeout(500)
        assert not [url for url in asked if "/v1/events" in url]
        asked.clear()
        page.wait_for_timeout(3000)
        assert asked == []
        with page.expect_request("**/v1/events*"):
            page.evaluate(
                """() => {
                    document.visibilityState = "visible";
                    document.dispatchEvent(new Event("visibilitychange"));
                }"""
            )

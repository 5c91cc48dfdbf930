"""The pictures of the dashboard in `docs/`, taken of a live UPF.

`TERN_PICTURES=1 pytest tests/dashboard/test_pictures.py` takes them anew, with a minute of traffic
to look back on. Without it they are taken soon and elsewhere: that they can be, is seen always.
"""

from __future__ import annotations

import contextlib
import os
import threading
from itertools import cycle
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.root

DOCS = Path(__file__).parents[2] / "docs" / "screenshots"
IS_FOR_DOCS = os.environ.get("TERN_PICTURES") == "1"
STEP_S = 5.0
FULL_AGAIN_MS = 45_000
PAST_MS = 58_000 if IS_FOR_DOCS else 1_000
SLICES = {
    "broadband": {"sst": 1, "uplink_mbps": 10, "downlink_mbps": 20, "max_sessions": 100},
    "factory": {"sst": 2, "sd": "0000a1", "dnns": ["internet"]},
    "video": {
        "sst": 1,
        "sd": "000001",
        "dnns": ["internet"],
        "uplink_mbps": 3,
        "downlink_mbps": 8,
        "guaranteed_downlink_mbps": 2,
    },
}
# Mbit/s up and down that each slice's UE is offered, step by step, and from the start again.
OFFERED = {
    "broadband": [(2, 6), (3, 8), (2, 11), (4, 9), (3, 13), (5, 12), (4, 10), (3, 11), (4, 14)],
    "factory": [(1, 1), (0.7, 1.2), (1.2, 0.9), (1, 1), (0.8, 1.1)],
    "video": [
        (1, 14),
        (0.6, 3),
        (1, 5),
        (0.8, 4),
        (1.2, 7),
        (1, 12),
        (1.4, 16),
        (1, 14),
        (1.3, 16),
    ],
}


@pytest.fixture(scope="module")
def ues(site):
    """The UE of each of three slices, with traffic that changes every few seconds."""
    for name, body in SLICES.items():
        site.rest.put(f"/v1/slices/{name}", body)
    ues = {
        name: site.attach(2 + index, body["sst"], bytes.fromhex(body.get("sd", "ffffff")))
        for index, (name, body) in enumerate(SLICES.items())
    }
    ended = threading.Event()

    def play():
        # With nothing to look back on, what fills the slice is offered all the time.
        steps = OFFERED if IS_FOR_DOCS else {name: each[-1:] for name, each in OFFERED.items()}
        for step in zip(*(cycle(steps[name]) for name in ues), strict=True):
            with contextlib.ExitStack() as traffic:
                for ue, (up, down) in zip(ues.values(), step, strict=True):
                    traffic.enter_context(ue.traffic(uplink_mbps=up, downlink_mbps=down))
                if ended.wait(STEP_S):
                    return

    player = threading.Thread(target=play)
    player.start()
    yield ues
    ended.set()
    player.join()


@pytest.fixture
def pictures(tmp_path):
    """Where pictures go."""
    return DOCS if IS_FOR_DOCS else tmp_path


def test_pictures_of_every_kind_of_view(open_page, ues, pictures):
    def take(page, name, *schemes):
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.screenshot(path=pictures / f"{name}-{scheme}.png")

    seid = ues["video"].up_seid
    with open_page() as page, open_page(f"#/sessions/{seid}") as session:
        page.get_by_text("1 min", exact=True).click()
        page.wait_for_timeout(PAST_MS)
        # Between two steps that fill the slice lie four that do not.
        page.locator(".figure.down[data-full]").wait_for(timeout=FULL_AGAIN_MS)
        take(page, "slices", "light", "dark")
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(500)
        take(page, "phone", "dark")
        take(session, "session", "dark")
        page.set_viewport_size({"width": 1440, "height": 900})
        page.get_by_role("button", name="New slice").click()
        for name, value in {"name": "gaming", "sst": 1, "sd": "0000c2", "uplink_mbps": 20}.items():
            page.locator(f"[name={name}]").fill(str(value))
        expect(page.locator(".forecast .verdict")).not_to_be_empty()
        page.wait_for_timeout(1000)
        take(page, "new-slice", "light")
        page.keyboard.press("Escape")
        page.goto(f"/#/path?session={seid}")
        expect(page.locator(".hits .count").first).not_to_be_empty()
        page.locator(".legs path").wait_for(timeout=FULL_AGAIN_MS)
        take(page, "path", "light")
        trace = page.get_by_role("region", name="Trace a packet")
        trace.get_by_label("Direction").select_option("downlink")
        trace.get_by_role("button", name="Trace").click()
        expect(trace.locator(".trace-steps li").first).to_be_visible()
        page.set_viewport_size({"width": 1440, "height": 1900})
        trace.screenshot(path=pictures / "trace-light.png")
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto("/docs#post-v1-slices-name-what-if")
        page.locator("#post-v1-slices-name-what-if[open]").wait_for()
        take(page, "reference", "light")
    assert {each.name for each in DOCS.glob("*.png")} == {each.name for each in pictures.iterdir()}

"""A real browser in front of a live UPF: lab, SMF, gNB, UEs, traffic, and Debian's Chromium."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
import time
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect, sync_playwright

from testbed import netns
from testbed.command import spawn, stop
from testbed.gnb import GNB, UE
from testbed.open5gs import PDUSession, Tunnel
from testbed.smf import SMF, EstablishedSession
from testbed.topology import (
    DN_ADDRESS,
    GNB_ADDRESS,
    SMF_ADDRESS,
    UE_POOL,
    UPF_N3_ADDRESS,
    UPF_N4_ADDRESS,
    Lab,
)
from testbed.upf_process import UPFProcess

BASE_URL = "http://127.0.0.1:8080"
SINK_PORT = 5300
SCHEMES = ("light", "dark")
_TIMEOUT_MS = 15_000

expect.set_options(timeout=_TIMEOUT_MS)


@dataclass
class Site:
    """A UPF and those around it."""

    lab: Lab
    upf: UPFProcess
    smf: SMF
    gnb: GNB

    @property
    def rest(self):
        return self.upf.rest

    def attach(self, host: int, sst: int = 1, sd: bytes = b"\xff\xff\xff") -> UESession:
        """Bring a UE with the pool's address number `host` on air, its PDU session up."""
        session = PDUSession(
            self.smf.allocate_cp_seid(), SMF_ADDRESS, UE_POOL[host], sst=sst, sd=sd
        )
        established = self.smf.establish(session)
        downlink_teid = self.gnb.allocate_downlink_teid()
        name = self.lab.add_room(f"ue{host}")
        ue = UE(name, session.ue_ipv4, session.qfi, established.uplink.teid, downlink_teid)
        self.gnb.attach(ue, UPF_N3_ADDRESS)
        self.smf.forward_to_gnb(established, Tunnel(downlink_teid, GNB_ADDRESS))
        return UESession(self.lab.namespace("dn"), ue, established)


@dataclass
class UESession:
    """A UE with its PDU session, and traffic on it."""

    dn: str
    ue: UE
    established: EstablishedSession

    @property
    def up_seid(self) -> str:
        return f"{self.established.up_seid:016x}"

    @contextlib.contextmanager
    def traffic(self, *, uplink_mbps: float = 0.0, downlink_mbps: float = 0.0, seconds: float = 60):
        """Offer UDP both ways for the length of a with block, `seconds` at most."""
        with contextlib.ExitStack() as stack:
            for sender, receiver, address, mbps in (
                (self.ue.namespace, self.dn, DN_ADDRESS, uplink_mbps),
                (self.dn, self.ue.namespace, self.ue.ipv4, downlink_mbps),
            ):
                if mbps:
                    self._offer(stack, sender, receiver, str(address), mbps, seconds)
            yield

    def _offer(self, stack, sender, receiver, address, mbps, seconds):
        with netns.entered(receiver):
            # Never read: it keeps the kernel from answering "port unreachable".
            sink = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sink.bind((address, SINK_PORT))
        argv = [sys.executable, "-m", "testbed.datagrams", address, str(SINK_PORT)]
        source = spawn([*argv, f"{mbps:g}", f"{seconds:g}"], namespace=sender)
        stack.callback(stop, source)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab())
        upf = stack.enter_context(UPFProcess(lab.namespace("upf"), tmp_path_factory.mktemp("upf")))
        smf = stack.enter_context(SMF(lab.namespace("core"), SMF_ADDRESS, UPF_N4_ADDRESS))
        gnb = stack.enter_context(GNB(lab.namespace("ran"), GNB_ADDRESS))
        smf.associate()
        yield Site(lab, upf, smf, gnb)
        assert upf.stop() == 0, upf.log.read_text()
        assert upf.faults() == []


@pytest.fixture(scope="module")
def ue(site):
    """A UE that belongs to whoever claims SST 1 and SD 000001."""
    return site.attach(2, sd=b"\x00\x00\x01")


@pytest.fixture(scope="module")
def browser(site):
    """Chromium on the UPF's own host: its loopback is the browser's."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    with netns.entered(site.lab.namespace("upf")):
        playwright = sync_playwright().start()
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
    yield browser
    browser.close()
    playwright.stop()


@pytest.fixture(scope="module")
def open_page(browser):
    """Open a page: `with open_page("#/drops", scheme="dark") as page`. What the page complains
    about on its console, and whatever it asks of another host, fails the test.
    """

    @contextlib.contextmanager
    def opened(path="", *, scheme="light", size=(1440, 900), complaints_expected=False):
        context = browser.new_context(
            base_url=BASE_URL,
            color_scheme=scheme,
            viewport={"width": size[0], "height": size[1]},
            reduced_motion="reduce",
        )
        context.set_default_timeout(_TIMEOUT_MS)
        page = context.new_page()
        complaints = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: message.type == "error" and complaints.append(message.text),
        )
        page.on(
            "request",
            lambda request: request.url.startswith(BASE_URL) or complaints.append(request.url),
        )
        try:
            page.goto(f"/{path}")
            yield page
            assert complaints_expected or complaints == []
        finally:
            context.close()

    return opened


@pytest.fixture(scope="module")
def until():
    """Wait for something that is no element of a page: `until(lambda: ..., seconds)`."""

    def wait(holds, seconds=10.0):
        deadline = time.monotonic() + seconds
        while not (value := holds()):
            assert time.monotonic() < deadline, f"not so within {seconds:g} s"
            time.sleep(0.1)
        return value

    return wait

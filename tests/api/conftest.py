"""The HTTP face in front of a UPF whose answers the test decides."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from tempfile import NamedTemporaryFile

import httpx
import pytest
import uvicorn

from api.app import create_app
from p4xdp import frontend
from p4xdp import trace as p4trace
from p4xdp.p4info import p4info
from upf.changes import Changes
from upf.config import parse
from upf.drops import DropReason
from upf.entry import Counts
from upf.errors import TargetError
from upf.figures import Sample, Sampler
from upf.gtpu_paths import Path as GTPUPath
from upf.gtpu_paths import PathState
from upf.history import History
from upf.node import UPF
from upf.occupancy import Demand
from upf.ports import PortStatistics
from upf.provisioning import Provisioning
from upf.routes import KernelState, Link, Neighbour, NextHop, PortBinding, Unresolved
from upf.slice_writer import SliceWriter
from upf.slices import SNSSAI
from upf.store import MemoryStore
from upf.surroundings import Surroundings
from upf.target.schema import Schema
from upf.target.tracing import packet_trace
from upf.tracing import traced
from upf.usage import Volume
from upf.views import AssociationView, Health, SessionInside, SessionView, Tunnel

SOURCE = Path(__file__).parents[2] / "p4" / "upf.p4"
MACS = 0x0200000000C1, 0x0200000000D1
CONFIG = {
    "n4": {"address": "127.0.0.1"},
    "interface": [{"name": "n3", "role": "access"}, {"name": "n6", "role": "core"}],
}


def _session_view(up_seid: int, slice_name: str | None, uplink: int, downlink: int) -> SessionView:
    return SessionView(
        up_seid=up_seid,
        cp_seid=0x35E,
        cp_node_id="10.100.4.1",
        ue_ipv4=IPv4Address("10.45.0.2"),
        dnn="internet",
        s_nssai=SNSSAI(1),
        slice_name=slice_name,
        local_tunnels=(Tunnel(0xD845, IPv4Address("10.100.3.1")),),
        remote_tunnels=(Tunnel(1, IPv4Address("10.100.3.2")),),
        since=1_700_000_000.0,
        usage=Volume(uplink=Counts(2, uplink), downlink=Counts(3, downlink)),
    )


class StubUPF(UPF):
    """Slices are real, the rest is what the test puts in."""

    def __init__(self) -> None:
        self.since = 1_700_000_000.0
        self.config = parse(CONFIG, source="upf.toml")
        self.sampler = Sampler(self.take)
        self.taken: dict[int, Demand] = {}
        self.meters = Meters()
        self.history = History()
        self.changes = Changes()
        self._provisioning = Provisioning(
            SliceWriter(self.meters, Marks()),
            MemoryStore(),
            rebind=_nothing,
            num_sessions=lambda slice_id: self.occupancy(slice_id).sessions,
            fits=self._fits,
        )
        self.views: list[SessionView] = []
        self.insides: list[SessionInside] = []
        self.asked: list[object] = []
        self.n4_quiet = _at_once
        self.peer_error: Exception | None = None
        self.state = Health(is_ready=True)
        self.sample = Sample(number=0, time=1_700_000_000.0, clock=0.0)

    async def take(self, number):
        return replace(self.sample, number=number, clock=float(number))

    @property
    def registry(self):
        return self._provisioning.registry

    def health(self):
        return self.state

    def associations(self):
        return [
            AssociationView(
                node_id="10.100.4.1",
                address="10.100.4.1",
                recovery_time_stamp=1,
                is_reachable=True,
                sessions=len(self.views),
                since=1_700_000_100.0,
            )
        ]

    @property
    def num_sessions(self):
        return len(self.views)

    async def find_sessions(self, wanted, *, first=0, limit):
        found = [each for each in self.views if wanted.slice_name in (None, each.slice_name)]
        later = [each for each in found if each.up_seid >= first]
        return len(found), later[:limit]

    async def session_inside(self, up_seid):
        return next((each for each in self.insides if each.view.up_seid == up_seid), None)

    def num_entries(self):
        return {"Ingress.detection.ports": 2, "Ingress.routing.next_hops": 1}

    def table_sizes(self):
        return {"Ingress.detection.ports": 64, "Ingress.routing.next_hops": 4096}

    def networks(self):
        return self.config.networks({"n3": IPv4Address("10.100.3.1")})

    def routes(self):
        return {
            (2, IPv4Network("0.0.0.0/0")): NextHop(2, 1, 0x0200000000D0),
            (1, IPv4Network("10.100.3.0/24")): Unresolved(1),
        }

    def neighbours(self):
        return [("n6", Neighbour(3, IPv4Address("10.100.6.2"), 0x0200000000D0))]

    def ue_addresses(self):
        return [IPv4Address("10.45.0.2"), IPv4Address("10.60.0.1")]

    node_id = "10.100.4.2"

    async def set_up_association(self, peer):
        self.asked.append(peer)
        if self.peer_error is not None:
            raise self.peer_error

    async def release_association(self, node_id, *, is_forced=False):
        if node_id != "10.100.4.1":
            raise KeyError(node_id)
        self.asked.append((node_id, is_forced))
        if self.peer_error is not None:
            raise self.peer_error

    async def wait_n4_quiet(self, within_s):
        await self.n4_quiet(within_s)

    async def drops(self):
        return {DropReason.NO_SESSION: Counts(7, 700)}

    async def trace(self, wanted):
        """Of a switch that knows its ports and nothing else."""
        around = Surroundings(
            networks=self.networks(),
            bindings=(PortBinding(1, "n3", 1), PortBinding(2, "n6", 2, is_core=True)),
            kernel=KernelState(links=(Link(3, "n3", MACS[0]), Link(6, "n6", MACS[1]))),
            records={},
            slices={},
            peers={},
            owner_of_entry=lambda _: None,
            owner_of_usage=lambda _: None,
            usage_id_of=lambda *_: None,
        )
        return await traced(wanted, around, _trace_without_sessions)

    def session_counters(self):
        return {
            ("SessionEstablishmentRequest", 1): 5,
            ("SessionEstablishmentRequest", 75): 2,
            ("SessionDeletionRequest", 65): 1,
        }

    def report_counters(self):
        return 9, {1: 7, 64: 1}

    def n4_counters(self):
        return {"requests": 4}

    def buffer_counters(self):
        return {"stored": 9, "flushed": 4, "discarded": 2, "expired": 1, "held": 2}

    def gtpu_paths(self):
        path = GTPUPath(IPv4Address("10.100.3.1"), IPv4Address("10.100.3.2"))
        return {path: PathState(round_trip_s=0.25)}

    def punt_counters(self):
        return {"echo_answered": 1}

    def set_sessions(self, slice_id, number):
        self.taken[slice_id] = Demand(sessions=number)

    def occupancy(self, slice_id):
        return self.taken.get(slice_id, Demand())


_PORTS = """
add ports ingress_port:1 vlan_id:0 set_port(network_instance:1,is_core:0,host_port:193,own_mac:{})
add ports ingress_port:2 vlan_id:0 set_port(network_instance:2,is_core:1,host_port:193,own_mac:{})
add endpoints_ipv4 ingress_port:1 vlan_id:0 ipv4_addr:0x0a640301 set_endpoint(endpoint_id:1)
""".format(*MACS)


@cache
def _pipeline():
    """The program, and the state of a switch without sessions."""
    program = frontend.load(SOURCE)
    with NamedTemporaryFile("w", suffix=".stf") as file:
        file.write(_PORTS)
        file.flush()
        source = p4trace.FileSource(program, Path(file.name))
    return program, source, Schema(p4info(program))


async def _trace_without_sessions(port, frame):
    program, source, schema = _pipeline()
    return packet_trace(program, p4trace.trace(program, source, port, frame), schema)


class Meters:
    """Takes every capacity, unless it is told to refuse."""

    def __init__(self) -> None:
        self.refuses: Exception | None = None
        self.capacities: dict[int, object] = {}

    async def set_capacity(self, wanted):
        if self.refuses is not None:
            raise self.refuses
        self.capacities[wanted.slice_id] = wanted.rates()

    async def remove_capacity(self, slice_id):
        self.capacities.pop(slice_id, None)


class Marks:
    """Marks nothing."""

    async def set_marks(self, _slice_id, _held):
        pass

    async def remove_marks(self, _slice_id):
        pass


async def _nothing():
    pass


async def _at_once(_within_s):
    pass


@pytest.fixture
def upf() -> StubUPF:
    return StubUPF()


@pytest.fixture
async def http(upf: StubUPF):
    transport = httpx.ASGITransport(app=create_app(upf))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def switch_gone() -> TargetError:
    return TargetError("the switch does not answer")


@pytest.fixture
def session_of():
    """Make a session's view: SEID, slice, uplink octets, downlink octets."""
    return _session_view


@pytest.fixture
def port():
    """Make an interface's statistics: name, speed, octets received."""

    def make(name, speed_mbps, rx_octets=0):
        return PortStatistics(
            name=name,
            is_up=True,
            mac=2,
            mtu=1500,
            speed_mbps=speed_mbps,
            rx_packets=rx_octets // 100,
            rx_octets=rx_octets,
            rx_dropped=0,
            tx_packets=0,
            tx_octets=0,
            tx_dropped=0,
        )

    return make


@pytest.fixture
def serve():
    """Serve an application from a thread of its own; gives its URL."""
    with ExitStack() as stack:

        def start(app, **options):
            config = uvicorn.Config(app, port=0, log_level="error", **options)
            server = uvicorn.Server(config)
            thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
            thread.start()
            stack.callback(thread.join)
            stack.callback(setattr, server, "should_exit", True)  # noqa: FBT003
            while not server.started:
                thread.join(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            return f"http://127.0.0.1:{port}"

        yield start

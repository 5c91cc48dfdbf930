"""A switch that only remembers, and a UPF's N4 side over it, fed with real messages."""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
import subprocess
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from pfcp import enums, ies, messages
from pfcp.association import AssociationTable
from upf.entry import Counts
from upf.errors import WriteFailure, WriteRejectedError
from upf.metering import UsageCounters
from upf.n4 import N4
from upf.n4_node import Identity
from upf.networks import Endpoint, NetworkInstance, Networks, Role
from upf.reporting import UsageReporting
from upf.resources import Resources
from upf.routes import KernelState, NextHop, PortBinding
from upf.routing import Routing
from upf.slices import SliceRegistry
from upf.transaction import SessionEntries

CAPTURE = Path(__file__).parent.parent / "captures" / "open5gs-ipv4-n4.pcap"
SMF = ("10.100.4.1", 8805)
N3 = IPv4Address("10.100.3.1")
USAGE, NUM_BANKS, BANK_BITS = "Egress.enforcement.usage", 12, 4


@dataclass
class FakeTarget:
    """Holds entries and counters. `refuse` says which entries it has no room for."""

    entries: dict = field(default_factory=dict)
    counts: dict = field(default_factory=dict)
    meters: dict = field(default_factory=dict)
    registers: dict = field(default_factory=dict)
    clones: dict = field(default_factory=dict)
    sent: list = field(default_factory=list)
    again: list = field(default_factory=list)
    faults: dict = field(default_factory=dict)
    sizes: dict = field(default_factory=lambda: {"Egress.enforcement.session_meters": 512})
    plans: list = field(default_factory=list)
    refuse: object = None
    gate: asyncio.Event | None = None
    receiver: object = None

    async def apply(self, plan):
        if self.gate is not None:
            await self.gate.wait()
        refused = [e for e in (*plan.inserts, *plan.modifies) if self.refuse and self.refuse(e)]
        if refused:
            raise WriteRejectedError(
                "refused", [WriteFailure(entry, 8, "no room") for entry in refused]
            )
        held = plan.apply_to(self.entries.values())
        self.entries = {entry.identity: entry for entry in held}
        self.meters |= plan.rates
        self.plans.append(plan)

    async def read_counters(self, counter, indexes):
        return [self.counts.get((counter, index), Counts(0, 0)) for index in indexes]

    def counters_request(self, counter, indexes):
        return counter, list(indexes)

    async def read_columns(self, request):
        counts = await self.read_counters(*request)
        return [each.packets for each in counts], [each.octets for each in counts]

    async def write_meter(self, meter, index, rate):
        self.meters[meter, index] = rate

    async def write_meters(self, meter, rates):
        for index, rate in rates.items():
            await self.write_meter(meter, index, rate)

    async def read_meters(self, meter, indexes):
        return [self.meters.get((meter, index)) for index in indexes]

    async def write_registers(self, register, cells):
        for index, cell in cells.items():
            self.registers[register, index] = tuple(cell)

    async def read_registers(self, register, indexes):
        return [self.registers.get((register, index), (0, 0)) for index in indexes]

    async def write_clone_session(self, session_id, port):
        self.clones[session_id] = port

    async def read_entries(self, table):
        return [entry for entry in self.entries.values() if entry.table == table]

    async def differences(self, table, wanted):
        held, asked = set(await self.read_entries(table)), set(wanted)
        return list(held - asked), list(asked - held), len(held)

    async def packet_out(self, egress_port, frame):
        self.sent.append((egress_port, frame))

    async def packet_again(self, ingress_port, frame):
        self.again.append((ingress_port, frame))

    def size(self, name):
        return self.sizes.get(name, 4096)

    def counters(self):
        return ["Ingress.verdict.drops", *(f"{USAGE}_{bank}" for bank in range(NUM_BANKS))]

    def on_packet_in(self, receiver):
        self.receiver = receiver

    def port_faults(self):
        return self.faults

    async def close(self):
        pass

    async def detach(self):
        pass

    def count(self, usage_id, *, packets, octets):
        """Let a usage counter grow."""
        bank = usage_id & (1 << BANK_BITS) - 1
        key = (f"{USAGE}_{bank}", usage_id >> BANK_BITS)
        old = self.counts.get(key, Counts(0, 0))
        self.counts[key] = Counts(old.packets + packets, old.octets + octets)

    def table(self, name):
        """Entries of a table by the last part of its name, as {key: (action, params)}."""
        return {
            entry.key: (entry.action.rpartition(".")[2], entry.params)
            for entry in self.entries.values()
            if entry.table.endswith(f".{name}")
        }


class FakeKernel:
    """Knows nothing, and keeps what it was asked to find."""

    def __init__(self):
        self.probed = []

    async def read(self):
        return KernelState()

    async def probe(self, index, address):
        self.probed.append((index, address))


@dataclass
class Bench:
    """The N4 side of a UPF and everything a test turns or looks at."""

    target: FakeTarget
    n4: N4
    reporting: UsageReporting
    associations: AssociationTable
    entries: SessionEntries
    resources: Resources
    clock: list
    slices: list
    routing: Routing

    def associate(self, peer=SMF, recovery_time_stamp=1):
        request = messages.AssociationSetupRequest(
            node_id=ies.NodeID(value=IPv4Address(peer[0])), recovery_time_stamp=recovery_time_stamp
        )
        response = messages.AssociationSetupResponse(
            node_id=ies.NodeID(value=N3),
            cause=enums.Cause.REQUEST_ACCEPTED,
            recovery_time_stamp=1,
        )
        self.associations.agree(peer, request, response)

    async def ask(self, request, peer=SMF):
        """The answer as the wire would bring it."""
        answer = await self.n4.answer(request, peer)
        return messages.decode(answer.encode(request.sequence_number))

    @property
    def record(self):
        (record,) = self.n4.sessions.values()
        return record


def _capture_messages():
    octets = CAPTURE.read_bytes()
    assert octets[:4] == b"\xd4\xc3\xb2\xa1"
    at, found = 24, []
    while at < len(octets):
        (length,) = struct.unpack_from("<8xI4x", octets, at)
        frame = octets[at + 16 : at + 16 + length]
        at += 16 + length
        ip = frame.index(b"\x08\x00\x45") + 2
        found.append(
            (str(IPv4Address(frame[ip + 12 : ip + 16])), messages.decode(frame[ip + 28 :]))
        )
    return found


@pytest.fixture(scope="session")
def captured():
    """Every message of the captured conversation as (sender, message)."""
    return _capture_messages()


@pytest.fixture
def establishment(captured):
    """The captured SMF's session establishment request."""
    return next(m for _, m in captured if isinstance(m, messages.SessionEstablishmentRequest))


@pytest.fixture
def networks():
    return Networks(
        (
            NetworkInstance(1, Role.ACCESS, None, (Endpoint(1, N3),)),
            NetworkInstance(2, Role.CORE, "internet"),
        )
    )


@pytest.fixture
def bindings():
    return (
        PortBinding(1, "n3", 1, host_port=193),
        PortBinding(2, "n6", 2, is_core=True, host_port=193),
    )


@pytest.fixture
def target():
    return FakeTarget()


@pytest.fixture
def bench(target, networks, bindings):
    clock, slices = [1_700_000_000.0], [SliceRegistry()]
    associations = AssociationTable()
    counters = UsageCounters(target)
    resources = Resources(networks, counters)
    routing = Routing(target, FakeKernel(), bindings)
    routing.routes = {(1, IPv4Network("10.100.3.0/24")): NextHop(1, 0xA, 0xB)}
    routing._ids.entries(routing.routes)
    entries = SessionEntries(target, networks, counters, routing)
    reporting = UsageReporting(counters, entries, lambda: clock[0])
    n4 = N4(
        Identity(ies.NodeID(value=IPv4Address("10.100.4.2")), IPv4Address("10.100.4.2"), 7),
        associations=associations,
        resources=resources,
        entries=entries,
        reporting=reporting,
        slice_of=slices[0].slice_id_for,
        wall_clock=lambda: clock[0],
    )
    bench = Bench(target, n4, reporting, associations, entries, resources, clock, slices, routing)
    bench.associate()
    return bench


@pytest.fixture
def to_gnb():
    """Makes the modification by which an SMF tells the gNB's tunnel."""

    def make(seid, teid=1, address="10.100.3.2"):
        return messages.SessionModificationRequest(
            seid=seid,
            update_fars=(
                ies.UpdateFAR(
                    far_id=1,
                    apply_action=ies.ApplyAction(forw=True),
                    update_forwarding_parameters=ies.UpdateForwardingParameters(
                        destination_interface=enums.DestinationInterface.ACCESS,
                        outer_header_creation=ies.OuterHeaderCreation(
                            teid=teid, ipv4=IPv4Address(address)
                        ),
                    ),
                ),
            ),
        )

    return make


@pytest.fixture
def own_network():
    """Puts this thread into a new network namespace, which vanishes with the test; runs `ip` there.

    Threads started meanwhile are in it too.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    clone_newnet = 0x40000000
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    assert libc.unshare(clone_newnet) == 0

    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    try:
        ip("link", "set", "lo", "up")
        yield ip
    finally:
        assert libc.setns(home, clone_newnet) == 0
        os.close(home)

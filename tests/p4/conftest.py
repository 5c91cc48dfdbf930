"""p4/upf.p4 on every data plane there is, with one session set up."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from p4xdp import frontend, ir
from p4xdp.dataplane import CounterValue, Dataplane, Entry, Match, MeterConfig
from p4xdp.interp import Interpreter

SOURCE = Path(__file__).parents[2] / "p4" / "upf.p4"

ACCESS_PORT, CORE_PORT, CPU_PORT, HOST_PORT = 1, 2, 192, 193
ACCESS, CORE = 11, 12  # network instances
ENDPOINT = 5
SLICE_DROPS = "Egress.enforcement.slice_drops"


@dataclass
class UPF:
    """A data plane, and the session: two PDRs, their routes, next hops and a tunnel peer."""

    program: ir.Program
    dataplane: Dataplane
    shortest_frame_octets: int
    now_ns: int = 10**12
    entries: dict[tuple, Entry] = field(default_factory=dict)
    metered: set[tuple[str, int]] = field(default_factory=set)

    n3_address = "10.3.0.1"
    gnb_address = "10.3.0.20"
    ue_address = "172.16.0.5"
    server_address = "198.51.100.7"
    teid = 0x01020304
    gnb_teid = 0xA1B2C3D4
    qfi = 9
    uplink_usage, downlink_usage = 0x1234, 0x2321
    slice_id = 1
    uplink_meter, downlink_meter = 2, 3
    peer = 0x123
    gnb_macs = "02:00:00:00:03:01", "02:00:00:00:03:20"  # ours, the gNB's
    server_macs = "02:00:00:00:06:01", "02:00:00:00:06:07"

    def entry(
        self, table: str, key: tuple, action: str, *arguments: int, priority: int = 0
    ) -> Entry:
        """`key` has an integer per exact field, (value, prefix length) per lpm field, (value, mask)
        per ternary and (low, high) per range field.
        """
        gresses = (self.program.ingress, self.program.egress)
        declared = next(g.tables[full_name(table)] for g in gresses if full_name(table) in g.tables)
        matches = []
        for declared_key, value in zip(declared.keys, key, strict=True):
            ones = (1 << declared_key.width) - 1
            if not isinstance(value, tuple):
                matches.append(Match(value, ones))
            elif declared_key.match_kind is ir.MatchKind.RANGE:
                matches.append(Match(value[0], 0, value[1]))
            elif declared_key.match_kind is ir.MatchKind.TERNARY:
                matches.append(Match(*value))
            else:
                matches.append(Match(value[0], ones ^ (ones >> value[1])))
        sub_control, _ = table.split(".")
        name = "NoAction" if action == "NoAction" else full_name(f"{sub_control}.{action}")
        return Entry(tuple(matches), name, arguments, priority)

    def insert(
        self, table: str, key: tuple, action: str, *arguments: int, priority: int = 0
    ) -> None:
        entry = self.entry(table, key, action, *arguments, priority=priority)
        self.dataplane.insert_entries(full_name(table), [entry])
        self.entries[table, key] = entry

    def modify(self, table: str, key: tuple, action: str, *arguments: int) -> None:
        entry = self.entry(table, key, action, *arguments)
        self.dataplane.modify_entries(full_name(table), [entry])

    def delete(self, table: str, key: tuple) -> None:
        self.dataplane.delete_entries(full_name(table), [self.entries.pop((table, key))])

    def tear_down(self) -> None:
        """Leave the data plane as it was found."""
        for table, key in list(self.entries):
            self.delete(table, key)
        for meter_id in (self.uplink_meter, self.downlink_meter):
            self.set_slice_meter(meter_id, None)
        for name, meter_id in self.metered:
            self.dataplane.write_meter(name, meter_id, None)
        reasons = self.drops()
        for counter in ("Ingress.verdict.drops", "Egress.egress_drops"):
            for reason in reasons:
                self.dataplane.write_counter(counter, reason, CounterValue(0, 0))
        for meter_id in (self.uplink_meter, self.downlink_meter):
            self.dataplane.write_counter(SLICE_DROPS, meter_id, CounterValue(0, 0))
        for usage_id in (self.uplink_usage, self.downlink_usage):
            self.dataplane.write_counter(*usage_cell(usage_id), CounterValue(0, 0))

    def run(self, port: int, frame: Packet | bytes):
        return self.dataplane.run(port, bytes(frame), self.now_ns)

    def drops(self) -> dict[int, CounterValue]:
        """Drop reason -> packets and octets, both gresses together, 0 left out."""
        ingress = self.dataplane.read_counter("Ingress.verdict.drops", 0, 64)
        egress = self.dataplane.read_counter("Egress.egress_drops", 0, 64)
        return {
            reason: CounterValue(i.packets + e.packets, i.octets + e.octets)
            for reason, (i, e) in enumerate(zip(ingress, egress, strict=True))
            if i.packets or e.packets
        }

    def slice_drops(self, meter_id: int) -> CounterValue:
        """What enforcement took from a direction of the slice."""
        return self.dataplane.read_counter(SLICE_DROPS, meter_id, 1)[0]

    def usage(self, usage_id: int) -> CounterValue:
        return self.dataplane.read_counter(*usage_cell(usage_id), 1)[0]

    def set_slice_meter(self, meter_id: int, config: MeterConfig | None) -> None:
        self.dataplane.write_meter("Egress.enforcement.slice_meters", meter_id, config)

    def set_meter(self, kind: str, meter_id: int, config: MeterConfig | None) -> None:
        """A meter of a session or a flow; it is without limit again when the test is over."""
        name = f"Egress.enforcement.{kind}_meters"
        self.dataplane.write_meter(name, meter_id, config)
        self.metered.add((name, meter_id))

    def classify_downlink(
        self,
        *,
        protocol: int | None = None,
        flow_meter_id: int = 0,
        session_meter_id: int = 0,
        is_guaranteed: int = 0,
        quota_id: int = 0,
        ppi: int | None = None,
    ) -> None:
        """Have the downlink decided by one filter, on a protocol or on nothing."""
        anything, ports = (0, 0), (0, 65535)
        wanted = anything if protocol is None else (protocol, 0xFF)
        key = (77, anything, anything, wanted, ports, ports, anything, anything)
        self.insert("detection.filters_ipv4", key, "set_slot", 3, priority=1)
        meters = (flow_meter_id, session_meter_id, is_guaranteed, quota_id)
        action = (self.downlink_usage, *meters, self.slice_id, 0, self.peer, self.gnb_teid)
        container = (self.qfi, 0, int(ppi is not None), ppi or 0)
        self.insert("detection.flows", (88, 3), "forward_flow_tunnel", *action, *container)
        self.insert("detection.classified_by_ue_ipv4", self.ue_key(), "classify", 77, 88)

    def set_up(self) -> None:
        for port, instance, is_core, macs in (
            (ACCESS_PORT, ACCESS, 0, self.gnb_macs),
            (CORE_PORT, CORE, 1, self.server_macs),
        ):
            port_action = ("set_port", instance, is_core, HOST_PORT, mac(macs[0]))
            self.insert("arrival.ports", (port, 0), *port_action)
        endpoint = (ACCESS_PORT, 0, number(self.n3_address))
        self.insert("arrival.endpoints_ipv4", endpoint, "set_endpoint", ENDPOINT)
        self.insert("detection.sessions_by_fteid", (ENDPOINT, self.teid), *self.uplink())
        self.insert("detection.sessions_by_ue_ipv4", self.ue_key(), *self.downlink())
        addresses = (number(self.n3_address), number(self.gnb_address))
        self.insert(
            "tunnel_headers.tunnel_headers", (self.peer,), "add_ipv4", *addresses, 2152, 1, 0
        )
        self.insert("routing.tunnel_peers", (self.peer,), *next_hop(30))
        self.insert("routing.routes_ipv4", (CORE, (0, 0)), *next_hop(60))
        for group, port, macs in (
            (30, ACCESS_PORT, self.gnb_macs),
            (60, CORE_PORT, self.server_macs),
        ):
            action = ("set_port_and_macs", port, *map(mac, macs), 0)
            self.insert("next_hop.next_hops", (group, 0), *action)

    def ue_key(self) -> tuple:
        return (CORE, number(self.ue_address))

    def fteid_key(self) -> tuple:
        return (ENDPOINT, self.teid)

    def uplink(self) -> tuple:
        """The action of the uplink PDR."""
        ue_address = number(self.ue_address)
        return ("forward", self.uplink_usage, 1, 0, self.slice_id, 0, CORE, ue_address)

    def downlink(self, *, qfi: int = qfi, is_metered: int = 0) -> tuple:
        """The action of the downlink PDR."""
        usage = (self.downlink_usage, is_metered, self.slice_id, 0)
        return ("forward_tunnel", *usage, self.peer, self.gnb_teid, qfi, 0)

    def from_ue(self, payload: bytes = b"from UE", **fields) -> Packet:
        """The user's own packet, uplink."""
        fields = {"src": self.ue_address, "dst": self.server_address, "ttl": 61} | fields
        return IP(**fields) / UDP(sport=4242, dport=53) / payload

    def to_ue(self, payload: bytes = b"to the UE", dst_port: int = 4242, **fields) -> Packet:
        """The user's own packet, downlink."""
        fields = {"src": self.server_address, "dst": self.ue_address, "ttl": 58} | fields
        return IP(**fields) / UDP(sport=53, dport=dst_port) / payload

    def on_n3(self, gtpu: Packet) -> Packet:
        """A GTP-U message from the gNB."""
        ours, gnb = self.gnb_macs
        outer = IP(src=self.gnb_address, dst=self.n3_address) / UDP(sport=2152, dport=2152)
        return Ether(src=gnb, dst=ours) / outer / gtpu

    def g_pdu(self, inner: Packet | bytes, *, teid: int | None = None) -> Packet:
        """A G-PDU as a gNB sends it: with an uplink PDU session container."""
        header = GTP_U_Header(teid=self.teid if teid is None else teid, E=1, next_ex=0x85)
        return header / GTPPDUSessionContainer(type=1, QFI=self.qfi) / inner

    def on_n6(self, packet: Packet) -> Packet:
        """A packet from the data network."""
        ours, server = self.server_macs
        return Ether(src=server, dst=ours) / packet


def full_name(name: str) -> str:
    """A table or action with its gress."""
    gress = "Egress" if name.startswith(("encapsulation.", "tunnel_headers.")) else "Ingress"
    return f"{gress}.{name}"


def usage_cell(usage_id: int) -> tuple[str, int]:
    """The counter of a PDR: its bank and the cell in it."""
    return f"Egress.enforcement.usage_{usage_id & 15}", usage_id >> 4


def next_hop(group: int, mtu: int = 9000) -> tuple:
    """The action that leads to a group of one next hop."""
    return ("set_next_hop_group", group, 0, 65534 - mtu)


def number(address: str) -> int:
    high, *rest = (int(octet) for octet in address.split("."))
    for octet in rest:
        high = high << 8 | octet
    return high


def mac(address: str) -> int:
    return int(address.replace(":", ""), 16)


@pytest.fixture(scope="session")
def program() -> ir.Program:
    return frontend.load(SOURCE)


@pytest.fixture(scope="session")
def xdp() -> Iterator[Dataplane]:
    """The committed program, loaded once and attached to nothing."""
    from p4xdp.xdp import XdpDataplane

    dataplane = XdpDataplane.open(
        SOURCE.parent / "build", {}, cpu_port=CPU_PORT, host_port=HOST_PORT, testing=True
    )
    yield dataplane
    dataplane.close()


@pytest.fixture(params=["interpreter", pytest.param("xdp", marks=pytest.mark.root)])
def upf(request, program) -> Iterator[UPF]:
    if request.param == "interpreter":
        dataplane = Interpreter(program, cpu_port=CPU_PORT, host_port=HOST_PORT)
        upf = UPF(program, dataplane, shortest_frame_octets=0)
    else:
        upf = UPF(program, request.getfixturevalue("xdp"), shortest_frame_octets=14)
    upf.set_up()
    yield upf
    upf.tear_down()

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


@dataclass
class UPF:
    """A data plane, and the session: two PDRs, their routes, next hops and a tunnel peer."""

    program: ir.Program
    dataplane: Dataplane
    shortest_frame_octets: int
    now_ns: int = 10**12
    entries: dict[tuple, Entry] = field(default_factory=dict)

    n3_address = "10.3.0.1"
    gnb_address = "10.3.0.20"
    ue_address = "172.16.0.5"
    server_address = "198.51.100.7"
    teid = 0x01020304
    gnb_teid = 0xA1B2C3D4
    qfi = 9
    uplink_usage, downlink_usage = 0x1234, 0x4321
    uplink_meter, downlink_meter = 2, 3
    peer = 0x123
    gnb_macs = "02:00:00:00:03:01", "02:00:00:00:03:20"  # ours, the gNB's
    server_macs = "02:00:00:00:06:01", "02:00:00:00:06:07"

    def entry(self, table: str, key: tuple, action: str, *arguments: int) -> Entry:
        """`key` has an integer per exact field and (value, prefix length) per lpm field."""
        declared = self.program.ingress.tables[f"Ingress.{table}"]
        matches = []
        for declared_key, value in zip(declared.keys, key, strict=True):
            ones = (1 << declared_key.width) - 1
            if isinstance(value, tuple):
                matches.append(Match(value[0], ones ^ (ones >> value[1])))
            else:
                matches.append(Match(value, ones))
        sub_control, _ = table.split(".")
        return Entry(tuple(matches), f"Ingress.{sub_control}.{action}", arguments)

    def insert(self, table: str, key: tuple, action: str, *arguments: int) -> None:
        entry = self.entry(table, key, action, *arguments)
        self.dataplane.insert_entries(f"Ingress.{table}", [entry])
        self.entries[table, key] = entry

    def modify(self, table: str, key: tuple, action: str, *arguments: int) -> None:
        entry = self.entry(table, key, action, *arguments)
        self.dataplane.modify_entries(f"Ingress.{table}", [entry])

    def delete(self, table: str, key: tuple) -> None:
        self.dataplane.delete_entries(f"Ingress.{table}", [self.entries.pop((table, key))])

    def tear_down(self) -> None:
        """Leave the data plane as it was found."""
        for table, key in list(self.entries):
            self.delete(table, key)
        for meter_id in (self.uplink_meter, self.downlink_meter):
            self.set_slice_meter(meter_id, None)
        reasons = self.drops()
        for counter in ("Ingress.ingress_drops", "Egress.egress_drops"):
            for reason in reasons:
                self.dataplane.write_counter(counter, reason, CounterValue(0, 0))
        for usage_id in (self.uplink_usage, self.downlink_usage):
            self.dataplane.write_counter("Egress.enforcement.usage", usage_id, CounterValue(0, 0))

    def run(self, port: int, frame: Packet | bytes):
        return self.dataplane.run(port, bytes(frame), self.now_ns)

    def drops(self) -> dict[int, CounterValue]:
        """Drop reason -> packets and octets, both gresses together, 0 left out."""
        ingress = self.dataplane.read_counter("Ingress.ingress_drops", 0, 64)
        egress = self.dataplane.read_counter("Egress.egress_drops", 0, 64)
        return {
            reason: CounterValue(i.packets + e.packets, i.octets + e.octets)
            for reason, (i, e) in enumerate(zip(ingress, egress, strict=True))
            if i.packets or e.packets
        }

    def usage(self, usage_id: int) -> CounterValue:
        return self.dataplane.read_counter("Egress.enforcement.usage", usage_id, 1)[0]

    def set_slice_meter(self, meter_id: int, config: MeterConfig | None) -> None:
        self.dataplane.write_meter("Egress.enforcement.slice_meters", meter_id, config)

    def set_up(self) -> None:
        self.insert("detection.ports", (ACCESS_PORT,), "set_port", ACCESS, 0, HOST_PORT)
        self.insert("detection.ports", (CORE_PORT,), "set_port", CORE, 1, HOST_PORT)
        self.insert(
            "detection.endpoints", (ACCESS, number(self.n3_address)), "set_endpoint", ENDPOINT
        )
        self.insert("detection.sessions_by_fteid", (ENDPOINT, self.teid), *self.uplink())
        self.insert("detection.sessions_by_ue_ipv4", self.ue_key(), *self.downlink())
        self.insert(
            "routing.tunnel_peers",
            (self.peer,),
            "set_tunnel_peer",
            number(self.n3_address),
            number(self.gnb_address),
        )
        self.insert("routing.routes_ipv4", self.gnb_route(), "set_next_hop", 30)
        self.insert("routing.routes_ipv4", (CORE, (0, 0)), "set_next_hop", 60)
        for next_hop, port, macs in (
            (30, ACCESS_PORT, self.gnb_macs),
            (60, CORE_PORT, self.server_macs),
        ):
            self.insert(
                "routing.next_hops", (next_hop,), "set_port_and_macs", port, *map(mac, macs)
            )

    def ue_key(self) -> tuple:
        return (CORE, number(self.ue_address))

    def fteid_key(self) -> tuple:
        return (ENDPOINT, self.teid)

    def gnb_route(self) -> tuple:
        return (ACCESS, (number("10.3.0.0"), 24))

    def uplink(self) -> tuple:
        """The action of the uplink PDR."""
        ue_address = number(self.ue_address)
        return ("forward", self.uplink_usage, self.uplink_meter, CORE, 1, ue_address)

    def downlink(self, *, psc: int = 1) -> tuple:
        """The action of the downlink PDR."""
        usage = (self.downlink_usage, self.downlink_meter, ACCESS)
        return ("forward_tunnel", *usage, self.peer, self.gnb_teid, psc, self.qfi)

    def from_ue(self, payload: bytes = b"from UE", **fields) -> Packet:
        """The user's own packet, uplink."""
        fields = {"src": self.ue_address, "dst": self.server_address, "ttl": 61} | fields
        return IP(**fields) / UDP(sport=4242, dport=53) / payload

    def to_ue(self, payload: bytes = b"to the UE", **fields) -> Packet:
        """The user's own packet, downlink."""
        fields = {"src": self.server_address, "dst": self.ue_address, "ttl": 58} | fields
        return IP(**fields) / UDP(sport=53, dport=4242) / payload

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

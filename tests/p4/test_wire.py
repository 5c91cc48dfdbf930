"""What leaves on the wire, as Wireshark's `tshark` reads it: lengths, checksums, marking, hops."""

import itertools
import shutil
import subprocess
from dataclasses import dataclass

import pytest
from scapy.compat import raw
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from tests.p4.conftest import ACCESS_PORT, CORE, CORE_PORT, mac, next_hop, number

pytestmark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is not installed: apt-get install tshark"
)

TAG = 100
MARKING, TRAFFIC_CLASS = 46, 2
GTPU_PORT, OTHER_PORT = 2152, 4444
USERS_DSCP, USERS_HOPS = 10, 33
OURS_IPV6, PEERS_IPV6 = "2001:db8:3::1", "2001:db8:3::20"
UE_IPV6, SERVER_IPV6 = "2001:db8:ee::5", "2001:db8:5::7"
N6_GROUP = 60
# UDP's checksum may be zero over IPv6 for tunnels (RFC 6935); a tunnel's own port has to be told.
TSHARK = (
    *("tshark", "-T", "fields", "-E", "occurrence=a", "-E", "separator=|"),
    *("-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"),
    *("-o", "udp.ignore_ipv6_zero_checksum:TRUE", "-d", f"udp.port=={OTHER_PORT},ip"),
)
GOOD, ABSENT = 1, 3  # what it says of a checksum

UDP_FIELDS = ("udp.dstport", "udp.length", "udp.checksum.status")
IP_FIELDS = {
    4: ("ip.src", "ip.dst", "ip.ttl", "ip.dsfield.dscp", "ip.len", "ip.checksum.status"),
    6: ("ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.tclass.dscp", "ipv6.plen"),
}
GTPU_FIELDS = ("gtp.flags", "gtp.message", "gtp.length", "gtp.teid")
CONTAINER_FIELDS = (
    "gtp.ext_hdr.next",
    "gtp.ext_hdr.pdu_ses_con.pdu_type",
    "gtp.ext_hdr.pdu_ses_con.qos_flow_id",
    "gtp.ext_hdr.length",
)
PPI_FIELDS = ("gtp.ext_hdr.pdu_ses_cont.ppp", "gtp.ext_hdr.pdu_ses_cont.ppi")
FIELDS = (
    *("eth.src", "eth.dst", "eth.type", "vlan.id", "vlan.etype"),
    *(*UDP_FIELDS, *IP_FIELDS[4], *IP_FIELDS[6], *GTPU_FIELDS, *CONTAINER_FIELDS, *PPI_FIELDS),
    *("_ws.malformed", "_ws.expert.message"),
)


@dataclass(frozen=True)
class Way:
    """How a packet leaves; `user` and `outer` are versions of IP."""

    user: int
    is_downlink: bool
    vlan: int
    outer: int | None  # None: it leaves without tunnel
    is_gtpu: bool = False
    is_udp: bool = True
    qfi: int = 0
    ppi: int | None = None

    @property
    def peer(self):
        """A tunnel peer, and a group of next hops, for every combination that needs another."""
        return (
            0x200 + self.outer + 0x10 * self.is_gtpu + 0x20 * bool(self.vlan) + 0x40 * self.is_udp
        )


def ways():
    for user, vlan in itertools.product((4, 6), (0, TAG)):
        yield Way(user, is_downlink=False, vlan=vlan, outer=None)
        for outer, is_downlink in itertools.product((4, 6), (True, False)):
            yield Way(user, is_downlink, vlan, outer, is_udp=False)
            yield Way(user, is_downlink, vlan, outer)
            yield Way(user, is_downlink, vlan, outer, is_gtpu=True)
            yield Way(user, is_downlink, vlan, outer, is_gtpu=True, qfi=9)
        for outer in (4, 6):
            yield Way(user, is_downlink=True, vlan=vlan, outer=outer, is_gtpu=True, qfi=9, ppi=5)


WAYS = list(ways())


def set_up(upf):
    """The routes and peers of all ways, and an IPv6 prefix for the UE."""
    upf.insert("encapsulation.markings", (upf.slice_id, TRAFFIC_CLASS, 0), "set_dscp", MARKING)
    upf.insert("forwarding.source_prefixes", (upf.uplink_usage, prefix(UE_IPV6)), "NoAction")
    upf.insert("routing.routes_ipv6", (CORE, (0, 0)), *next_hop(N6_GROUP))
    upf.insert("detection.sessions_by_ue_ipv6", (CORE, prefix(UE_IPV6)), *upf.downlink())
    for way in {way.peer: way for way in WAYS if way.outer}.values():
        ends = number(upf.n3_address), number(upf.gnb_address)
        if way.outer == 6:
            ends = whole(OURS_IPV6), whole(PEERS_IPV6)
        header = (f"add_ipv{way.outer}_alone", *ends, 0)
        if way.is_udp:
            port = GTPU_PORT if way.is_gtpu else OTHER_PORT
            header = (f"add_ipv{way.outer}", *ends, port, int(way.is_gtpu), 0)
        upf.insert("tunnel_headers.tunnel_headers", (way.peer,), *header)
        upf.insert("routing.tunnel_peers", (way.peer,), *next_hop(way.peer))
        hop = ("set_port_and_macs", ACCESS_PORT, *map(mac, upf.gnb_macs), way.vlan)
        upf.insert("next_hop.next_hops", (way.peer, 0), *hop)


def whole(address):
    return int.from_bytes(raw(IPv6(src=address))[8:24])


def prefix(address):
    return whole(address) >> 64


def ends_of_user(upf, way):
    """The addresses of a user's packet, from and to."""
    ends = (UE_IPV6, SERVER_IPV6) if way.user == 6 else (upf.ue_address, upf.server_address)
    return ends[::-1] if way.is_downlink else ends


def user_packet(upf, way, octets):
    """A user's packet, with lengths and checksums as scapy makes them."""
    src, dst = ends_of_user(upf, way)
    marked = USERS_DSCP << 2
    payload = UDP(sport=40001, dport=40000) / bytes(octets)
    if way.user == 6:
        return IPv6(src=src, dst=dst, hlim=USERS_HOPS, tc=marked) / payload
    packet = IP(src=src, dst=dst, ttl=USERS_HOPS, tos=marked, id=0) / payload
    # One hop less carries around in this checksum.
    packet.id = (int.from_bytes(raw(packet)[10:12]) - 0xFF80) % 0xFFFF
    return packet


def leaving(upf, way, packet):
    """The frame that leaves for a user's packet."""
    far = upf.uplink()
    if way.outer:
        usage = upf.downlink_usage if way.is_downlink else upf.uplink_usage
        session = (usage, 0, upf.slice_id, TRAFFIC_CLASS)
        far = ("forward_tunnel", *session, way.peer, upf.gnb_teid, way.qfi, 0)
    if way.ppi is not None:
        return leaving_with_ppi(upf, way, packet)
    if way.is_downlink:
        address = number(upf.ue_address) if way.user == 4 else prefix(UE_IPV6)
        upf.modify(f"detection.sessions_by_ue_ipv{way.user}", (CORE, address), *far)
        result = upf.run(CORE_PORT, upf.on_n6(packet))
    else:
        upf.modify("detection.sessions_by_fteid", upf.fteid_key(), *far)
        hop = ("set_port_and_macs", CORE_PORT, *map(mac, upf.server_macs), way.vlan)
        upf.modify("next_hop.next_hops", (N6_GROUP, 0), *hop)
        result = upf.run(ACCESS_PORT, upf.on_n3(upf.g_pdu(packet)))
    assert (result.verdict, result.port) == ("forward", ACCESS_PORT if way.outer else CORE_PORT)
    return result.frame


def leaving_with_ppi(upf, way, packet):
    """Only flows of classified sessions have a paging policy."""
    address = number(upf.ue_address) if way.user == 4 else prefix(UE_IPV6)
    session = f"detection.classified_by_ue_ipv{way.user}", (CORE, address)
    anything = ((0, 0),) * 3 + ((0, 65535),) * 2 + ((0, 0),) * (2 if way.user == 4 else 3)
    filters = f"detection.filters_ipv{way.user}", (77, *anything)
    upf.insert(*session, "classify", 77, 88)
    upf.insert(*filters, "set_slot", 3, priority=1)
    flow = (upf.downlink_usage, 0, 0, 0, 0, upf.slice_id, TRAFFIC_CLASS, way.peer, upf.gnb_teid)
    container = (way.qfi, 0, 1, way.ppi)
    upf.insert("detection.flows", (88, 3), "forward_flow_tunnel", *flow, *container)
    result = upf.run(CORE_PORT, upf.on_n6(packet))
    for table, key in (("detection.flows", (88, 3)), filters, session):
        upf.delete(table, key)
    assert (result.verdict, result.port) == ("forward", ACCESS_PORT)
    return result.frame


def expected(upf, way, octets):
    """What tshark has to read, by field: of the outer header and then of the user's."""
    ours, theirs = upf.gnb_macs if way.outer else upf.server_macs
    ether_type = "0x0800" if (way.outer or way.user) == 4 else "0x86dd"
    fields = {"eth.src": [ours], "eth.dst": [theirs], "eth.type": [ether_type]}
    if way.vlan:
        fields |= {"eth.type": ["0x8100"], "vlan.id": [way.vlan], "vlan.etype": [ether_type]}
    users = octets + 8 + (20 if way.user == 4 else 40)
    # From tunnel to tunnel is no hop.
    hops = USERS_HOPS - 1 if way.is_downlink or not way.outer else USERS_HOPS
    packets = [(way.user, users, hops, USERS_DSCP, ends_of_user(upf, way))]
    datagrams = [(40000, octets + 8, GOOD)]
    if way.outer:
        gtpu = 8 + container_octets(way) if way.is_gtpu else 0
        datagram = users + gtpu + (8 if way.is_udp else 0)
        ends = (upf.n3_address, upf.gnb_address) if way.outer == 4 else (OURS_IPV6, PEERS_IPV6)
        size = datagram + (20 if way.outer == 4 else 40)
        packets.insert(0, (way.outer, size, 64, MARKING, ends))
    if way.outer and way.is_udp:
        port = GTPU_PORT if way.is_gtpu else OTHER_PORT
        datagrams.insert(0, (port, datagram, ABSENT))
    if way.is_gtpu:
        fields |= gtpu_fields(upf, way, users)
    columns = dict(zip(UDP_FIELDS, zip(*datagrams, strict=True), strict=True))
    for version, names in IP_FIELDS.items():
        rows = [ip_row(*packet) for packet in packets if packet[0] == version]
        columns |= dict(zip(names, zip(*rows, strict=True), strict=bool(rows)))
    return {name: ",".join(map(str, values)) for name, values in (fields | columns).items()}


def ip_row(version, octets, hops, dscp, ends):
    """The values of IP_FIELDS. The length in IPv6 is that of what follows the header."""
    return (*ends, hops, dscp, *((octets, GOOD) if version == 4 else (octets - 40,)))


def container_octets(way):
    """Of GTP-U's optional fields and the PDU session container."""
    if way.qfi == 0:
        return 0
    return 8 if way.ppi is None else 12


def gtpu_fields(upf, way, users):
    """Of TS 29.281 clause 5.1, and of TS 38.415 clause 5.5.2."""
    flags = "0x34" if way.qfi else "0x30"
    values = (flags, "0xff", users + container_octets(way), f"0x{upf.gnb_teid:08x}")
    pairs = [*zip(GTPU_FIELDS, values, strict=True)]
    if way.qfi:
        units = 1 if way.ppi is None else 2
        container = ("0x85,0x00", 0 if way.is_downlink else 1, way.qfi, units)
        pairs += zip(CONTAINER_FIELDS, container, strict=True)
    if way.qfi and way.is_downlink:
        pairs += zip(PPI_FIELDS, (int(way.ppi is not None), way.ppi), strict=True)
    return {name: [value] for name, value in pairs if value is not None}


def dissected(directory, frames):
    """What tshark reads in each frame: fields that are there, by name."""
    capture = directory / "leaving.pcap"
    wrpcap(str(capture), [Ether(frame) for frame in frames])
    wanted = [word for name in FIELDS for word in ("-e", name)]
    done = subprocess.run(
        [*TSHARK, "-r", capture, *wanted], capture_output=True, check=True, text=True, timeout=120
    )
    rows = [line.split("|") for line in done.stdout.splitlines()]
    return [{n: v for n, v in zip(FIELDS, row, strict=True) if v} for row in rows]


def test_tshark_reads_the_lengths_checksums_marks_and_hops_that_must_be(upf, tmp_path):
    set_up(upf)
    sizes = range(40, 40 + len(WAYS))
    frames = [
        leaving(upf, way, user_packet(upf, way, octets))
        for way, octets in zip(WAYS, sizes, strict=True)
    ]
    read = dissected(tmp_path, frames)
    for way, octets, seen in zip(WAYS, sizes, read, strict=True):
        assert seen == expected(upf, way, octets), way

"""p4/upf.p4 by interpreter and by XDP: random entries, random packets, nothing may differ."""

import itertools
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.dataplane import CounterValue, Entry, Match, MeterConfig

SOURCE = Path(__file__).parents[3] / "p4" / "upf.p4"
CPU_PORT, HOST_PORT = 192, 193
EGRESS_PORTS = (1, 2, 3, HOST_PORT, CPU_PORT)
MACS = (0x020000000001, 0x02FFEEDDCCBB)

# Few values of everything, so that entries and packets meet; 0 and the largest among them.
INSTANCES = (0, 255)
ADDRESSES = (0x0A030001, 0xAC100005, 0xC6336407)
ENDPOINTS = (1, 255)
TEIDS = (0x01020304, 0xFFFFFFFE)
PEERS = (0, 0xABC)
NEXT_HOPS = (0, 0xFFFF)
USAGE_IDS = (0, 1, 0x7FFF, 0x8000, 0xFFFFFF)  # the last two are beyond the array
METER_IDS = (0, 1, 511)
PREFIXES = (
    (0, 0), (0x80000000, 1), (0x0A000000, 8), (0x0A030000, 24), (0xAC100004, 31), (0xC6336407, 32),
)  # fmt: skip


def mostly(usual, *rare):
    """One of `usual`, one time in sixteen or so another (Hypothesis prefers the ends of a list)."""
    times = -(-8 * len(rare) // len(usual))
    return st.sampled_from([*usual * times, *rare, *usual * times])


def mostly_of(usual, *rare):
    """As `mostly`, of strategies. (A strategy named twice in `one_of` counts once.)"""
    choices = (usual, *rare)
    return mostly([0], *range(1, len(choices))).flatmap(lambda index: choices[index])


def exact(width, values):
    return [Match(value, (1 << width) - 1) for value in values]


def prefixes():
    ones = 0xFFFFFFFF
    return [Match(value, ones ^ (ones >> length)) for value, length in PREFIXES]


def entries_of(table, keys, *actions):
    """Entries of `table` for most of the keys; `actions` are (name, values of its arguments...)."""
    scope = table.rpartition(".")[0]
    choices = [
        st.tuples(st.just(f"{scope}.{name}"), st.tuples(*map(st.sampled_from, arguments)))
        for name, *arguments in actions
    ]
    slots = [mostly_of(st.one_of(choices), st.none()) for _ in itertools.product(*keys)]
    return st.builds(
        lambda *done: (
            table,
            [
                Entry(key, *do)
                for key, do in zip(itertools.product(*keys), done, strict=True)
                if do is not None
            ],
        ),
        *slots,
    )


FORWARD = ("forward", USAGE_IDS, METER_IDS, INSTANCES, (0, 1), ADDRESSES)
FORWARD_TUNNEL = (
    "forward_tunnel", USAGE_IDS, METER_IDS, INSTANCES, PEERS, TEIDS, (0, 1, 2, 3), range(64)
)  # fmt: skip
DROP = ("drop", (6, 7, 8))
ENTRIES = st.tuples(
    entries_of(
        "Ingress.detection.ports",
        [exact(9, (1, 2, 3))],
        ("set_port", INSTANCES, (0, 1), (HOST_PORT,)),
    ),
    entries_of(
        "Ingress.detection.endpoints",
        [exact(8, INSTANCES), exact(32, ADDRESSES)],
        ("set_endpoint", (*ENDPOINTS, 0, *ENDPOINTS)),
    ),
    entries_of(
        "Ingress.detection.sessions_by_fteid",
        [exact(8, ENDPOINTS), exact(32, TEIDS)],
        FORWARD,
        FORWARD_TUNNEL,
        DROP,
    ),
    entries_of(
        "Ingress.detection.sessions_by_ue_ipv4",
        [exact(8, INSTANCES), exact(32, ADDRESSES)],
        FORWARD,
        FORWARD_TUNNEL,
        DROP,
    ),
    entries_of(
        "Ingress.routing.tunnel_peers",
        [exact(12, PEERS)],
        ("set_tunnel_peer", ADDRESSES, ADDRESSES),
    ),
    entries_of(
        "Ingress.routing.routes_ipv4",
        [exact(8, INSTANCES), prefixes()],
        ("set_next_hop", NEXT_HOPS),
        ("resolve_neighbour", (1, 2, 3)),
    ),
    entries_of(
        "Ingress.routing.next_hops",
        [exact(16, NEXT_HOPS)],
        ("set_port_and_macs", EGRESS_PORTS, MACS, MACS),
    ),
)

RATES = st.sampled_from([0, 125, 10**5, 125 * 10**6, 5 * 10**9])
BURSTS = st.sampled_from([0, 64, 300, 3000])
METERS = st.dictionaries(
    st.sampled_from(METER_IDS),
    st.none() | st.builds(MeterConfig, RATES, BURSTS, RATES, BURSTS),
    max_size=2,
)


def header(*fields):
    """Octets of (value, width) in order."""
    bits, width = 0, 0
    for value, field_width in fields:
        bits = bits << field_width | value & ((1 << field_width) - 1)
        width += field_width
    return bits.to_bytes(width // 8)


def ipv4(payload, protocol, source, destination, rest):
    ihl, flags, offset, ttl, checksum, tos = rest
    length = 20 + len(payload)
    return header(
        (4, 4), (ihl, 4), (tos, 8), (length, 16), (0x1357, 16), (flags, 3), (offset, 13),
        (ttl, 8), (protocol, 8), (checksum, 16), (source, 32), (destination, 32),
    ) + payload  # fmt: skip


# Mostly what a packet has; sometimes what it may have, too.
IPV4_REST = st.tuples(
    mostly([5], 6, 0),
    mostly([0, 2], 1),
    mostly([0], 1),
    mostly([64, 255, 2], 1, 0),
    st.sampled_from([0, 0xFEFE, 0xFEFF, 0xFF00, 0xFFFF, 0x1234]),
    st.sampled_from([0, 0xB9]),
)
PAYLOADS = st.sampled_from([b"", b"x", b"payload of a user", bytes(range(256)) * 5])

ANY_ADDRESS = st.sampled_from(ADDRESSES)
USER_PACKETS = st.builds(
    ipv4, PAYLOADS, st.sampled_from([6, 17]), ANY_ADDRESS, ANY_ADDRESS, IPV4_REST
)
INNER = mostly_of(USER_PACKETS, st.just(b"\x60" + bytes(39)), PAYLOADS)


def gtpu(inner, teid, kind, next_extension, container):
    version, message, flags = kind
    behind = b""
    if flags & 7:
        behind = b"\x12\x34\x56" + bytes((next_extension,))
        if flags & 4 and next_extension:
            behind += container
    first = version << 4 | flags
    return header((first, 8), (message, 8), (len(behind + inner), 16), (teid, 32)) + behind + inner


CONTAINERS = (
    *("01100900", "01003f00") * 5, "01100985", "0210090000000000", "00100900",
)  # fmt: skip
GTPU = st.builds(
    gtpu,
    INNER,
    st.sampled_from(TEIDS),
    st.tuples(
        mostly([3], 2, 7),
        mostly([255], 1, 254),
        st.sampled_from([0, 4, 4, 4, 1, 2, 7, 12]),
    ),
    mostly([0x85], 0, 0xC0),
    st.sampled_from([bytes.fromhex(octets) for octets in CONTAINERS]),
)  # fmt: skip


def udp(payload, destination_port):
    length = 8 + len(payload)
    return header((2152, 16), (destination_port, 16), (length, 16), (0, 16)) + payload


DATAGRAMS = st.builds(udp, mostly_of(GTPU, PAYLOADS), mostly([2152], 53))
TUNNELLED = st.builds(ipv4, DATAGRAMS, mostly([17], 6), ANY_ADDRESS, ANY_ADDRESS, IPV4_REST)


def ethernet(payload, ether_type):
    return header((0x02AABBCCDDEE, 48), (0x02A1A2A3A4A5, 48), (ether_type, 16)) + payload


FRAMES = st.builds(
    ethernet,
    mostly_of(TUNNELLED | USER_PACKETS, PAYLOADS),
    mostly([0x0800], 0x86DD),
)


def cut(frame, end):
    """All before octet `end` (from the back if negative), but what the kernel asks for at least."""
    return frame[: max(14, end if end >= 0 else len(frame) + end)]


def flipped(frame, bit):
    if bit is None or bit >= len(frame) * 8:
        return frame
    octets = bytearray(frame)
    octets[bit // 8] ^= 0x80 >> bit % 8
    return bytes(octets)


CUT_FRAMES = st.builds(cut, FRAMES, st.integers(14, 110) | st.integers(-30, -1))
FLIPPED_FRAMES = st.builds(flipped, FRAMES, st.integers(0, 8 * 100))
ANY_FRAMES = mostly_of(FRAMES, CUT_FRAMES, FLIPPED_FRAMES)


class Packet(NamedTuple):
    port: int
    frame: bytes
    elapsed_ns: int


ELAPSED = st.sampled_from([0, 1, 1000, 10**6, 10**9])
RECEIVED = st.builds(Packet, mostly([1, 2, 3], 4), ANY_FRAMES, ELAPSED)
PACKET_OUTS = st.builds(
    lambda port, frame, elapsed: Packet(CPU_PORT, (port << 7).to_bytes(2) + frame, elapsed),
    st.sampled_from(EGRESS_PORTS),
    ANY_FRAMES,
    ELAPSED,
)
PACKETS = st.lists(mostly_of(RECEIVED, PACKET_OUTS), min_size=12, max_size=40)

CELLS = {
    "Ingress.ingress_drops": range(64),
    "Egress.egress_drops": range(64),
    "Egress.enforcement.usage": (0, 1, 0x7FFF),
}


@pytest.fixture(scope="module")
def sides(side_by_side):
    return side_by_side(SOURCE)


def set_up(dataplane, entries, meters):
    for table, listed in entries:
        dataplane.insert_entries(table, listed)
    for index, config in meters.items():
        dataplane.write_meter("Egress.enforcement.slice_meters", index, config)


def tear_down(dataplane, entries, meters):
    for table, listed in entries:
        dataplane.delete_entries(table, listed)
    for index in meters:
        dataplane.write_meter("Egress.enforcement.slice_meters", index, None)
    for counter, cells in CELLS.items():
        for index in cells:
            dataplane.write_counter(counter, index, CounterValue(0, 0))


def counted(dataplane):
    return {
        (counter, index): value
        for counter, cells in CELLS.items()
        for index in cells
        if (value := dataplane.read_counter(counter, index, 1)[0]).packets
    }


@pytest.mark.root
@settings(settings.get_profile("differential"))
@given(entries=ENTRIES, meters=METERS, packets=PACKETS)
def test_xdp_does_what_the_interpreter_does(sides, entries, meters, packets):
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    now_ns = 10**12
    set_up(interpreter, entries, meters)
    try:
        set_up(xdp, entries, meters)
        for port, frame, elapsed_ns in packets:
            now_ns += elapsed_ns
            expected = interpreter.run(port, frame, now_ns)
            assert xdp.run(port, frame, now_ns) == expected, f"port {port}, {frame.hex()}"
        assert counted(xdp) == counted(interpreter)
    finally:
        tear_down(xdp, entries, meters)

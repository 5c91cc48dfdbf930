"""Hostile frames, by family. Each yields the port and the frame; all end before 600 octets."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

from testbed.hostile import network as net
from testbed.hostile.packets import (
    CONTAINER,
    PAYLOAD,
    UDP,
    chain_of,
    container,
    ethernet,
    from_ue,
    g_pdu,
    ipv4,
    ipv6,
    on_n3,
    on_n6,
    to_ue,
    udp,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from testbed.hostile.packets import Arrival

_ODD_OCTETS = (0, 1, 4, 6, 0x7F, 0x80, CONTAINER, 0xFF)


def sound() -> Iterator[Arrival]:
    """Packets as they should be: every one of them is forwarded."""
    skipped = (0x40, b"\x01\x00\x00")
    for inner, outer, vlans in itertools.product((4, 6), (4, 6), ((), (net.VLAN,))):
        user = from_ue(inner)
        yield on_n3(g_pdu(user), version=outer, vlans=vlans)
        yield on_n3(g_pdu(user, flags=0x32, options=bytes(4)), version=outer, vlans=vlans)
        for units in (1, 2, 3, 4, 6, 10, 17):
            for others in ((), (skipped,)):
                options = chain_of(*others, container(units), *others)
                yield on_n3(g_pdu(user, flags=0x34, options=options), version=outer, vlans=vlans)
    for version, vlans in itertools.product((4, 6), ((), (net.VLAN,))):
        yield on_n6(to_ue(version), vlans)


def cut_short() -> Iterator[Arrival]:
    """Every sound frame, ended after every octet."""
    for port, frame in sound():
        for octets in range(14, len(frame)):
            yield port, frame[:octets]


def wrong_lengths() -> Iterator[Arrival]:
    """Lengths of IP, UDP and GTP-U that lie, one at a time."""
    for version in (4, 6):
        user = from_ue(version)
        port, frame = on_n3(g_pdu(user, flags=0x34, options=chain_of(container())))
        user_length_at = len(frame) - len(user) + (2 if version == 4 else 4)
        for at in (16, 38, 44, user_length_at):
            right = int.from_bytes(frame[at : at + 2])
            for wrong in (0, 1, right - 1, right + 1, right - 4, right + 4, 0x7FFF, 0xFFFF):
                yield port, frame[:at] + wrong.to_bytes(2) + frame[at + 2 :]
        port, frame = on_n6(to_ue(version))
        at = 16 if version == 4 else 18
        for wrong in (0, 1, 0x7FFF, 0xFFD7, 0xFFD8, 0xFFFF):
            yield port, frame[:at] + wrong.to_bytes(2) + frame[at + 2 :]


def nested_tunnels() -> Iterator[Arrival]:
    """GTP-U in GTP-U, to this UPF again, and GTP-U that is a user's own."""
    for depth in range(1, 6):
        for flags, options in ((0x30, b""), (0x34, chain_of(container()))):
            user = from_ue()
            for _ in range(depth):
                message = udp(2152, 2152, g_pdu(user, flags=flags, options=options))
                user = ipv4(net.UE_IPV4, net.N3_IPV4, message)
            yield on_n3(g_pdu(user, flags=flags, options=options))
    for version in (4, 6):
        message = udp(2152, 2152, g_pdu(from_ue(), flags=0x34, options=chain_of(container())))
        yield on_n6(to_ue(version, message))
        yield on_n6(ipv4(net.SERVER_IPV4, net.N3_IPV4, message))


def short_messages() -> Iterator[Arrival]:
    """A user's own packets to the port of GTP-U that are no GTP-U, and such to the endpoint."""
    for octets in range(20):
        message = udp(4242, 2152, bytes(octets))
        for version in (4, 6):
            yield on_n6(to_ue(version, message))
            yield on_n3(g_pdu(from_ue(version, message)))
        outer = ipv4(net.GNB_IPV4, net.N3_IPV4, message)
        yield net.ACCESS_PORT, ethernet(net.ACCESS_MAC, net.GNB_MAC, 0x0800, outer)


def extension_chains() -> Iterator[Arrival]:
    """Chains of extension headers: long, endless, of no length, of every type, repeated."""
    user = from_ue()
    unit = b"\x01\x00\x00"
    for kind in range(256):
        yield on_n3(g_pdu(user, flags=0x34, options=chain_of((kind, unit))))
        yield on_n3(g_pdu(user, flags=0x34, options=chain_of((kind, unit), container())))
        yield on_n3(g_pdu(user, flags=0x34, options=chain_of(container(), (kind, unit))))
    for kind, units in itertools.product((0x20, 0x40, CONTAINER, 0xC0), range(256)):
        content = bytes([units]) + bytes(max(2, 4 * min(units, 20) - 2))
        yield on_n3(g_pdu(user, flags=0x34, options=chain_of((kind, content))))
    for kind, count in itertools.product((0x20, 0x40, CONTAINER, 0xC0), range(1, 40)):
        yield on_n3(g_pdu(user, flags=0x34, options=chain_of(*[(kind, unit)] * count)))
        yield on_n3(g_pdu(b"", flags=0x34, options=chain_of(*[(kind, unit)] * count, last=kind)))


def first_octets() -> Iterator[Arrival]:
    """Every first octet and every message type of GTP-U, every first octet of the user's packet."""
    user, options = from_ue(), chain_of(container())
    for octet in range(256):
        yield on_n3(g_pdu(user, flags=octet, options=options))
        yield on_n3(g_pdu(user, flags=octet))
        yield on_n3(g_pdu(user, flags=0x34, options=options, message_type=octet))
        for version in (4, 6):
            strange = bytes([octet]) + from_ue(version)[1:]
            yield on_n3(g_pdu(strange))
            port, frame = on_n6(to_ue(version))
            yield port, frame[:14] + bytes([octet]) + frame[15:]


def fragments() -> Iterator[Arrival]:
    """Fragments of outer and of user's packets: first, middle and last, and reserved flags."""
    for flags in (0x2000, 0x2001, 0x0001, 0x1FFF, 0x4000, 0x8000, 0xE000):
        for frame_at in (20, 14 + 20 + 8 + 8 + 6):
            port, frame = on_n3(g_pdu(from_ue()))
            yield port, frame[:frame_at] + flags.to_bytes(2) + frame[frame_at + 2 :]
        port, frame = on_n6(to_ue())
        yield port, frame[:20] + flags.to_bytes(2) + frame[22:]


def ipv6_chains() -> Iterator[Arrival]:
    """Hop-by-hop and destination options, routing, fragment and authentication headers."""
    kinds = (0, 43, 44, 51, 60, 135, 139, 59)
    for length in range(1, 4):
        for chosen in itertools.product(kinds, repeat=length):
            if length == 3 and len(set(chosen)) == 1:
                continue
            chain = b"".join(bytes([kind, 0]) + bytes(6) for kind in (*chosen[1:], UDP))
            datagram = udp(2152, 2152, g_pdu(from_ue()))
            outer = ipv6(net.GNB_IPV6, net.N3_IPV6, chain + datagram, protocol=chosen[0])
            yield net.ACCESS_PORT, ethernet(net.ACCESS_MAC, net.GNB_MAC, 0x86DD, outer)
            user = chain + udp(4242, 53, PAYLOAD)
            yield on_n3(g_pdu(from_ue(6, user, protocol=chosen[0])))
            yield on_n6(to_ue(6, user, protocol=chosen[0]))


def vlan_stacks() -> Iterator[Arrival]:
    """Tags of every kind, unknown ones, and stacks of them."""
    for vlan in (0, 1, 99, net.VLAN, 101, 4095, 0xE000 | net.VLAN, 0x1000):
        yield on_n3(g_pdu(from_ue()), vlans=(vlan,))
        yield on_n6(to_ue(), (vlan,))
    for depth in range(2, 8):
        yield on_n3(g_pdu(from_ue()), vlans=(net.VLAN,) * depth)
        yield on_n6(to_ue(6), (0,) * depth)
    for ether_type in (0x88A8, 0x9100, 0x8847, 0x0806, 0x8863, 0x0000, 0xFFFF):
        tag = net.VLAN.to_bytes(2) + b"\x08\x00"
        frame = ethernet(net.ACCESS_MAC, net.GNB_MAC, ether_type, tag + from_ue())
        yield net.ACCESS_PORT, frame


def other_senders() -> Iterator[Arrival]:
    """Other UEs' addresses, unknown TEIDs, other endpoints, other MAC addresses, hop limits."""
    for ttl, version in itertools.product((0, 1, 2, 255), (4, 6)):
        yield on_n3(g_pdu(from_ue(version, ttl=ttl)))
        yield on_n6(to_ue(version, ttl=ttl))
    for teid in (0, 1, net.TEID ^ 1, net.TEID ^ 1 << 31, net.GNB_TEID, 0xFFFFFFFF):
        yield on_n3(g_pdu(from_ue(), teid=teid))
    for bit in range(32):
        spoofed = (int.from_bytes(net.UE_IPV4) ^ 1 << bit).to_bytes(4)
        yield on_n3(g_pdu(ipv4(spoofed, net.SERVER_IPV4, PAYLOAD, protocol=1)))
        yield on_n6(ipv4(net.SERVER_IPV4, spoofed, PAYLOAD, protocol=1))
    for bit in range(128):
        spoofed = (int.from_bytes(net.UE_IPV6) ^ 1 << bit).to_bytes(16)
        yield on_n3(g_pdu(ipv6(spoofed, net.SERVER_IPV6, PAYLOAD, protocol=58)))
        yield on_n6(ipv6(net.SERVER_IPV6, spoofed, PAYLOAD, protocol=58))
    for port, frame in (on_n3(g_pdu(from_ue())), on_n6(to_ue())):
        for bit in range(48):
            other = int.from_bytes(frame[:6]) ^ 1 << bit
            yield port, other.to_bytes(6) + frame[6:]
        yield 99, frame


def transports() -> Iterator[Arrival]:
    """Every protocol, and the borders of the port that is filtered, in each kind of fragment."""
    ports = (0, 1, net.FILTERED_PORT - 1, net.FILTERED_PORT, net.FILTERED_PORT + 1, 0xFFFF)
    for version in (4, 6):
        for protocol in range(256):
            payload = udp(net.FILTERED_PORT, net.FILTERED_PORT, PAYLOAD)
            yield on_n3(g_pdu(from_ue(version, payload, protocol=protocol)))
            yield on_n6(to_ue(version, payload, protocol=protocol))
        for protocol, src, dst in itertools.product((6, UDP, 50, 132), ports, ports):
            payload = udp(src, dst, PAYLOAD)
            yield on_n3(g_pdu(from_ue(version, payload, protocol=protocol)))
            yield on_n6(to_ue(version, payload, protocol=protocol))
    for flags, protocol in itertools.product((0x2000, 0x2001, 0x0001, 0x4000), (6, UDP)):
        for arrival, user in (
            (on_n3(g_pdu(up := from_ue(protocol=protocol))), up),
            (on_n6(down := to_ue(protocol=protocol)), down),
        ):
            port, frame = arrival
            at = len(frame) - len(user) + 6
            yield port, frame[:at] + flags.to_bytes(2) + frame[at + 2 :]


def of_classified(arrivals: Iterable[Arrival]) -> Iterator[Arrival]:
    """The same frames, of the classified session."""
    changes = (
        (net.TEID.to_bytes(4), net.CLASSIFIED_TEID.to_bytes(4)),
        (net.UE_IPV4, net.CLASSIFIED_UE_IPV4),
        (net.UE_IPV6, net.CLASSIFIED_UE_IPV6),
    )
    return _changed(arrivals, changes)


def of_relayed(arrivals: Iterable[Arrival]) -> Iterator[Arrival]:
    """The same frames, of the session that goes from tunnel to tunnel."""
    changes = (
        (net.TEID.to_bytes(4), net.RELAYED_TEID.to_bytes(4)),
        (net.UE_IPV4, net.RELAYED_UE_IPV4),
        (net.UE_IPV6, net.RELAYED_UE_IPV6),
    )
    return _changed(arrivals, changes)


def _changed(
    arrivals: Iterable[Arrival], changes: tuple[tuple[bytes, bytes], ...]
) -> Iterator[Arrival]:
    for port, arriving in arrivals:
        frame = arriving
        for old, new in changes:
            frame = frame.replace(old, new)
        yield port, frame


def mutations(count: int, seed: int | None) -> Iterator[Arrival]:
    """`count` sound frames with one to four octets changed, and perhaps an end too early.

    Without `seed` others each time.
    """
    rng = random.Random(seed)
    frames = list(sound())
    for _ in range(count):
        port, frame = rng.choice(frames)
        octets = bytearray(frame)
        for _ in range(rng.randrange(1, 5)):
            octets[rng.randrange(len(octets))] = rng.choice((*_ODD_OCTETS, rng.randrange(256)))
        if rng.random() < 0.3:
            del octets[rng.randrange(14, len(octets)) :]
        yield port, bytes(octets)


FAMILIES: tuple[Callable[[], Iterator[Arrival]], ...] = (
    sound,
    cut_short,
    wrong_lengths,
    nested_tunnels,
    short_messages,
    extension_chains,
    first_octets,
    fragments,
    ipv6_chains,
    vlan_stacks,
    other_senders,
    transports,
)

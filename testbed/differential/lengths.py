"""Lengths and checksums of the protocols of a UPF as they should be, in a frame that has others.

Frames drawn field by field are nonsense to whoever looks at lengths; with these right, they are
packets.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testbed.differential.frames import Frame

ETHERTYPE_IPV4, ETHERTYPE_IPV6 = 0x0800, 0x86DD
_VLAN_TAGS = (0x8100, 0x88A8)
_UDP, _GTPU_PORT = 17, 2152
_SKIPPED_EXTENSIONS = (0, 43, 60)
_OPTION_FLAGS = 7


def repaired(frame: Frame) -> Frame:
    """Return `frame` with the lengths and checksums of all the packets in it as they should be."""
    octets = bytearray(frame.octets)
    at = frame.ethernet_at + 12
    while _word(octets, at) in _VLAN_TAGS:
        at += 4
    _repair_ip(octets, at + 2, _word(octets, at))
    return dataclasses.replace(frame, octets=bytes(octets))


def internet_checksum(octets: bytes) -> int:
    """Return the ones' complement of the ones' complement sum (RFC 1071)."""
    number = int.from_bytes(octets + bytes(len(octets) % 2))
    # 2**16 is 1 modulo 2**16 - 1, so the sum of the words is the number itself. A sum that is not
    # of zeros alone never folds to 0.
    total = number % 0xFFFF or (0xFFFF if number else 0)
    return 0xFFFF - total


def _word(octets: bytearray, at: int) -> int:
    return int.from_bytes(octets[at : at + 2])


def _set(octets: bytearray, at: int, value: int) -> None:
    octets[at : at + 2] = (value & 0xFFFF).to_bytes(2)


def _repair_ip(octets: bytearray, at: int, ether_type: int) -> None:
    if ether_type == ETHERTYPE_IPV4 and len(octets) >= at + 20:
        _repair_ipv4(octets, at)
    elif ether_type == ETHERTYPE_IPV6 and len(octets) >= at + 40:
        _repair_ipv6(octets, at)


def _repair_ipv4(octets: bytearray, at: int) -> None:
    words = octets[at] & 15
    if words < 5 or at + 4 * words > len(octets):
        words = 5
    octets[at] = 0x40 | words
    _set(octets, at + 2, len(octets) - at)
    pseudo = bytes(octets[at + 12 : at + 20])
    if octets[at + 9] == _UDP and _word(octets, at + 6) & 0x3FFF == 0:
        _repair_udp(octets, at + 4 * words, pseudo, needs_checksum=False)
    _set(octets, at + 10, 0)
    _set(octets, at + 10, internet_checksum(bytes(octets[at : at + 4 * words])))


def _repair_ipv6(octets: bytearray, at: int) -> None:
    octets[at] = 0x60 | octets[at] & 15
    _set(octets, at + 4, len(octets) - at - 40)
    pseudo = bytes(octets[at + 8 : at + 40])
    header, at = octets[at + 6], at + 40
    while header in _SKIPPED_EXTENSIONS and at + 8 <= len(octets):
        header, at = octets[at], at + 8 * (octets[at + 1] + 1)
    if header == _UDP:
        _repair_udp(octets, at, pseudo, needs_checksum=True)


def _repair_udp(octets: bytearray, at: int, pseudo: bytes, *, needs_checksum: bool) -> None:
    if at + 8 > len(octets):
        return
    length = len(octets) - at
    _set(octets, at + 4, length)
    if _word(octets, at + 2) == _GTPU_PORT:
        _repair_gtpu(octets, at + 8)
    has_checksum = needs_checksum or _word(octets, at + 6) != 0
    _set(octets, at + 6, 0)
    if has_checksum:
        covered = pseudo + length.to_bytes(4) + bytes((0, 0, 0, _UDP)) + bytes(octets[at:])
        _set(octets, at + 6, internet_checksum(covered) or 0xFFFF)


def _repair_gtpu(octets: bytearray, at: int) -> None:
    if at + 8 > len(octets):
        return
    _set(octets, at + 2, len(octets) - at - 8)
    flags, at = octets[at], at + 8
    if flags & _OPTION_FLAGS:
        extension, at = (octets[at + 3] if at + 4 <= len(octets) else 0), at + 4
        while flags & 4 and extension and at < len(octets):
            end = at + 4 * max(1, octets[at])
            extension, at = (octets[end - 1] if end <= len(octets) else 0), end
    if at < len(octets):
        version = octets[at] >> 4
        _repair_ip(octets, at, {4: ETHERTYPE_IPV4, 6: ETHERTYPE_IPV6}.get(version, 0))

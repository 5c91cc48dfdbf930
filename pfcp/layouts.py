"""The IEs of TS 29.244 clause 8.2 that a table of fields cannot describe, each with its own layout.

Where the presence of a field hangs on more than one flag, or a list on a number before it.
`pfcp.ies` gives their names to the rest of the program.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from pfcp import enums, schema
from pfcp.reader import (
    OwnLayout,
    Reader,
    below,
    counted,
    flags_of,
    known,
    labels_of,
    name_of,
    packed,
)
from pfcp.record import Record, record
from pfcp.schema import ie
from pfcp.source import exactly


@ie(21, "F-TEID", clause="8.2.3")
class FTEID(OwnLayout):
    """A tunnel endpoint, or with `choose` the order to allocate one.

    `choose_ipv4` and `choose_ipv6` name the families wanted; some CP functions set neither.
    """

    teid: int | None = None
    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    choose: bool = False
    choose_ipv4: bool = False
    choose_ipv6: bool = False
    choose_id: int | None = None

    @classmethod
    def parse(cls, reader: Reader) -> FTEID:
        flags = reader.number(1)
        if flags & 4:
            return cls(
                choose=True,
                choose_ipv4=bool(flags & 1),
                choose_ipv6=bool(flags & 2),
                choose_id=reader.optional(flags & 8, 1),
            )
        return cls(
            teid=reader.number(4),
            ipv4=reader.ipv4(flags & 1),
            ipv6=reader.ipv6(flags & 2),
            choose_id=reader.optional(flags & 8, 1),
        )

    def layout(self) -> bytes:
        choose_id = b"" if self.choose_id is None else struct.pack(">B", self.choose_id)
        flags = 8 if choose_id else 0
        if self.choose:
            flags |= 4 | flags_of(self.choose_ipv4, self.choose_ipv6)
            return bytes([flags]) + choose_id
        flags |= flags_of(self.ipv4, self.ipv6)
        return struct.pack(">BI", flags, self.teid) + packed(self.ipv4, self.ipv6) + choose_id


@ie(38, "Redirect Information", clause="8.2.20")
class RedirectInformation(OwnLayout):
    """Where to redirect.

    The second address belongs to the types with two, the port to those that name one. For the
    port alone the address is "".
    """

    address_type: int
    server_address: str
    other_server_address: str | None = None
    port: int | None = None

    @classmethod
    def parse(cls, reader: Reader) -> RedirectInformation:
        address_type = known(enums.RedirectAddressType, reader.number(1) & 0x0F)
        if address_type == enums.RedirectAddressType.PORT and reader.left == 2:
            # Some leave the length out with the address.
            return cls(address_type=address_type, server_address="", port=reader.number(2))
        server_address = reader.take(reader.number(2)).decode("latin-1")
        other = port = None
        # A first address alone is all that some send, whatever the type.
        if reader.left and address_type in _TWO_ADDRESSES:
            other = reader.take(reader.number(2)).decode("latin-1")
        if reader.left and address_type in _WITH_PORT:
            port = reader.number(2)
        return cls(
            address_type=address_type,
            server_address=server_address,
            other_server_address=other,
            port=port,
        )

    def layout(self) -> bytes:
        octets = struct.pack(">B", self.address_type)
        for address in (self.server_address, self.other_server_address):
            if address is not None:
                text = address.encode("latin-1")
                octets += struct.pack(">H", len(text)) + text
        return octets if self.port is None else octets + struct.pack(">H", self.port)


_TWO_ADDRESSES = frozenset(
    {
        enums.RedirectAddressType.IPV4_AND_IPV6,
        enums.RedirectAddressType.IPV4_AND_IPV6_AND_PORT,
    }
)
_WITH_PORT = frozenset(
    {
        enums.RedirectAddressType.PORT,
        enums.RedirectAddressType.IPV4_AND_PORT,
        enums.RedirectAddressType.IPV6_AND_PORT,
        enums.RedirectAddressType.IPV4_AND_IPV6_AND_PORT,
    }
)


@ie(48, "DL Buffering Suggested Packet Count", clause="8.2.30")
class DLBufferingSuggestedPacketCount(OwnLayout):
    """How many downlink packets to buffer: a number of one or two octets."""

    packets: int

    @classmethod
    def parse(cls, reader: Reader) -> DLBufferingSuggestedPacketCount:
        return cls(packets=reader.number(1 if reader.left == 1 else 2))

    def layout(self) -> bytes:
        return struct.pack(">B" if self.packets < 256 else ">H", self.packets)


@ie(60, "Node ID", clause="8.2.38")
class NodeID(OwnLayout):
    """The name of a PFCP node: an address or a domain name."""

    value: IPv4Address | IPv6Address | str

    @classmethod
    def parse(cls, reader: Reader) -> NodeID:
        kind = reader.number(1) & 0x0F
        if kind == 0:
            return cls(value=IPv4Address(reader.take(4)))
        if kind == 1:
            return cls(value=IPv6Address(reader.take(16)))
        if kind == 2:
            return cls(value=name_of(reader.take(reader.left)))
        raise reader.meaningless(f"type {kind}")

    def layout(self) -> bytes:
        if isinstance(self.value, str):
            return b"\x02" + labels_of(self.value)
        return bytes([self.value.version == 6]) + self.value.packed

    def __str__(self) -> str:
        return str(self.value)


@ie(65, "FQ-CSID", clause="8.2.43")
class FQCSID(OwnLayout):
    """A set of sessions: of a node, the sets it gave these identifiers.

    An int for address is 20 bits of MCC and MNC and 12 bits of the operator. No address at all
    is the IE of no octets, which asks to forget every set of the session.
    """

    node_address: IPv4Address | IPv6Address | int | None = None
    csids: tuple[int, ...] = ()
    node_type: int | None = None

    @classmethod
    def parse(cls, reader: Reader) -> FQCSID:
        if not reader.left:
            return cls()
        first = reader.number(1)
        node_address: IPv4Address | IPv6Address | int
        if first >> 4 == 0:
            node_address = IPv4Address(reader.take(4))
        elif first >> 4 == 1:
            node_address = IPv6Address(reader.take(16))
        elif first >> 4 == 2:
            node_address = reader.number(4)
        else:
            raise reader.meaningless(f"node ID type {first >> 4}")
        csids = tuple(reader.number(2) for _ in range(first & 0x0F))
        # Release 14 had no node type.
        node_type = known(enums.FQCSIDNodeType, reader.number(1) & 0x0F) if reader.left else None
        return cls(node_address=node_address, csids=csids, node_type=node_type)

    def layout(self) -> bytes:
        address = self.node_address
        if address is None:
            return b""
        if isinstance(address, int):
            kind, octets = 2, struct.pack(">I", address)
        else:
            kind, octets = int(address.version == 6), address.packed
        octets = struct.pack(">B", kind << 4 | below(len(self.csids), 16)) + octets
        octets += struct.pack(f">{len(self.csids)}H", *self.csids)
        if self.node_type is None:
            return octets
        return octets + bytes([below(self.node_type, 16)])


@ie(84, "Outer Header Creation", clause="8.2.56")
class OuterHeaderCreation(OwnLayout):
    """The header to put before a packet.

    With a TEID it is GTP-U/UDP/IP, with a port UDP/IP, with neither IP alone.
    """

    teid: int | None = None
    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    port: int | None = None
    ctag: int | None = None
    stag: int | None = None
    n19: bool = False
    n6: bool = False
    low_layer_ssm: bool = False

    @classmethod
    def parse(cls, reader: Reader) -> OuterHeaderCreation:
        flags = reader.number(2)
        return cls(
            teid=reader.optional(flags & 0x0300, 4),
            ipv4=reader.ipv4(flags & 0x1500),
            ipv6=reader.ipv6(flags & 0x2A00),
            port=reader.optional(flags & 0x0C00, 2),
            ctag=reader.optional(flags & 0x4000, 3),
            stag=reader.optional(flags & 0x8000, 3),
            n19=bool(flags & 1),
            n6=bool(flags & 2),
            low_layer_ssm=bool(flags & 4),
        )

    def layout(self) -> bytes:
        octets = struct.pack(">H", self._description())
        if self.teid is not None:
            octets += struct.pack(">I", self.teid)
        octets += packed(self.ipv4, self.ipv6)
        if self.port is not None:
            octets += struct.pack(">H", self.port)
        for tag in (self.ctag, self.stag):
            if tag is not None:
                octets += tag.to_bytes(3, "big")
        return octets

    def _description(self) -> int:
        """Outer Header Creation Description of what is set."""
        families = flags_of(self.ipv4, self.ipv6)
        if self.teid is not None:
            octet = families
        elif self.port is not None:
            octet = families << 2
        else:
            octet = families << 4
        octet |= flags_of(self.ctag, self.stag) << 6
        return octet << 8 | flags_of(self.n19, self.n6, self.low_layer_ssm)


@record
class PacketRateLimit(Record):
    """So many packets in a unit of time; an unknown unit counts minutes."""

    packets: int
    time_unit: int


@ie(94, "Packet Rate", clause="8.2.63")
class PacketRate(OwnLayout):
    """Packet rates to enforce; the additional ones are for exception reports.

    Additional rates are given for every direction that has a rate, or for none.
    """

    uplink: PacketRateLimit | None = None
    downlink: PacketRateLimit | None = None
    additional_uplink: PacketRateLimit | None = None
    additional_downlink: PacketRateLimit | None = None

    @classmethod
    def parse(cls, reader: Reader) -> PacketRate:
        flags = reader.number(1)
        return cls(
            uplink=_rate(reader, flags & 1),
            downlink=_rate(reader, flags & 2),
            additional_uplink=_rate(reader, flags & 4 and flags & 1),
            additional_downlink=_rate(reader, flags & 4 and flags & 2),
        )

    def layout(self) -> bytes:
        own = flags_of(self.uplink, self.downlink)
        additional = flags_of(self.additional_uplink, self.additional_downlink)
        if additional not in {0, own}:
            raise ValueError("additional rates go with the rates of the same directions")
        limits = (self.uplink, self.downlink, self.additional_uplink, self.additional_downlink)
        return bytes([own | (4 if additional else 0)]) + b"".join(
            struct.pack(">BH", below(limit.time_unit, 8), limit.packets)
            for limit in limits
            if limit is not None
        )


def _rate(reader: Reader, present: int) -> PacketRateLimit | None:
    if not present:
        return None
    time_unit = known(enums.PacketRateTimeUnit, reader.number(1) & 0x07)
    return PacketRateLimit(time_unit=time_unit, packets=reader.number(2))


@ie(114, "Failed Rule ID", clause="8.2.80")
class FailedRuleID(OwnLayout):
    """The rule to blame for a refusal."""

    rule_id_type: int
    rule_id: int

    @classmethod
    def parse(cls, reader: Reader) -> FailedRuleID:
        kind = reader.number(1) & 0x0F
        if kind not in _RULE_ID_OCTETS:
            raise reader.meaningless(f"rule type {kind}")
        rule_id = reader.number(_RULE_ID_OCTETS[kind])
        return cls(rule_id_type=enums.RuleIDType(kind), rule_id=rule_id)

    def layout(self) -> bytes:
        kind = enums.RuleIDType(self.rule_id_type)
        return bytes([kind]) + self.rule_id.to_bytes(_RULE_ID_OCTETS[kind], "big")


_RULE_ID_OCTETS: dict[int, int] = {
    enums.RuleIDType.PDR: 2,
    enums.RuleIDType.FAR: 4,
    enums.RuleIDType.QER: 4,
    enums.RuleIDType.URR: 4,
    enums.RuleIDType.BAR: 1,
    enums.RuleIDType.MAR: 2,
    enums.RuleIDType.SRR: 1,
}


@record
class VLANTag(OwnLayout):
    """A VLAN tag to match; what is None matches anything.

    Its bits lie otherwise than on the line: VID, DEI, PCP (§8.2.94).
    """

    pcp: int | None = None
    dei: bool | None = None
    vid: int | None = None

    @classmethod
    def parse(cls, reader: Reader) -> VLANTag:
        flags, value = reader.number(1), reader.number(2)
        return cls(
            pcp=value >> 8 & 7 if flags & 1 else None,
            dei=bool(value >> 11 & 1) if flags & 2 else None,
            vid=value >> 4 & 0xF00 | value & 0xFF if flags & 4 else None,
        )

    def layout(self) -> bytes:
        flags = sum(
            bit for bit, each in ((1, self.pcp), (2, self.dei), (4, self.vid)) if each is not None
        )
        vid = below(self.vid or 0, 1 << 12)
        value = (vid & 0xF00) << 4 | (self.dei or 0) << 11 | below(self.pcp or 0, 8) << 8
        return struct.pack(">BH", flags, value | vid & 0xFF)


@ie(134, "C-TAG", clause="8.2.94")
class CTAG(VLANTag):
    """A customer VLAN tag."""


@ie(135, "S-TAG", clause="8.2.95")
class STAG(VLANTag):
    """A service VLAN tag."""


@record
class MACAddresses(OwnLayout):
    """Addresses of devices behind the UE, six octets each, and the tags their frames carry."""

    addresses: tuple[bytes, ...]
    ctag: CTAG | None = None
    stag: STAG | None = None

    @classmethod
    def parse(cls, reader: Reader) -> MACAddresses:
        addresses = tuple(reader.take(6) for _ in range(reader.number(1)))
        # Release 15 ended here.
        ctag = reader.counted() if reader.left else b""
        stag = reader.counted() if reader.left else b""
        return cls(
            addresses=addresses,
            ctag=CTAG.decode(ctag) if ctag else None,
            stag=STAG.decode(stag) if stag else None,
        )

    def layout(self) -> bytes:
        octets = struct.pack(">B", len(self.addresses))
        octets += b"".join(exactly(address, 6) for address in self.addresses)
        for tag in (self.ctag, self.stag):
            octets += counted(b"" if tag is None else tag.encode())
        return octets


@ie(144, "MAC Addresses Detected", clause="8.2.103")
class MACAddressesDetected(MACAddresses):
    """Addresses newly seen."""


@ie(145, "MAC Addresses Removed", clause="8.2.104")
class MACAddressesRemoved(MACAddresses):
    """Addresses no longer seen."""


@ie(180, "SMF Set ID", clause="8.2.131")
class SMFSetID(OwnLayout):
    """The domain name of a set of SMFs."""

    fqdn: str

    @classmethod
    def parse(cls, reader: Reader) -> SMFSetID:
        reader.take(1)
        return cls(fqdn=name_of(reader.take(reader.left)))

    def layout(self) -> bytes:
        return b"\x00" + labels_of(self.fqdn)


@ie(191, "IP Multicast Address", clause="8.2.137")
class IPMulticastAddress(OwnLayout):
    """A multicast address, a range of them with an `end`, or `any` of them."""

    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    end_ipv4: IPv4Address | None = None
    end_ipv6: IPv6Address | None = None
    any: bool = False

    @classmethod
    def parse(cls, reader: Reader) -> IPMulticastAddress:
        flags = reader.number(1)
        v6, v4, of_range = flags & 1, flags & 2, flags & 4
        if flags & 8:
            return cls(any=True)
        return cls(
            ipv4=reader.ipv4(v4),
            ipv6=reader.ipv6(v6),
            end_ipv4=reader.ipv4(of_range and v4),
            end_ipv6=reader.ipv6(of_range and v6),
        )

    def layout(self) -> bytes:
        start = flags_of(self.ipv6, self.ipv4)
        end = flags_of(self.end_ipv6, self.end_ipv4)
        if end not in {0, start} or (self.any and start):
            raise ValueError("a range needs both its ends, and `any` takes no address")
        flags = start | (4 if end else 0) | (8 if self.any else 0)
        return bytes([flags]) + packed(self.ipv4, self.ipv6, self.end_ipv4, self.end_ipv6)


@ie(193, "Packet Rate Status", clause="8.2.139")
class PacketRateStatus(OwnLayout):
    """How many packets may still pass until a time.

    `validity_time` counts seconds since 1900 with the fraction in its lower 32 bits (NTP). The
    additional numbers go with the directions that have a number, or with none.
    """

    uplink_packets: int | None = None
    additional_uplink_packets: int | None = None
    downlink_packets: int | None = None
    additional_downlink_packets: int | None = None
    validity_time: int | None = None

    @classmethod
    def parse(cls, reader: Reader) -> PacketRateStatus:
        flags = reader.number(1)
        uplink, downlink, additional = flags & 1, flags & 2, flags & 4
        return cls(
            uplink_packets=reader.optional(uplink, 2),
            additional_uplink_packets=reader.optional(uplink and additional, 2),
            downlink_packets=reader.optional(downlink, 2),
            additional_downlink_packets=reader.optional(downlink and additional, 2),
            validity_time=reader.optional(uplink or downlink, 8),
        )

    def layout(self) -> bytes:
        own = flags_of(self.uplink_packets, self.downlink_packets)
        additional = flags_of(self.additional_uplink_packets, self.additional_downlink_packets)
        if additional not in {0, own} or bool(own) == (self.validity_time is None):
            raise ValueError("additional numbers and the validity time go with the numbers")
        numbers = (
            self.uplink_packets,
            self.additional_uplink_packets,
            self.downlink_packets,
            self.additional_downlink_packets,
        )
        octets = bytes([own | (4 if additional else 0)])
        octets += b"".join(struct.pack(">H", each) for each in numbers if each is not None)
        return octets if self.validity_time is None else octets + self.validity_time.to_bytes(8)


@ie(230, "PMF Address Information", clause="8.2.159")
class PMFAddressInformation(OwnLayout):
    """Where the performance measurement function listens, for each access.

    Ports go with IP addresses; the two MAC addresses, six octets each, go together.
    """

    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    port_3gpp: int | None = None
    port_non_3gpp: int | None = None
    mac_3gpp: bytes | None = None
    mac_non_3gpp: bytes | None = None

    @classmethod
    def parse(cls, reader: Reader) -> PMFAddressInformation:
        flags = reader.number(1)
        return cls(
            ipv4=reader.ipv4(flags & 1),
            ipv6=reader.ipv6(flags & 2),
            port_3gpp=reader.optional(flags & 3, 2),
            port_non_3gpp=reader.optional(flags & 3, 2),
            mac_3gpp=reader.take(6) if flags & 4 else None,
            mac_non_3gpp=reader.take(6) if flags & 4 else None,
        )

    def layout(self) -> bytes:
        if (self.mac_3gpp is None) != (self.mac_non_3gpp is None):
            raise ValueError("the two MAC addresses go together")
        octets = bytes([flags_of(self.ipv4, self.ipv6, self.mac_3gpp)])
        octets += packed(self.ipv4, self.ipv6)
        if self.ipv4 is not None or self.ipv6 is not None:
            octets += struct.pack(">HH", self.port_3gpp, self.port_non_3gpp)
        if self.mac_3gpp is not None and self.mac_non_3gpp is not None:
            octets += exactly(self.mac_3gpp, 6) + exactly(self.mac_non_3gpp, 6)
        return octets


@ie(278, "L2TP User Authentication", clause="8.2.187")
class L2TPUserAuthentication(OwnLayout):
    """What the LNS needs to authenticate the user, as in the AVPs of RFC 2661."""

    proxy_authen_type: int
    proxy_authen_name: bytes | None = None
    proxy_authen_challenge: bytes | None = None
    proxy_authen_response: bytes | None = None
    proxy_authen_id: int | None = None

    @classmethod
    def parse(cls, reader: Reader) -> L2TPUserAuthentication:
        kind, flags = reader.number(2), reader.number(1)
        return cls(
            proxy_authen_type=kind,
            proxy_authen_name=reader.counted() if flags & 1 else None,
            proxy_authen_challenge=reader.counted() if flags & 2 else None,
            proxy_authen_response=reader.counted() if flags & 4 else None,
            proxy_authen_id=reader.optional(flags & 8, 1),
        )

    def layout(self) -> bytes:
        texts = (self.proxy_authen_name, self.proxy_authen_challenge, self.proxy_authen_response)
        flags = flags_of(*texts, self.proxy_authen_id)
        octets = struct.pack(">HB", self.proxy_authen_type, flags)
        octets += b"".join(counted(text) for text in texts if text is not None)
        if self.proxy_authen_id is None:
            return octets
        return octets + struct.pack(">B", self.proxy_authen_id)


@ie(280, "LNS Address", clause="8.2.188")
class LNSAddress(OwnLayout):
    """The address of an L2TP network server; its length says of which family."""

    value: IPv4Address | IPv6Address

    @classmethod
    def parse(cls, reader: Reader) -> LNSAddress:
        if reader.left < 16:
            return cls(value=IPv4Address(reader.take(4)))
        return cls(value=IPv6Address(reader.take(16)))

    def layout(self) -> bytes:
        return self.value.packed


@record
class SourceSpecificMulticast(Record):
    """A multicast distribution address and the source that sends to it, of one family."""

    distribution: IPv4Address | IPv6Address
    source: IPv4Address | IPv6Address


@ie(305, "MBS Session Identifier", clause="8.2.206")
class MBSSessionIdentifier(OwnLayout):
    """A multicast or broadcast session: its TMGI (six octets), its multicast address, its NID."""

    tmgi: bytes | None = None
    source_specific_multicast: SourceSpecificMulticast | None = None
    nid: bytes | None = None

    @classmethod
    def parse(cls, reader: Reader) -> MBSSessionIdentifier:
        flags = reader.number(1)
        return cls(
            tmgi=reader.take(6) if flags & 1 else None,
            source_specific_multicast=_multicast(reader) if flags & 2 else None,
            nid=reader.take(6) if flags & 4 else None,
        )

    def layout(self) -> bytes:
        multicast = self.source_specific_multicast
        octets = bytes([flags_of(self.tmgi, multicast, self.nid)])
        if self.tmgi is not None:
            octets += exactly(self.tmgi, 6)
        if multicast is not None:
            octets += _octets_of_multicast(multicast)
        return octets if self.nid is None else octets + exactly(self.nid, 6)


@ie(306, "Multicast Transport Information", clause="8.2.207")
class MulticastTransportInformation(OwnLayout):
    """The tunnel and the multicast address that carry a session below."""

    common_teid: int
    source_specific_multicast: SourceSpecificMulticast

    @classmethod
    def parse(cls, reader: Reader) -> MulticastTransportInformation:
        reader.take(1)
        return cls(common_teid=reader.number(4), source_specific_multicast=_multicast(reader))

    def layout(self) -> bytes:
        octets = struct.pack(">BI", 0, self.common_teid)
        return octets + _octets_of_multicast(self.source_specific_multicast)


def _multicast(reader: Reader) -> SourceSpecificMulticast:
    return SourceSpecificMulticast(distribution=_typed(reader), source=_typed(reader))


def _typed(reader: Reader) -> IPv4Address | IPv6Address:
    """An address after its type in two bits and its length in six."""
    first = reader.number(1)
    if first == 4:
        return IPv4Address(reader.take(4))
    if first == 0x40 | 16:
        return IPv6Address(reader.take(16))
    raise reader.meaningless(f"address type {first >> 6} of {first & 0x3F} octets")


def _octets_of_multicast(value: SourceSpecificMulticast) -> bytes:
    return b"".join(
        bytes([4 if address.version == 4 else 0x40 | 16]) + address.packed
        for address in (value.distribution, value.source)
    )


@ie(308, "Local Ingress Tunnel", clause="8.2.209")
class LocalIngressTunnel(OwnLayout):
    """A UDP endpoint, or with `choose` the order to allocate one of the families wanted."""

    port: int | None = None
    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    choose: bool = False
    choose_ipv4: bool = False
    choose_ipv6: bool = False

    @classmethod
    def parse(cls, reader: Reader) -> LocalIngressTunnel:
        flags = reader.number(1)
        if flags & 4:
            return cls(choose=True, choose_ipv4=bool(flags & 1), choose_ipv6=bool(flags & 2))
        return cls(port=reader.number(2), ipv4=reader.ipv4(flags & 1), ipv6=reader.ipv6(flags & 2))

    def layout(self) -> bytes:
        if self.choose:
            return bytes([4 | flags_of(self.choose_ipv4, self.choose_ipv6)])
        flags = flags_of(self.ipv4, self.ipv6)
        return struct.pack(">BH", flags, self.port) + packed(self.ipv4, self.ipv6)


schema.link(globals())

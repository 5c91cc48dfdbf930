"""PDR, FAR, QER, URR and BAR as state: merged and resolved, free of how the wire encodes them.

Names are those of TS 29.244. Times are seconds, volumes octets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias

from upf.limits import Limits, Monitoring, VolumeLimit

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network
PortRange: TypeAlias = tuple[int, int]  # both ends included

ANY_PORTS: Final[tuple[PortRange, ...]] = ((0, 65535),)
BOTH_VERSIONS: Final = frozenset({4, 6})
_PROTOCOL_ICMPV6 = 58


class Interface(StrEnum):
    """Source or destination interface as far as forwarding tells them apart.

    SGi-LAN/N6-LAN is CORE here (TS 29.244 clauses 8.2.2 and 8.2.24).
    """

    ACCESS = "access"
    CORE = "core"
    CP_FUNCTION = "cp_function"
    VN_INTERNAL = "vn_internal"


class ApplyAction(IntFlag):
    """Apply Action, first octet (TS 29.244 clause 8.2.26)."""

    DROP = 1
    FORW = 2
    BUFF = 4
    NOCP = 8


@dataclass(frozen=True, slots=True)
class LocalFTEID:
    """A GTP-U tunnel endpoint of this UPF, at an IPv4 address, an IPv6 address or both."""

    endpoint_id: int
    teid: int
    ipv4: IPv4Address | None
    ipv6: IPv6Address | None = None

    @property
    def address(self) -> IPAddress:
        """Its address, the IPv4 one where there are two."""
        address = self.ipv4 or self.ipv6
        assert address is not None
        return address


@dataclass(frozen=True, slots=True)
class ChooseKey:
    """What F-TEIDs to be chosen have in common when they are to be the same.

    `choose_id` None: one F-TEID per session and source interface.
    """

    choose_id: int | None
    source_interface: Interface | None
    network_instance_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SDFFilter:
    """What an SDF filter matches, None for anything. `text` is the flow description as given.

    `remote` is the far end, `local` the UE, whatever the direction. `traffic_class` is value and
    mask of the TOS or traffic class octet, `rule` the predefined rule that it comes from.
    """

    text: str
    filter_id: int | None = None
    protocol: int | None = None
    remote: IPNetwork | None = None
    local: IPNetwork | None = None
    remote_ports: tuple[PortRange, ...] = ANY_PORTS
    local_ports: tuple[PortRange, ...] = ANY_PORTS
    traffic_class: tuple[int, int] | None = None
    spi: int | None = None
    flow_label: int | None = None
    rule: str | None = None

    @property
    def versions(self) -> frozenset[int]:
        """The versions of IP that it can match."""
        network = self.remote if self.remote is not None else self.local
        if network is not None:
            return frozenset({network.version})
        if self.flow_label is not None or self.protocol == _PROTOCOL_ICMPV6:
            return frozenset({6})
        return BOTH_VERSIONS

    def matches_all(self, version: int) -> bool:
        """Whether every packet of a version of IP matches."""
        return version in self.versions and self.is_unconditional

    @property
    def is_unconditional(self) -> bool:
        """Whether nothing but the version of IP is asked."""
        return (
            all(each is None or each.prefixlen == 0 for each in (self.remote, self.local))
            and self.remote_ports == self.local_ports == ANY_PORTS
            and self.protocol is None
            and self.flow_label is None
            and (self.traffic_class is None or self.traffic_class[1] == 0)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PDI:
    """`ue_ipv6` is the /64 that the UE's IPv6 address stands for, `framed_routes` are networks
    behind the UE. The filters of an application are those that describe it now.
    """

    source_interface: Interface
    network_instance: str | None = None
    local_fteid: LocalFTEID | None = None
    ue_ipv4: IPv4Address | None = None
    ue_ipv6: IPv6Network | None = None
    qfis: tuple[int, ...] = ()
    sdf_filters: tuple[SDFFilter, ...] = ()
    framed_routes: tuple[IPNetwork, ...] = ()
    application_id: bytes | None = None

    @property
    def matches_nothing(self) -> bool:
        """Whether it asks for an application that nobody describes any more."""
        return self.application_id is not None and not self.sdf_filters

    def is_of_ue(self, address: IPAddress) -> bool:
        """Whether this is the UE's address, or one of its prefix."""
        if isinstance(address, IPv4Address):
            return self.ue_ipv4 == address
        return self.ue_ipv6 is not None and address in self.ue_ipv6


@dataclass(frozen=True, slots=True, kw_only=True)
class PDR:
    """`usage_id` is the index of its usage counter, its own for life; `predefined` the rules of the
    operator's that are active in it.
    """

    pdr_id: int
    precedence: int
    pdi: PDI
    has_outer_header_removal: bool = False
    far_id: int | None = None
    qer_ids: tuple[int, ...] = ()
    urr_ids: tuple[int, ...] = ()
    usage_id: int = 0
    predefined: tuple[str, ...] = ()

    @property
    def is_uplink(self) -> bool:
        """Whether it matches traffic coming from the access side."""
        return self.pdi.source_interface is Interface.ACCESS


class OuterProtocol(StrEnum):
    """What stands between the outer IP header and the user's packet (TS 29.244 clause 8.2.56)."""

    GTPU = "gtpu"
    UDP = "udp"
    IP = "ip"


@dataclass(frozen=True, slots=True)
class OuterHeaderCreation:
    """Headers towards `address`: of GTP-U/UDP/IP, whose `teid` it chose, of UDP/IP to a `port` of
    it, or of IP alone. What a protocol has not is 0.
    """

    teid: int
    address: IPAddress
    protocol: OuterProtocol = OuterProtocol.GTPU
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingParameters:
    """`dscp` is the transport level marking of outer headers, None is none."""

    destination_interface: Interface
    network_instance: str | None = None
    outer_header_creation: OuterHeaderCreation | None = None
    forwarding_policy: bytes | None = None
    dscp: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FAR:
    far_id: int
    apply_action: ApplyAction
    forwarding: ForwardingParameters | None = None
    bar_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QER:
    """Rates are kbit/s; None and 0 are no limit. `is_reflective`: RQI.

    `ppi`: paging policy indicator for the access network, None is none.
    """

    qer_id: int
    is_uplink_open: bool = True
    is_downlink_open: bool = True
    qfi: int | None = None
    mbr_uplink_kbps: int | None = None
    mbr_downlink_kbps: int | None = None
    gbr_uplink_kbps: int | None = None
    gbr_downlink_kbps: int | None = None
    is_reflective: bool = False
    ppi: int | None = None

    def mbr_kbps(self, *, is_uplink: bool) -> int:
        """The maximum bit rate of a direction, 0 if there is none."""
        return (self.mbr_uplink_kbps if is_uplink else self.mbr_downlink_kbps) or 0

    def gbr_kbps(self, *, is_uplink: bool) -> int:
        """The guaranteed bit rate of a direction, 0 if there is none."""
        return (self.gbr_uplink_kbps if is_uplink else self.gbr_downlink_kbps) or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class URR:
    """`triggers`: names of Reporting Triggers (TS 29.244 clause 8.2.19) as in the table.

    `monitorings` are its monitoring times in order. `is_suspended`: INAM, `is_metered_at_once`:
    ISTM of Measurement Information (clause 8.2.68).
    """

    urr_id: int
    measures_volume: bool = False
    measures_duration: bool = False
    measures_events: bool = False
    triggers: frozenset[str] = frozenset()
    volume_threshold: VolumeLimit | None = None
    time_threshold_s: int | None = None
    event_threshold: int | None = None
    volume_quota: VolumeLimit | None = None
    time_quota_s: int | None = None
    event_quota: int | None = None
    measurement_period_s: int | None = None
    quota_holding_time_s: int | None = None
    quota_validity_time_s: int | None = None
    inactivity_detection_time_s: int | None = None
    inactivity_timer_s: int | None = None
    monitorings: tuple[Monitoring, ...] = ()
    linked_urr_ids: tuple[int, ...] = ()
    quota_far_id: int | None = None
    number_of_reports: int | None = None
    is_suspended: bool = False
    is_metered_at_once: bool = False

    @property
    def threshold(self) -> Limits:
        """What calls for a report."""
        return Limits(self.volume_threshold, self.time_threshold_s, self.event_threshold)

    @property
    def quota(self) -> Limits:
        """What may be used and no more."""
        return Limits(self.volume_quota, self.time_quota_s, self.event_quota)

    @property
    def meters_time(self) -> bool:
        """Whether the time of its traffic counts."""
        return (
            self.measures_duration or bool(self.time_threshold_s) or self.time_quota_s is not None
        )

    @property
    def counts_events(self) -> bool:
        """Whether starts of its traffic count."""
        return self.measures_events or bool(self.event_threshold) or self.event_quota is not None


@dataclass(frozen=True, slots=True)
class BAR:
    """How downlink packets of an idle UE are kept; None and 0 leave it to us."""

    bar_id: int
    notification_delay_s: float = 0.0
    suggested_packets: int | None = None


NO_BAR: Final = BAR(0)

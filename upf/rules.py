"""PDR, FAR, QER, URR and BAR as state: merged and resolved, free of how the wire encodes them.

Names are those of TS 29.244. Times are seconds, volumes octets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from ipaddress import IPv4Address


class Interface(StrEnum):
    """Source or destination interface as far as forwarding tells them apart.

    SGi-LAN/N6-LAN is CORE here (TS 29.244 clauses 8.2.2 and 8.2.24).
    """

    ACCESS = "access"
    CORE = "core"
    CP_FUNCTION = "cp_function"


class ApplyAction(IntFlag):
    """Apply Action, first octet (TS 29.244 clause 8.2.26)."""

    DROP = 1
    FORW = 2
    BUFF = 4
    NOCP = 8


@dataclass(frozen=True, slots=True)
class LocalFTEID:
    """A GTP-U tunnel endpoint of this UPF."""

    endpoint_id: int
    teid: int
    ipv4: IPv4Address


@dataclass(frozen=True, slots=True)
class ChooseKey:
    """What F-TEIDs to be chosen have in common when they are to be the same.

    `choose_id` None: one F-TEID per session and source interface.
    """

    choose_id: int | None
    source_interface: Interface | None
    network_instance_id: int


@dataclass(frozen=True, slots=True)
class SDFFilter:
    """An SDF filter after judging what it can match. `text` is the flow description as given."""

    text: str
    is_match_all: bool
    is_ipv6_only: bool
    filter_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PDI:
    source_interface: Interface
    network_instance: str | None = None
    local_fteid: LocalFTEID | None = None
    ue_ipv4: IPv4Address | None = None
    qfis: tuple[int, ...] = ()
    sdf_filters: tuple[SDFFilter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PDR:
    """`usage_id` is the index of its usage counter, its own for life."""

    pdr_id: int
    precedence: int
    pdi: PDI
    has_outer_header_removal: bool = False
    far_id: int | None = None
    qer_ids: tuple[int, ...] = ()
    urr_ids: tuple[int, ...] = ()
    usage_id: int = 0

    @property
    def is_uplink(self) -> bool:
        """Whether it matches traffic coming from the access side."""
        return self.pdi.source_interface is Interface.ACCESS


@dataclass(frozen=True, slots=True)
class OuterHeaderCreation:
    """GTP-U/UDP/IPv4 towards `ipv4`, which chose `teid`."""

    teid: int
    ipv4: IPv4Address


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingParameters:
    destination_interface: Interface
    network_instance: str | None = None
    outer_header_creation: OuterHeaderCreation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FAR:
    far_id: int
    apply_action: ApplyAction
    forwarding: ForwardingParameters | None = None
    bar_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QER:
    """Gates and QFI are in force; bit rates are kept but not enforced yet."""

    qer_id: int
    is_uplink_open: bool = True
    is_downlink_open: bool = True
    qfi: int | None = None
    mbr_uplink_kbps: int | None = None
    mbr_downlink_kbps: int | None = None
    gbr_uplink_kbps: int | None = None
    gbr_downlink_kbps: int | None = None


@dataclass(frozen=True, slots=True)
class VolumeThreshold:
    """Octets since the last report that call for the next one; None is no limit."""

    total: int | None = None
    uplink: int | None = None
    downlink: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class URR:
    """`triggers`: names of Reporting Triggers (TS 29.244 clause 8.2.19) as in the table."""

    urr_id: int
    measures_volume: bool = False
    measures_duration: bool = False
    triggers: frozenset[str] = frozenset()
    volume_threshold: VolumeThreshold | None = None
    time_threshold_s: int | None = None
    measurement_period_s: int | None = None


@dataclass(frozen=True, slots=True)
class BAR:
    bar_id: int

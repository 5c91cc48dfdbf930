"""What the UPF shows of itself: plain values for REST, metrics and logs."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from upf.slices import SNSSAI
from upf.usage import NO_COUNTS, Volume, plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from upf.entry import Counts
    from upf.metering import UsageCounters
    from upf.records import SessionRecord


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One end of a GTP-U tunnel."""

    teid: int
    ipv4: IPv4Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A session as it is now. `since` is seconds since 1970; usage that of its present PDRs."""

    up_seid: int
    cp_seid: int
    cp_node_id: str
    ue_ipv4: IPv4Address | None
    dnn: str | None
    s_nssai: SNSSAI | None
    slice_name: str | None
    local_tunnels: tuple[Tunnel, ...]
    remote_tunnels: tuple[Tunnel, ...]
    since: float
    usage: Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationView:
    """A CP function we are associated with. `recovery_time_stamp` is seconds since 1900."""

    node_id: str
    address: str
    recovery_time_stamp: int
    is_reachable: bool
    sessions: int


@dataclass(frozen=True, slots=True)
class Health:
    """Whether traffic and signalling are served; `reason` says why not."""

    is_ready: bool
    reason: str | None = None


def session_view(
    record: SessionRecord,
    slice_names: Mapping[int, str],
    counters: UsageCounters,
    readings: Mapping[int, Counts],
) -> SessionView:
    """A session with its usage by these counter readings."""
    session = record.session
    remote = {
        far.forwarding.outer_header_creation
        for far in session.fars.values()
        if far.forwarding is not None and far.forwarding.outer_header_creation is not None
    }
    return SessionView(
        up_seid=session.up_seid,
        cp_seid=session.cp_seid,
        cp_node_id=str(record.owner),
        ue_ipv4=session.ue_ipv4,
        dnn=session.dnn,
        s_nssai=session.s_nssai,
        slice_name=slice_names.get(session.slice_id),
        local_tunnels=_sorted(Tunnel(each.teid, each.ipv4) for each in session.local_fteids),
        remote_tunnels=_sorted(Tunnel(each.teid, each.ipv4) for each in remote),
        since=record.since,
        usage=_usage(record, counters, readings),
    )


def _sorted(tunnels: Iterable[Tunnel]) -> tuple[Tunnel, ...]:
    return tuple(sorted(tunnels, key=lambda tunnel: (tunnel.ipv4, tunnel.teid)))


def _usage(
    record: SessionRecord, counters: UsageCounters, readings: Mapping[int, Counts]
) -> Volume:
    uplink = downlink = NO_COUNTS
    for pdr in record.session.pdrs.values():
        if pdr.usage_id in readings:
            used = counters.used(pdr.usage_id, readings[pdr.usage_id])
            if pdr.is_uplink:
                uplink = plus(uplink, used)
            else:
                downlink = plus(downlink, used)
    return Volume(uplink, downlink)

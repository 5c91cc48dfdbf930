"""What the UPF shows of itself: plain values for REST, metrics and logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum, Flag
from ipaddress import IPv4Address, IPv6Network
from typing import TYPE_CHECKING, Any

from upf.entry import Counts, Entry
from upf.rules import IPAddress
from upf.slices import SNSSAI
from upf.tunnels import remote_tunnels
from upf.usage import NO_COUNTS, Volume, plus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upf.metering import UsageCounters
    from upf.records import SessionRecord


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One end of a GTP-U tunnel."""

    teid: int
    address: IPAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A session as it is now. `since` is seconds since 1970; usage that of its present PDRs."""

    up_seid: int
    cp_seid: int
    cp_node_id: str
    ue_ipv4: IPv4Address | None
    ue_ipv6: IPv6Network | None = None
    dnn: str | None
    s_nssai: SNSSAI | None
    slice_name: str | None
    local_tunnels: tuple[Tunnel, ...]
    remote_tunnels: tuple[Tunnel, ...]
    since: float
    usage: Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions are wanted; None is any."""

    slice_name: str | None = None
    dnn: str | None = None
    ue: IPAddress | None = None
    cp_node_id: str | None = None

    def is_met_by(self, record: SessionRecord, slice_names: Mapping[int, str]) -> bool:
        """Whether a session is wanted."""
        session = record.session
        return (
            self.slice_name in (None, slice_names.get(session.slice_id))
            and self.dnn in (None, session.dnn)
            and (self.ue is None or any(pdr.pdi.is_of_ue(self.ue) for pdr in session.pdrs.values()))
            and self.cp_node_id in (None, str(record.owner))
        )


@dataclass(frozen=True, slots=True)
class PDRCount:
    """What one PDR counted since it was created."""

    pdr_id: int
    usage_id: int
    is_uplink: bool
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInside:
    """A session with its rules, the entries they became (with their PDR) and its counters.

    `rules` has plain values by kind of rule (`pdrs`, `fars`, ...).
    """

    view: SessionView
    rules: Mapping[str, list[dict[str, Any]]]
    entries: tuple[tuple[Entry, int | None], ...]
    counters: tuple[PDRCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationView:
    """A CP function we are associated with, `since` seconds since 1970.

    `recovery_time_stamp` is seconds since 1900.
    """

    node_id: str
    address: str
    recovery_time_stamp: int
    is_reachable: bool
    sessions: int
    since: float


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
    remote = remote_tunnels(session)
    return SessionView(
        up_seid=session.up_seid,
        cp_seid=session.cp_seid,
        cp_node_id=str(record.owner),
        ue_ipv4=session.ue_ipv4,
        ue_ipv6=session.ue_ipv6,
        dnn=session.dnn,
        s_nssai=session.s_nssai,
        slice_name=slice_names.get(session.slice_id),
        local_tunnels=_sorted(Tunnel(each.teid, each.address) for each in session.local_fteids),
        remote_tunnels=_sorted(Tunnel(teid, address) for address, teid in remote),
        since=record.since,
        usage=_usage(record, counters, readings),
    )


def session_inside(
    record: SessionRecord,
    slice_names: Mapping[int, str],
    counters: UsageCounters,
    readings: Mapping[int, Counts],
) -> SessionInside:
    """Everything that is known of a session."""
    session, held = record.session, record.held.compiled
    kinds = {
        "pdrs": session.pdrs,
        "fars": session.fars,
        "qers": session.qers,
        "urrs": session.urrs,
        "bars": session.bars,
    }
    return SessionInside(
        view=session_view(record, slice_names, counters, readings),
        rules={kind: [plain(rule) for rule in rules.values()] for kind, rules in kinds.items()},
        entries=tuple(
            (entry, held.pdr_ids.get(entry.identity))
            for entry in sorted(held.entries, key=lambda each: (each.table, str(each.key)))
        ),
        counters=tuple(
            PDRCount(
                pdr.pdr_id,
                pdr.usage_id,
                pdr.is_uplink,
                counters.used(pdr.usage_id, readings[pdr.usage_id]),
            )
            for pdr in session.pdrs.values()
            if pdr.usage_id in readings
        ),
    )


def plain(value: Any) -> Any:
    """A rule as what JSON knows: objects, arrays, numbers, text; flags as their names."""
    plained: Any = str(value)
    if is_dataclass(value) and not isinstance(value, type):
        plained = {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    elif isinstance(value, Flag):
        plained = [str(each.name) for each in type(value) if each in value]
    elif isinstance(value, Enum):
        plained = plain(value.value)
    elif value is None or isinstance(value, bool | int | float | str):
        plained = value
    elif isinstance(value, Mapping):
        plained = {str(key): plain(each) for key, each in value.items()}
    elif isinstance(value, set | frozenset):
        plained = sorted(plain(each) for each in value)
    elif isinstance(value, list | tuple):
        plained = [plain(each) for each in value]
    return plained


def _sorted(tunnels: Iterable[Tunnel]) -> tuple[Tunnel, ...]:
    return tuple(sorted(tunnels, key=lambda tunnel: (str(tunnel.address), tunnel.teid)))


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

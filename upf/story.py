"""A packet's trace told in the words of the product: who it belongs to, where it goes, what to do.

Pure: a trace and its surroundings in, a story out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from upf import advice, tables
from upf.drops import DropReason
from upf.frames import ip_packet_of
from upf.meanings import Meanings, drop_meaning, mac_text, owned_by
from upf.packet_trace import Counted, Lookup, Metered, ParserState, Registered, TraceStep
from upf.punts import PuntReason
from upf.rules import IPAddress
from upf.stages import Stage, stage_of_control

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Address, IPv6Address

    from upf.packet_trace import PacketTrace
    from upf.surroundings import Surroundings

_DROP_COUNTERS = (tables.INGRESS_DROP_COUNTER, tables.EGRESS_DROP_COUNTER)
_UE_TABLES = tuple(tables.TABLES[each] for each in (tables.SessionByUEIPv4, tables.SessionByUEIPv6))


class Fate(StrEnum):
    """What becomes of a packet. HELD: it waits in the UPF and goes on when it can."""

    FORWARDED = "forwarded"
    DROPPED = "dropped"
    HELD = "held"
    SHOWN = "shown"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Step:
    """A step with where it belongs and what it means; `meaning` None: nothing to an operator."""

    stage: Stage
    told: TraceStep
    meaning: str | None


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The GTP-U tunnel a packet leaves in. QFI 0: no PDU session container."""

    address: IPAddress
    teid: int
    qfi: int


@dataclass(frozen=True, slots=True)
class Way:
    """By which interface a packet leaves, and to whom; `address` None: not known by address."""

    interface: str
    mac: int
    address: IPAddress | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What becomes of a packet. `summary` says it in a sentence, `what_to_do` if it is not well."""

    interface: str
    frame: bytes
    steps: tuple[Step, ...]
    fate: Fate
    summary: str
    what_to_do: str | None = None
    drop_reason: DropReason | None = None
    punt_reason: PuntReason | None = None
    up_seid: int | None = None
    pdr_id: int | None = None
    slice_name: str | None = None
    tunnel: Tunnel | None = None
    way: Way | None = None
    out_frame: bytes | None = None


def story_of(trace: PacketTrace, around: Surroundings) -> Story:
    """Tell a trace."""
    meanings = Meanings(around)
    steps = tuple(_steps(trace, meanings))
    seid, pdr_id = _owner(trace, around)
    slice_id = _last_param(trace, "slice_id")
    ending = _ending(trace, around)
    return Story(
        interface=around.interface_of(trace.port),
        frame=trace.frame,
        steps=steps,
        fate=ending.fate,
        summary=ending.summary,
        what_to_do=ending.what_to_do,
        drop_reason=ending.drop_reason,
        punt_reason=ending.punt_reason,
        up_seid=seid,
        pdr_id=pdr_id,
        slice_name=None if slice_id is None else around.slices.get(slice_id),
        tunnel=_tunnel(trace, around),
        way=_way(trace, around),
        out_frame=trace.out_frame if trace.verdict == "forward" else None,
    )


def _steps(trace: PacketTrace, meanings: Meanings) -> Iterator[Step]:
    for each in trace.steps:
        if not isinstance(each, ParserState):
            yield Step(stage_of_control(name_of(each)), each, meanings.of(each))


def name_of(step: TraceStep) -> str:
    """The table, counter, meter, register or parser state of a step."""
    match step:
        case Lookup():
            return step.table
        case Counted():
            return step.counter
        case Metered():
            return step.meter
        case Registered():
            return step.register
        case ParserState():
            return step.name


def _owner(trace: PacketTrace, around: Surroundings) -> tuple[int | None, int | None]:
    """Whose packet it is: UP SEID and PDR. The entry that classifies is of no PDR alone."""
    seid = pdr_id = None
    for each in trace.steps:
        owned = owned_by(around, each)
        if owned is None:
            continue
        seid = owned[0]
        if isinstance(each, Lookup) and not each.action.endswith(".classify"):
            pdr_id = owned[1].pdr_id
    return seid, pdr_id


def _last_param(trace: PacketTrace, name: str) -> int | None:
    """A parameter of the last entry of a session that has it."""
    found = None
    for each in trace.steps:
        if isinstance(each, Lookup) and each.entry is not None and name in each.params:
            found = each.params[name]
    return found


def _tunnel(trace: PacketTrace, around: Surroundings) -> Tunnel | None:
    if trace.verdict != "forward":
        return None
    teid, peer_id = _last_param(trace, "teid"), _last_param(trace, "tunnel_peer_id")
    peer = None if peer_id is None else around.peers.get(peer_id)
    if teid is None or peer is None:
        return None
    return Tunnel(peer.dst, teid, _last_param(trace, "qfi") or 0)


def _way(trace: PacketTrace, around: Surroundings) -> Way | None:
    if trace.verdict != "forward" or trace.out_port is None:
        return None
    interface = around.interface_of(trace.out_port)
    mac = int.from_bytes(trace.out_frame[:6], "big")
    return Way(interface, mac, around.neighbour_at(interface, mac))


@dataclass(frozen=True, slots=True)
class _Ending:
    fate: Fate
    summary: str
    what_to_do: str | None = None
    drop_reason: DropReason | None = None
    punt_reason: PuntReason | None = None


def _ending(trace: PacketTrace, around: Surroundings) -> _Ending:
    match trace.verdict:
        case "forward":
            return _Ending(Fate.FORWARDED, _forwarded(trace, around))
        case "drop":
            return _dropped(trace)
        case "controller":
            return _shown(trace)
        case "host":
            return _left_to_host(trace, around)


def _forwarded(trace: PacketTrace, around: Surroundings) -> str:
    way, tunnel = _way(trace, around), _tunnel(trace, around)
    assert way is not None
    to = way.address if way.address is not None else mac_text(way.mac)
    inside = ""
    if tunnel is not None:
        qfi = f", QFI {tunnel.qfi}" if tunnel.qfi else ""
        inside = f" in the tunnel to {tunnel.address}, TEID {tunnel.teid:#010x}{qfi},"
    return f"leaves by {way.interface}{inside} to {to}: {len(trace.out_frame)} octets"


def _dropped(trace: PacketTrace) -> _Ending:
    counted = [
        each.index
        for each in trace.steps
        if isinstance(each, Counted) and each.counter in _DROP_COUNTERS
    ]
    if not counted or counted[-1] not in DropReason.__members__.values():
        return _Ending(Fate.DROPPED, "dropped by the pipeline, which does not say why")
    reason = DropReason(counted[-1])
    return _Ending(
        Fate.DROPPED,
        f"dropped: {drop_meaning(reason)}",
        advice.DROPPED.get(reason),
        drop_reason=reason,
    )


def _shown(trace: PacketTrace) -> _Ending:
    told = trace.packet_in.reason if trace.packet_in is not None else 0
    if told not in PuntReason.__members__.values():
        return _Ending(Fate.SHOWN, "shown to the UPF, for a reason it does not know")
    reason = PuntReason(told)
    becomes, what_to_do = advice.SHOWN[reason]
    is_held = reason in (PuntReason.NEIGHBOUR, PuntReason.BUFFER)
    return _Ending(
        Fate.HELD if is_held else Fate.SHOWN, f"the packet {becomes}", what_to_do, None, reason
    )


def _left_to_host(trace: PacketTrace, around: Surroundings) -> _Ending:
    why, what_to_do = _why_host(trace, around)
    return _Ending(Fate.HOST, f"left to this host's own network stack: {why}", what_to_do)


def _why_host(trace: PacketTrace, around: Surroundings) -> tuple[str, str | None]:
    """Why the pipeline does not take a packet for a user's."""
    interface = around.interface_of(trace.port)
    own_mac = around.mac_of(interface)
    if own_mac is not None and int.from_bytes(trace.frame[:6], "big") != own_mac:
        why = f"the frame is to {trace.frame[:6].hex(':')}, {interface} is {mac_text(own_mac)}"
        if trace.frame[:1] and trace.frame[0] & 1:
            return why, None  # broadcast and multicast are not for the pipeline
        return why, "whoever sends it has to resolve our address anew: see its ARP or ND cache"
    missed = [each for each in trace.steps if isinstance(each, Lookup) and each.entry is None]
    if any(each.table in _UE_TABLES for each in missed):
        packet = ip_packet_of(trace.frame)
        to = "its destination" if packet is None else packet.dst
        return (
            f"no session has the UE address {to}",
            f"see `upf sessions --ue {to}`: if the UE should have a session, ask the SMF",
        )
    binding = around.binding_of(trace.port)
    if binding is not None and not binding.is_core:
        endpoints = ", ".join(_endpoints(around, binding.network_instance_id)) or "none"
        return (
            "it is no GTP-U to an endpoint of ours",
            f"GTP-U is expected on UDP port 2152 at {endpoints}",
        )
    return "it is no IP packet for a UE", None


def _endpoints(around: Surroundings, network_instance_id: int) -> Iterator[str]:
    instance = around.instance_of(network_instance_id)
    for endpoint in instance.endpoints if instance is not None else ():
        addresses: tuple[IPv4Address | IPv6Address | None, ...] = (endpoint.ipv4, endpoint.ipv6)
        yield from (str(each) for each in addresses if each is not None)

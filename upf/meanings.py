"""What a step of a packet's trace means, in the words of the product. Pure.

A step that means nothing to an operator (code of the pipeline's own) has no meaning here.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, TypeAlias

from upf import tables
from upf.drops import DropReason
from upf.entry import Prefix
from upf.packet_trace import Counted, Lookup, Metered, Registered
from upf.stages import meaning_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from upf.packet_trace import TraceStep
    from upf.rules import PDR, IPAddress
    from upf.surroundings import Surroundings

_BITS_PER_OCTET = 8
_T = tables.TABLES
_DROP_COUNTERS = (tables.INGRESS_DROP_COUNTER, tables.EGRESS_DROP_COUNTER)

Teller: TypeAlias = "Callable[[Lookup], str | None]"


class Meanings:
    """Tells what steps mean in these surroundings."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        by_session = (tables.SessionByFTEID, tables.SessionByUEIPv4, tables.SessionByUEIPv6)
        by_filters = (
            *(tables.ClassifiedByFTEID, tables.ClassifiedByUEIPv4, tables.ClassifiedByUEIPv6),
            *(tables.FramedRouteIPv4, tables.FramedRouteIPv6),
        )
        self._tellers: dict[str, Teller] = {
            _T[tables.Port]: self._port,
            _T[tables.EndpointIPv4]: self._endpoint,
            _T[tables.EndpointIPv6]: self._endpoint,
            **{_T[each]: self._session for each in by_session},
            **{_T[each]: self._classified for each in by_filters},
            _T[tables.FilterIPv4]: self._filter,
            _T[tables.FilterIPv6]: self._filter,
            _T[tables.Flow]: self._flow,
            _T[tables.SourcePrefix]: self._source,
            _T[tables.Queue]: self._queue,
            _T[tables.TunnelPeer]: self._peer,
            _T[tables.RouteIPv4]: self._route,
            _T[tables.RouteIPv6]: self._route,
            _T[tables.NextHop]: self._next_hop,
            _T[tables.TunnelHeader]: self._tunnel,
            _T[tables.Marking]: self._marking,
        }

    def of(self, step: TraceStep) -> str | None:
        """What a step means to an operator."""
        match step:
            case Lookup():
                teller = self._tellers.get(step.table)
                return None if teller is None else teller(step)
            case Counted():
                return self._counted(step)
            case Metered():
                return self._metered(step)
            case Registered(register=tables.QUOTAS):
                return "of a volume quota, so much is left: " + f"{step.before[0]:,} octets"
            case _:
                return None

    # --- arrival ----------------------------------------------------------------------------------

    def _port(self, step: Lookup) -> str:
        binding = self._around.binding_of(step.key.get("ingress_port", 0))
        if step.entry is None or binding is None:
            return "no interface is configured for what comes in here"
        side = "core" if binding.is_core else "access"
        instance = self._around.instance_of(binding.network_instance_id)
        name = f" ({instance.name})" if instance is not None and instance.name else ""
        return f"came in by {binding.interface}, on the {side} side{name}"

    def _endpoint(self, step: Lookup) -> str:
        if step.entry is None:
            return "not addressed to a GTP-U endpoint of ours"
        address = self._around.endpoint_address(step.params.get("endpoint_id", 0))
        return f"addressed to our GTP-U endpoint {address}"

    # --- sessions ---------------------------------------------------------------------------------

    def _session(self, step: Lookup) -> str:
        if step.entry is None:
            return f"no session has {self._sought(step)}"
        return f"{self._who(step)}: {self._fate(step)}"

    def _classified(self, step: Lookup) -> str | None:
        if step.entry is None:
            return None  # most sessions need no filters
        return f"{self._who(step, with_pdr=False)}: its filters tell what the packet belongs to"

    def _filter(self, step: Lookup) -> str:
        if step.entry is None:
            return "none of the session's filters matches"
        return f"the filter of precedence rank {step.entry.priority} matches"

    def _flow(self, step: Lookup) -> str:
        if step.entry is None:
            return "no PDR of the session takes it"
        return f"{self._who(step)}: {self._fate(step)}"

    def _sought(self, step: Lookup) -> str:
        """What a session was looked for by."""
        key = step.key
        if "teid" in key:
            endpoint = self._around.endpoint_address(key.get("endpoint_id", 0))
            return f"TEID {key['teid']:#010x} at {endpoint}"
        instance = self._around.instance_name(key.get("network_instance", 0))
        if "ue_ipv4" in key:
            return f"the UE address {IPv4Address(key['ue_ipv4'])} in {instance}"
        prefix = IPv6Address(key.get("ue_prefix", 0) << 64)
        return f"the UE prefix {prefix}/64 in {instance}"

    def _who(self, step: Lookup, *, with_pdr: bool = True) -> str:
        owner = None if step.entry is None else self._around.owner(step.entry.identity)
        if owner is None:
            return "a session that is changing"
        record, pdr = owner
        ue = record.session.ue_ipv4 or record.session.ue_ipv6
        session = f"session {record.session.up_seid:016x} (UE {ue})"
        return f"PDR {pdr.pdr_id} of {session}" if with_pdr else session

    def _fate(self, step: Lookup) -> str:
        """What the action of a session's entry does."""
        params = step.params
        action = step.action.rpartition(".")[2]
        if "teid" in params:
            return f"{action_in_words(action)} to {self._tunnel_end(params)}"
        if "reason" in params:
            return f"dropped: {drop_meaning(params['reason'])}"
        if "route_instance" in params:
            return (
                f"sent on by the routes of {self._around.instance_name(params['route_instance'])}"
            )
        return action_in_words(action)

    def _tunnel_end(self, params: Mapping[str, int]) -> str:
        peer = self._around.peers.get(params.get("tunnel_peer_id", 0))
        where = "an unknown peer" if peer is None else str(peer.dst)
        qfi = f", QFI {params['qfi']}" if params.get("qfi") else ""
        return f"{where}, TEID {params['teid']:#010x}{qfi}"

    # --- forwarding and routing -------------------------------------------------------------------

    def _source(self, step: Lookup) -> str:
        is_own = "is" if step.entry is not None else "is not"
        return f"the source address {is_own} of the UE's own prefix"

    def _queue(self, step: Lookup) -> str | None:
        return None if step.entry is None else f"queue {step.params.get('qid')}"

    def _peer(self, step: Lookup) -> str:
        peer = self._around.peers.get(step.key.get("tunnel_peer_id", 0))
        name = "the tunnel's peer" if peer is None else f"the tunnel's peer {peer.dst}"
        return self._way(step, name)

    def _route(self, step: Lookup) -> str:
        if step.entry is None:
            wanted = _address(step.key.get("ipv4_dst"), step.key.get("ipv6_dst"))
            return f"no route to {wanted}"
        prefix = step.entry.key[-1]
        assert isinstance(prefix, Prefix)
        is_v4 = "ipv4_dst" in step.key
        network = IPv4Address(prefix.value) if is_v4 else IPv6Address(prefix.value)
        return self._way(step, f"the route {network}/{prefix.length}")

    def _way(self, step: Lookup, what: str) -> str:
        if step.entry is None:
            return f"there is no way to {what}"
        if "port" in step.params:
            interface = self._around.interface_of(step.params["port"])
            return f"{what}: the neighbour on {interface} is still to be found"
        return f"{what}: next hop {step.params.get('next_hop_group_id')}"

    def _next_hop(self, step: Lookup) -> str:
        if step.entry is None:
            return "the next hop is not known any more"
        interface = self._around.interface_of(step.params.get("port", 0))
        mac = step.params.get("dst_mac", 0)
        neighbour = self._around.neighbour_at(interface, mac)
        name = "" if neighbour is None else f"{neighbour}, "
        return f"out of {interface} to {name}{mac_text(mac)}"

    # --- egress -----------------------------------------------------------------------------------

    def _tunnel(self, step: Lookup) -> str | None:
        if step.entry is None:
            return None
        make = IPv4Address if "add_ipv4" in step.action else IPv6Address
        ends = [make(step.params.get(name, 0)) for name in ("src_addr", "dst_addr")]
        return f"new outer headers, {ends[0]} to {ends[1]}"

    def _marking(self, step: Lookup) -> str | None:
        return None if step.entry is None else f"marked DSCP {step.params.get('outer_dscp')}"

    def _counted(self, step: Counted) -> str | None:
        if step.counter in _DROP_COUNTERS:
            return f"counts as {drop_name(step.index)}"
        usage_id = self._around.usage_id_of(step.counter, step.index)
        if usage_id is None:
            return None
        owner = self._around.owner_of_usage(usage_id)
        who = "" if owner is None else f" of PDR {owner[1].pdr_id}"
        return f"would count {step.octets} octets for the usage{who}"

    def _metered(self, step: Metered) -> str | None:
        if step.meter == tables.SLICE_METER:
            slice_id, is_downlink = divmod(step.index, 2)
            way = "downlink" if is_downlink else "uplink"
            name = self._around.slices.get(slice_id)
            if name is None:
                return "in no slice, so without its capacity"
            return f"slice {name}, {way}: {rate_text(step.bytes_per_s)}"
        if not step.index:
            return None
        kinds = {tables.FLOW_METER: "the flow", tables.SESSION_METER: "the session"}
        kind = kinds.get(step.meter)
        return None if kind is None else f"{kind}: {rate_text(step.bytes_per_s)}"


def owned_by(around: Surroundings, step: TraceStep) -> tuple[int, PDR] | None:
    """UP SEID and PDR of the session whose entry a step hit."""
    if not isinstance(step, Lookup) or step.entry is None or step.is_constant:
        return None
    owner = around.owner(step.entry.identity)
    return None if owner is None else (owner[0].session.up_seid, owner[1])


def action_in_words(action: str) -> str:
    """What a session's action does."""
    return {
        "forward": "outer headers removed, sent on",
        "forward_flow": "outer headers removed, sent on",
        "forward_tunnel": "into the tunnel",
        "forward_flow_tunnel": "into the tunnel",
        "buffer": "the UE is idle: kept until it is found",
        "notify": "the SMF is told, the packet goes no further",
    }.get(action, action.replace("_", " "))


def drop_name(reason: int) -> str:
    """A drop reason as metrics and REST call it."""
    known = reason in DropReason.__members__.values()
    return DropReason(reason).name.lower() if known else f"reason {reason}"


def drop_meaning(reason: int) -> str:
    """A drop reason in a sentence."""
    known = reason in DropReason.__members__.values()
    return meaning_of(DropReason(reason)) if known else f"reason {reason}"


def mac_text(address: int) -> str:
    """A MAC address as people write it."""
    return address.to_bytes(6, "big").hex(":")


def rate_text(bytes_per_s: int | None) -> str:
    """A meter's setting."""
    if bytes_per_s is None:
        return "no limit"
    return f"{bytes_per_s * _BITS_PER_OCTET / 1_000_000:g} Mbit/s, taken as not used up"


def _address(ipv4: int | None, ipv6: int | None) -> IPAddress:
    return IPv4Address(ipv4) if ipv4 is not None else IPv6Address(ipv6 or 0)

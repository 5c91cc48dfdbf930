"""The sessions that are measured, and their frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.dataplane import MeterConfig
from testbed.hostile import network as net
from testbed.hostile import packets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from p4xdp import ir
    from p4xdp.dataplane import Dataplane

_FIRST_TEID = 0x10000000
_FIRST_UE_IPV4 = 0x0A400000  # 10.64.0.0
_USAGE_BANKS = 12
_BANK_BITS = 4  # the low ones of a counter's number
_CLASSIFIED = 200_000  # a session's number, beyond all others
_RULES = {net.ACCESS_PORT: 41, net.CORE_PORT: 42}
_SLOT = 3
_FILTERS = 4  # in a list, of which the last one fits
_SLICE = net.SLICE
_INSERTED_AT_ONCE = 10_000

# More than any CPU forwards, so that every packet is metered and none is dropped.
_RATE = MeterConfig(cir=10**12, cburst=10**9, pir=10**12, pburst=10**9)
_TWO_METERS = ("Egress.enforcement.session_meters", "Egress.enforcement.slice_meters")
FLOW_METER = ("Egress.enforcement.flow_meters", 1)  # of the classified session, both directions

_IPV4_AND_UDP = 20 + 8  # octets


def sizes_for(sessions: int) -> Mapping[str, int]:
    """Return the sizes of tables and arrays that hold so many sessions."""
    usages = 2 * max(sessions, _CLASSIFIED + 1)
    banks = {
        f"Egress.enforcement.usage_{bank}": usages // _USAGE_BANKS + 1
        for bank in range(_USAGE_BANKS)
    }
    tables = ("sessions_by_fteid", "sessions_by_ue_ipv4")
    return (
        banks
        | {f"Ingress.detection.{table}": sessions + 100 for table in tables}
        | {"Egress.enforcement.session_meters": usage_id(usages // 2, net.CORE_PORT) + 1}
    )


def usage_id(session: int, port: int) -> int:
    """Return the counter, and the meter if it has one, of a session's direction."""
    cell, bank = divmod(2 * session + (port == net.CORE_PORT), _USAGE_BANKS)
    return cell << _BANK_BITS | bank


def classified_usage(port: int) -> int:
    """Return the counter of the classified session's direction."""
    return usage_id(_CLASSIFIED, port)


def usage_cell(usage: int) -> tuple[str, int]:
    """Return the array and the cell of a counter."""
    bank = usage & (1 << _BANK_BITS) - 1
    return f"Egress.enforcement.usage_{bank}", usage >> _BANK_BITS


class Population:
    """Sessions 0 to `count` - 1, decided by one lookup each, and a classified one."""

    def __init__(self, program: ir.Program, dataplane: Dataplane, count: int) -> None:
        self._program = program
        self._dataplane = dataplane
        self.count = count
        for table, entry in net.entries(program):
            dataplane.insert_entries(table, [entry])
        self._insert("insert_entries", is_metered=False)
        for name, key, action, arguments in _classified():
            table, entry = net.entry(program, name, key, action, arguments)
            dataplane.insert_entries(table, [entry])

    def meter(self) -> None:
        """Give every session a meter in each direction, and its slice one."""
        self._insert("modify_entries", is_metered=True)
        sessions, slices = _TWO_METERS
        for session in (*range(self.count), _CLASSIFIED):
            for port in (net.ACCESS_PORT, net.CORE_PORT):
                self._dataplane.write_meter(sessions, usage_id(session, port), _RATE)
        for is_downlink in (0, 1):
            self._dataplane.write_meter(slices, 2 * _SLICE + is_downlink, _RATE)
        self._dataplane.write_meter(*FLOW_METER, _RATE)

    def _insert(self, verb: str, *, is_metered: bool) -> None:
        for first in range(0, self.count, _INSERTED_AT_ONCE):
            sessions = range(first, min(first + _INSERTED_AT_ONCE, self.count))
            for said in (_uplink, _downlink):
                named = [net.entry(self._program, *said(s, is_metered)) for s in sessions]
                getattr(self._dataplane, verb)(named[0][0], [entry for _, entry in named])


def said_of(session: int, *, is_metered: bool) -> tuple[net.Said, net.Said]:
    """Return the entries of a session, one a direction, as `testbed.hostile.network` says them."""
    return _uplink(session, is_metered), _downlink(session, is_metered)


def _uplink(session: int, is_metered: bool) -> tuple[str, net.Key, str, dict[str, int]]:  # noqa: FBT001
    arguments = {"usage_id": usage_id(session, net.ACCESS_PORT), "is_source_checked": 1}
    arguments |= {"is_session_metered": int(is_metered), "slice_id": _SLICE}
    arguments |= {"route_instance": net.CORE, "ue_ipv4": _FIRST_UE_IPV4 + session}
    return "sessions_by_fteid", (net.ENDPOINT, _FIRST_TEID + session), "forward", arguments


def _downlink(session: int, is_metered: bool) -> tuple[str, net.Key, str, dict[str, int]]:  # noqa: FBT001
    arguments = {"usage_id": usage_id(session, net.CORE_PORT), "tunnel_peer_id": net.PEER}
    arguments |= {"is_session_metered": int(is_metered), "slice_id": _SLICE}
    arguments |= {"teid": _FIRST_TEID + session, "qfi": net.QFI}
    key = (net.CORE, _FIRST_UE_IPV4 + session)
    return "sessions_by_ue_ipv4", key, "forward_tunnel", arguments


def _classified() -> Iterator[tuple[str, net.Key, str, dict[str, int]]]:
    """One session in each direction, its flow found by a list of filters."""
    ue_ipv4 = _FIRST_UE_IPV4 + _CLASSIFIED
    for port, rules in _RULES.items():
        named = {"rules_id": rules, "classified_id": rules}
        if port == net.ACCESS_PORT:
            yield (
                "classified_by_fteid",
                (net.ENDPOINT, _FIRST_TEID + _CLASSIFIED),
                "classify",
                named,
            )
        else:
            yield "classified_by_ue_ipv4", (net.CORE, ue_ipv4), "classify", named
        any_port = (0, 0xFFFF)
        for number in range(_FILTERS):
            protocol = packets.UDP if number == _FILTERS - 1 else 200 + number
            filter_key = (rules, None, None, (protocol, 8), any_port, any_port, None, None)
            yield "filters_ipv4", filter_key, "set_slot", {"filter_slot": _SLOT}
        meter = usage_id(_CLASSIFIED, port)
        arguments = {"usage_id": meter, "session_meter_id": meter, "flow_meter_id": FLOW_METER[1]}
        arguments |= {"slice_id": _SLICE, "is_guaranteed": 0}
        if port == net.ACCESS_PORT:
            yield "flows", (rules, _SLOT), "forward_flow", arguments | {"route_instance": net.CORE}
        else:
            tunnel = {"tunnel_peer_id": net.PEER, "teid": _FIRST_TEID + _CLASSIFIED}
            yield "flows", (rules, _SLOT), "forward_flow_tunnel", arguments | tunnel | {"qfi": 1}


def frames(port: int, octets: int, sessions: int) -> list[bytes]:
    """Return a frame of each of sessions 0 to `sessions` - 1, received on `port`. `octets` is the
    length of the user's IP packet.
    """
    return [_frame(port, octets, session) for session in range(sessions)]


def classified_frame(port: int, octets: int) -> bytes:
    """Return a frame of the classified session."""
    return _frame(port, octets, _CLASSIFIED)


def _frame(port: int, octets: int, session: int) -> bytes:
    ue_ipv4 = (_FIRST_UE_IPV4 + session).to_bytes(4)
    payload = packets.udp(4242, 5353, bytes(octets - _IPV4_AND_UDP))
    if port == net.CORE_PORT:
        return packets.on_n6(packets.ipv4(net.SERVER_IPV4, ue_ipv4, payload))[1]
    user = packets.ipv4(ue_ipv4, net.SERVER_IPV4, payload)
    options = packets.chain_of(packets.container())
    message = packets.g_pdu(user, flags=0x34, options=options, teid=_FIRST_TEID + session)
    return packets.on_n3(message)[1]

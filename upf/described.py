"""A packet described by what people know of it, made a frame that would arrive. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from upf import made_frames
from upf.errors import DescriptionError
from upf.networks import Role
from upf.rules import Interface, IPAddress

if TYPE_CHECKING:
    from upf.records import SessionRecord
    from upf.routes import PortBinding
    from upf.rules import LocalFTEID
    from upf.surroundings import Surroundings

# RFC 5737 and RFC 3849: addresses of nobody, where it does not matter whose.
_NOBODY: dict[int, IPAddress] = {4: IPv4Address("192.0.2.1"), 6: IPv6Address("2001:db8::1")}
_ICMP, _ICMPV6 = 1, 58
DEFAULT_UE_PORT = 40_000
DEFAULT_REMOTE_PORT = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A user's packet. `octets` is of its IP packet; what is None is taken from the session.

    Uplink it comes in a tunnel, `teid` of ours; `ue` or `teid` must be given. Downlink it is to
    `ue`. `remote` is the far end in the data network, `dnn` tells sessions of one UE apart.
    """

    is_uplink: bool
    ue: IPAddress | None = None
    teid: int | None = None
    dnn: str | None = None
    remote: IPAddress | None = None
    protocol: int = 17
    ue_port: int = DEFAULT_UE_PORT
    remote_port: int = DEFAULT_REMOTE_PORT
    octets: int = 100
    qfi: int | None = None
    dscp: int = 0
    hop_limit: int = 64
    interface: str | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A frame, and the port it would come in by."""

    port: int
    frame: bytes


def arrival_of(wanted: Description, around: Surroundings) -> Arrival:
    """The frame. DescriptionError if no such packet can arrive here, saying what to give."""
    return _uplink(wanted, around) if wanted.is_uplink else _downlink(wanted, around)


def raw_arrival(interface: str, frame: bytes, around: Surroundings) -> Arrival:
    """A frame as it is. DescriptionError if there is no such interface."""
    return Arrival(_named(interface, around).port, frame)


def _uplink(wanted: Description, around: Surroundings) -> Arrival:
    found = _uplink_session(wanted, around)
    if found is None and wanted.teid is None:
        who = f"with the UE address {wanted.ue} " if wanted.ue is not None else ""
        raise DescriptionError(
            f"no session {who}has an uplink tunnel here: give the teid that the gNB uses, or see "
            "GET /v1/sessions"
        )
    record, fteid = found if found is not None else (None, None)
    binding = _access_binding(wanted, fteid, around)
    endpoint = _endpoint(binding, fteid, around)
    teid = fteid.teid if wanted.teid is None and fteid is not None else wanted.teid
    assert teid is not None
    ue = wanted.ue or (record and _ue_address(record)) or _NOBODY[4]
    qfi = wanted.qfi if wanted.qfi is not None else _qfi(record, fteid)
    remote = wanted.remote or _remote(ue, around)
    gnb = (record and _gnb(record, endpoint.version)) or _NOBODY[endpoint.version]
    packet = _user_packet(wanted, ue, remote)
    tunnelled = made_frames.g_pdu(gnb, endpoint, teid, qfi, packet)
    return Arrival(binding.port, made_frames.ethernet(_mac(binding, around), tunnelled))


def _downlink(wanted: Description, around: Surroundings) -> Arrival:
    if wanted.ue is None:
        raise DescriptionError("downlink: say which UE it is to, by its address (ue)")
    binding = _core_binding(wanted, around)
    remote = wanted.remote or _remote(wanted.ue, around)
    packet = _user_packet(wanted, wanted.ue, remote)
    return Arrival(binding.port, made_frames.ethernet(_mac(binding, around), packet))


def _user_packet(wanted: Description, ue: IPAddress, remote: IPAddress) -> bytes:
    if ue.version != remote.version:
        raise DescriptionError(f"UE {ue} and remote {remote} are of different versions of IP")
    src, dst = (ue, remote) if wanted.is_uplink else (remote, ue)
    ports = (wanted.ue_port, wanted.remote_port)
    src_port, dst_port = ports if wanted.is_uplink else ports[::-1]
    return made_frames.user_packet(
        src,
        dst,
        protocol=_ICMPV6 if (wanted.protocol, ue.version) == (_ICMP, 6) else wanted.protocol,
        src_port=src_port,
        dst_port=dst_port,
        octets=wanted.octets,
        dscp=wanted.dscp,
        hop_limit=wanted.hop_limit,
    )


def _uplink_session(
    wanted: Description, around: Surroundings
) -> tuple[SessionRecord, LocalFTEID] | None:
    """The session meant, and the tunnel endpoint of ours that its gNB uses."""
    for record in around.records.values():
        for pdr in record.session.pdrs.values():
            fteid = pdr.pdi.local_fteid
            if fteid is None or pdr.pdi.source_interface is not Interface.ACCESS:
                continue
            if wanted.teid not in (None, fteid.teid):
                continue
            if wanted.teid is not None or _is_of(record, wanted):
                return record, fteid
    return None


def _is_of(record: SessionRecord, wanted: Description) -> bool:
    session = record.session
    if wanted.dnn not in (None, session.dnn):
        return False
    ue = wanted.ue
    return ue is not None and any(pdr.pdi.is_of_ue(ue) for pdr in session.pdrs.values())


def _ue_address(record: SessionRecord) -> IPAddress | None:
    prefix = record.session.ue_ipv6
    return record.session.ue_ipv4 or (None if prefix is None else prefix.network_address + 1)


def _qfi(record: SessionRecord | None, fteid: LocalFTEID | None) -> int | None:
    """The QFI of the first uplink flow of the tunnel, if its rules know one."""
    if record is None:
        return None
    session = record.session
    for pdr in session.pdrs.values():
        if pdr.pdi.local_fteid == fteid:
            known = (*pdr.pdi.qfis, *(session.qers[qer_id].qfi for qer_id in pdr.qer_ids))
            return next((qfi for qfi in known if qfi is not None), None)
    return None


def _gnb(record: SessionRecord, version: int) -> IPAddress | None:
    for far in record.session.fars.values():
        creation = far.forwarding.outer_header_creation if far.forwarding is not None else None
        if creation is not None and creation.address.version == version:
            return creation.address
    return None


def _remote(ue: IPAddress, around: Surroundings) -> IPAddress:
    """Someone on the core side, so that there is a way to them."""
    for binding in around.bindings_of(Role.CORE):
        for address in around.neighbours_of(binding.interface):
            if address.version == ue.version and not address.is_link_local:
                return address
    return _NOBODY[ue.version]


def _access_binding(
    wanted: Description, fteid: LocalFTEID | None, around: Surroundings
) -> PortBinding:
    if wanted.interface is not None:
        return _named(wanted.interface, around)
    for binding in around.bindings:
        instance = around.instance_of(binding.network_instance_id)
        ids = {each.endpoint_id for each in instance.endpoints} if instance is not None else set()
        if fteid.endpoint_id in ids if fteid is not None else ids:
            return binding
    raise DescriptionError("no interface has a GTP-U address: see GET /v1/ports")


def _endpoint(binding: PortBinding, fteid: LocalFTEID | None, around: Surroundings) -> IPAddress:
    if fteid is not None:
        return fteid.address
    instance = around.instance_of(binding.network_instance_id)
    for endpoint in instance.endpoints if instance is not None else ():
        address = endpoint.ipv4 or endpoint.ipv6
        if address is not None:
            return address
    raise DescriptionError(f"{binding.interface} has no GTP-U address: see GET /v1/ports")


def _core_binding(wanted: Description, around: Surroundings) -> PortBinding:
    """Where packets to the UE's session come in, else the first core interface."""
    if wanted.interface is not None:
        return _named(wanted.interface, around)
    bindings = around.bindings_of(Role.CORE)
    for record in around.records.values():
        if not _is_of(record, wanted):
            continue
        for pdr in record.session.pdrs.values():
            if pdr.pdi.source_interface is Interface.CORE:
                instance = around.networks.resolve(Interface.CORE, pdr.pdi.network_instance)
                for binding in bindings:
                    if binding.network_instance_id == instance.network_instance_id:
                        return binding
    if not bindings:
        raise DescriptionError("no interface has the role core: see GET /v1/ports")
    return bindings[0]


def _named(interface: str, around: Surroundings) -> PortBinding:
    binding = around.binding_named(interface)
    if binding is None:
        known = ", ".join(each.interface for each in around.bindings)
        raise DescriptionError(f"there is no interface {interface!r} in the pipeline, only {known}")
    return binding


def _mac(binding: PortBinding, around: Surroundings) -> int:
    mac = around.mac_of(binding.interface)
    if mac is None:
        raise DescriptionError(f"interface {binding.interface} is not there: nothing can arrive")
    return mac

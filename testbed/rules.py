"""Rules worded for one purpose each, to be put together by who asks for a session. Pure."""

from ipaddress import IPv4Address, IPv6Address
from typing import Any, TypeAlias

from pfcp import enums, ies

IPAddress: TypeAlias = IPv4Address | IPv6Address

ACCESS = enums.SourceInterface.ACCESS
CORE = enums.SourceInterface.CORE
CP_FUNCTION = enums.SourceInterface.CP_FUNCTION
FORWARD, DROP = ies.ApplyAction(forw=True), ies.ApplyAction(drop=True)
REMOVE_GTPU = ies.OuterHeaderRemoval(description=enums.OuterHeaderRemovalDescription.GTPU_UDP_IP)
ANY_FTEID = ies.FTEID(choose_ipv4=True, choose_ipv6=True, choose=True)


def choose_fteid(choose_id: int | None = None, *, v4: bool = True, v6: bool = False) -> ies.FTEID:
    """An F-TEID that the UPF is to choose."""
    return ies.FTEID(choose=True, choose_ipv4=v4, choose_ipv6=v6, choose_id=choose_id)


def name(text: str | None) -> ies.NetworkInstance | None:
    """A network instance by its plain name."""
    return None if text is None else ies.NetworkInstance(octets=text.encode())


def ue(*addresses: IPAddress, is_destination: bool = False) -> tuple[ies.UEIPAddress, ...]:
    """The UE IP Address of these addresses, at most one of each version."""
    ipv4 = next((each for each in addresses if isinstance(each, IPv4Address)), None)
    ipv6 = next((each for each in addresses if isinstance(each, IPv6Address)), None)
    return (ies.UEIPAddress(ipv4=ipv4, ipv6=ipv6, is_destination=is_destination),)


def from_tunnel(
    pdr_id: int,
    fteid: ies.FTEID,
    far_id: int,
    *,
    source: int = ACCESS,
    pdr: dict[str, Any] | None = None,
    **more: Any,
) -> ies.CreatePDR:
    """A PDR of what comes by a tunnel of the UPF's; `pdr` and `more` as `_pdr` takes them."""
    pdr = {"outer_header_removal": REMOVE_GTPU, **(pdr or {})}
    return _pdr(pdr_id, far_id, pdr=pdr, source_interface=source, local_fteid=fteid, **more)


def from_core(
    pdr_id: int,
    far_id: int,
    addresses: tuple[ies.UEIPAddress, ...] = (),
    *,
    instance: str | None = "internet",
    **more: Any,
) -> ies.CreatePDR:
    """A PDR of what comes from a data network to the UE; `more` as `_pdr` takes it."""
    return _pdr(
        pdr_id,
        far_id,
        source_interface=CORE,
        network_instance=name(instance),
        ue_ip_addresses=addresses,
        **more,
    )


def _pdr(
    pdr_id: int,
    far_id: int,
    *,
    precedence: int = 100,
    qers: tuple[int, ...] = (),
    pdr: dict[str, Any] | None = None,
    **pdi: Any,
) -> ies.CreatePDR:
    """A PDR. `pdr` are more IEs of it, the rest is PDI."""
    return ies.CreatePDR(
        pdr_id=pdr_id,
        precedence=precedence,
        pdi=ies.PDI(**pdi),
        far_id=far_id,
        qer_ids=qers,
        **(pdr or {}),
    )


def to_core(far_id: int, instance: str | None = "internet", **more: Any) -> ies.CreateFAR:
    """A FAR to a data network."""
    parameters = ies.ForwardingParameters(
        destination_interface=enums.DestinationInterface.CORE,
        network_instance=name(instance),
        **more,
    )
    return ies.CreateFAR(far_id=far_id, apply_action=FORWARD, forwarding_parameters=parameters)


def to_tunnel(
    far_id: int,
    teid: int,
    address: IPAddress,
    *,
    destination: int = enums.DestinationInterface.ACCESS,
    instance: str | None = None,
    **more: Any,
) -> ies.CreateFAR:
    """A FAR into a tunnel of somebody's."""
    parameters = ies.ForwardingParameters(
        destination_interface=destination,
        network_instance=name(instance),
        outer_header_creation=header_creation(teid, address),
        **more,
    )
    return ies.CreateFAR(far_id=far_id, apply_action=FORWARD, forwarding_parameters=parameters)


def retarget(
    far_id: int, teid: int, address: IPAddress, *, sends_end_marker: bool = False
) -> ies.UpdateFAR:
    """A FAR that goes to another tunnel from now on, as on handover."""
    flags = ies.PFCPSMReqFlags(sndem=True) if sends_end_marker else None
    return ies.UpdateFAR(
        far_id=far_id,
        update_forwarding_parameters=ies.UpdateForwardingParameters(
            outer_header_creation=header_creation(teid, address), pfcpsmreq_flags=flags
        ),
    )


def header_creation(teid: int, address: IPAddress) -> ies.OuterHeaderCreation:
    """Outer header creation of GTP-U over UDP over the address's version of IP."""
    if isinstance(address, IPv4Address):
        return ies.OuterHeaderCreation(teid=teid, ipv4=address)
    return ies.OuterHeaderCreation(teid=teid, ipv6=address)


def flow(description: str, **more: Any) -> tuple[ies.SDFFilter, ...]:
    """One SDF filter."""
    return (ies.SDFFilter(flow_description=description, **more),)


def created(answer: Any, pdr_id: int) -> ies.CreatedPDR:
    """What the UPF chose for a PDR. KeyError if it says nothing of it."""
    for each in answer.created_pdrs:
        if each.pdr_id == pdr_id:
            return each  # type: ignore[no-any-return]
    raise KeyError(f"no Created PDR {pdr_id} in {answer}")


def qer(
    qer_id: int, *, qfi: int | None = None, mbr: ies.MBR | None = None, **more: Any
) -> ies.CreateQER:
    """A QER with its gates open."""
    gates = ies.GateStatus(uplink=enums.Gate.OPEN, downlink=enums.Gate.OPEN)
    return ies.CreateQER(qer_id=qer_id, gate_status=gates, qfi=qfi, mbr=mbr, **more)


def from_vn(
    pdr_id: int, far_id: int, addresses: tuple[ies.UEIPAddress, ...], group: str
) -> ies.CreatePDR:
    """A PDR of what comes to the UE from others of a 5G VN group."""
    pdi = ies.PDI(
        source_interface=enums.SourceInterface.FIVEG_VN_INTERNAL,
        network_instance=name(group),
        ue_ip_addresses=addresses,
    )
    return ies.CreatePDR(pdr_id=pdr_id, precedence=100, pdi=pdi, far_id=far_id)


def to_vn(far_id: int, group: str) -> ies.CreateFAR:
    """A FAR to others of a 5G VN group."""
    parameters = ies.ForwardingParameters(
        destination_interface=enums.DestinationInterface.FIVEG_VN_INTERNAL,
        network_instance=name(group),
    )
    return ies.CreateFAR(far_id=far_id, apply_action=FORWARD, forwarding_parameters=parameters)

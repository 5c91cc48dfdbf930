"""From a PDI on the wire to what a packet must match (TS 29.244 clause 7.5.2.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from pfcp import enums
from upf.errors import RuleError, UnsupportedError
from upf.resources import RequestResources
from upf.rules import Interface, IPNetwork, SDFFilter
from upf.sdf import SDF_FILTER_IE, parse_flow_description
from upf.session import Session
from upf.translated import given, interface_of, name_of, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pfcp import ies

SOURCE_INTERFACE_IE = 20
UE_IP_ADDRESS_IE = 93
APPLICATION_ID_IE = 24
FRAMED_ROUTE_IE = 153
FRAMED_IPV6_ROUTE_IE = 155

UE_PREFIX_BITS = 64

_SOURCE_INTERFACES: Mapping[int, Interface] = {
    enums.SourceInterface.ACCESS: Interface.ACCESS,
    enums.SourceInterface.CORE: Interface.CORE,
    enums.SourceInterface.SGI_LAN_N6_LAN: Interface.CORE,
    enums.SourceInterface.CP_FUNCTION: Interface.CP_FUNCTION,
    enums.SourceInterface.FIVEG_VN_INTERNAL: Interface.VN_INTERNAL,
}
_UNSUPPORTED = {
    "traffic_endpoint_ids": 131,
    "framed_routing": 154,
    "redundant_transmission_detection_parameters": 255,
    "ethernet_pdu_session_information": 142,
    "ethernet_packet_filters": 132,
    "ip_multicast_addressing_infos": 188,
    "dns_query_filters": 294,
    "mbs_session_identifier": 305,
    "local_ingress_tunnel": 308,
}


@dataclass(slots=True)
class PDITranslator:
    """Translates the PDIs of one request.

    `fteid_choosers` and `address_choosers` collect the PDRs that asked for a tunnel endpoint or an
    address to be chosen, in order.
    """

    session: Session
    resources: RequestResources
    fteid_choosers: list[int] = field(default_factory=list)
    address_choosers: list[int] = field(default_factory=list)
    _filters: dict[int, SDFFilter] = field(init=False)

    def __post_init__(self) -> None:
        self._filters = {
            each.filter_id: each
            for pdr in self.session.pdrs.values()
            for each in pdr.pdi.sdf_filters
            if each.filter_id is not None
        }

    def fields(self, pdr_id: int, ie: ies.PDI) -> dict[str, Any]:
        """The fields of a PDI that are given."""
        refuse(ie, _UNSUPPORTED)
        interface = interface_of(_SOURCE_INTERFACES, ie.source_interface, SOURCE_INTERFACE_IE)
        fields = given(
            source_interface=interface,
            network_instance=name_of(ie.network_instance),
            qfis=ie.qfis or None,
            sdf_filters=tuple(self._sdf_filter(each) for each in ie.sdf_filters) or None,
            framed_routes=_framed_routes(ie) or None,
            application_id=ie.application_id,
        )
        if ie.application_id is not None:
            if ie.sdf_filters:
                raise RuleError(
                    "a PDR asks for an application or for SDF filters, not both",
                    offending_ie=APPLICATION_ID_IE,
                )
            fields["sdf_filters"] = self.resources.application_filters(ie.application_id)
        name = fields.get("network_instance")
        if name is None and pdr_id in self.session.pdrs:
            name = self.session.pdrs[pdr_id].pdi.network_instance
        if ie.ue_ip_addresses:
            fields |= self._ue_addresses(pdr_id, ie.ue_ip_addresses, name)
        if ie.local_fteid is not None:
            fields["local_fteid"] = self.resources.local_fteid(ie.local_fteid, interface, name)
            if ie.local_fteid.choose:
                self.fteid_choosers.append(pdr_id)
        return fields

    def _sdf_filter(self, ie: ies.SDFFilter) -> SDFFilter:
        """A filter; one with an identifier alone is the one given before (clause 8.2.5)."""
        if ie.flow_description is None and ie.sdf_filter_id in self._filters:
            return self._filters[ie.sdf_filter_id]
        if ie.flow_description is None:
            raise RuleError(
                f"SDF filter id {ie.sdf_filter_id} refers to no flow description",
                offending_ie=SDF_FILTER_IE,
            )
        sdf_filter = parse_flow_description(
            ie.flow_description,
            filter_id=ie.sdf_filter_id,
            traffic_class=_traffic_class(ie.tos_traffic_class),
            spi=ie.security_parameter_index,
            flow_label=ie.flow_label,
        )
        if ie.sdf_filter_id is not None:
            self._filters[ie.sdf_filter_id] = sdf_filter
        return sdf_filter

    def _ue_addresses(
        self, pdr_id: int, addresses: tuple[ies.UEIPAddress, ...], name: str | None
    ) -> dict[str, Any]:
        """The UE's addresses: an IPv6 address, whole or not, stands for its /64."""
        if len(addresses) > 1:
            raise UnsupportedError(
                "a UE with several addresses in one PDR is not served",
                offending_ie=UE_IP_ADDRESS_IE,
            )
        (ie,) = addresses
        if ie.ipv6_prefix_delegation_bits or ie.ipv6_prefix_length not in (None, UE_PREFIX_BITS):
            raise UnsupportedError(
                f"a UE's prefix of another length than {UE_PREFIX_BITS} is not served",
                offending_ie=UE_IP_ADDRESS_IE,
            )
        ipv4 = ie.ipv4
        ipv6 = None if ie.ipv6 is None else IPv6Network((ie.ipv6, UE_PREFIX_BITS), strict=False)
        if ie.choose_ipv4:
            ipv4 = self.resources.ue_ipv4(name)
        if ie.choose_ipv6:
            ipv6 = self.resources.ue_ipv6(name)
        if ie.choose_ipv4 or ie.choose_ipv6:
            self.address_choosers.append(pdr_id)
        if ipv4 is None and ipv6 is None:
            raise RuleError("a UE IP address without an address", offending_ie=UE_IP_ADDRESS_IE)
        return given(ue_ipv4=ipv4, ue_ipv6=ipv6)


def _traffic_class(value: int | None) -> tuple[int, int] | None:
    """Value and mask, an octet each (TS 29.244 clause 8.2.5)."""
    if value is None:
        return None
    mask = value & 0xFF
    return value >> 8 & mask, mask


def _framed_routes(ie: ies.PDI) -> tuple[IPNetwork, ...]:
    """The networks behind a UE (RFC 2865 clause 5.22, RFC 3162 clause 2.5)."""
    found: list[IPNetwork] = [
        *(_framed_route(each, IPv4Network, FRAMED_ROUTE_IE) for each in ie.framed_routes),
        *(_framed_route(each, IPv6Network, FRAMED_IPV6_ROUTE_IE) for each in ie.framed_ipv6_routes),
    ]
    return tuple(dict.fromkeys(found))


def _framed_route(octets: bytes, version: type[IPNetwork], ie_type: int) -> IPNetwork:
    """The destination; what follows it, a gateway and metrics, is the UE's own affair."""
    words = octets.decode("ascii", "replace").strip("\0").split()
    try:
        network = ip_network(words[0], strict=False) if words else None
    except ValueError:
        network = None
    if not isinstance(network, version) or network.prefixlen == 0:
        raise RuleError(f"framed route {octets!r} names no network", offending_ie=ie_type)
    return network

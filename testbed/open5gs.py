"""PFCP requests worded as Open5GS's SMF words them, built with scapy. Pure: values in, packets out.

Which rules, in which order, with which flags is a fact taken from a captured conversation; a test
holds what is built here against its octets. Scapy is a codec nobody here wrote, so the UPF's own
reading of TS 29.244 is checked by another one.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address

from scapy.contrib import pfcp as n4
from scapy.packet import Packet

# Rules of every session, by the ids Open5GS gives them.
PDR_DOWNLINK, PDR_UPLINK, PDR_FROM_CP, PDR_TO_CP = 1, 2, 3, 4
FAR_DOWNLINK, FAR_UPLINK, FAR_TO_CP = 1, 2, 3
URR_DOWNLINK, QER_SESSION, BAR_SESSION = 1, 1, 1

_ACCESS, _CORE, _CP_FUNCTION = 0, 1, 3
_N3_3GPP_ACCESS, _N6 = 11, 17
_CHOOSE_ID = 5
_REMOVE_GTPU_UDP_IP = 6
_PRECEDENCE_DEFAULT, _PRECEDENCE_CP = 65535, 255
_IPV4 = 1
_S_NSSAI = 257
_ROUTER_SOLICITATIONS = b"permit out 58 from ff02::2/128 to assigned"
_SECOND_OCTET = b"\x00"  # Apply Action has two octets since Release 16, scapy knows one
_THIRD_OCTET = b"\x00"  # Reporting Triggers has three, scapy knows two


@dataclass(frozen=True)
class Tunnel:
    """An F-TEID of IPv4: whose tunnel it is, the variable's name says."""

    teid: int
    ipv4: IPv4Address


@dataclass(frozen=True)
class PDUSession:
    """What the SMF knows of a PDU session before it asks for a user plane.

    `sd` is the slice differentiator, three octets, `ffffff` where there is none; `imsi` and
    `imeisv` are as they stand in the User ID IE (TBCD).
    """

    cp_seid: int
    smf_ipv4: IPv4Address
    ue_ipv4: IPv4Address
    dnn: str = "internet"
    sst: int = 1
    sd: bytes = b"\xff\xff\xff"
    qfi: int = 1
    mbr_uplink_kbps: int = 1_000_000
    mbr_downlink_kbps: int = 1_000_000
    volume_threshold_bytes: int = 100 << 20
    cp_teid: int = 1
    imsi: bytes = bytes.fromhex("99790000000000f1")
    imeisv: bytes = bytes.fromhex("3407181652181615")


def association_setup_request(smf_ipv4: IPv4Address, recovery_time_stamp: int) -> Packet:
    """Association Setup Request. Time stamps are seconds since 1900 (clause 8.2.65)."""
    return n4.PFCPAssociationSetupRequest(
        IE_list=[
            n4.IE_NodeId(id_type="IPv4", ipv4=str(smf_ipv4)),
            n4.IE_RecoveryTimeStamp(timestamp=recovery_time_stamp),
            n4.IE_CPFunctionFeatures(),
        ]
    )


def association_release_request(smf_ipv4: IPv4Address) -> Packet:
    """Association Release Request: every session of the SMF goes."""
    node_id = n4.IE_NodeId(id_type="IPv4", ipv4=str(smf_ipv4))
    return n4.PFCPAssociationReleaseRequest(IE_list=[node_id])


def session_establishment_request(session: PDUSession) -> Packet:
    """Four PDRs, their downlink FAR buffering until the gNB's tunnel is known."""
    return n4.PFCPSessionEstablishmentRequest(
        IE_list=[
            n4.IE_NodeId(id_type="IPv4", ipv4=str(session.smf_ipv4)),
            n4.IE_FSEID(v4=1, seid=session.cp_seid, ipv4=str(session.smf_ipv4)),
            *_pdrs(session),
            *_fars(session),
            _urr(session),
            _qer(session),
            n4.IE_Create_BAR(IE_list=[n4.IE_BAR_Id(id=BAR_SESSION)]),
            n4.IE_PDNType(pdn_type=_IPV4),
            n4.IE_UserId(IMSIF=1, IMEIF=1, imsi=session.imsi, imei=session.imeisv),
            n4.IE_APN_DNN(apn_dnn=session.dnn),
            _ie(_S_NSSAI, bytes([session.sst]) + session.sd),
        ]
    )


def forward_to_gnb_request(session: PDUSession, gnb_fteid: Tunnel) -> Packet:
    """Session Modification Request that turns the buffering downlink FAR to the gNB's tunnel."""
    forwarding = n4.IE_UpdateForwardingParameters(
        IE_list=[
            n4.IE_DestinationInterface(interface=_ACCESS),
            n4.IE_NetworkInstance(instance=session.dnn),
            _gtpu_header_creation(gnb_fteid),
            n4.IE_3GPP_InterfaceType(interface_type=_N3_3GPP_ACCESS),
        ]
    )
    return _update_downlink_far(_apply_action(FORW=1), forwarding)


def buffer_request() -> Packet:
    """Session Modification Request of an idle UE: buffer downlink packets and report the first."""
    return _update_downlink_far(_apply_action(BUFF=1, NOCP=1), n4.IE_BAR_Id(id=BAR_SESSION))


def session_deletion_request() -> Packet:
    """Session Deletion Request, which has no IE."""
    return n4.PFCPSessionDeletionRequest()


def _update_downlink_far(*ies: Packet) -> Packet:
    far = n4.IE_UpdateFAR(IE_list=[n4.IE_FAR_Id(id=FAR_DOWNLINK), *ies])
    return n4.PFCPSessionModificationRequest(IE_list=[far])


def _ie(number: int, octets: bytes) -> Packet:
    """An IE scapy has no class for."""
    return n4.IE_NotImplemented(ietype=number, data=octets)


def _apply_action(**flags: int) -> Packet:
    return n4.IE_ApplyAction(**flags, extra_data=_SECOND_OCTET)


def _gtpu_header_creation(fteid: Tunnel) -> Packet:
    return n4.IE_OuterHeaderCreation(GTPUUDPIPV4=1, TEID=fteid.teid, ipv4=str(fteid.ipv4))


def _choose_fteid(choose_id: int | None = None) -> Packet:
    """CHOOSE with both address families, with a CHOOSE_ID where several PDRs share the F-TEID."""
    if choose_id is None:
        return n4.IE_FTEID(CH=1, V4=1, V6=1)
    return n4.IE_FTEID(CHID=1, CH=1, V4=1, V6=1, choose_id=choose_id)


def _pdr(pdr_id: int, precedence: int, pdi: list[Packet], *rest: Packet) -> Packet:
    return n4.IE_CreatePDR(
        IE_list=[
            n4.IE_PDR_Id(id=pdr_id),
            n4.IE_Precedence(precedence=precedence),
            n4.IE_PDI(IE_list=pdi),
            *rest,
        ]
    )


def _pdrs(session: PDUSession) -> list[Packet]:
    network_instance = n4.IE_NetworkInstance(instance=session.dnn)
    access = n4.IE_SourceInterface(interface=_ACCESS)
    n3 = n4.IE_3GPP_InterfaceType(interface_type=_N3_3GPP_ACCESS)
    removal = n4.IE_OuterHeaderRemoval(header=_REMOVE_GTPU_UDP_IP)
    qer = n4.IE_QER_Id(id=QER_SESSION)
    downlink = [
        n4.IE_SourceInterface(interface=_CORE),
        network_instance,
        n4.IE_UE_IP_Address(SD=1, V4=1, ipv4=str(session.ue_ipv4)),
        n4.IE_3GPP_InterfaceType(interface_type=_N6),
    ]
    uplink = [access, _choose_fteid(_CHOOSE_ID), network_instance, n4.IE_QFI(QFI=session.qfi), n3]
    from_cp = [n4.IE_SourceInterface(interface=_CP_FUNCTION), _choose_fteid()]
    solicitations = n4.IE_SDF_Filter(FD=1, flow_description=_ROUTER_SOLICITATIONS)
    to_cp = [access, _choose_fteid(_CHOOSE_ID), network_instance, solicitations, n3]
    far = {far_id: n4.IE_FAR_Id(id=far_id) for far_id in (FAR_DOWNLINK, FAR_UPLINK, FAR_TO_CP)}
    urr = n4.IE_URR_Id(id=URR_DOWNLINK)
    return [
        _pdr(PDR_DOWNLINK, _PRECEDENCE_DEFAULT, downlink, far[FAR_DOWNLINK], urr, qer),
        _pdr(PDR_UPLINK, _PRECEDENCE_DEFAULT, uplink, removal, far[FAR_UPLINK], qer),
        _pdr(PDR_FROM_CP, _PRECEDENCE_CP, from_cp, removal, far[FAR_DOWNLINK]),
        _pdr(PDR_TO_CP, _PRECEDENCE_CP, to_cp, removal, far[FAR_TO_CP]),
    ]


def _far(far_id: int, *rest: Packet) -> Packet:
    return n4.IE_CreateFAR(IE_list=[n4.IE_FAR_Id(id=far_id), *rest])


def _fars(session: PDUSession) -> list[Packet]:
    to_core = n4.IE_ForwardingParameters(
        IE_list=[
            n4.IE_DestinationInterface(interface=_CORE),
            n4.IE_NetworkInstance(instance=session.dnn),
            n4.IE_3GPP_InterfaceType(interface_type=_N6),
        ]
    )
    to_cp = n4.IE_ForwardingParameters(
        IE_list=[
            n4.IE_DestinationInterface(interface=_CP_FUNCTION),
            _gtpu_header_creation(Tunnel(session.cp_teid, session.smf_ipv4)),
        ]
    )
    return [
        _far(FAR_DOWNLINK, _apply_action(BUFF=1, NOCP=1), n4.IE_BAR_Id(id=BAR_SESSION)),
        _far(FAR_UPLINK, _apply_action(FORW=1), to_core),
        _far(FAR_TO_CP, _apply_action(FORW=1), to_cp),
    ]


def _urr(session: PDUSession) -> Packet:
    return n4.IE_CreateURR(
        IE_list=[
            n4.IE_URR_Id(id=URR_DOWNLINK),
            n4.IE_MeasurementMethod(VOLUM=1),
            n4.IE_ReportingTriggers(volume_threshold=1, extra_data=_THIRD_OCTET),
            n4.IE_VolumeThreshold(TOVOL=1, total=session.volume_threshold_bytes),
        ]
    )


def _qer(session: PDUSession) -> Packet:
    return n4.IE_CreateQER(
        IE_list=[
            n4.IE_QER_Id(id=QER_SESSION),
            n4.IE_GateStatus(ul="OPEN", dl="OPEN"),
            n4.IE_MBR(ul=session.mbr_uplink_kbps, dl=session.mbr_downlink_kbps),
            n4.IE_QFI(QFI=session.qfi),
        ]
    )

"""The messages of TS 29.244 clause 7, each a list of IEs, and their way to octets and back.

`decode(octets)` gives the message of a datagram, `message.encode()` its octets. Header fields are
fields of the message: `sequence_number`, `message_priority` (None where absent) and, for messages
of a session, `seid`: the receiver's SEID, 0 where the sender does not know it (§7.2.2.4.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pfcp import header, ies, schema
from pfcp.errors import InvalidLengthError, UnknownMessageError
from pfcp.record import Record, VendorIE, record, refusing_misfits
from pfcp.schema import message

if TYPE_CHECKING:
    from pfcp.header import Header


@record
class Message(Record):
    """Base of every message."""

    vendor_ies: tuple[VendorIE, ...] = ()
    sequence_number: int = 0
    message_priority: int | None = None

    def encode(self, sequence_number: int | None = None) -> bytes:
        """Octets of the whole message; another sequence number may stand in for the message's own.

        Raises EncodeError where a value does not fit its field.
        """
        spec = schema.spec_of(type(self))
        with refusing_misfits(self):
            body = type(self).write(self)
            return (
                header.encode_header(
                    spec.message_type,
                    self.sequence_number if sequence_number is None else sequence_number,
                    getattr(self, "seid", None),
                    self.message_priority,
                    len(body),
                )
                + body
            )


@record
class SessionMessage(Message):
    """Base of every message of a session."""

    seid: int = 0


@message(1, "PFCP Heartbeat Request", clause="7.4.2.1", response=2)
class HeartbeatRequest(Message):
    """Asks whether the peer is there, and since when."""

    recovery_time_stamp: ies.RecoveryTimeStamp
    source_ip_address: ies.SourceIPAddress | None = None


@message(2, "PFCP Heartbeat Response", clause="7.4.2.2")
class HeartbeatResponse(Message):
    """Says since when."""

    recovery_time_stamp: ies.RecoveryTimeStamp


@message(3, "PFCP PFD Management Request", clause="7.4.3.1", response=4)
class PFDManagementRequest(Message):
    """Says what applications look like: of those named all anew, of none named all forgotten."""

    application_ids_pfds: tuple[ies.ApplicationIDsPFDs, ...] = ()
    node_id: ies.NodeID | None = None


@message(4, "PFCP PFD Management Response", clause="7.4.3.2")
class PFDManagementResponse(Message):
    """Answers a PFD management."""

    cause: ies.Cause
    offending_ie: ies.OffendingIE | None = None
    node_id: ies.NodeID | None = None


@message(5, "PFCP Association Setup Request", clause="7.4.4.1", response=6)
class AssociationSetupRequest(Message):
    """Opens an association, from either side."""

    node_id: ies.NodeID
    recovery_time_stamp: ies.RecoveryTimeStamp
    up_function_features: ies.UPFunctionFeatures | None = None
    cp_function_features: ies.CPFunctionFeatures | None = None
    alternative_smf_ip_addresses: tuple[ies.AlternativeSMFIPAddress, ...] = ()
    smf_set_id: ies.SMFSetID | None = None
    session_retention_information: ies.SessionRetentionInformation | None = None
    ue_ip_address_pool_informations: tuple[ies.UEIPAddressPoolInformation, ...] = ()
    gtpu_path_qos_control_informations: tuple[ies.GTPUPathQoSControlInformation, ...] = ()
    clock_drift_control_informations: tuple[ies.ClockDriftControlInformation, ...] = ()
    upf_instance_id: ies.NFInstanceID | None = None
    pfcpasreq_flags: ies.PFCPASReqFlags | None = None


@message(6, "PFCP Association Setup Response", clause="7.4.4.2")
class AssociationSetupResponse(Message):
    """Answers an association setup."""

    node_id: ies.NodeID
    cause: ies.Cause
    recovery_time_stamp: ies.RecoveryTimeStamp
    up_function_features: ies.UPFunctionFeatures | None = None
    cp_function_features: ies.CPFunctionFeatures | None = None
    alternative_smf_ip_addresses: tuple[ies.AlternativeSMFIPAddress, ...] = ()
    smf_set_id: ies.SMFSetID | None = None
    pfcpasrsp_flags: ies.PFCPASRspFlags | None = None
    clock_drift_control_informations: tuple[ies.ClockDriftControlInformation, ...] = ()
    ue_ip_address_pool_informations: tuple[ies.UEIPAddressPoolInformation, ...] = ()
    gtpu_path_qos_control_informations: tuple[ies.GTPUPathQoSControlInformation, ...] = ()
    upf_instance_id: ies.NFInstanceID | None = None


@message(7, "PFCP Association Update Request", clause="7.4.4.3", response=8)
class AssociationUpdateRequest(Message):
    """Changes an association."""

    node_id: ies.NodeID
    up_function_features: ies.UPFunctionFeatures | None = None
    cp_function_features: ies.CPFunctionFeatures | None = None
    pfcp_association_release_request: ies.PFCPAssociationReleaseRequest | None = None
    graceful_release_period: ies.GracefulReleasePeriod | None = None
    pfcpaureq_flags: ies.PFCPAUReqFlags | None = None
    alternative_smf_ip_addresses: tuple[ies.AlternativeSMFIPAddress, ...] = ()
    smf_set_id: ies.SMFSetID | None = None
    clock_drift_control_informations: tuple[ies.ClockDriftControlInformation, ...] = ()
    ue_ip_address_pool_informations: tuple[ies.UEIPAddressPoolInformation, ...] = ()
    gtpu_path_qos_control_informations: tuple[ies.GTPUPathQoSControlInformation, ...] = ()
    ue_ip_address_usage_informations: tuple[ies.UEIPAddressUsageInformation, ...] = ()


@message(8, "PFCP Association Update Response", clause="7.4.4.4")
class AssociationUpdateResponse(Message):
    """Answers an association update."""

    node_id: ies.NodeID
    cause: ies.Cause
    up_function_features: ies.UPFunctionFeatures | None = None
    cp_function_features: ies.CPFunctionFeatures | None = None
    ue_ip_address_usage_informations: tuple[ies.UEIPAddressUsageInformation, ...] = ()


@message(9, "PFCP Association Release Request", clause="7.4.4.5", response=10)
class AssociationReleaseRequest(Message):
    """Ends an association and with it every session."""

    node_id: ies.NodeID


@message(10, "PFCP Association Release Response", clause="7.4.4.6")
class AssociationReleaseResponse(Message):
    """Answers an association release."""

    node_id: ies.NodeID
    cause: ies.Cause


@message(11, "PFCP Version Not Supported Response", clause="7.4.4.7")
class VersionNotSupportedResponse(Message):
    """Answers another PFCP version; the header alone."""


@message(12, "PFCP Node Report Request", clause="7.4.5.1", response=13)
class NodeReportRequest(Message):
    """Reports what concerns many sessions."""

    node_id: ies.NodeID
    node_report_type: ies.NodeReportType
    vendor_specific_node_report_type: ies.VendorSpecificNodeReportType | None = None
    user_plane_path_failure_report: ies.UserPlanePathFailureReport | None = None
    user_plane_path_recovery_report: ies.UserPlanePathRecoveryReport | None = None
    clock_drift_report: ies.ClockDriftReport | None = None
    gtpu_path_qos_reports: tuple[ies.GTPUPathQoSReport, ...] = ()
    peer_up_restart_report: ies.PeerUPRestartReport | None = None


@message(13, "PFCP Node Report Response", clause="7.4.5.2")
class NodeReportResponse(Message):
    """Answers a node report."""

    node_id: ies.NodeID
    cause: ies.Cause
    offending_ie: ies.OffendingIE | None = None


@message(14, "PFCP Session Set Deletion Request", clause="7.4.6.1", response=15)
class SessionSetDeletionRequest(Message):
    """Ends every session of these sets; the node type in each says whose set it is."""

    node_id: ies.NodeID
    fq_csids: tuple[ies.FQCSID, ...] = ()


@message(15, "PFCP Session Set Deletion Response", clause="7.4.6.2")
class SessionSetDeletionResponse(Message):
    """Answers a session set deletion."""

    node_id: ies.NodeID
    cause: ies.Cause
    offending_ie: ies.OffendingIE | None = None


@message(16, "PFCP Session Set Modification Request", clause="7.4.7.1", response=17)
class SessionSetModificationRequest(Message):
    """Hands sessions over to another CP function."""

    node_id: ies.NodeID
    pfcp_session_change_infos: tuple[ies.PFCPSessionChangeInfo, ...]


@message(17, "PFCP Session Set Modification Response", clause="7.4.7.2")
class SessionSetModificationResponse(Message):
    """Answers a session set modification."""

    node_id: ies.NodeID
    cause: ies.Cause
    offending_ie: ies.OffendingIE | None = None


@message(50, "PFCP Session Establishment Request", clause="7.5.2", response=51)
class SessionEstablishmentRequest(SessionMessage):
    """Opens a session with its rules."""

    node_id: ies.NodeID
    cp_fseid: ies.FSEID
    create_pdrs: tuple[ies.CreatePDR, ...]
    create_fars: tuple[ies.CreateFAR, ...]
    create_urrs: tuple[ies.CreateURR, ...] = ()
    create_qers: tuple[ies.CreateQER, ...] = ()
    create_bars: tuple[ies.CreateBAR, ...] = ()
    create_traffic_endpoints: tuple[ies.CreateTrafficEndpoint, ...] = ()
    pdn_type: ies.PDNType | None = None
    fq_csids: tuple[ies.FQCSID, ...] = ()
    user_plane_inactivity_timer_s: ies.UserPlaneInactivityTimer | None = None
    user_id: ies.UserID | None = None
    trace_information: ies.TraceInformation | None = None
    apn_dnn: ies.APNDNN | None = None
    create_mars: tuple[ies.CreateMAR, ...] = ()
    pfcpsereq_flags: ies.PFCPSEReqFlags | None = None
    create_bridge_info_for_tsc: ies.CreateBridgeInfoForTSC | None = None
    create_srrs: tuple[ies.CreateSRR, ...] = ()
    provide_atsss_control_information: ies.ProvideATSSSControlInformation | None = None
    recovery_time_stamp: ies.RecoveryTimeStamp | None = None
    s_nssai: ies.SNSSAI | None = None
    provide_rds_configuration_information: ies.ProvideRDSConfigurationInformation | None = None
    rat_type: ies.RATType | None = None
    l2tp_tunnel_information: ies.L2TPTunnelInformation | None = None
    l2tp_session_information: ies.L2TPSessionInformation | None = None
    group_id: ies.GroupID | None = None
    mbs_session_n4mb_control_information: ies.MBSSessionN4mbControlInformation | None = None
    mbs_session_n4_control_informations: tuple[ies.MBSSessionN4ControlInformation, ...] = ()
    dscp_to_ppi_control_informations: tuple[ies.DSCPToPPIControlInformation, ...] = ()


@message(51, "PFCP Session Establishment Response", clause="7.5.3")
class SessionEstablishmentResponse(SessionMessage):
    """Answers a session establishment."""

    node_id: ies.NodeID
    cause: ies.Cause
    offending_ie: ies.OffendingIE | None = None
    up_fseid: ies.FSEID | None = None
    created_pdrs: tuple[ies.CreatedPDR, ...] = ()
    load_control_information: ies.LoadControlInformation | None = None
    overload_control_information: ies.OverloadControlInformation | None = None
    fq_csids: tuple[ies.FQCSID, ...] = ()
    failed_rule_id: ies.FailedRuleID | None = None
    created_traffic_endpoints: tuple[ies.CreatedTrafficEndpoint, ...] = ()
    created_bridge_info_for_tsc: ies.CreatedBridgeInfoForTSC | None = None
    atsss_control_parameters: ies.ATSSSControlParameters | None = None
    rds_configuration_information: ies.RDSConfigurationInformation | None = None
    partial_failure_informations: tuple[ies.PartialFailureInformation, ...] = ()
    created_l2tp_session: ies.CreatedL2TPSession | None = None
    mbs_session_n4mb_information: ies.MBSSessionN4mbInformation | None = None
    mbs_session_n4_informations: tuple[ies.MBSSessionN4Information, ...] = ()


@message(52, "PFCP Session Modification Request", clause="7.5.4", response=53)
class SessionModificationRequest(SessionMessage):
    """Changes the rules of a session."""

    cp_fseid: ies.FSEID | None = None
    remove_pdrs: tuple[ies.RemovePDR, ...] = ()
    remove_fars: tuple[ies.RemoveFAR, ...] = ()
    remove_urrs: tuple[ies.RemoveURR, ...] = ()
    remove_qers: tuple[ies.RemoveQER, ...] = ()
    remove_bars: tuple[ies.RemoveBAR, ...] = ()
    remove_traffic_endpoints: tuple[ies.RemoveTrafficEndpoint, ...] = ()
    create_pdrs: tuple[ies.CreatePDR, ...] = ()
    create_fars: tuple[ies.CreateFAR, ...] = ()
    create_urrs: tuple[ies.CreateURR, ...] = ()
    create_qers: tuple[ies.CreateQER, ...] = ()
    create_bars: tuple[ies.CreateBAR, ...] = ()
    create_traffic_endpoints: tuple[ies.CreateTrafficEndpoint, ...] = ()
    update_pdrs: tuple[ies.UpdatePDR, ...] = ()
    update_fars: tuple[ies.UpdateFAR, ...] = ()
    update_urrs: tuple[ies.UpdateURR, ...] = ()
    update_qers: tuple[ies.UpdateQER, ...] = ()
    update_bars: tuple[ies.UpdateBAR, ...] = ()
    update_traffic_endpoints: tuple[ies.UpdateTrafficEndpoint, ...] = ()
    pfcpsmreq_flags: ies.PFCPSMReqFlags | None = None
    query_urrs: tuple[ies.QueryURR, ...] = ()
    fq_csids: tuple[ies.FQCSID, ...] = ()
    user_plane_inactivity_timer_s: ies.UserPlaneInactivityTimer | None = None
    query_urr_reference: ies.QueryURRReference | None = None
    trace_information: ies.TraceInformation | None = None
    remove_mars: tuple[ies.RemoveMAR, ...] = ()
    update_mars: tuple[ies.UpdateMAR, ...] = ()
    create_mars: tuple[ies.CreateMAR, ...] = ()
    node_id: ies.NodeID | None = None
    tsc_management_informations: tuple[ies.TSCManagementInformationInModificationRequest, ...] = ()
    remove_srrs: tuple[ies.RemoveSRR, ...] = ()
    create_srrs: tuple[ies.CreateSRR, ...] = ()
    update_srrs: tuple[ies.UpdateSRR, ...] = ()
    provide_atsss_control_information: ies.ProvideATSSSControlInformation | None = None
    ethernet_context_information: ies.EthernetContextInformation | None = None
    access_availability_informations: tuple[ies.AccessAvailabilityInformation, ...] = ()
    query_packet_rate_statuses: tuple[ies.QueryPacketRateStatus, ...] = ()
    s_nssai: ies.SNSSAI | None = None
    rat_type: ies.RATType | None = None
    group_id: ies.GroupID | None = None
    mbs_session_n4_control_informations: tuple[ies.MBSSessionN4ControlInformation, ...] = ()
    dscp_to_ppi_control_informations: tuple[ies.DSCPToPPIControlInformation, ...] = ()


@message(53, "PFCP Session Modification Response", clause="7.5.5")
class SessionModificationResponse(SessionMessage):
    """Answers a session modification."""

    cause: ies.Cause
    offending_ie: ies.OffendingIE | None = None
    created_pdrs: tuple[ies.CreatedPDR, ...] = ()
    load_control_information: ies.LoadControlInformation | None = None
    overload_control_information: ies.OverloadControlInformation | None = None
    usage_reports: tuple[ies.UsageReportInModificationResponse, ...] = ()
    failed_rule_id: ies.FailedRuleID | None = None
    additional_usage_reports_information: ies.AdditionalUsageReportsInformation | None = None
    created_traffic_endpoints: tuple[ies.CreatedTrafficEndpoint, ...] = ()
    tsc_management_informations: tuple[ies.TSCManagementInformationInModificationResponse, ...] = ()
    atsss_control_parameters: ies.ATSSSControlParameters | None = None
    updated_pdrs: tuple[ies.UpdatedPDR, ...] = ()
    packet_rate_status_reports: tuple[ies.PacketRateStatusReportInModificationResponse, ...] = ()
    partial_failure_informations: tuple[ies.PartialFailureInformation, ...] = ()
    mbs_session_n4_informations: tuple[ies.MBSSessionN4Information, ...] = ()


@message(54, "PFCP Session Deletion Request", clause="7.5.6", response=55)
class SessionDeletionRequest(SessionMessage):
    """Ends a session; the header alone."""


@message(55, "PFCP Session Deletion Response", clause="7.5.7")
class SessionDeletionResponse(SessionMessage):
    """Answers a session deletion."""

    cause: ies.Cause
    offending_ie: ies.OffendingIE | None = None
    load_control_information: ies.LoadControlInformation | None = None
    overload_control_information: ies.OverloadControlInformation | None = None
    usage_reports: tuple[ies.UsageReportInDeletionResponse, ...] = ()
    additional_usage_reports_information: ies.AdditionalUsageReportsInformation | None = None
    packet_rate_status_reports: tuple[ies.PacketRateStatusReport, ...] = ()
    session_reports: tuple[ies.SessionReport, ...] = ()
    mbs_session_n4_informations: tuple[ies.MBSSessionN4Information, ...] = ()
    pfcpsdrsp_flags: ies.PFCPSDRspFlags | None = None


@message(56, "PFCP Session Report Request", clause="7.5.8", response=57)
class SessionReportRequest(SessionMessage):
    """Reports what happens in a session."""

    report_type: ies.ReportType
    downlink_data_report: ies.DownlinkDataReport | None = None
    usage_reports: tuple[ies.UsageReportInReportRequest, ...] = ()
    error_indication_report: ies.ErrorIndicationReport | None = None
    load_control_information: ies.LoadControlInformation | None = None
    overload_control_information: ies.OverloadControlInformation | None = None
    additional_usage_reports_information: ies.AdditionalUsageReportsInformation | None = None
    pfcpsrreq_flags: ies.PFCPSRReqFlags | None = None
    old_cp_fseid: ies.FSEID | None = None
    packet_rate_status_reports: tuple[ies.PacketRateStatusReport, ...] = ()
    tsc_management_informations: tuple[ies.TSCManagementInformationInReportRequest, ...] = ()
    session_reports: tuple[ies.SessionReport, ...] = ()
    cause: ies.Cause | None = None


@message(57, "PFCP Session Report Response", clause="7.5.9")
class SessionReportResponse(SessionMessage):
    """Answers a session report."""

    cause: ies.Cause
    offending_ie: ies.OffendingIE | None = None
    update_bars: tuple[ies.UpdateBARInReportResponse, ...] = ()
    pfcpsrrsp_flags: ies.PFCPSRRspFlags | None = None
    cp_fseid: ies.FSEID | None = None
    n4_u_fteid: ies.FTEID | None = None
    alternative_smf_ip_address: ies.AlternativeSMFIPAddress | None = None
    fq_csids: tuple[ies.FQCSID, ...] = ()
    group_id: ies.GroupID | None = None
    node_id: ies.NodeID | None = None


schema.link(globals())


def decode(octets: bytes) -> Message:
    """The first message of a datagram; raises DecodeError."""
    return decode_body(header.decode_header(octets), octets)


def decode_body(head: Header, octets: bytes) -> Message:
    """The message of a header already decoded; raises DecodeError."""
    spec = schema.MESSAGES.get(head.message_type)
    if spec is None:
        raise UnknownMessageError(f"message type {head.message_type} is not known")
    if head.end > len(octets):
        raise InvalidLengthError(
            f"{spec.name}: its length lies {head.end - len(octets)} octets off"
        )
    read: Any = spec.cls.read
    decoded: Message = read(
        octets, head.start, head.end, head.sequence_number, head.message_priority, head.seid or 0
    )
    return decoded


def response_type_of(message_type: int) -> int | None:
    """Type of the message that answers a request; None for a response or an unknown type."""
    spec = schema.MESSAGES.get(message_type)
    return spec.response if spec else None

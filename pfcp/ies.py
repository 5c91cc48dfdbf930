"""The Information Elements of TS 29.244: the grouped ones of clause 7, and the names of all.

Fields carry the words of the specification with the unit added; times of day are seconds since
1900-01-01 (NTP), as on the wire. Where two IEs of one type mean different things in a group, they
are two fields, and the first on the wire is the first field. IEs of vendors are the `vendor_ies`
(`pfcp.record.VendorIE`) of what holds them; other IEs that are not here are skipped when they
arrive, and given back when what held them is encoded unchanged.
"""

# ruff: noqa: F403, F405 -- every IE is known by this module's name

from __future__ import annotations

from pfcp import schema
from pfcp.elements import *
from pfcp.layouts import *
from pfcp.record import Group, record
from pfcp.schema import ie


@record
class URRParameters(Group):
    """What Create URR and Update URR have in common (§7.5.2.4, §7.5.4.4)."""

    urr_id: URRID
    measurement_method: MeasurementMethod | None = None
    reporting_triggers: ReportingTriggers | None = None
    measurement_period_s: MeasurementPeriod | None = None
    volume_threshold: VolumeThreshold | None = None
    volume_quota: VolumeQuota | None = None
    event_threshold: EventThreshold | None = None
    event_quota: EventQuota | None = None
    time_threshold_s: TimeThreshold | None = None
    time_quota_s: TimeQuota | None = None
    quota_holding_time_s: QuotaHoldingTime | None = None
    dropped_dl_traffic_threshold: DroppedDLTrafficThreshold | None = None
    quota_validity_time_s: QuotaValidityTime | None = None
    monitoring_time: MonitoringTime | None = None
    subsequent_volume_threshold: SubsequentVolumeThreshold | None = None
    subsequent_time_threshold_s: SubsequentTimeThreshold | None = None
    subsequent_volume_quota: SubsequentVolumeQuota | None = None
    subsequent_time_quota_s: SubsequentTimeQuota | None = None
    subsequent_event_threshold: SubsequentEventThreshold | None = None
    subsequent_event_quota: SubsequentEventQuota | None = None
    inactivity_detection_time_s: InactivityDetectionTime | None = None
    linked_urr_ids: tuple[LinkedURRID, ...] = ()
    measurement_information: MeasurementInformation | None = None
    time_quota_mechanism: TimeQuotaMechanism | None = None
    aggregated_urrs: tuple[AggregatedURRs, ...] = ()
    far_id_for_quota_action: FARID | None = None
    ethernet_inactivity_timer_s: EthernetInactivityTimer | None = None
    additional_monitoring_times: tuple[AdditionalMonitoringTime, ...] = ()
    number_of_reports: NumberOfReports | None = None
    exempted_application_ids_for_quota_action: tuple[ApplicationID, ...] = ()
    exempted_sdf_filters_for_quota_action: tuple[SDFFilter, ...] = ()
    user_plane_inactivity_timer_s: UserPlaneInactivityTimer | None = None


@record
class UsageReport(Group):
    """What the three Usage Report IEs have in common (§7.5.5.2, §7.5.7.2, §7.5.8.3)."""

    urr_id: URRID
    ur_seqn: URSEQN
    usage_report_trigger: UsageReportTrigger
    start_time: StartTime | None = None
    end_time: EndTime | None = None
    volume_measurement: VolumeMeasurement | None = None
    duration_measurement_s: DurationMeasurement | None = None
    time_of_first_packet: TimeOfFirstPacket | None = None
    time_of_last_packet: TimeOfLastPacket | None = None
    usage_information: UsageInformation | None = None
    ethernet_traffic_information: EthernetTrafficInformation | None = None


@record
class AccessForwarding(Group):
    """What the forwarding action information of every access has in common (§7.5.2.8)."""

    far_id: FARID
    weight: Weight | None = None
    priority: Priority | None = None
    urr_ids: tuple[URRID, ...] = ()
    rat_type: RATType | None = None


@record
class UpdateAccessForwarding(Group):
    """Changes of the forwarding action information of an access (§7.5.4.16)."""

    far_id: FARID | None = None
    weight: Weight | None = None
    priority: Priority | None = None
    urr_ids: tuple[URRID, ...] = ()
    rat_type: RATType | None = None


@record
class TSCManagementInformation(Group):
    """Messages between the time-sensitive network and the translators (§7.5.4.18)."""

    port_management_information_container: PortManagementInformationContainer | None = None
    user_plane_node_management_information_container: (
        UserPlaneNodeManagementInformationContainer | None
    ) = None
    nw_tt_port_number: NWTTPortNumber | None = None


@record
class MulticastGroup(Group):
    """A multicast group that a UE joined or left, and its sources."""

    ip_multicast_address: IPMulticastAddress
    source_ip_addresses: tuple[SourceIPAddress, ...] = ()


@record
class PacketRateReport(Group):
    """The rate control status of a QER."""

    qer_id: QERID
    packet_rate_status: PacketRateStatus


@ie(1, "Create PDR", clause="7.5.2.2-1")
class CreatePDR(Group):
    """A new packet detection rule."""

    pdr_id: PDRID
    precedence: Precedence
    pdi: PDI
    outer_header_removal: OuterHeaderRemoval | None = None
    far_id: FARID | None = None
    urr_ids: tuple[URRID, ...] = ()
    qer_ids: tuple[QERID, ...] = ()
    activate_predefined_rules: tuple[ActivatePredefinedRules, ...] = ()
    activation_time: ActivationTime | None = None
    deactivation_time: DeactivationTime | None = None
    mar_id: MARID | None = None
    packet_replication_and_detection_carry_on_information: (
        PacketReplicationAndDetectionCarryOnInformation | None
    ) = None
    ip_multicast_addressing_infos: tuple[IPMulticastAddressingInfo, ...] = ()
    ue_ip_address_pool_identities: tuple[UEIPAddressPoolIdentity, ...] = ()
    mptcp_applicable_indication: MPTCPApplicableIndication | None = None
    transport_delay_reporting: TransportDelayReporting | None = None
    rat_type: RATType | None = None


@ie(2, "PDI", clause="7.5.2.2-2")
class PDI(Group):
    """Packet detection information: what a packet must match."""

    source_interface: SourceInterface
    local_fteid: FTEID | None = None
    local_ingress_tunnel: LocalIngressTunnel | None = None
    network_instance: NetworkInstance | None = None
    redundant_transmission_detection_parameters: RedundantTransmissionDetectionParameters | None = (
        None
    )
    ue_ip_addresses: tuple[UEIPAddress, ...] = ()
    traffic_endpoint_ids: tuple[TrafficEndpointID, ...] = ()
    sdf_filters: tuple[SDFFilter, ...] = ()
    application_id: ApplicationID | None = None
    ethernet_pdu_session_information: EthernetPDUSessionInformation | None = None
    ethernet_packet_filters: tuple[EthernetPacketFilter, ...] = ()
    qfis: tuple[QFI, ...] = ()
    framed_routes: tuple[FramedRoute, ...] = ()
    framed_routing: FramedRouting | None = None
    framed_ipv6_routes: tuple[FramedIPv6Route, ...] = ()
    source_interface_type: InterfaceType | None = None
    ip_multicast_addressing_infos: tuple[IPMulticastAddressingInfo, ...] = ()
    dns_query_filters: tuple[DNSQueryFilter, ...] = ()
    mbs_session_identifier: MBSSessionIdentifier | None = None
    area_session_id: AreaSessionID | None = None


@ie(3, "Create FAR", clause="7.5.2.3-1")
class CreateFAR(Group):
    """A new forwarding action rule."""

    far_id: FARID
    apply_action: ApplyAction
    forwarding_parameters: ForwardingParameters | None = None
    duplicating_parameters: tuple[DuplicatingParameters, ...] = ()
    bar_id: BARID | None = None
    redundant_transmission_forwarding_parameters: (
        RedundantTransmissionForwardingParameters | None
    ) = None
    mbs_multicast_parameters: MBSMulticastParameters | None = None
    add_mbs_unicast_parameters: tuple[AddMBSUnicastParameters, ...] = ()


@ie(4, "Forwarding Parameters", clause="7.5.2.3-2")
class ForwardingParameters(Group):
    """Where and how a FAR forwards."""

    destination_interface: DestinationInterface
    network_instance: NetworkInstance | None = None
    redirect_information: RedirectInformation | None = None
    outer_header_creation: OuterHeaderCreation | None = None
    transport_level_marking: TransportLevelMarking | None = None
    forwarding_policy: ForwardingPolicy | None = None
    header_enrichment: HeaderEnrichment | None = None
    linked_traffic_endpoint_id: TrafficEndpointID | None = None
    proxying: Proxying | None = None
    destination_interface_type: InterfaceType | None = None
    data_network_access_identifier: DataNetworkAccessIdentifier | None = None
    ip_address_and_port_number_replacement: IPAddressAndPortNumberReplacement | None = None


@ie(5, "Duplicating Parameters", clause="7.5.2.3-3")
class DuplicatingParameters(Group):
    """Where a FAR sends its copies."""

    destination_interface: DestinationInterface
    outer_header_creation: OuterHeaderCreation | None = None
    transport_level_marking: TransportLevelMarking | None = None
    forwarding_policy: ForwardingPolicy | None = None


@ie(6, "Create URR", clause="7.5.2.4-1")
class CreateURR(URRParameters):
    """A new usage reporting rule."""

    measurement_method: MeasurementMethod
    reporting_triggers: ReportingTriggers


@ie(7, "Create QER", clause="7.5.2.5-1")
class CreateQER(Group):
    """A new QoS enforcement rule."""

    qer_id: QERID
    qer_correlation_id: QERCorrelationID | None = None
    gate_status: GateStatus
    mbr: MBR | None = None
    gbr: GBR | None = None
    packet_rate: PacketRate | None = None
    packet_rate_status: PacketRateStatus | None = None
    dl_flow_level_marking: DLFlowLevelMarking | None = None
    qfi: QFI | None = None
    rqi: RQI | None = None
    paging_policy_indicator: PagingPolicyIndicator | None = None
    averaging_window_ms: AveragingWindow | None = None
    qer_control_indications: QERControlIndications | None = None
    qer_indications: QERIndications | None = None


@ie(8, "Created PDR", clause="7.5.3.2-1")
class CreatedPDR(Group):
    """What this UP function allocated for a PDR."""

    pdr_id: PDRID
    local_fteid: FTEID | None = None
    local_fteid_for_redundant_transmission: FTEID | None = None
    ue_ip_addresses: tuple[UEIPAddress, ...] = ()
    local_ingress_tunnel: LocalIngressTunnel | None = None


@ie(9, "Update PDR", clause="7.5.4.2-1")
class UpdatePDR(Group):
    """Changes of a packet detection rule; absent IEs stay as they are."""

    pdr_id: PDRID
    outer_header_removal: OuterHeaderRemoval | None = None
    precedence: Precedence | None = None
    pdi: PDI | None = None
    far_id: FARID | None = None
    urr_ids: tuple[URRID, ...] = ()
    qer_ids: tuple[QERID, ...] = ()
    activate_predefined_rules: tuple[ActivatePredefinedRules, ...] = ()
    deactivate_predefined_rules: tuple[DeactivatePredefinedRules, ...] = ()
    activation_time: ActivationTime | None = None
    deactivation_time: DeactivationTime | None = None
    ip_multicast_addressing_infos: tuple[IPMulticastAddressingInfo, ...] = ()
    transport_delay_reporting: TransportDelayReporting | None = None
    rat_type: RATType | None = None


@ie(10, "Update FAR", clause="7.5.4.3-1")
class UpdateFAR(Group):
    """Changes of a forwarding action rule."""

    far_id: FARID
    apply_action: ApplyAction | None = None
    update_forwarding_parameters: UpdateForwardingParameters | None = None
    update_duplicating_parameters: tuple[UpdateDuplicatingParameters, ...] = ()
    redundant_transmission_forwarding_parameters: (
        RedundantTransmissionForwardingParameters | None
    ) = None
    bar_id: BARID | None = None
    add_mbs_unicast_parameters: tuple[AddMBSUnicastParameters, ...] = ()
    remove_mbs_unicast_parameters: tuple[RemoveMBSUnicastParameters, ...] = ()


@ie(11, "Update Forwarding Parameters", clause="7.5.4.3-2")
class UpdateForwardingParameters(Group):
    """Changes of where and how a FAR forwards."""

    destination_interface: DestinationInterface | None = None
    network_instance: NetworkInstance | None = None
    redirect_information: RedirectInformation | None = None
    outer_header_creation: OuterHeaderCreation | None = None
    transport_level_marking: TransportLevelMarking | None = None
    forwarding_policy: ForwardingPolicy | None = None
    header_enrichment: HeaderEnrichment | None = None
    pfcpsmreq_flags: PFCPSMReqFlags | None = None
    linked_traffic_endpoint_id: TrafficEndpointID | None = None
    destination_interface_type: InterfaceType | None = None
    data_network_access_identifier: DataNetworkAccessIdentifier | None = None
    ip_address_and_port_number_replacement: IPAddressAndPortNumberReplacement | None = None


@ie(12, "Update BAR within PFCP Session Report Response", clause="7.5.9.2-1")
class UpdateBARInReportResponse(Group):
    """Changes of a buffering action rule, in answer to a report."""

    bar_id: BARID
    downlink_data_notification_delay: DownlinkDataNotificationDelay | None = None
    dl_buffering_duration: DLBufferingDuration | None = None
    dl_buffering_suggested_packet_count: DLBufferingSuggestedPacketCount | None = None
    suggested_buffering_packets_count: SuggestedBufferingPacketsCount | None = None


@ie(13, "Update URR", clause="7.5.4.4-1")
class UpdateURR(URRParameters):
    """Changes of a usage reporting rule."""


@ie(14, "Update QER", clause="7.5.4.5-1")
class UpdateQER(Group):
    """Changes of a QoS enforcement rule."""

    qer_id: QERID
    qer_correlation_id: QERCorrelationID | None = None
    gate_status: GateStatus | None = None
    mbr: MBR | None = None
    gbr: GBR | None = None
    packet_rate: PacketRate | None = None
    dl_flow_level_marking: DLFlowLevelMarking | None = None
    qfi: QFI | None = None
    rqi: RQI | None = None
    paging_policy_indicator: PagingPolicyIndicator | None = None
    averaging_window_ms: AveragingWindow | None = None
    qer_control_indications: QERControlIndications | None = None


@ie(15, "Remove PDR", clause="7.5.4.6-1")
class RemovePDR(Group):
    """A PDR to remove."""

    pdr_id: PDRID


@ie(16, "Remove FAR", clause="7.5.4.7-1")
class RemoveFAR(Group):
    """A FAR to remove."""

    far_id: FARID


@ie(17, "Remove URR", clause="7.5.4.8-1")
class RemoveURR(Group):
    """A URR to remove."""

    urr_id: URRID


@ie(18, "Remove QER", clause="7.5.4.9-1")
class RemoveQER(Group):
    """A QER to remove."""

    qer_id: QERID


@ie(51, "Load Control Information", clause="7.5.3.3-1")
class LoadControlInformation(Group):
    """How loaded the UP function is."""

    load_control_sequence_number: SequenceNumber
    load_metric: Metric


@ie(54, "Overload Control Information", clause="7.5.3.4-1")
class OverloadControlInformation(Group):
    """By how much the CP function shall send less, and for how long."""

    overload_control_sequence_number: SequenceNumber
    overload_reduction_metric: Metric
    period_of_validity: Timer
    overload_control_information_flags: OCIFlags | None = None


@ie(58, "Application ID's PFDs", clause="7.4.3.1-2")
class ApplicationIDsPFDs(Group):
    """What an application looks like; without contexts every PFD of it goes."""

    application_id: ApplicationID
    pfd_contexts: tuple[PFDContext, ...] = ()


@ie(59, "PFD Context", clause="7.4.3.1-3")
class PFDContext(Group):
    """Packet flow descriptions."""

    pfd_contents: tuple[PFDContents, ...]


@ie(68, "Application Detection Information", clause="7.5.8.3-2")
class ApplicationDetectionInformation(Group):
    """An application whose traffic started or stopped."""

    application_id: ApplicationID
    application_instance_id: ApplicationInstanceID | None = None
    flow_information: FlowInformation | None = None
    pdr_id: PDRID | None = None


@ie(77, "Query URR", clause="7.5.4.10-1")
class QueryURR(Group):
    """A URR to report on at once."""

    urr_id: URRID


@ie(78, "Usage Report within PFCP Session Modification Response", clause="7.5.5.2-1")
class UsageReportInModificationResponse(UsageReport):
    """Usage reported on query or removal of a URR."""

    query_urr_reference: QueryURRReference | None = None


@ie(79, "Usage Report within PFCP Session Deletion Response", clause="7.5.7.2-1")
class UsageReportInDeletionResponse(UsageReport):
    """Usage reported at the end of a session."""


@ie(80, "Usage Report within PFCP Session Report Request", clause="7.5.8.3-1")
class UsageReportInReportRequest(UsageReport):
    """Usage reported when a trigger fired."""

    application_detection_information: ApplicationDetectionInformation | None = None
    ue_ip_address: UEIPAddress | None = None
    network_instance: NetworkInstance | None = None
    query_urr_reference: QueryURRReference | None = None
    event_time_stamps: tuple[TimeStamp, ...] = ()
    join_ip_multicast_informations: tuple[JoinIPMulticastInformation, ...] = ()
    leave_ip_multicast_informations: tuple[LeaveIPMulticastInformation, ...] = ()
    predefined_rules_names: tuple[PredefinedRulesName, ...] = ()


@ie(83, "Downlink Data Report", clause="7.5.8.2-1")
class DownlinkDataReport(Group):
    """Downlink packets arrived for a UE that must be paged."""

    pdr_ids: tuple[PDRID, ...]
    downlink_data_service_information: tuple[DownlinkDataServiceInformation, ...] = ()
    dl_data_packets_size: DLDataPacketsSize | None = None
    dl_data_status: DataStatus | None = None


@ie(85, "Create BAR", clause="7.5.2.6-1")
class CreateBAR(Group):
    """A new buffering action rule."""

    bar_id: BARID
    downlink_data_notification_delay: DownlinkDataNotificationDelay | None = None
    suggested_buffering_packets_count: SuggestedBufferingPacketsCount | None = None
    mt_edt_control_information: MTEDTControlInformation | None = None


@ie(86, "Update BAR within PFCP Session Modification Request", clause="7.5.4.11-1")
class UpdateBAR(Group):
    """Changes of a buffering action rule."""

    bar_id: BARID
    downlink_data_notification_delay: DownlinkDataNotificationDelay | None = None
    suggested_buffering_packets_count: SuggestedBufferingPacketsCount | None = None
    mt_edt_control_information: MTEDTControlInformation | None = None


@ie(87, "Remove BAR", clause="7.5.4.12-1")
class RemoveBAR(Group):
    """A BAR to remove."""

    bar_id: BARID


@ie(99, "Error Indication Report", clause="7.5.8.4-1")
class ErrorIndicationReport(Group):
    """Tunnel endpoints whose owner does not know them."""

    remote_fteids: tuple[FTEID, ...]


@ie(102, "User Plane Path Failure Report", clause="7.4.5.1.2-1")
class UserPlanePathFailureReport(Group):
    """GTP-U peers that no longer answer."""

    remote_gtpu_peers: tuple[RemoteGTPUPeer, ...]


@ie(105, "Update Duplicating Parameters", clause="7.5.4.3-3")
class UpdateDuplicatingParameters(Group):
    """Changes of where a FAR sends its copies."""

    destination_interface: DestinationInterface | None = None
    outer_header_creation: OuterHeaderCreation | None = None
    transport_level_marking: TransportLevelMarking | None = None
    forwarding_policy: ForwardingPolicy | None = None


@ie(118, "Aggregated URRs", clause="7.5.2.4-2")
class AggregatedURRs(Group):
    """A URR whose usage counts, multiplied, against a pool of credit."""

    aggregated_urr_id: AggregatedURRID
    multiplier: Multiplier


@ie(127, "Create Traffic Endpoint", clause="7.5.2.7-1")
class CreateTrafficEndpoint(Group):
    """An endpoint several PDRs share."""

    traffic_endpoint_id: TrafficEndpointID
    local_fteid: FTEID | None = None
    network_instance: NetworkInstance | None = None
    redundant_transmission_detection_parameters: RedundantTransmissionDetectionParameters | None = (
        None
    )
    ue_ip_addresses: tuple[UEIPAddress, ...] = ()
    ethernet_pdu_session_information: EthernetPDUSessionInformation | None = None
    framed_routes: tuple[FramedRoute, ...] = ()
    framed_routing: FramedRouting | None = None
    framed_ipv6_routes: tuple[FramedIPv6Route, ...] = ()
    qfis: tuple[QFI, ...] = ()
    source_interface_type: InterfaceType | None = None
    local_ingress_tunnel: LocalIngressTunnel | None = None
    ip_multicast_addressing_infos: tuple[IPMulticastAddressingInfo, ...] = ()
    mbs_session_identifier: MBSSessionIdentifier | None = None
    area_session_id: AreaSessionID | None = None
    rat_type: RATType | None = None


@ie(128, "Created Traffic Endpoint", clause="7.5.3.5-1")
class CreatedTrafficEndpoint(Group):
    """What this UP function allocated for an endpoint."""

    traffic_endpoint_id: TrafficEndpointID
    local_fteid: FTEID | None = None
    local_fteid_for_redundant_transmission: FTEID | None = None
    ue_ip_addresses: tuple[UEIPAddress, ...] = ()
    local_ingress_tunnel: LocalIngressTunnel | None = None


@ie(129, "Update Traffic Endpoint", clause="7.5.4.13-1")
class UpdateTrafficEndpoint(Group):
    """Changes of an endpoint."""

    traffic_endpoint_id: TrafficEndpointID
    local_fteid: FTEID | None = None
    network_instance: NetworkInstance | None = None
    redundant_transmission_detection_parameters: RedundantTransmissionDetectionParameters | None = (
        None
    )
    ue_ip_addresses: tuple[UEIPAddress, ...] = ()
    framed_routes: tuple[FramedRoute, ...] = ()
    framed_routing: FramedRouting | None = None
    framed_ipv6_routes: tuple[FramedIPv6Route, ...] = ()
    qfis: tuple[QFI, ...] = ()
    source_interface_type: InterfaceType | None = None
    rat_type: RATType | None = None


@ie(130, "Remove Traffic Endpoint", clause="7.5.4.14-1")
class RemoveTrafficEndpoint(Group):
    """An endpoint to remove."""

    traffic_endpoint_id: TrafficEndpointID


@ie(132, "Ethernet Packet Filter", clause="7.5.2.2-3")
class EthernetPacketFilter(Group):
    """What an Ethernet frame must match."""

    ethernet_filter_id: EthernetFilterID | None = None
    ethernet_filter_properties: EthernetFilterProperties | None = None
    mac_addresses: tuple[MACAddress, ...] = ()
    ethertype: Ethertype | None = None
    ctag: CTAG | None = None
    stag: STAG | None = None
    sdf_filters: tuple[SDFFilter, ...] = ()


@ie(143, "Ethernet Traffic Information", clause="7.5.8.3-3")
class EthernetTrafficInformation(Group):
    """MAC addresses that came and went."""

    mac_addresses_detected: tuple[MACAddressesDetected, ...] = ()
    mac_addresses_removed: tuple[MACAddressesRemoved, ...] = ()


@ie(147, "Additional Monitoring Time", clause="7.5.2.4-3")
class AdditionalMonitoringTime(Group):
    """A further monitoring time with its thresholds and quotas."""

    monitoring_time: MonitoringTime
    subsequent_volume_threshold: SubsequentVolumeThreshold | None = None
    subsequent_time_threshold_s: SubsequentTimeThreshold | None = None
    subsequent_volume_quota: SubsequentVolumeQuota | None = None
    subsequent_time_quota_s: SubsequentTimeQuota | None = None
    event_threshold: EventThreshold | None = None
    event_quota: EventQuota | None = None


@ie(165, "Create MAR", clause="7.5.2.8-1")
class CreateMAR(Group):
    """A new multi-access rule."""

    mar_id: MARID
    steering_functionality: SteeringFunctionality
    steering_mode: SteeringMode
    forwarding_3gpp_access: ForwardingOn3GPPAccess | None = None
    forwarding_non_3gpp_access: ForwardingOnNon3GPPAccess | None = None
    thresholds: Thresholds | None = None
    steering_mode_indicator: SteeringModeIndicator | None = None


@ie(166, "3GPP Access Forwarding Action Information", clause="7.5.2.8-2")
class ForwardingOn3GPPAccess(AccessForwarding):
    """How a MAR forwards on the 3GPP access."""


@ie(167, "Non-3GPP Access Forwarding Action Information", clause="7.5.2.8-3")
class ForwardingOnNon3GPPAccess(AccessForwarding):
    """How a MAR forwards on the other access."""


@ie(168, "Remove MAR", clause="7.5.4.15-1")
class RemoveMAR(Group):
    """A MAR to remove."""

    mar_id: MARID


@ie(169, "Update MAR", clause="7.5.4.16-1")
class UpdateMAR(Group):
    """Changes of a multi-access rule; an access not yet used is given whole."""

    mar_id: MARID
    steering_functionality: SteeringFunctionality | None = None
    steering_mode: SteeringMode | None = None
    update_forwarding_3gpp_access: UpdateForwardingOn3GPPAccess | None = None
    update_forwarding_non_3gpp_access: UpdateForwardingOnNon3GPPAccess | None = None
    forwarding_3gpp_access: ForwardingOn3GPPAccess | None = None
    forwarding_non_3gpp_access: ForwardingOnNon3GPPAccess | None = None
    thresholds: Thresholds | None = None
    steering_mode_indicator: SteeringModeIndicator | None = None


@ie(175, "Update 3GPP Access Forwarding Action Information", clause="7.5.4.16-2")
class UpdateForwardingOn3GPPAccess(UpdateAccessForwarding):
    """Changes of how a MAR forwards on the 3GPP access."""


@ie(176, "Update Non-3GPP Access Forwarding Action Information", clause="7.5.4.16-3")
class UpdateForwardingOnNon3GPPAccess(UpdateAccessForwarding):
    """Changes of how a MAR forwards on the other access."""


@ie(183, "Session Retention Information", clause="7.4.4.1-2")
class SessionRetentionInformation(Group):
    """Whose sessions outlive a new association; without addresses all."""

    cp_pfcp_entity_ip_addresses: tuple[CPPFCPEntityIPAddress, ...] = ()


@ie(187, "User Plane Path Recovery Report", clause="7.4.5.1.3-1")
class UserPlanePathRecoveryReport(Group):
    """GTP-U peers that answer again."""

    remote_gtpu_peers: tuple[RemoteGTPUPeer, ...]


@ie(188, "IP Multicast Addressing Info", clause="7.5.2.2-4")
class IPMulticastAddressingInfo(MulticastGroup):
    """Multicast packets to detect."""


@ie(189, "Join IP Multicast Information", clause="7.5.8.3-4")
class JoinIPMulticastInformation(MulticastGroup):
    """A multicast group the UE joined."""


@ie(190, "Leave IP Multicast Information", clause="7.5.8.3-5")
class LeaveIPMulticastInformation(MulticastGroup):
    """A multicast group the UE left."""


@ie(195, "Created Bridge Info for TSC", clause="7.5.3.6-1")
class CreatedBridgeInfoForTSC(Group):
    """The port of the bridge given to the session."""

    ds_tt_port_number: DSTTPortNumber | None = None
    fiveg_user_plane_node: FiveGSUserPlaneNode | None = None


@ie(
    199,
    "TSC Management Information within PFCP Session Modification Request",
    clause="7.5.4.18-1",
)
class TSCManagementInformationInModificationRequest(TSCManagementInformation):
    """Messages for the translators."""


@ie(
    200,
    "TSC Management Information within PFCP Session Modification Response",
    clause="7.5.5.3-1",
)
class TSCManagementInformationInModificationResponse(TSCManagementInformation):
    """Answers of the translators."""


@ie(201, "TSC Management Information within PFCP Session Report Request", clause="7.5.8.5-1")
class TSCManagementInformationInReportRequest(TSCManagementInformation):
    """Messages of the translators."""


@ie(203, "Clock Drift Control Information", clause="7.4.4.1.2-1")
class ClockDriftControlInformation(Group):
    """Which clock drifts to report."""

    requested_clock_drift_information: RequestedClockDriftInformation
    time_domain_numbers: tuple[TimeDomainNumber, ...] = ()
    configured_time_domain: ConfiguredTimeDomain | None = None
    time_offset_threshold_ns: TimeOffsetThreshold | None = None
    cumulative_rate_ratio_threshold: CumulativeRateRatioThreshold | None = None


@ie(205, "Clock Drift Report", clause="7.4.5.1.4-1")
class ClockDriftReport(Group):
    """How far an external clock has drifted."""

    time_domain_number: TimeDomainNumber
    time_offset_measurement_ns: TimeOffsetMeasurement | None = None
    cumulative_rate_ratio_measurement: CumulativeRateRatioMeasurement | None = None
    time_stamp: TimeStamp | None = None
    network_instance: NetworkInstance | None = None
    apn_dnn: APNDNN | None = None
    s_nssai: SNSSAI | None = None


@ie(211, "Remove SRR", clause="7.5.4.19-1")
class RemoveSRR(Group):
    """An SRR to remove."""

    srr_id: SRRID


@ie(212, "Create SRR", clause="7.5.2.9-1")
class CreateSRR(Group):
    """A new session reporting rule."""

    srr_id: SRRID
    access_availability_control_information: AccessAvailabilityControlInformation | None = None
    qos_monitoring_per_qos_flow_control_informations: tuple[
        QoSMonitoringPerQoSFlowControlInformation, ...
    ] = ()
    direct_reporting_information: DirectReportingInformation | None = None


@ie(213, "Update SRR", clause="7.5.4.20-1")
class UpdateSRR(Group):
    """Changes of a session reporting rule."""

    srr_id: SRRID
    access_availability_control_information: AccessAvailabilityControlInformation | None = None
    qos_monitoring_per_qos_flow_control_informations: tuple[
        QoSMonitoringPerQoSFlowControlInformation, ...
    ] = ()
    direct_reporting_information: DirectReportingInformation | None = None


@ie(214, "Session Report", clause="7.5.8.6-1")
class SessionReport(Group):
    """What a session reporting rule reports."""

    srr_id: SRRID
    access_availability_report: AccessAvailabilityReport | None = None
    qos_monitoring_reports: tuple[QoSMonitoringReport, ...] = ()


@ie(216, "Access Availability Control Information", clause="7.5.2.9-2")
class AccessAvailabilityControlInformation(Group):
    """The order to report accesses that come or go."""

    requested_access_availability_information: RequestedAccessAvailabilityInformation


@ie(218, "Access Availability Report", clause="7.5.8.6-2")
class AccessAvailabilityReport(Group):
    """Accesses that came or went."""

    access_availability_information: tuple[AccessAvailabilityInformation, ...]


@ie(220, "Provide ATSSS Control Information", clause="7.5.2.10-1")
class ProvideATSSSControlInformation(Group):
    """Which steering functionality to make ready."""

    mptcp_control_information: MPTCPControlInformation | None = None
    atsss_ll_control_information: ATSSSLLControlInformation | None = None
    pmf_control_information: PMFControlInformation | None = None


@ie(221, "ATSSS Control Parameters", clause="7.5.3.7-1")
class ATSSSControlParameters(Group):
    """Which steering functionality is ready."""

    mptcp_parameters: MPTCPParameters | None = None
    atsss_ll_parameters: ATSSSLLParameters | None = None
    pmf_parameters: tuple[PMFParameters, ...] = ()


@ie(225, "MPTCP Parameters", clause="7.5.3.7-2")
class MPTCPParameters(Group):
    """The MPTCP proxy and the UE's addresses on each access."""

    mptcp_address_information: MPTCPAddressInformation
    ue_link_specific_ip_address: UELinkSpecificIPAddress


@ie(226, "ATSSS-LL Parameters", clause="7.5.3.7-3")
class ATSSSLLParameters(Group):
    """The low-layer functionality."""

    atsss_ll_information: ATSSSLLInformation


@ie(227, "PMF Parameters", clause="7.5.3.7-4")
class PMFParameters(Group):
    """Where performance is measured, for one QoS flow or all."""

    pmf_address_information: PMFAddressInformation
    qfi: QFI | None = None


@ie(233, "UE IP Address Pool Information", clause="7.4.4.1-3")
class UEIPAddressPoolInformation(Group):
    """Pools of addresses of a UP function and what they are for."""

    ue_ip_address_pool_identities: tuple[UEIPAddressPoolIdentity, ...]
    network_instance: NetworkInstance | None = None
    s_nssais: tuple[SNSSAI, ...] = ()
    ip_version: IPVersion | None = None


@ie(238, "GTP-U Path QoS Control Information", clause="7.4.4.1.3-1")
class GTPUPathQoSControlInformation(Group):
    """Which GTP-U paths to watch and when to report them."""

    remote_gtpu_peers: tuple[RemoteGTPUPeer, ...] = ()
    gtpu_path_interface_type: GTPUPathInterfaceType | None = None
    qos_report_trigger: QoSReportTrigger
    dscps: tuple[TransportLevelMarking, ...] = ()
    measurement_period_s: MeasurementPeriod | None = None
    average_packet_delay_threshold_ms: AveragePacketDelay | None = None
    minimum_packet_delay_threshold_ms: MinimumPacketDelay | None = None
    maximum_packet_delay_threshold_ms: MaximumPacketDelay | None = None
    minimum_waiting_time: Timer | None = None


@ie(239, "GTP-U Path QoS Report", clause="7.4.5.1.5-1")
class GTPUPathQoSReport(Group):
    """The delays of a GTP-U path."""

    remote_gtpu_peer: RemoteGTPUPeer
    gtpu_path_interface_type: GTPUPathInterfaceType | None = None
    qos_report_trigger: QoSReportTrigger
    time_stamp: TimeStamp
    start_time: StartTime | None = None
    qos_information: tuple[QoSInformation, ...]


@ie(240, "QoS Information in GTP-U Path QoS Report", clause="7.4.5.1.6-1")
class QoSInformation(Group):
    """Delays, of one DSCP or of all."""

    average_packet_delay_ms: AveragePacketDelay
    minimum_packet_delay_ms: MinimumPacketDelay | None = None
    maximum_packet_delay_ms: MaximumPacketDelay | None = None
    dscp: TransportLevelMarking | None = None


@ie(242, "QoS Monitoring per QoS flow Control Information", clause="7.5.2.9-3")
class QoSMonitoringPerQoSFlowControlInformation(Group):
    """Which delays of which flows to report, and when."""

    qfis: tuple[QFI, ...]
    requested_qos_monitoring: RequestedQoSMonitoring
    reporting_frequency: ReportingFrequency
    packet_delay_thresholds: PacketDelayThresholds | None = None
    minimum_wait_time_s: MinimumWaitTime | None = None
    measurement_period_s: MeasurementPeriod | None = None


@ie(247, "QoS Monitoring Report", clause="7.5.8.6-3")
class QoSMonitoringReport(Group):
    """The delays of a flow."""

    qfi: QFI
    qos_monitoring_measurement: QoSMonitoringMeasurement
    time_stamp: TimeStamp
    start_time: StartTime | None = None


@ie(252, "Packet Rate Status Report", clause="7.5.7.1-2")
class PacketRateStatusReport(PacketRateReport):
    """The rate control status of a QER at the end of the session."""


@ie(254, "Ethernet Context Information", clause="7.5.4.21-1")
class EthernetContextInformation(Group):
    """The MAC addresses the former anchor knew."""

    mac_addresses_detected: tuple[MACAddressesDetected, ...]


@ie(255, "Redundant Transmission Detection Parameters", clause="7.5.2.2-5")
class RedundantTransmissionDetectionParameters(Group):
    """The second tunnel of a redundant transmission."""

    local_fteid_for_redundant_transmission: FTEID
    network_instance_for_redundant_transmission: NetworkInstance | None = None


@ie(256, "Updated PDR", clause="7.5.5.5-1")
class UpdatedPDR(Group):
    """What this UP function newly allocated for a PDR.

    On N4 the one F-TEID is that for redundant transmission; another comes on Sxb only.
    """

    pdr_id: PDRID
    local_fteid_for_redundant_transmission: FTEID | None = None
    local_fteid: FTEID | None = None
    ue_ip_addresses: tuple[UEIPAddress, ...] = ()


@ie(261, "Provide RDS Configuration Information", clause="7.5.2.11-1")
class ProvideRDSConfigurationInformation(Group):
    """The Reliable Data Service wanted."""

    rds_configuration_information: RDSConfigurationInformation | None = None


@ie(263, "Query Packet Rate Status", clause="7.5.4.22-1")
class QueryPacketRateStatus(Group):
    """A QER whose rate control status is asked for."""

    qer_id: QERID


@ie(
    264,
    "Packet Rate Status Report within PFCP Session Modification Response",
    clause="7.5.5.4-1",
)
class PacketRateStatusReportInModificationResponse(PacketRateReport):
    """The rate control status asked for."""


@ie(267, "UE IP Address Usage Information", clause="7.4.4.3.1-1")
class UEIPAddressUsageInformation(Group):
    """How full a pool of addresses is."""

    ue_ip_address_usage_sequence_number: SequenceNumber
    ue_ip_address_usage_metric: Metric
    validity_timer_s: ValidityTimer
    number_of_ue_ip_addresses: NumberOfUEIPAddresses
    network_instance: NetworkInstance
    ue_ip_address_pool_id: UEIPAddressPoolIdentity | None = None
    s_nssai: SNSSAI | None = None


@ie(270, "Redundant Transmission Forwarding Parameters", clause="7.5.2.3-4")
class RedundantTransmissionForwardingParameters(Group):
    """Where the second copy of a redundant transmission goes."""

    outer_header_creation: OuterHeaderCreation
    network_instance_for_redundant_transmission: NetworkInstance | None = None


@ie(271, "Transport Delay Reporting", clause="7.5.2.2-6")
class TransportDelayReporting(Group):
    """The peer whose delay is added to that measured here."""

    preceding_ul_gtpu_peer: RemoteGTPUPeer
    dscp: TransportLevelMarking | None = None


@ie(272, "Partial Failure Information", clause="7.5.3.1-2")
class PartialFailureInformation(Group):
    """A rule that could not be applied, and why."""

    failed_rule_id: FailedRuleID
    failure_cause: Cause
    offending_ie_information: tuple[OffendingIEInformation, ...]


@ie(276, "L2TP Tunnel Information", clause="7.5.2.1-2")
class L2TPTunnelInformation(Group):
    """An L2TP tunnel to carry the session."""

    lns_address: LNSAddress
    tunnel_password: TunnelPassword | None = None
    tunnel_preferences: tuple[TunnelPreference, ...] = ()


@ie(277, "L2TP Session Information", clause="7.5.2.1-3")
class L2TPSessionInformation(Group):
    """An L2TP session to carry the session."""

    calling_number: CallingNumber | None = None
    called_number: CalledNumber | None = None
    maximum_receive_unit_bytes: MaximumReceiveUnit | None = None
    l2tp_session_indications: L2TPSessionIndications | None = None
    l2tp_user_authentication: L2TPUserAuthentication | None = None


@ie(279, "Created L2TP Session", clause="7.5.3.1-3")
class CreatedL2TPSession(Group):
    """What the LNS gave."""

    dns_server_addresses: tuple[DNSServerAddress, ...] = ()
    nbns_server_addresses: tuple[NBNSServerAddress, ...] = ()
    lns_address: LNSAddress | None = None


@ie(290, "PFCP Session Change Info", clause="7.4.7.1-2")
class PFCPSessionChangeInfo(Group):
    """Sessions that another CP function takes over."""

    fq_csids: tuple[FQCSID, ...] = ()
    group_ids: tuple[GroupID, ...] = ()
    cp_ip_addresses: tuple[CPIPAddress, ...] = ()
    alternative_smf_ip_address: AlternativeSMFIPAddress


@ie(295, "Direct Reporting Information", clause="7.5.2.9-4")
class DirectReportingInformation(Group):
    """Where to report events past the CP function."""

    event_notification_uri: EventNotificationURI
    notification_correlation_id: NotificationCorrelationID | None = None
    reporting_flags: ReportingFlags | None = None


@ie(300, "MBS Session N4mb Control Information", clause="7.5.2.1-4")
class MBSSessionN4mbControlInformation(Group):
    """A multicast session for an MB-UPF."""

    mbs_session_identifier: MBSSessionIdentifier
    area_session_id: AreaSessionID | None = None
    mbsn4mbreq_flags: MBSN4mbReqFlags | None = None
    multicast_transport_information: MulticastTransportInformation | None = None


@ie(301, "MBS Multicast Parameters", clause="7.5.2.3-5")
class MBSMulticastParameters(Group):
    """Where multicast packets go."""

    destination_interface: DestinationInterface
    network_instance: NetworkInstance | None = None
    outer_header_creation: OuterHeaderCreation
    transport_level_marking: TransportLevelMarking | None = None
    destination_interface_types: tuple[InterfaceType, ...] = ()


@ie(302, "Add MBS Unicast Parameters", clause="7.5.2.3-6")
class AddMBSUnicastParameters(Group):
    """One more place where copies of multicast packets go."""

    destination_interface: DestinationInterface
    mbs_unicast_parameters_id: MBSUnicastParametersID
    network_instance: NetworkInstance | None = None
    outer_header_creation: OuterHeaderCreation
    transport_level_marking: TransportLevelMarking | None = None
    destination_interface_type: InterfaceType | None = None


@ie(303, "MBS Session N4mb Information", clause="7.5.3.1-4")
class MBSSessionN4mbInformation(Group):
    """What an MB-UPF allocated for a multicast session."""

    multicast_transport_information: MulticastTransportInformation | None = None


@ie(304, "Remove MBS Unicast Parameters", clause="7.5.4.3-4")
class RemoveMBSUnicastParameters(Group):
    """A place where copies go no more."""

    mbs_unicast_parameters_id: MBSUnicastParametersID


@ie(310, "MBS Session N4 Control Information", clause="7.5.2.1-5")
class MBSSessionN4ControlInformation(Group):
    """A multicast session the UE's session receives."""

    mbs_session_identifier: MBSSessionIdentifier
    area_session_id: AreaSessionID | None = None
    multicast_transport_information: MulticastTransportInformation | None = None


@ie(311, "MBS Session N4 Information", clause="7.5.3.1-5")
class MBSSessionN4Information(Group):
    """What this UP function did for a multicast session."""

    mbs_session_identifier: MBSSessionIdentifier
    area_session_id: AreaSessionID | None = None
    n19mb_dl_tunnel_id: FTEID | None = None
    mbsn4resp_flags: MBSN4RespFlags | None = None


@ie(315, "Peer UP Restart Report", clause="7.4.5.1.7-1")
class PeerUPRestartReport(Group):
    """GTP-U peers that restarted."""

    remote_gtpu_peers: tuple[RemoteGTPUPeer, ...]


@ie(316, "DSCP to PPI Control Information", clause="7.5.2.1-6")
class DSCPToPPIControlInformation(Group):
    """Which paging policy packets ask for, by their DSCP; for these flows or for all."""

    dscp_to_ppi_mapping_information: tuple[DSCPToPPIMappingInformation, ...]
    qfis: tuple[QFI, ...] = ()


schema.link(globals())

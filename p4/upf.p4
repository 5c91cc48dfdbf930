// A 5G User Plane Function for the Tofino Native Architecture, on Tofino 1 and 2 and, through p4xdp,
// on Linux. This file is the table of contents.

#include <core.p4>
#if __TARGET_TOFINO__ == 2
#include <t2na.p4>
#else
#include <tna.p4>
#endif

#include "include/sizes.p4"
#include "include/types.p4"
#include "include/headers.p4"
#include "parser/ingress.p4"
#include "parser/egress.p4"
#include "control/arrival.p4"
#include "control/admission.p4"
#include "control/detection.p4"
#include "control/forwarding.p4"
#include "control/routing.p4"
#include "control/verdict.p4"
#include "control/hop.p4"
#include "control/enforcement.p4"
#include "control/encapsulation.p4"

control Ingress(
        inout ingress_headers_t hdr,
        inout ingress_metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {

    Arrival() arrival;
    Admission() admission;
    Detection() detection;
    Forwarding() forwarding;
    Routing() routing;
    NextHop() next_hop;
    Verdict() verdict;

    action send_past_egress(PortId_t port) {
        ig_tm_md.ucast_egress_port = port;
        ig_tm_md.bypass_egress = 1;
    }

    action remove_outer_headers() {
        hdr.ipv4.setInvalid();
        hdr.ipv6.setInvalid();
        hdr.udp.setInvalid();
        hdr.gtpu.setInvalid();
        hdr.gtpu_options.setInvalid();
        hdr.before_1.setInvalid();
        hdr.before_end.setInvalid();
        hdr.psc.setInvalid();
        hdr.psc_start.setInvalid();
        hdr.psc_8.setInvalid();
        hdr.psc_4.setInvalid();
        hdr.psc_2.setInvalid();
        hdr.psc_1.setInvalid();
        hdr.psc_end.setInvalid();
        hdr.after_1.setInvalid();
        hdr.after_end.setInvalid();
    }

    // Of headers, unlike metadata, nothing is zero before it is written.
    action begin() {
        hdr.bridged.setValid();
        hdr.bridged.punt_reason = 0;
        hdr.bridged.is_tunnelled = 0;
        hdr.bridged.is_guaranteed = 0;
        hdr.bridged.is_unroutable = 0;
        hdr.bridged.is_encapsulated = 0;
        hdr.bridged.is_user = 0;
        hdr.bridged.is_source_checked = 0;
        hdr.bridged.is_session_metered = 0;
        hdr.bridged.usage_id = 0;
        hdr.bridged.is_ppi_present = 0;
        hdr.bridged.reflective_qos = 0;
        hdr.bridged.qfi = 0;
        hdr.bridged.slice_id = 0;
        hdr.bridged.traffic_class = 0;
        hdr.bridged.tunnel_peer_id = 0;
        hdr.bridged.teid = 0;
        hdr.bridged.session_meter_id = 0;
        hdr.bridged.flow_meter_id = 0;
        hdr.bridged.quota_id = 0;
        hdr.bridged.is_downlink = 0;
        hdr.bridged.ppi = 0;
        hdr.bridged.ingress_port = 0;
        hdr.bridged.egress_port = 0;
        hdr.bridged.vlan_id = 0;
        hdr.bridged.entropy = 0;
    }

    apply {
        if (hdr.packet_out.isValid() && hdr.packet_out.is_arrival == 0) {
            send_past_egress(hdr.packet_out.port);
        } else {
            begin();
            arrival.apply(hdr, md);
            admission.apply(hdr, md, ig_prsr_md);
            detection.apply(hdr, md);
            hdr.bridged.ingress_port = md.ingress_port;
            hdr.bridged.is_downlink = md.is_core;
            hdr.bridged.is_tunnelled = md.is_tunnelled;
            if (hdr.bridged.is_session_metered == 1) {
                hdr.bridged.session_meter_id = hdr.bridged.usage_id[19:0];
            }
            if (hdr.bridged.is_user == 1) {
                forwarding.apply(hdr, md);
                routing.apply(hdr, md, ig_tm_md);
            }
            if (md.is_admitted == 1 && md.is_routed == 1 && md.is_spoofed == 0
                    && md.is_ttl_expired == 0 && md.length_sum != LENGTH_SUM_TOO_BIG) {
                if (md.is_tunnelled == 1) {
                    remove_outer_headers();
                }
                next_hop.apply(hdr, md, ig_tm_md);
            } else {
                verdict.apply(hdr, md, ig_dprsr_md, ig_tm_md);
            }
        }
        hdr.packet_out.setInvalid();
    }
}

control Egress(
        inout egress_headers_t hdr,
        inout egress_metadata_t md,
        in egress_intrinsic_metadata_t eg_intr_md,
        in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
        inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
        inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {

    Counter<bit<64>, drop_reason_t>(NUM_DROP_REASONS, CounterType_t.PACKETS_AND_BYTES) egress_drops;
    Meter<punt_reason_t>(NUM_PUNT_REASONS, MeterType_t.PACKETS) punt_meters;

    Hop() hop;
    Enforcement() enforcement;
    TunnelHeaders() tunnel_headers;
    Encapsulation() encapsulation;

    action add_vlan() {
        hdr.vlan.setValid();
        hdr.vlan.priority = 0;
        hdr.vlan.drop_eligible = 0;
        hdr.vlan.vlan_id = hdr.bridged.vlan_id;
        hdr.vlan.ether_type = hdr.ethernet.ether_type;
        hdr.ethernet.ether_type = ETHERTYPE_VLAN;
    }

    action add_packet_in() {
        hdr.packet_in.setValid();
        hdr.packet_in.ingress_port = hdr.bridged.ingress_port;
        hdr.packet_in.egress_port = hdr.bridged.egress_port;
        hdr.packet_in.usage_id = hdr.bridged.usage_id;
        hdr.packet_in.reason = hdr.bridged.punt_reason;
    }

    action add_packet_in_of_notice() {
        hdr.packet_in.setValid();
        hdr.packet_in.ingress_port = 0;
        hdr.packet_in.egress_port = 0;
        hdr.packet_in.usage_id = hdr.notice.usage_id;
        hdr.packet_in.reason = hdr.notice.punt_reason;
    }

    apply {
        if (hdr.notice.isValid()) {
            add_packet_in_of_notice();
        } else {
            if (hdr.ipv4.isValid()) {
                md.user_length = hdr.ipv4.total_len;
                md.announced_length = hdr.ipv4.total_len + (bit<16>)OCTETS_BEFORE_USER_PACKET;
            } else {
                md.user_length = hdr.ipv6.payload_len + 40;
                md.announced_length = hdr.ipv6.payload_len + (40 + (bit<16>)OCTETS_BEFORE_USER_PACKET);
            }
            if (hdr.bridged.is_unroutable == 1) {
                md.drop_reason = DROP_NO_NEXT_HOP;
            } else if (hdr.bridged.is_user == 1) {
                if (hdr.bridged.is_encapsulated == 1) {
                    tunnel_headers.apply(hdr, md);
                }
                // From tunnel to tunnel is no hop of the user's packet.
                if (hdr.bridged.is_encapsulated == 0 || hdr.bridged.is_tunnelled == 0) {
                    hop.apply(hdr);
                }
                enforcement.apply(hdr, md, eg_intr_md, eg_dprsr_md);
                encapsulation.apply(hdr, md);
            } else if (punt_meters.execute(hdr.bridged.punt_reason) == (bit<8>)MeterColor_t.RED) {
                md.drop_reason = DROP_PUNT_RATE;
            }
            if (md.drop_reason != DROP_NONE) {
                egress_drops.count(md.drop_reason, OCTETS_BRIDGED);
                eg_dprsr_md.drop_ctl = 1;
            } else if (hdr.bridged.is_user == 1) {
                if (hdr.bridged.vlan_id != 0) {
                    add_vlan();
                }
            } else {
                add_packet_in();
            }
        }
    }
}

Pipeline(
    IngressParser(),
    Ingress(),
    IngressDeparser(),
    EgressParser(),
    Egress(),
    EgressDeparser()) pipe;

Switch(pipe) main;

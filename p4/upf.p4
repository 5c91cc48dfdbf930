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
#include "control/detection.p4"
#include "control/forwarding.p4"
#include "control/routing.p4"
#include "control/enforcement.p4"
#include "control/encapsulation.p4"

control Ingress(
        inout ingress_headers_t hdr,
        inout ingress_metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {

    Counter<bit<64>, drop_reason_t>(NUM_DROP_REASONS, CounterType_t.PACKETS_AND_BYTES) ingress_drops;

    Detection() detection;
    Forwarding() forwarding;
    Routing() routing;

    action send_past_egress(PortId_t port) {
        ig_tm_md.ucast_egress_port = port;
        ig_tm_md.bypass_egress = 1;
    }

    action send_to_egress(PortId_t port) {
        ig_tm_md.ucast_egress_port = port;
        hdr.bridged.setValid();
        hdr.bridged.punt_reason = md.punt_reason;
        hdr.bridged.is_user = md.is_forwarded;
        hdr.bridged.is_tunnelled = md.is_tunnelled;
        hdr.bridged.psc = md.psc;
        hdr.bridged.qfi = md.qfi;
        hdr.bridged.usage_id = md.usage_id;
        hdr.bridged.slice_meter_id = md.slice_meter_id;
        hdr.bridged.ingress_port = ig_intr_md.ingress_port;
        hdr.bridged.egress_port = md.egress_port;
        hdr.bridged.teid = md.teid;
        hdr.bridged.tunnel_src = md.tunnel_src;
        hdr.bridged.tunnel_dst = md.tunnel_dst;
    }

    apply {
        if (hdr.packet_out.isValid()) {
            send_past_egress(hdr.packet_out.egress_port);
            hdr.packet_out.setInvalid();
        } else {
            detection.apply(hdr, md, ig_intr_md, ig_prsr_md);
            if (md.is_forwarded == 1) {
                forwarding.apply(hdr, md);
                if (md.drop_reason == DROP_NONE) {
                    routing.apply(hdr, md);
                }
            }
            if (md.drop_reason != DROP_NONE) {
                ingress_drops.count(md.drop_reason);
                ig_dprsr_md.drop_ctl = 1;
            } else if (md.punt_reason != PUNT_NONE) {
                send_to_egress(PORT_CONTROLLER);
            } else if (md.is_forwarded == 1) {
                send_to_egress(md.egress_port);
            } else {
                send_past_egress(md.host_port);
            }
        }
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

    Enforcement() enforcement;
    Encapsulation() encapsulation;

    action add_packet_in() {
        hdr.packet_in.setValid();
        hdr.packet_in.ingress_port = hdr.bridged.ingress_port;
        hdr.packet_in.egress_port = hdr.bridged.egress_port;
        hdr.packet_in.reason = hdr.bridged.punt_reason;
    }

    apply {
        if (hdr.bridged.is_user == 1) {
            enforcement.apply(hdr, md);
        }
        if (md.drop_reason != DROP_NONE) {
            egress_drops.count(md.drop_reason);
            eg_dprsr_md.drop_ctl = 1;
        } else {
            if (hdr.bridged.is_tunnelled == 1) {
                encapsulation.apply(hdr);
            }
            if (hdr.bridged.punt_reason != PUNT_NONE) {
                add_packet_in();
            }
        }
        hdr.bridged.setInvalid();
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
